-- +goose Up
-- Its sender declares that the recipient must get it, though he wants no texts of ours.
ALTER TABLE messages ADD COLUMN necessary BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE messages DROP COLUMN necessary;
