-- +goose Up
-- Which keys and secrets this database belongs to. A check value is a keyed hash of a fixed text: it tells a key from another, and
-- nothing about either. kind is 'store' (the generations of the key file) or 'webhook' (the secrets that sign call-backs, newest 0).
CREATE TABLE key_checks (
    kind        TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    check_value TEXT    NOT NULL, -- hexadecimal
    PRIMARY KEY (kind, generation)
);

-- +goose Down
DROP TABLE key_checks;
