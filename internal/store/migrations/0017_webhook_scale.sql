-- +goose Up
-- The next of a lane, and the next lane that has one, are one seek each, however many wait.
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (lane, due, event) WHERE state = 'waiting';
-- Those that were tried, which are few where an endpoint is down: whose time is up is found without reading the rest.
CREATE INDEX webhook_deliveries_tried ON webhook_deliveries (lane, began) WHERE state = 'waiting' AND began > 0;
-- Since when an endpoint owes.
CREATE INDEX webhook_deliveries_oldest ON webhook_deliveries (endpoint, created) WHERE ended = 0;
-- Lists by endpoint and by subject.
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint, id);
CREATE INDEX webhook_deliveries_subject ON webhook_deliveries (subject, id);

-- Lanes whose endpoint is down: one call after the other failed. What waits there stays as it is; one at a time is tried.
CREATE TABLE webhook_breakers (
    lane  TEXT    PRIMARY KEY,
    since INTEGER NOT NULL,
    next  INTEGER NOT NULL -- when one is tried again
);

-- +goose Down
DROP TABLE webhook_breakers;
DROP INDEX webhook_deliveries_subject;
DROP INDEX webhook_deliveries_endpoint;
DROP INDEX webhook_deliveries_oldest;
DROP INDEX webhook_deliveries_tried;
DROP INDEX webhook_deliveries_next;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (lane, due) WHERE state = 'waiting';
