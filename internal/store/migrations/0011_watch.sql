-- +goose Up
-- What may stand in plain of a recipient: '+86138' of a mainland mobile, else the country code. For the conversion watch.
ALTER TABLE messages ADD COLUMN prefix TEXT NOT NULL DEFAULT '';

-- Checks of codes, by the minute (since 1970): what the alarm against guessing counts.
CREATE TABLE check_counts (
    minute INTEGER PRIMARY KEY,
    checks INTEGER NOT NULL,
    wrong  INTEGER NOT NULL
);

-- Alarms that stand.
CREATE TABLE alarms (
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL, -- a SIM, a prefix; '' for the whole gateway
    since   INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- What went to a country, by the day (since 1970): the cap against SMS pumping counts it.
CREATE TABLE country_counts (
    country TEXT    NOT NULL,
    day     INTEGER NOT NULL,
    sent    INTEGER NOT NULL,
    PRIMARY KEY (country, day)
);

-- +goose Down
DROP TABLE country_counts;
DROP TABLE alarms;
DROP TABLE check_counts;
ALTER TABLE messages DROP COLUMN prefix;
