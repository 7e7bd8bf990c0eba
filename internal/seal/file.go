package seal

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const fileMode = 0o600

// hashOnlyMark stands before what is left of a key that opens nothing any more.
const hashOnlyMark = "hash:"

// entry is a line of a key file.
type entry struct {
	generation byte
	secret     []byte // the master key, or the half that hashes
	hashOnly   bool
	line       int // from 0
}

// LoadOrCreate reads a key file, and makes one with a fresh key, readable by its owner alone, where there is none.
// A key file has one key a line, "GENERATION:BASE64", lines with # are comments. What is left of a key that only hashes is
// "GENERATION:hash:BASE64".
func LoadOrCreate(path string) (k *Keyring, created bool, err error) {
	k, err = Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	k, err = Create(path, 1)
	if errors.Is(err, fs.ErrExist) { // another process was first
		k, err = Load(path)
		return k, false, err
	}
	return k, err == nil, err
}

// Create makes a key file with a fresh key under a generation; fs.ErrExist says that there is a file.
func Create(path string, generation byte) (*Keyring, error) {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // never fails
	text := "# attestd's sealing key. Without it the numbers, texts and codes in the database cannot be read: back it up apart from the database.\n" +
		line(generation, "", master) + "\n"
	if err := writeNew(path, []byte(text)); err != nil {
		return nil, fmt.Errorf("%w %s: cannot be made: %w", ErrKeyFile, path, err)
	}
	return Load(path)
}

// writeNew makes the whole file appear at once or not at all: a crash leaves no half key.
func writeNew(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(fileMode), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Link(tmp.Name(), path) // fails if path exists
}

// Load reads a key file. It refuses one that others than the owner and its group may read.
func Load(path string) (*Keyring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%w %s: others may read it (mode %04o): run chmod 600 on it", ErrKeyFile, path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	all, err := parse(path, string(text))
	if err != nil {
		return nil, err
	}
	return ring(all)
}

// parse reads the lines of a key file, the newest generation first.
func parse(path, text string) (all []entry, err error) {
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		generation, coded, _ := strings.Cut(line, ":")
		g, err := strconv.ParseUint(generation, 10, 8)
		if err != nil || g == 0 {
			return nil, fmt.Errorf("%w %s: line %d does not begin with a generation from 1 to 255 and a colon", ErrKeyFile, path, n+1)
		}
		e := entry{generation: byte(g), line: n}
		coded, e.hashOnly = strings.CutPrefix(coded, hashOnlyMark)
		if e.secret, err = base64.StdEncoding.DecodeString(coded); err != nil || len(e.secret) != keySize {
			return nil, fmt.Errorf("%w %s: line %d is not %d bytes in base64", ErrKeyFile, path, n+1, keySize)
		}
		if slices.ContainsFunc(all, func(other entry) bool { return other.generation == e.generation }) {
			return nil, fmt.Errorf("%w %s: line %d repeats generation %d", ErrKeyFile, path, n+1, g)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(b.generation, a.generation) })
	return all, nil
}
