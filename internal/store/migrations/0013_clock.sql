-- +goose Up
-- The deadline is a span from when the message was made (a code's life, the default), not a moment that its sender named: it
-- moves with the clock when that is set. Messages of before keep theirs.
ALTER TABLE messages ADD COLUMN spanned BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE messages DROP COLUMN spanned;
