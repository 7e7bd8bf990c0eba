-- +goose Up
-- One row for each event that somebody is to be told of, written with the event. States: webhook.State.
CREATE TABLE webhook_deliveries (
    id       TEXT    PRIMARY KEY, -- UUID version 7: sorts by creation
    event    INTEGER NOT NULL REFERENCES events (seq),
    endpoint TEXT    NOT NULL, -- a configured one's name, or 'callback'
    subject  TEXT    NOT NULL, -- of the event: what keeps its order
    url      TEXT    NOT NULL, -- of a callback; '' for a configured one, whose address may change
    lane     TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    -- what can change
    state    TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    error    TEXT    NOT NULL,
    began    INTEGER NOT NULL, -- when the time to retry it began to run; 0 before the first attempt
    due      INTEGER NOT NULL,
    ended    INTEGER NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (lane, due) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_open ON webhook_deliveries (endpoint, subject, event) WHERE ended = 0;
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (state, ended) WHERE ended > 0;
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (state, id);

-- The endpoints of the configuration, for whoever writes an event: a command beside the gateway, too.
CREATE TABLE webhook_endpoints (
    name   TEXT PRIMARY KEY,
    url    TEXT NOT NULL,
    events TEXT NOT NULL -- JSON, the filter
);

-- Endpoints that said that they want no more (410 Gone): a configured one, or the callback of one filing (its subject).
CREATE TABLE webhook_gone (
    endpoint TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (endpoint, subject)
);

-- +goose Down
DROP TABLE webhook_gone;
DROP TABLE webhook_endpoints;
DROP TABLE webhook_deliveries;
