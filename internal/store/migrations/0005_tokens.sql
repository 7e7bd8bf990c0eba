-- +goose Up

-- Bearer tokens of the API. Only the SHA-256 of a token is kept: tokens are 256 random bits, so a slow hash adds nothing.
CREATE TABLE tokens (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    revoked BIGINT NOT NULL DEFAULT 0
);

-- A name can be used again once its token is revoked.
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked = 0;

-- +goose Down
DROP TABLE tokens;
