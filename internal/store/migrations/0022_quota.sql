-- +goose Up
-- How many texts (segments) were taken in of a token, and to a phone, in the hour or day that ends then: what quotas count.
CREATE TABLE text_counts (
    number_mac BLOB    NOT NULL, -- of a phone; empty for a token's
    token      TEXT    NOT NULL, -- its name; '' for a phone's
    quota      TEXT    NOT NULL, -- token_hour, token_day, phone_hour, phone_day
    until      BIGINT  NOT NULL,
    texts      BIGINT  NOT NULL,
    PRIMARY KEY (number_mac, token, quota, until)
);
CREATE INDEX text_counts_until ON text_counts (until);

-- A token's own quotas; -1 for those of the configuration, 0 for none.
ALTER TABLE tokens ADD COLUMN texts_per_hour BIGINT NOT NULL DEFAULT -1;
ALTER TABLE tokens ADD COLUMN texts_per_day BIGINT NOT NULL DEFAULT -1;

-- +goose Down
ALTER TABLE tokens DROP COLUMN texts_per_day;
ALTER TABLE tokens DROP COLUMN texts_per_hour;
DROP TABLE text_counts;
