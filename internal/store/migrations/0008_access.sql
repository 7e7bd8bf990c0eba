-- +goose Up
-- What a token may do, as "messages,filings", and when it ends by itself (0 for never). The tokens of before could do
-- everything, and go on so. revoked may lie ahead from now on: a token that was rotated ends then.
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE tokens ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;

-- Who did what, when. Written in the transaction that did it. No personal data: ids, names of tokens and users, states.
CREATE TABLE audit (
    id      TEXT   PRIMARY KEY, -- UUID version 7: sorts by creation
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL, -- of who did it: token, user, person, gateway
    name    TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    data    TEXT   NOT NULL -- JSON
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (subject, id);

-- What callers have used of their hourly shares. Written in the transaction of what they did; callers are keyed hashes.
CREATE TABLE uses (
    caller BLOB   NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX uses_at ON uses (at);

-- What a challenge was asked for with, for those who ask again after a lost answer.
CREATE TABLE challenge_keys (
    origin       TEXT NOT NULL,
    key          TEXT NOT NULL,
    body_mac     BLOB NOT NULL, -- keyed hash of the request: tells a repetition from another request
    challenge_id TEXT NOT NULL REFERENCES challenges (id) ON DELETE CASCADE,
    at           BIGINT NOT NULL,
    PRIMARY KEY (origin, key)
);
CREATE INDEX challenge_keys_at ON challenge_keys (at);
CREATE INDEX challenge_keys_challenge ON challenge_keys (challenge_id);

-- +goose Down
DROP TABLE challenge_keys;
DROP TABLE uses;
DROP TABLE audit;
ALTER TABLE tokens DROP COLUMN expires;
ALTER TABLE tokens DROP COLUMN scopes;
