package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// What can stand in the way of a change to a key file.
var (
	ErrTwoGenerations = errors.New("two generations are live already: retire the older one first (attestd keys retire)")
	ErrNotOlder       = errors.New("only a generation older than the newest can be retired")
	ErrNoGeneration   = errors.New("the key file holds no such generation")
)

// Rotate adds a fresh key to a key file, under the next generation. Whoever loads the file from then on seals under it, and
// still opens what the older one sealed.
func Rotate(path string) (generation byte, err error) { return rotate(path, nothing) }

// Retire takes a generation out of a key file; with keepHash, only the half that seals: what was hashed under it is still
// known again. The caller has made sure that nothing needs what goes.
func Retire(path string, generation byte, keepHash bool) error {
	return retire(path, generation, keepHash, nothing)
}

func nothing(string) {}

// rotate tells reach of each moment at which a process could die.
func rotate(path string, reach func(string)) (generation byte, err error) {
	err = change(path, reach, func(lines []string, all []entry) ([]string, error) {
		full := 0
		for _, e := range all {
			if !e.hashOnly {
				full++
			}
		}
		switch {
		case full == 0:
			return nil, fmt.Errorf("%w %s: it holds no key", ErrKeyFile, path)
		case full > 1:
			return nil, ErrTwoGenerations
		case all[0].generation == 255:
			return nil, fmt.Errorf("%w %s: generation 255 is the last", ErrKeyFile, path)
		}
		generation = all[0].generation + 1
		master := make([]byte, keySize)
		_, _ = rand.Read(master) // never fails
		return append(lines, line(generation, "", master)), nil
	})
	if err != nil {
		return 0, err
	}
	return generation, nil
}

func retire(path string, generation byte, keepHash bool, reach func(string)) error {
	return change(path, reach, func(lines []string, all []entry) ([]string, error) {
		for i, e := range all {
			switch {
			case e.generation != generation:
				continue
			case i == 0:
				return nil, ErrNotOlder
			case keepHash && e.hashOnly:
				return lines, nil
			case keepHash:
				half, err := hashKey(e.secret)
				lines[e.line] = line(generation, hashOnlyMark, half)
				return lines, err
			}
			return append(lines[:e.line], lines[e.line+1:]...), nil
		}
		return nil, ErrNoGeneration
	})
}

func line(generation byte, mark string, secret []byte) string {
	return strconv.Itoa(int(generation)) + ":" + mark + base64.StdEncoding.EncodeToString(secret)
}

// change rewrites a key file: the old one stands, whole, until the new one does. Comments, owner and mode stay. Two who change
// it at once do so one after the other: a generation that one of them has loaded must not become another's key.
func change(path string, reach func(string), edit func(lines []string, all []entry) ([]string, error)) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	f, err := lock(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	defer func() { _ = f.Close() }()
	if _, err := Load(path); err != nil { // its mode, too
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	all, err := parse(path, string(text))
	if err != nil {
		return err
	}
	lines, err := edit(strings.Split(strings.TrimRight(string(text), "\n"), "\n"), all)
	if err != nil {
		return err
	}
	if err := replace(path, f, strings.Join(lines, "\n")+"\n", reach); err != nil {
		return fmt.Errorf("%w %s: cannot be rewritten, and was left as it is: %w", ErrKeyFile, path, err)
	}
	return nil
}

// lock opens a file and holds it against others who lock it; one that was replaced meanwhile is opened again.
func lock(path string) (*os.File, error) {
	for {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			held, wrong := f.Stat()
			now, missing := os.Stat(path)
			if err = errors.Join(wrong, missing); err == nil && os.SameFile(held, now) {
				return f, nil
			}
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

// replace puts a whole file in the place of another: written and on disk first, then renamed, and the renaming on disk too.
func replace(path string, old *os.File, text string, reach func(string)) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	left, _ := filepath.Glob(filepath.Join(dir, ".newkeys-*"))
	for _, one := range left { // of a process that was killed: the lock says that nobody is at it now
		_ = os.Remove(one)
	}
	tmp, err := os.CreateTemp(dir, ".newkeys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	reach("made")
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && (int(owner.Uid) != os.Geteuid() || int(owner.Gid) != os.Getegid()) {
		err = tmp.Chown(int(owner.Uid), int(owner.Gid)) // root rotates for the user that runs attestd
	}
	_, wrong := tmp.WriteString(text)
	reach("written")
	err = errors.Join(err, wrong, tmp.Chmod(info.Mode().Perm()), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	reach("on disk")
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	reach("renamed")
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	reach("done")
	return err
}
