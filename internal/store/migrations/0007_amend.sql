-- +goose Up
-- How often the phone or certificate of a person was changed, and which filing took another's place ('' for none).
ALTER TABLE persons ADD COLUMN amended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE filings ADD COLUMN supersedes TEXT NOT NULL DEFAULT '';
ALTER TABLE filings ADD COLUMN superseded_by TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE filings DROP COLUMN superseded_by;
ALTER TABLE filings DROP COLUMN supersedes;
ALTER TABLE persons DROP COLUMN amended;
