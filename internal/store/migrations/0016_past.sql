-- +goose Up
-- Checks of phones that were past their allowance of wrong tails, by the minute: what the alarm against that counts.
ALTER TABLE check_counts ADD COLUMN past BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE check_counts DROP COLUMN past;
