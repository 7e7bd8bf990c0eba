-- +goose Up
-- Filings, as a platform sent them. A reference is unique within its origin (the token that filed).
CREATE TABLE filings (
    id        TEXT    PRIMARY KEY, -- UUID version 7: sorts by creation
    origin    TEXT    NOT NULL,
    reference TEXT    NOT NULL, -- '' for none
    body_mac  BLOB    NOT NULL, -- keyed hash of the request: tells a repetition from another filing
    type      TEXT    NOT NULL,
    changes   TEXT    NOT NULL, -- JSON, of a change filing
    language  TEXT    NOT NULL,
    callback  TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    -- what can change
    state     TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    note      TEXT    NOT NULL,
    updated   INTEGER NOT NULL,
    ended     INTEGER NOT NULL
);
CREATE UNIQUE INDEX filings_reference ON filings (origin, reference) WHERE reference <> '';
CREATE INDEX filings_state ON filings (state, id);

-- Persons in charge, one row a role. The name is sealed; of the certificate only keyed hashes of its last characters exist.
CREATE TABLE persons (
    id           TEXT    PRIMARY KEY,
    filing_id    TEXT    NOT NULL REFERENCES filings (id) ON DELETE CASCADE,
    place        INTEGER NOT NULL, -- in the request
    role         TEXT    NOT NULL,
    site         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    name         BLOB,             -- sealed; NULL for none
    mobile       TEXT    NOT NULL, -- masked
    tail_macs    BLOB    NOT NULL,
    challenge_id TEXT    NOT NULL, -- '' for who need not verify
    state        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    verified     INTEGER NOT NULL
);
CREATE INDEX persons_filing ON persons (filing_id, place);

-- Challenges: one code for one phone. filing_id is '' for one that belongs to no filing. Whatever a cap depends on is here.
CREATE TABLE challenges (
    id             TEXT    PRIMARY KEY,
    filing_id      TEXT    NOT NULL,
    origin         TEXT    NOT NULL,
    number         BLOB,             -- sealed; NULL when wiped
    number_mac     BLOB,
    mobile         TEXT    NOT NULL, -- masked
    language       TEXT    NOT NULL,
    site           TEXT    NOT NULL,
    tail_macs      BLOB    NOT NULL,
    life           INTEGER NOT NULL, -- microseconds, as all spans
    hard_end       INTEGER NOT NULL,
    max_wrong      INTEGER NOT NULL,
    max_sends      INTEGER NOT NULL,
    replace_type   INTEGER NOT NULL, -- 1 to 7, 0 for none
    created        INTEGER NOT NULL,
    -- what can change
    state          TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    code_mac       BLOB,             -- both NULL from the end of the challenge on
    code           BLOB,             -- sealed
    wrong          INTEGER NOT NULL,
    sends          INTEGER NOT NULL,
    last_send      INTEGER NOT NULL,
    first_sms      TEXT    NOT NULL,
    last_sms       TEXT    NOT NULL,
    last_sms_state TEXT    NOT NULL,
    accepted       INTEGER NOT NULL,
    delivered      INTEGER NOT NULL,
    deadline       INTEGER NOT NULL,
    due            INTEGER NOT NULL, -- 0 when there is nothing to do for it
    ended          INTEGER NOT NULL, -- 0 while it is open
    CHECK (wrong <= max_wrong AND sends <= max_sends),
    CHECK (ended = 0 OR (code_mac IS NULL AND code IS NULL))
);
CREATE INDEX challenges_number ON challenges (number_mac, ended);
CREATE INDEX challenges_filing ON challenges (filing_id);
CREATE INDEX challenges_due ON challenges (due) WHERE due > 0;

-- What an identical submission is answered, for a while. The key is a keyed hash of all that was submitted.
CREATE TABLE stored_answers (
    id     BLOB    PRIMARY KEY,
    answer TEXT    NOT NULL, -- JSON
    at     INTEGER NOT NULL,
    until  INTEGER NOT NULL
);
CREATE INDEX stored_answers_until ON stored_answers (until);

-- When texts were sent to a phone, for its limits over all challenges.
CREATE TABLE sent_texts (
    number_mac BLOB    NOT NULL,
    kind       TEXT    NOT NULL,
    at         INTEGER NOT NULL
);
CREATE INDEX sent_texts_number ON sent_texts (number_mac, kind, at);
CREATE INDEX sent_texts_at ON sent_texts (at);

-- +goose Down
DROP TABLE sent_texts;
DROP TABLE stored_answers;
DROP TABLE challenges;
DROP TABLE persons;
DROP TABLE filings;
