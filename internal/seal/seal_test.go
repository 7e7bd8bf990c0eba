package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsSealedOpensOnlyInItsOwnContextAndUndamaged(t *testing.T) {
	k := Random()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := k.Seal(plain, "body")
		if got, err := k.Open(sealed, "body"); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v; want %x", got, err, plain)
		}
		if _, err := k.Open(sealed, "number"); !errors.Is(err, ErrOpen) {
			t.Fatalf("opened in another context: %v", err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "i")
		sealed[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if _, err := k.Open(sealed, "body"); !errors.Is(err, ErrOpen) {
			t.Fatalf("opened though damaged: %v", err)
		}
	})
}

func TestARotatedKeyringStillOpensAndFindsWhatTheOlderKeyMade(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	old, err := New(map[byte][]byte{1: one})
	if err != nil {
		t.Fatal(err)
	}
	both, err := New(map[byte][]byte{1: one, 2: two})
	if err != nil {
		t.Fatal(err)
	}
	sealed, mac := old.Seal([]byte("x"), "c"), old.MAC("number", []byte("1"))
	if got, err := both.Open(sealed, "c"); err != nil || string(got) != "x" {
		t.Fatalf("got %q, %v", got, err)
	}
	if all := both.MACs("number", []byte("1")); len(all) != 2 || !bytes.Equal(all[1], mac) || bytes.Equal(all[0], mac) {
		t.Fatalf("look-up hashes %x do not end with the older key's %x", all, mac)
	}
	if both.Seal(nil, "c")[0] != 2 {
		t.Fatal("the newest key does not seal")
	}
}

func TestPartsOfAHashCannotBeShiftedIntoEachOther(t *testing.T) {
	k := Random()
	if bytes.Equal(k.MAC("p", []byte("ab"), []byte("c")), k.MAC("p", []byte("a"), []byte("bc"))) {
		t.Fatal("equal")
	}
}

func TestAKeyFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	a, created, err := LoadOrCreate(path)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	b, created, err := LoadOrCreate(path)
	if err != nil || created {
		t.Fatal(created, err)
	}
	if got, err := b.Open(a.Seal([]byte("x"), "c"), "c"); err != nil || string(got) != "x" {
		t.Fatal("the second load has another key", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %o", info.Mode().Perm())
	}
}

func TestABadKeyFileIsRefusedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"readable by all": {"1:AAAA", "chmod 600", 0o644},
		"empty":           {"# nothing\n", "no key", 0o600},
		"no generation":   {"AAAA\n", "line 1", 0o600},
		"short":           {"# x\n1:AAAA\n", "line 2 is not 32 bytes", 0o600},
		"repeated":        {strings.Repeat("1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 2), "repeats generation 1", 0o600},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
