package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k")
	if _, _, err := LoadOrCreate(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *Keyring {
	t.Helper()
	k, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAKeyFileIsWholeAtEveryMomentOfARotationAndOfARetirement(t *testing.T) {
	path := keyFile(t)
	old := load(t, path)
	sealed, mac := old.Seal([]byte("x"), "c"), old.MAC("number", []byte("1"))
	holds := func(when string) {
		t.Helper()
		k := load(t, path) // what a process that starts now finds
		if got, err := k.Open(sealed, "c"); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", when, got, err)
		}
		if all := k.MACs("number", []byte("1")); !bytes.Equal(all[len(all)-1], mac) {
			t.Errorf("%s: the older hash is not looked up", when)
		}
	}
	var moments []string
	g, err := rotate(path, func(when string) { moments = append(moments, when); holds("rotate, " + when) })
	if err != nil || g != 2 {
		t.Fatal(g, err)
	}
	if len(moments) != 5 {
		t.Errorf("moments: %q", moments)
	}
	both := load(t, path)
	if both.Current() != 2 {
		t.Errorf("generation %d seals", both.Current())
	}
	if _, err := Rotate(path); !errors.Is(err, ErrTwoGenerations) {
		t.Errorf("a third: %v", err)
	}
	again := both.Seal([]byte("y"), "c")
	if err := retire(path, 1, false, func(when string) {
		if got, err := load(t, path).Open(again, "c"); err != nil || string(got) != "y" {
			t.Errorf("retire, %s: %q, %v", when, got, err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	last := load(t, path)
	if _, err := last.Open(sealed, "c"); !errors.Is(err, ErrOpen) {
		t.Errorf("the retired key still opens: %v", err)
	}
	if g := last.Generations(); len(g) != 1 || g[0].N != 2 {
		t.Errorf("%+v", g)
	}
}

func TestARotationKeepsCommentsAndModeAndLeavesNothingBeside(t *testing.T) {
	path := keyFile(t)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Rotate(link); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# attestd's") || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if all, _ := os.ReadDir(filepath.Dir(path)); len(all) != 1 {
		t.Errorf("left beside it: %v", all)
	}
}

func TestWhatIsLeftOfAKeyThatOnlyHashesOpensNothingAndIsStillLookedUp(t *testing.T) {
	path := keyFile(t)
	old := load(t, path)
	sealed, mac := old.Seal([]byte("x"), "c"), old.MAC("tail", []byte("1"))
	if _, err := Rotate(path); err != nil {
		t.Fatal(err)
	}
	if err := Retire(path, 1, true); err != nil {
		t.Fatal(err)
	}
	k := load(t, path)
	if _, err := k.Open(sealed, "c"); !errors.Is(err, ErrOpen) {
		t.Errorf("it opens: %v", err)
	}
	if all := k.MACs("tail", []byte("1")); len(all) != 2 || !bytes.Equal(all[1], mac) {
		t.Errorf("%x is not among %x", mac, all)
	}
	if g := k.Generations(); len(g) != 2 || !g[1].HashOnly || !g[0].Current {
		t.Errorf("%+v", g)
	}
	if g, err := Rotate(path); err != nil || g != 3 {
		t.Errorf("the next rotation: %d, %v", g, err)
	}
	if err := Retire(path, 3, false); !errors.Is(err, ErrNotOlder) {
		t.Errorf("the newest was retired: %v", err)
	}
	if err := Retire(path, 9, false); !errors.Is(err, ErrNoGeneration) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestOfTwoRotationsAtOnceOneIsRefusedAndNoKeyIsLost(t *testing.T) {
	path := keyFile(t)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { _, errs[i] = Rotate(path) })
	}
	all.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !errors.Is(err, ErrTwoGenerations) {
			t.Error(err)
		}
	}
	if g := load(t, path).Generations(); done != 1 || len(g) != 2 {
		t.Errorf("%d rotations, %+v", done, g)
	}
}

func TestARingInUseTakesNewKeysAndOpensWhatItSealedBefore(t *testing.T) {
	path := keyFile(t)
	k := load(t, path)
	sealed := k.Seal([]byte("x"), "c")
	if _, err := Rotate(path); err != nil {
		t.Fatal(err)
	}
	k.Replace(load(t, path))
	if got, err := k.Open(sealed, "c"); err != nil || string(got) != "x" || k.Seal(nil, "c")[0] != 2 {
		t.Errorf("%q, %v", got, err)
	}
}
