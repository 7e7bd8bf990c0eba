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
)

// tokenPrefix lets people and secret scanners recognise a token.
const tokenPrefix = "att_"

var (
	// ErrTokenName says that a name cannot be given to a token.
	ErrTokenName = errors.New("a token's name has 1 to 64 of the characters a-z A-Z 0-9 . _ -, and begins with a letter or digit")
	// ErrTokenExists says that the name belongs to a token in use.
	ErrTokenExists = errors.New("a token of that name exists: choose another name, or revoke it first")
	// ErrTokenNotFound says that no token in use has the name.
	ErrTokenNotFound = errors.New("no token in use has that name: see attestd token list")

	tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// Token is what is known of a bearer token; the token itself is not.
type Token struct {
	ID      string
	Name    string
	Created time.Time
	Revoked time.Time // zero: in use
}

// CreateToken makes a token. The secret is returned this once: the database keeps its hash only.
func (s *Store) CreateToken(ctx context.Context, name string) (secret string, t Token, err error) {
	if !tokenName.MatchString(name) {
		return "", Token{}, ErrTokenName
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(secret))
	t = Token{ID: newID(), Name: name, Created: fromMicros(micros(time.Now()))}
	err = s.Update(ctx, func(tx *Tx) error {
		taken, err := tx.exec(ctx, `INSERT INTO tokens (id, name, hash, created) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, t.ID, t.Name, hash[:], micros(t.Created))
		if err != nil {
			return err
		}
		if n, err := taken.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrTokenExists, err)
		}
		return tx.Emit(ctx, "token.created", t.ID, map[string]string{"name": name})
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// RevokeToken ends the token in use of that name at once.
func (s *Store) RevokeToken(ctx context.Context, name string) (t Token, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		t, err = scanToken(tx.row(ctx, `SELECT id, name, created, revoked FROM tokens WHERE name = $1 AND revoked = 0`, name))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrTokenNotFound
		} else if err != nil {
			return err
		}
		t.Revoked = fromMicros(micros(time.Now()))
		if err := tx.execOne(ctx, `UPDATE tokens SET revoked = $1 WHERE id = $2`, micros(t.Revoked), t.ID); err != nil {
			return err
		}
		return tx.Emit(ctx, "token.revoked", t.ID, map[string]string{"name": name})
	})
	return t, err
}

// Tokens lists all tokens, oldest first, revoked ones too.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.readQuery(ctx, `SELECT id, name, created, revoked FROM tokens ORDER BY id`)
	return collect(rows, err, scanToken)
}

// Authenticate tells whose token a secret is; ok is false when it is nobody's, or revoked.
func (s *Store) Authenticate(ctx context.Context, secret string) (name string, ok bool, err error) {
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) != len(tokenPrefix)+43 {
		return "", false, nil
	}
	// The index compares hashes, and the hash of a guess tells nothing about how near the guess is. The comparison in
	// constant time is there so that this does not hang on how a database compares.
	want, have := sha256.Sum256([]byte(secret)), []byte(nil)
	err = s.readRow(ctx, `SELECT name, hash FROM tokens WHERE hash = $1 AND revoked = 0`, want[:]).Scan(&name, &have)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	} else if err != nil {
		return "", false, fmt.Errorf("looking up a token: %w", explain(err))
	}
	return name, subtle.ConstantTimeCompare(want[:], have) == 1, nil
}

func scanToken(row scanner) (t Token, err error) {
	var created, revoked int64
	err = row.Scan(&t.ID, &t.Name, &created, &revoked)
	t.Created, t.Revoked = fromMicros(created), fromMicros(revoked)
	return t, err
}
