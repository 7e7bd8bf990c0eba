-- +goose Up
-- Tokens that saw whole numbers before there was a scope for it, in messages, received texts and opt-outs, go on seeing them.
UPDATE tokens SET scopes = scopes || ',numbers'
 WHERE (scopes LIKE '%messages%' OR scopes LIKE '%inbox%' OR scopes LIKE '%read%') AND scopes NOT LIKE '%admin%';

-- Errors of deliveries were the words of the resolver and the dialler once, with the addresses that names lead to.
UPDATE webhook_deliveries SET error = 'it could not be reached' WHERE error LIKE '%dial %' OR error LIKE '%lookup %' OR error LIKE '%allow_private%';

-- +goose Down
UPDATE tokens SET scopes = replace(scopes, ',numbers', '');
