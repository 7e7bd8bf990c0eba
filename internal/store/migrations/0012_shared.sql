-- +goose Up
-- The attempt got the only final result where an earlier one was owed one too: its reference may be that one's.
ALTER TABLE attempts ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE;
-- Its final result was never read, and may still come, whatever else is known of it by now.
ALTER TABLE attempts ADD COLUMN unanswered BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE attempts DROP COLUMN unanswered;
ALTER TABLE attempts DROP COLUMN shared;
