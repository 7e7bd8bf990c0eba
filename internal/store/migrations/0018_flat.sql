-- +goose Up
-- How many rows there are of each kind, so that a status and a scrape cost the same with a million rows as with none. Kept by
-- triggers, in the transaction of the change itself: no crash can part them. (An engine whose writers do not take turns keeps them
-- otherwise; who reads them does not see how.)
CREATE TABLE counts (
    what TEXT    NOT NULL, -- messages, filings, queued, webhooks
    kind TEXT    NOT NULL, -- of which endpoint; '' where there are no kinds
    word TEXT    NOT NULL, -- a state, a priority
    n    INTEGER NOT NULL,
    PRIMARY KEY (what, kind, word)
);
INSERT INTO counts (what, kind, word, n) SELECT 'messages', '', state, count(*) FROM messages GROUP BY state;
INSERT INTO counts (what, kind, word, n) SELECT 'filings', '', state, count(*) FROM filings GROUP BY state;
INSERT INTO counts (what, kind, word, n) SELECT 'queued', '', CAST(priority AS TEXT), count(*) FROM segments WHERE state = 'queued' GROUP BY priority;
INSERT INTO counts (what, kind, word, n) SELECT 'webhooks', endpoint, state, count(*) FROM webhook_deliveries GROUP BY endpoint, state;

-- +goose StatementBegin
CREATE TRIGGER messages_counted AFTER INSERT ON messages BEGIN
    INSERT INTO counts (what, kind, word, n) VALUES ('messages', '', new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_recounted AFTER UPDATE OF state ON messages WHEN old.state <> new.state BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'messages' AND kind = '' AND word = old.state;
    INSERT INTO counts (what, kind, word, n) VALUES ('messages', '', new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_uncounted AFTER DELETE ON messages BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'messages' AND kind = '' AND word = old.state;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER filings_counted AFTER INSERT ON filings BEGIN
    INSERT INTO counts (what, kind, word, n) VALUES ('filings', '', new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER filings_recounted AFTER UPDATE OF state ON filings WHEN old.state <> new.state BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'filings' AND kind = '' AND word = old.state;
    INSERT INTO counts (what, kind, word, n) VALUES ('filings', '', new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER filings_uncounted AFTER DELETE ON filings BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'filings' AND kind = '' AND word = old.state;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER segments_counted AFTER INSERT ON segments WHEN new.state = 'queued' BEGIN
    INSERT INTO counts (what, kind, word, n) VALUES ('queued', '', CAST(new.priority AS TEXT), 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER segments_recounted AFTER UPDATE OF state ON segments WHEN (old.state = 'queued') <> (new.state = 'queued') BEGIN
    INSERT INTO counts (what, kind, word, n) VALUES ('queued', '', CAST(new.priority AS TEXT), CASE WHEN new.state = 'queued' THEN 1 ELSE -1 END)
    ON CONFLICT (what, kind, word) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER segments_uncounted AFTER DELETE ON segments WHEN old.state = 'queued' BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'queued' AND kind = '' AND word = CAST(old.priority AS TEXT);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER webhook_deliveries_counted AFTER INSERT ON webhook_deliveries BEGIN
    INSERT INTO counts (what, kind, word, n) VALUES ('webhooks', new.endpoint, new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_deliveries_recounted AFTER UPDATE OF state ON webhook_deliveries WHEN old.state <> new.state BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'webhooks' AND kind = old.endpoint AND word = old.state;
    INSERT INTO counts (what, kind, word, n) VALUES ('webhooks', new.endpoint, new.state, 1) ON CONFLICT (what, kind, word) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_deliveries_uncounted AFTER DELETE ON webhook_deliveries BEGIN
    UPDATE counts SET n = n - 1 WHERE what = 'webhooks' AND kind = old.endpoint AND word = old.state;
END;
-- +goose StatementEnd

-- Searches that read a whole table.
DROP INDEX inbox_parts_waiting;
CREATE INDEX inbox_parts_waiting ON inbox_parts (set_id, received) WHERE item_id IS NULL; -- the sweep went through all parts by their sets
CREATE INDEX inbox_parts_oldest ON inbox_parts (received) WHERE item_id IS NULL;
CREATE INDEX inbox_items_reply ON inbox_items (id) WHERE action = 'reply' AND rule_failed = FALSE AND length(body) > 29; -- not wiped: 29 is nothing, sealed
CREATE INDEX persons_challenge ON persons (challenge_id);
CREATE INDEX filings_reference_only ON filings (reference, id);
CREATE INDEX filings_type ON filings (type, id);
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_name ON audit (name, id);
CREATE INDEX audit_action ON audit (action, id);

-- +goose Down
DROP INDEX audit_action;
DROP INDEX audit_name;
DROP INDEX audit_kind;
DROP INDEX filings_type;
DROP INDEX filings_reference_only;
DROP INDEX persons_challenge;
DROP INDEX inbox_items_reply;
DROP INDEX inbox_parts_oldest;
DROP INDEX inbox_parts_waiting;
CREATE INDEX inbox_parts_waiting ON inbox_parts (received) WHERE item_id IS NULL;
DROP TRIGGER webhook_deliveries_uncounted;
DROP TRIGGER webhook_deliveries_recounted;
DROP TRIGGER webhook_deliveries_counted;
DROP TRIGGER segments_uncounted;
DROP TRIGGER segments_recounted;
DROP TRIGGER segments_counted;
DROP TRIGGER filings_uncounted;
DROP TRIGGER filings_recounted;
DROP TRIGGER filings_counted;
DROP TRIGGER messages_uncounted;
DROP TRIGGER messages_recounted;
DROP TRIGGER messages_counted;
DROP TABLE counts;
