-- +goose Up
-- The attempt got the only final result where an earlier one was owed one too: its reference may be that one's.
ALTER TABLE attempts ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE attempts DROP COLUMN shared;
