-- +goose Up

-- What came in, one message a row. Numbers, texts and octets are sealed; sender_mac finds a sender without opening it.
CREATE TABLE inbox_items (
    id         TEXT    PRIMARY KEY, -- UUID version 7: sorts by when it was stored
    sender     BLOB    NOT NULL,
    sender_mac BLOB    NOT NULL,
    body       BLOB    NOT NULL,
    data       BLOB,
    modem      TEXT    NOT NULL,
    sim        TEXT    NOT NULL,
    alphabet   INTEGER NOT NULL,
    class      INTEGER,
    parts      INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    complete   BOOLEAN NOT NULL,
    damaged    BOOLEAN NOT NULL,
    readable   BOOLEAN NOT NULL,
    sent       INTEGER NOT NULL, -- the service centre's time, 0 when it gave none
    sent_zone  INTEGER NOT NULL, -- seconds east of UTC
    received   INTEGER NOT NULL,
    stored     INTEGER NOT NULL
);
CREATE INDEX inbox_items_sender ON inbox_items (sender_mac, id);
CREATE INDEX inbox_items_stored ON inbox_items (stored);

-- Every TPDU as it came, before it was acknowledged.
CREATE TABLE inbox_parts (
    id       TEXT    PRIMARY KEY,
    sim      TEXT    NOT NULL,
    station  TEXT    NOT NULL,
    smsc     TEXT    NOT NULL,
    tpdu     BLOB    NOT NULL, -- sealed
    tpdu_mac BLOB    NOT NULL, -- keyed hash of SIM and octets: knows a repeat
    key_mac  BLOB,             -- keyed hash of SIM, sender and reference; NULL for a message of one part
    set_id   TEXT    NOT NULL, -- the parts of one message share it
    item_id  TEXT,             -- NULL while it waits for the rest
    scts     INTEGER NOT NULL,
    received INTEGER NOT NULL
);
CREATE INDEX inbox_parts_repeat ON inbox_parts (tpdu_mac, received);
CREATE INDEX inbox_parts_key ON inbox_parts (key_mac, scts) WHERE key_mac IS NOT NULL;
CREATE INDEX inbox_parts_set ON inbox_parts (set_id);
CREATE INDEX inbox_parts_item ON inbox_parts (item_id) WHERE item_id IS NOT NULL;
CREATE INDEX inbox_parts_waiting ON inbox_parts (received) WHERE item_id IS NULL;

-- +goose Down
DROP TABLE inbox_parts;
DROP TABLE inbox_items;
