package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
