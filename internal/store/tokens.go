package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"attestd/internal/access"
)

// tokenPrefix lets people and secret scanners recognise a token.
const tokenPrefix = "att_"

var (
	// ErrTokenName says that a name cannot be given to a token.
	ErrTokenName = errors.New("a token's name has 1 to 64 of the characters a-z A-Z 0-9 . _ -, and begins with a letter or digit")
	// ErrTenantName says that a name cannot be given to a tenant.
	ErrTenantName = errors.New("a tenant's name has 1 to 64 of the characters a-z A-Z 0-9 . _ -, and begins with a letter or digit")
	// ErrTokenExists says that the name belongs to a token in use.
	ErrTokenExists = errors.New("a token of that name exists: choose another name, rotate it, or revoke it first")
	// ErrTokenNotFound says that no token in use has the name.
	ErrTokenNotFound = errors.New("no token in use has that name: see attestd token list")

	tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// Token is what is known of a bearer token; the token itself is not.
type Token struct {
	ID      string
	Name    string
	Tenant  string // whose it is that the token makes: tokens of one tenant share it
	Scopes  access.Scopes
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: in use. Ahead: it was rotated, and ends then
	Quota   TokenQuota
}

// TokenQuota is how many texts a token may have in an hour and in a day, in place of what the configuration says; nil is what the
// configuration says, 0 is no limit.
type TokenQuota struct{ Hour, Day *int }

// stored is how a quota stands in the database.
func stored(most *int) int {
	if most == nil {
		return -1
	}
	return *most
}

func fromStored(most int) *int {
	if most < 0 {
		return nil
	}
	return &most
}

// NewToken is what is asked for.
type NewToken struct {
	Name   string
	Tenant string        // "": the name
	Scopes access.Scopes // none: access.Platform
	Life   time.Duration // 0: it does not expire
	Quota  TokenQuota
}

// CreateToken makes a token. The secret is returned this once: the database keeps its hash only.
func (s *Store) CreateToken(ctx context.Context, want NewToken) (secret string, t Token, err error) {
	if !tokenName.MatchString(want.Name) {
		return "", Token{}, ErrTokenName
	}
	if want.Tenant == "" {
		want.Tenant = want.Name
	}
	if !tokenName.MatchString(want.Tenant) {
		return "", Token{}, ErrTenantName
	}
	if len(want.Scopes) == 0 {
		want.Scopes = access.Platform
	}
	err = s.Update(ctx, func(tx *Tx) (err error) {
		if secret, t, err = tx.insertToken(ctx, want); err != nil {
			return err
		}
		return tx.Emit(ctx, "token.created", t.ID, "", tokenEvent(t))
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

func (tx *Tx) insertToken(ctx context.Context, want NewToken) (secret string, t Token, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(secret))
	t = Token{ID: newID(), Name: want.Name, Tenant: want.Tenant, Scopes: want.Scopes, Created: fromMicros(micros(time.Now())), Quota: want.Quota}
	if want.Life > 0 {
		t.Expires = fromMicros(micros(t.Created.Add(want.Life)))
	}
	taken, err := tx.exec(ctx, `INSERT INTO tokens (id, name, hash, created, scopes, expires, tenant, texts_per_hour, texts_per_day)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		t.ID, t.Name, hash[:], micros(t.Created), t.Scopes.String(), micros(t.Expires), t.Tenant, stored(t.Quota.Hour), stored(t.Quota.Day))
	if err != nil {
		return "", Token{}, err
	}
	if n, err := taken.RowsAffected(); err != nil || n == 0 {
		return "", Token{}, errors.Join(ErrTokenExists, err)
	}
	return secret, t, nil
}

// tokenEvent is what others are told of a token.
func tokenEvent(t Token) map[string]string {
	data := map[string]string{"name": t.Name, "tenant": t.Tenant, "scopes": t.Scopes.String()}
	if !t.Expires.IsZero() {
		data["expires"] = t.Expires.Format(time.RFC3339)
	}
	return data
}

const selectToken = `SELECT id, name, tenant, scopes, created, expires, revoked, texts_per_hour, texts_per_day FROM tokens `

// RotateToken gives a name a new secret with the same scopes, tenant and quotas; the old one is refused after the overlap. life is that of the
// new one; 0 is that of the old.
func (s *Store) RotateToken(ctx context.Context, name string, overlap, life time.Duration) (secret string, t Token, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		old, err := tx.tokenInUse(ctx, name)
		if err != nil {
			return err
		}
		if life == 0 && !old.Expires.IsZero() {
			life = old.Expires.Sub(old.Created)
		}
		until := time.Now().Add(overlap)
		if err := tx.execOne(ctx, `UPDATE tokens SET revoked = $1 WHERE id = $2`, micros(until), old.ID); err != nil {
			return err
		}
		if secret, t, err = tx.insertToken(ctx, NewToken{Name: name, Tenant: old.Tenant, Scopes: old.Scopes, Life: life, Quota: old.Quota}); err != nil {
			return err
		}
		data := tokenEvent(t)
		data["replaces"], data["old_until"] = old.ID, until.UTC().Format(time.RFC3339)
		return tx.Emit(ctx, "token.rotated", t.ID, "", data)
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

func (tx *Tx) tokenInUse(ctx context.Context, name string) (Token, error) {
	t, err := scanToken(tx.row(ctx, selectToken+`WHERE name = $1 AND revoked = 0`, name))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrTokenNotFound
	}
	return t, err
}

// RevokeToken ends the token in use of that name at once, and what is left of those that it replaced.
func (s *Store) RevokeToken(ctx context.Context, name string) (t Token, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		if t, err = tx.tokenInUse(ctx, name); err != nil {
			return err
		}
		t.Revoked = fromMicros(micros(time.Now()))
		if _, err := tx.exec(ctx, `UPDATE tokens SET revoked = $1 WHERE name = $2 AND (revoked = 0 OR revoked > $3)`,
			micros(t.Revoked), name, micros(t.Revoked)); err != nil {
			return err
		}
		return tx.Emit(ctx, "token.revoked", t.ID, "", tokenEvent(t))
	})
	return t, err
}

// Tokens lists all tokens, oldest first, those that have ended too.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.readQuery(ctx, selectToken+`ORDER BY id`)
	return collect(rows, err, scanToken)
}

// Authenticate tells whose token a secret is; ok is false when it is nobody's, or has ended.
func (s *Store) Authenticate(ctx context.Context, secret string) (c access.Caller, ok bool, err error) {
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) != len(tokenPrefix)+43 {
		return access.Caller{}, false, nil
	}
	// The index compares hashes, and the hash of a guess tells nothing about how near the guess is. The comparison in
	// constant time is there so that this does not hang on how a database compares.
	want, have := sha256.Sum256([]byte(secret)), []byte(nil)
	var scopes string
	now := micros(time.Now())
	err = s.readRow(ctx, `SELECT id, name, tenant, hash, scopes FROM tokens WHERE hash = $1 AND (revoked = 0 OR revoked > $2) AND (expires = 0 OR expires > $3)`,
		want[:], now, now).Scan(&c.ID, &c.Name, &c.Tenant, &have, &scopes)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Caller{}, false, nil
	} else if err != nil {
		return access.Caller{}, false, fmt.Errorf("looking up a token: %w", explain(err))
	}
	c.Scopes = storedScopes(scopes)
	return c, subtle.ConstantTimeCompare(want[:], have) == 1, nil
}

// TokenInUse says whether a token, by its id, has not ended.
func (s *Store) TokenInUse(ctx context.Context, id string) (ok bool, err error) {
	now := micros(time.Now())
	err = s.readRow(ctx, `SELECT EXISTS (SELECT 1 FROM tokens WHERE id = $1 AND (revoked = 0 OR revoked > $2) AND (expires = 0 OR expires > $3))`, id, now, now).Scan(&ok)
	return ok, explain(err)
}

// storedScopes are scopes as they stand in the database. What this program does not know allows nothing.
func storedScopes(list string) access.Scopes {
	var s access.Scopes
	for _, word := range strings.Split(list, ",") {
		s = append(s, access.Scope(word))
	}
	return s
}

func scanToken(row scanner) (t Token, err error) {
	var created, expires, revoked int64
	var scopes string
	var hour, day int
	err = row.Scan(&t.ID, &t.Name, &t.Tenant, &scopes, &created, &expires, &revoked, &hour, &day)
	t.Quota = TokenQuota{fromStored(hour), fromStored(day)}
	t.Scopes = storedScopes(scopes)
	t.Created, t.Expires, t.Revoked = fromMicros(created), fromMicros(expires), fromMicros(revoked)
	return t, err
}
