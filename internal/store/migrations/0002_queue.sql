-- +goose Up
-- What people wrote. Numbers and texts are sealed; recipient_mac finds a number without opening it.
CREATE TABLE messages (
    id              TEXT    PRIMARY KEY, -- UUID version 7: sorts by creation
    origin          TEXT    NOT NULL,
    idempotency_key TEXT,
    fingerprint     BLOB    NOT NULL, -- keyed hash of the draft: tells a replay from another message under the same key
    recipient       BLOB,             -- sealed; NULL when wiped
    recipient_mac   BLOB,
    body            BLOB,             -- sealed; NULL when wiped
    priority        INTEGER NOT NULL,
    deadline        INTEGER NOT NULL,
    report          BOOLEAN NOT NULL,
    flash           BOOLEAN NOT NULL,
    repeatable      BOOLEAN NOT NULL,
    pid             INTEGER NOT NULL,
    modem           TEXT    NOT NULL, -- the only modem that may send it; '' for any
    alphabet        INTEGER NOT NULL,
    segments        INTEGER NOT NULL,
    ref             INTEGER NOT NULL,
    created         INTEGER NOT NULL,
    -- what can change
    state           TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    updated         INTEGER NOT NULL,
    accepted        INTEGER NOT NULL,
    delivered       INTEGER NOT NULL,
    ended           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    station         TEXT    NOT NULL,
    sim             TEXT    NOT NULL
);
CREATE UNIQUE INDEX messages_key ON messages (origin, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX messages_state ON messages (state, id);
CREATE INDEX messages_open ON messages (origin, id) WHERE ended = 0;
CREATE INDEX messages_recipient ON messages (recipient_mac, id);
CREATE INDEX messages_body_ended ON messages (ended) WHERE ended > 0 AND body IS NOT NULL;
CREATE INDEX messages_recipient_ended ON messages (ended) WHERE ended > 0 AND recipient IS NOT NULL;

-- What the network carries. The indexes are partial: what has ended costs nothing, and a claim is a handful of seeks
-- however many rows wait.
CREATE TABLE segments (
    message_id TEXT    NOT NULL REFERENCES messages (id),
    seq        INTEGER NOT NULL,
    priority   INTEGER NOT NULL, -- of its message
    deadline   INTEGER NOT NULL, -- of its message
    state      TEXT    NOT NULL,
    due        INTEGER NOT NULL,
    lane       TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    faults     INTEGER NOT NULL,
    repeated   BOOLEAN NOT NULL,
    doubt      INTEGER NOT NULL,
    station    TEXT    NOT NULL,
    sim        TEXT    NOT NULL,
    mr         INTEGER NOT NULL,
    submitted  INTEGER NOT NULL,
    status     INTEGER NOT NULL,
    discharged INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    PRIMARY KEY (message_id, seq)
);
CREATE INDEX segments_claim ON segments (lane, priority, due, message_id, seq) WHERE state = 'queued';
CREATE INDEX segments_deadline ON segments (deadline) WHERE state IN ('queued', 'submitting');
CREATE INDEX segments_due ON segments (due) WHERE state IN ('submitted', 'unknown');

-- What was handed to a modem: written before it is done.
CREATE TABLE attempts (
    id         TEXT    PRIMARY KEY,
    message_id TEXT    NOT NULL REFERENCES messages (id),
    seq        INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    station    TEXT    NOT NULL,
    imei       TEXT    NOT NULL,
    sim        TEXT    NOT NULL,
    started    INTEGER NOT NULL,
    ended      INTEGER NOT NULL,
    result     TEXT    NOT NULL, -- '' while it is under way
    mr         INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    detail     TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    scts       INTEGER NOT NULL,
    discharge  INTEGER NOT NULL,
    reported   INTEGER NOT NULL
);
CREATE UNIQUE INDEX attempts_of ON attempts (message_id, seq, n);
CREATE INDEX attempts_sim ON attempts (sim, started, id);
CREATE INDEX attempts_mr ON attempts (sim, mr, started) WHERE mr >= 0;
CREATE INDEX attempts_open ON attempts (started) WHERE result = '';
CREATE INDEX attempts_doubtful ON attempts (sim, started) WHERE result = 'unknown';

-- Status reports that nothing fits yet, whole and sealed: they name a recipient.
CREATE TABLE held_reports (
    id       TEXT    PRIMARY KEY,
    sim      TEXT    NOT NULL,
    mr       INTEGER NOT NULL,
    received INTEGER NOT NULL,
    report   BLOB    NOT NULL
);
CREATE INDEX held_reports_sim ON held_reports (sim, mr);
CREATE INDEX held_reports_received ON held_reports (received);

-- The concatenation reference of the latest long message.
CREATE TABLE concat_reference (
    id    INTEGER PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO concat_reference (id, value) VALUES (1, 0);

-- +goose Down
DROP TABLE concat_reference;
DROP TABLE held_reports;
DROP TABLE attempts;
DROP TABLE segments;
DROP TABLE messages;
