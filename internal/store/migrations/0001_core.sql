-- +goose Up
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT    NOT NULL UNIQUE,
    type    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    at      INTEGER NOT NULL, -- microseconds since 1970 UTC, as everywhere
    data    TEXT    NOT NULL  -- JSON, without codes, tails, texts and whole numbers
);
CREATE INDEX events_subject ON events (subject, seq);

-- Single values that must survive a restart: counters, markers.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE meta;
DROP TABLE events;
