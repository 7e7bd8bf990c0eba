-- +goose Up
-- What is still to be wiped, found without reading what has been.
CREATE INDEX challenges_wipe ON challenges (ended) WHERE ended > 0 AND number IS NOT NULL;
CREATE INDEX filings_wipe ON filings (ended) WHERE ended > 0 AND length(body_mac) > 0;
CREATE INDEX messages_wipe_key ON messages (ended) WHERE ended > 0 AND idempotency_key IS NOT NULL;

-- An event goes when nobody is to be told of it any more.
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);

-- +goose Down
DROP INDEX webhook_deliveries_event;
DROP INDEX messages_wipe_key;
DROP INDEX filings_wipe;
DROP INDEX challenges_wipe;
