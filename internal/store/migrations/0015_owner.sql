-- +goose Up
-- Whose a row is: the tenant of the token that made it. '' is nobody's, and only admins see it; in events and received texts
-- '*' is everybody's who may see such things at all. Rows of before belong to the tenant that has the name of the token on
-- record, which is that token's unless it is given another.
ALTER TABLE tokens ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE tokens SET tenant = name;

ALTER TABLE filings ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE challenges ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox_items ADD COLUMN owner TEXT NOT NULL DEFAULT '*';
ALTER TABLE challenge_keys RENAME COLUMN origin TO owner;

UPDATE filings SET owner = origin;
UPDATE challenges SET owner = origin;
UPDATE messages SET owner = CASE
 WHEN origin LIKE 'challenge:%' THEN coalesce((SELECT c.owner FROM challenges c WHERE c.id = substr(messages.origin, 11)), '')
 WHEN origin LIKE 'answer:%' THEN coalesce((SELECT c.owner FROM challenges c WHERE c.id = substr(messages.origin, 8)), '')
 WHEN origin LIKE '%:%' THEN ''
 ELSE origin END;

-- Where the row that an event is about tells nothing, it belongs to the only token that is no admin's, if there is but one.
UPDATE events SET owner = CASE
 WHEN type LIKE 'message.%' OR type LIKE 'filing.%' OR type LIKE 'person.%' OR type LIKE 'challenge.%' OR type LIKE 'check.%' OR type LIKE 'webhook.%' THEN coalesce(
  (SELECT m.owner FROM messages m WHERE m.id = events.subject),
  (SELECT f.owner FROM filings f WHERE f.id = events.subject),
  (SELECT c.owner FROM challenges c WHERE c.id = events.subject),
  (SELECT CASE WHEN count(*) = 1 THEN max(t.name) END FROM tokens t WHERE t.revoked = 0 AND t.scopes NOT LIKE '%admin%'), '')
 WHEN type LIKE 'inbox.%' OR type LIKE 'optout.%' OR type LIKE 'alarm.%' OR type LIKE 'clock.%' OR type LIKE 'report.%' THEN '*'
 ELSE '' END;
UPDATE audit SET owner = coalesce(
 (SELECT m.owner FROM messages m WHERE m.id = audit.subject),
 (SELECT f.owner FROM filings f WHERE f.id = audit.subject),
 (SELECT c.owner FROM challenges c WHERE c.id = audit.subject), CASE WHEN kind = 'token' THEN name ELSE '' END);
-- A reply was to somebody's filing, and nothing tells any more to whose.
UPDATE inbox_items SET owner = '' WHERE action = 'reply';

DROP INDEX messages_key;
CREATE UNIQUE INDEX messages_key ON messages (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX messages_owner ON messages (owner, id);
DROP INDEX filings_reference;
CREATE UNIQUE INDEX filings_reference ON filings (owner, reference) WHERE reference <> '';
CREATE INDEX filings_owner ON filings (owner, id);
CREATE INDEX audit_owner ON audit (owner, id);

-- +goose Down
DROP INDEX audit_owner;
DROP INDEX filings_owner;
DROP INDEX filings_reference;
CREATE UNIQUE INDEX filings_reference ON filings (origin, reference) WHERE reference <> '';
DROP INDEX messages_owner;
DROP INDEX messages_key;
CREATE UNIQUE INDEX messages_key ON messages (origin, idempotency_key) WHERE idempotency_key IS NOT NULL;
ALTER TABLE challenge_keys RENAME COLUMN owner TO origin;
ALTER TABLE inbox_items DROP COLUMN owner;
ALTER TABLE audit DROP COLUMN owner;
ALTER TABLE events DROP COLUMN owner;
ALTER TABLE messages DROP COLUMN owner;
ALTER TABLE challenges DROP COLUMN owner;
ALTER TABLE filings DROP COLUMN owner;
ALTER TABLE tokens DROP COLUMN tenant;
