package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix = "whsec_"
	secretSize   = 32 // bytes of a fresh one; Standard Webhooks want from 24 to 64
	mostSecrets  = 2
	secretMode   = 0o600
)

// Secrets are one or two secrets; all of them sign, so that receivers can change from one to the other at their time.
type Secrets struct {
	texts []string
	keys  []*standardwebhooks.Webhook
}

// NewSecrets reads secrets as they are written, newest first.
func NewSecrets(texts ...string) (Secrets, error) {
	var s Secrets
	if len(texts) == 0 || len(texts) > mostSecrets {
		return s, fmt.Errorf("want one secret, or two while one takes the other's place, each on its line; there are %d", len(texts))
	}
	for i, text := range texts {
		coded, ok := strings.CutPrefix(text, secretPrefix)
		raw, err := base64.StdEncoding.DecodeString(coded)
		if !ok || err != nil || len(raw) < 24 || len(raw) > 64 {
			return Secrets{}, fmt.Errorf("secret %d is none: want whsec_ and 24 to 64 bytes in base64", i+1)
		}
		key, err := standardwebhooks.NewWebhookRaw(raw)
		if err != nil {
			return Secrets{}, err
		}
		s.texts, s.keys = append(s.texts, text), append(s.keys, key)
	}
	return s, nil
}

// Texts are the secrets themselves, newest first, for the one command that shows them.
func (s Secrets) Texts() []string { return s.texts }

// String hides the secrets, and so do the others.
func (s Secrets) String() string { return "(hidden)" }

// GoString hides the secrets from %#v.
func (s Secrets) GoString() string { return s.String() }

// LogValue hides the secrets from slog.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// sign is the header webhook-signature: a signature of each secret, with a space between.
func (s Secrets) sign(id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, key := range s.keys {
		signature, err := key.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		all = append(all, signature)
	}
	if len(all) == 0 {
		return "", errors.New("no secret to sign with")
	}
	return strings.Join(all, " "), nil
}

func newSecret() string {
	raw := make([]byte, secretSize)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// LoadSecrets reads a secret file: one or two secrets, newest first, each on its line; lines with # are comments. It
// refuses a file that others than its owner and group may read.
func LoadSecrets(path string) (Secrets, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Secrets{}, err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return Secrets{}, fmt.Errorf("everybody on this machine can get at %s: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Secrets{}, err
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	s, err := NewSecrets(all...)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// LoadOrCreateSecrets is LoadSecrets, and makes the file with a fresh secret where there is none.
func LoadOrCreateSecrets(path string) (s Secrets, created bool, err error) {
	s, err = LoadSecrets(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, false, err
	}
	// The whole file appears at once or not at all; Link fails when somebody else was first, and then theirs stands.
	err = write(path, []string{newSecret()}, os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return s, false, fmt.Errorf("cannot make %s: %w", path, err)
	}
	created = err == nil
	s, err = LoadSecrets(path)
	return s, created, err
}

// RotateSecrets puts a fresh secret before the newest one of a file; an older one goes. Both sign until the next rotation,
// or until RetireSecret.
func RotateSecrets(path string) (Secrets, error) {
	s, err := LoadSecrets(path)
	if err != nil {
		return s, err
	}
	return rewrite(path, []string{newSecret(), s.texts[0]})
}

// RetireSecret leaves only the newest secret in a file.
func RetireSecret(path string) (Secrets, error) {
	s, err := LoadSecrets(path)
	if err != nil {
		return s, err
	}
	return rewrite(path, s.texts[:1])
}

func rewrite(path string, texts []string) (Secrets, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Secrets{}, err
	}
	err = write(path, texts, func(tmp, path string) error {
		return errors.Join(keepOwner(tmp, info), os.Rename(tmp, path))
	})
	if err != nil {
		return Secrets{}, err
	}
	return LoadSecrets(path)
}

func write(path string, texts []string, place func(tmp, path string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".webhook-secret-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = fmt.Fprintf(tmp, "# attestd's webhook secrets, newest first; every one of them signs. Receivers need one of them.\n%s\n", strings.Join(texts, "\n"))
	if err = errors.Join(err, tmp.Chmod(secretMode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return place(tmp.Name(), path)
}

// Checks are what tells each secret from another, the newest first: a keyed hash of a fixed text. They are no secret.
func (s Secrets) Checks() []string {
	all := make([]string, len(s.texts))
	for i, text := range s.texts {
		h := hmac.New(sha256.New, []byte(text))
		h.Write([]byte("which secret is this"))
		all[i] = hex.EncodeToString(h.Sum(nil)[:16])
	}
	return all
}
