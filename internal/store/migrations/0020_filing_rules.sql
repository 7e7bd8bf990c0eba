-- +goose Up
-- Where a filing is made and for whom ('' and NULL for not given): only for warnings. The entity is sealed.
ALTER TABLE filings ADD COLUMN province TEXT NOT NULL DEFAULT '';
ALTER TABLE filings ADD COLUMN entity BLOB;
-- How long after a failure it is submitted again by itself (microseconds, 0 for never), when that is due (0 for not), how often that
-- was done for it and those before it, and whether it was made so.
ALTER TABLE filings ADD COLUMN resubmit_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE filings ADD COLUMN resubmit_due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE filings ADD COLUMN resubmits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE filings ADD COLUMN resubmitted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX filings_resubmit ON filings (resubmit_due) WHERE resubmit_due > 0;

-- +goose Down
DROP INDEX filings_resubmit;
ALTER TABLE filings DROP COLUMN resubmitted;
ALTER TABLE filings DROP COLUMN resubmits;
ALTER TABLE filings DROP COLUMN resubmit_due;
ALTER TABLE filings DROP COLUMN resubmit_after;
ALTER TABLE filings DROP COLUMN entity;
ALTER TABLE filings DROP COLUMN province;
