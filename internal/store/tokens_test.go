package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/access"
)

func TestATokenWorksUntilItIsRevokedAndItsNameIsThenFree(t *testing.T) {
	s, ctx := open(t), t.Context()
	secret, token, err := s.CreateToken(ctx, NewToken{Name: "platform"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "att_") || len(secret) != 47 {
		t.Fatalf("a token of %d characters", len(secret))
	}
	if who, ok, err := s.Authenticate(ctx, secret); who.Name != "platform" || !ok || err != nil {
		t.Fatal(who, ok, err)
	}
	if _, _, err := s.CreateToken(ctx, NewToken{Name: "platform"}); !errors.Is(err, ErrTokenExists) {
		t.Fatal(err)
	}
	if revoked, err := s.RevokeToken(ctx, "platform"); err != nil || revoked.ID != token.ID || revoked.Revoked.IsZero() {
		t.Fatalf("%+v, %v", revoked, err)
	}
	if _, ok, err := s.Authenticate(ctx, secret); ok || err != nil {
		t.Fatal("a revoked token works", err)
	}
	if _, err := s.RevokeToken(ctx, "platform"); !errors.Is(err, ErrTokenNotFound) {
		t.Fatal(err)
	}
	if _, _, err := s.CreateToken(ctx, NewToken{Name: "platform"}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Tokens(ctx)
	if err != nil || len(all) != 2 || all[0].ID != token.ID || all[1].Created.IsZero() {
		t.Fatalf("%+v, %v", all, err)
	}
}

func TestTokensOfBeforeThereWereScopesMayDoEverything(t *testing.T) {
	s := open(t)
	secret, hash := "att_"+strings.Repeat("x", 43), sha256.Sum256([]byte("att_"+strings.Repeat("x", 43)))
	if err := s.Update(t.Context(), func(tx *Tx) error { // as 0005_tokens knew it
		_, err := tx.exec(t.Context(), `INSERT INTO tokens (id, name, hash, created) VALUES ($1, $2, $3, $4)`, "old", "old", hash[:], 1)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if who, ok, err := s.Authenticate(t.Context(), secret); !ok || err != nil || !who.Scopes.Allow(access.Messages) || !who.Scopes.Allow(access.Admin) {
		t.Errorf("%+v, %v, %v", who, ok, err)
	}
}

func TestATokenHasItsScopesAndEndsWhenItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := open(t), t.Context()
		secret, token, err := s.CreateToken(ctx, NewToken{Name: "a", Scopes: access.Scopes{access.Inbox}, Life: time.Hour})
		if err != nil || time.Until(token.Expires) != time.Hour {
			t.Fatal(token, err)
		}
		time.Sleep(time.Hour - time.Microsecond)
		who, ok, err := s.Authenticate(ctx, secret)
		if !ok || err != nil || !who.Scopes.Allow(access.Inbox) || who.Scopes.Allow(access.Messages, access.Read) {
			t.Error(who, ok, err)
		}
		time.Sleep(time.Microsecond)
		if _, ok, err := s.Authenticate(ctx, secret); ok || err != nil {
			t.Error("it lives on", err)
		}
		plain, _, err := s.CreateToken(ctx, NewToken{Name: "b"})
		if err != nil {
			t.Fatal(err)
		}
		if who, _, _ := s.Authenticate(ctx, plain); !who.Scopes.Allow(access.Messages) || who.Scopes.Allow(access.Admin) {
			t.Error("what a platform gets unless it is told otherwise:", who.Scopes)
		}
	})
}

func TestARotatedTokenWorksUntilTheOverlapIsOverAndBothEndWhenRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := open(t), t.Context()
		works := func(secret string) bool {
			t.Helper()
			who, ok, err := s.Authenticate(ctx, secret)
			if err != nil || ok && (who.Name != "a" || who.Scopes.String() != "inbox") {
				t.Fatal(who, err)
			}
			return ok
		}
		first, _, err := s.CreateToken(ctx, NewToken{Name: "a", Scopes: access.Scopes{access.Inbox}, Life: 48 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		second, token, err := s.RotateToken(ctx, "a", 24*time.Hour, 0)
		if err != nil || time.Until(token.Expires) != 48*time.Hour {
			t.Fatal(token, err)
		}
		time.Sleep(24*time.Hour - time.Microsecond)
		if !works(first) || !works(second) {
			t.Error("one of them does not work within the overlap")
		}
		time.Sleep(time.Microsecond)
		if works(first) || !works(second) {
			t.Error("after the overlap")
		}
		third, _, err := s.RotateToken(ctx, "a", 24*time.Hour, time.Hour)
		if err != nil || !works(second) || !works(third) {
			t.Error("rotated again", err)
		}
		if _, err := s.RevokeToken(ctx, "a"); err != nil || works(second) || works(third) {
			t.Error("a revoked name still works", err)
		}
		if _, _, err := s.RotateToken(ctx, "a", 0, 0); !errors.Is(err, ErrTokenNotFound) {
			t.Error(err)
		}
		if got := auditLog(t, s, AuditFilter{Action: "token.*"}); len(got) != 4 {
			t.Error(got)
		}
	})
}

func TestWhatIsNoTokenIsRefusedWithoutAnError(t *testing.T) {
	s := open(t)
	secret, _, err := s.CreateToken(t.Context(), NewToken{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(secret)
	flipped[20] ^= 1
	for _, wrong := range []string{"", "att_", string(flipped), secret + "x", secret[:46], strings.ToUpper(secret), "' OR 1=1 --", strings.Repeat("a", 1<<20)} {
		if _, ok, err := s.Authenticate(t.Context(), wrong); ok || err != nil {
			t.Errorf("%.50q: %v, %v", wrong, ok, err)
		}
	}
}

func TestANameThatWouldConfuseALogIsRefused(t *testing.T) {
	s := open(t)
	for _, name := range []string{"", " ", "-x", "a b", "a\nb", "名", strings.Repeat("a", 65)} {
		if _, _, err := s.CreateToken(t.Context(), NewToken{Name: name}); !errors.Is(err, ErrTokenName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTheDatabaseFileHoldsNoToken(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + filepath.Join(dir, "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.CreateToken(t.Context(), NewToken{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(secret[4:])) {
			t.Errorf("%s holds the token", f.Name())
		}
	}
}
