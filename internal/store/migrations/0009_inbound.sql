-- +goose Up

-- Which rule took a text, and what it was to do. A captured code is sealed: only a token that reads the item gets it.
ALTER TABLE inbox_items ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox_items ADD COLUMN action TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox_items ADD COLUMN rule_failed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE inbox_items ADD COLUMN code BLOB;
CREATE INDEX inbox_items_action ON inbox_items (action, id) WHERE action <> '';

-- Who wants no bulk texts. The keyed hash keeps them from being sent; the number is there only to be shown.
CREATE TABLE optouts (
    id         TEXT    PRIMARY KEY, -- UUID version 7: sorts by creation
    number     BLOB,                -- sealed; NULL when wiped, the hash still holds
    number_mac BLOB    NOT NULL,
    source     TEXT    NOT NULL, -- sms, api
    maker      TEXT    NOT NULL, -- the rule's name, or the token's
    item_id    TEXT    NOT NULL, -- the text that asked for it; '' for none
    created    INTEGER NOT NULL
);
CREATE UNIQUE INDEX optouts_number ON optouts (number_mac);

-- +goose Down
DROP TABLE optouts;
DROP INDEX inbox_items_action;
ALTER TABLE inbox_items DROP COLUMN code;
ALTER TABLE inbox_items DROP COLUMN rule_failed;
ALTER TABLE inbox_items DROP COLUMN action;
ALTER TABLE inbox_items DROP COLUMN rule;
