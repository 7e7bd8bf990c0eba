// Package seal keeps what must not stand in plain anywhere: it seals values for the database (AES-256-GCM) and
// makes keyed hashes of them for look-ups and for codes (HMAC-SHA-256).
//
// A keyring holds one current key and, during a rotation, the one before it. Every output begins with the
// generation of the key that made it, so that old rows stay readable until they are wiped or re-sealed.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	keySize  = 32
	macSize  = 16 // truncated HMAC: 128 bits are ample for look-ups and for one-in-a-million codes
	fileMode = 0o600
)

var (
	// ErrOpen says that a sealed value was made under another key, for another context, or was damaged.
	ErrOpen = errors.New("sealed value cannot be opened: wrong key file, or the value was damaged")
	// ErrKeyFile says that a key file cannot be used; the wrapped text says why.
	ErrKeyFile = errors.New("key file")
)

// Keyring seals and hashes under the newest of its keys and opens under any of them. It is safe for concurrent use.
type Keyring struct {
	keys []key // newest first
}

type key struct {
	generation byte
	aead       cipher.AEAD
	mac        []byte
}

// New makes a keyring from master keys of 32 bytes, newest first, with their generations (1 to 255).
func New(masters map[byte][]byte) (*Keyring, error) {
	k := &Keyring{}
	for g := 255; g >= 1; g-- {
		master, ok := masters[byte(g)]
		if !ok {
			continue
		}
		if len(master) != keySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, want %d", ErrKeyFile, g, len(master), keySize)
		}
		derived, err := derive(byte(g), master)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, derived)
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("%w: it holds no key", ErrKeyFile)
	}
	return k, nil
}

func derive(generation byte, master []byte) (key, error) {
	sub, err := hkdf.Key(sha256.New, master, nil, "attestd seal v1", keySize)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	mac, err := hkdf.Key(sha256.New, master, nil, "attestd mac v1", keySize)
	if err != nil {
		return key{}, err
	}
	return key{generation: generation, aead: aead, mac: mac}, nil
}

// Random makes a keyring with one fresh key that is kept nowhere: for tests and the demo.
func Random() *Keyring {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // never fails (crypto/rand)
	k, err := New(map[byte][]byte{1: master})
	if err != nil {
		panic(err) // unreachable: the key has the right size
	}
	return k
}

// LoadOrCreate reads a key file, and makes one with a fresh key, readable by its owner alone, where there is none.
// A key file has one key a line, "GENERATION:BASE64", lines with # are comments.
func LoadOrCreate(path string) (k *Keyring, created bool, err error) {
	k, err = Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	master := make([]byte, keySize)
	_, _ = rand.Read(master)
	text := "# attestd's sealing key. Without it the numbers, texts and codes in the database cannot be read: back it up apart from the database.\n1:" +
		base64.StdEncoding.EncodeToString(master) + "\n"
	if err := writeNew(path, []byte(text)); err != nil {
		if errors.Is(err, fs.ErrExist) { // another process was first
			k, err = Load(path)
			return k, false, err
		}
		return nil, false, fmt.Errorf("%w %s: cannot be made: %w", ErrKeyFile, path, err)
	}
	k, err = Load(path)
	return k, true, err
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
	masters := map[byte][]byte{}
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		generation, coded, _ := strings.Cut(line, ":")
		g, err := strconv.ParseUint(generation, 10, 8)
		if err != nil || g == 0 {
			return nil, fmt.Errorf("%w %s: line %d does not begin with a generation from 1 to 255 and a colon", ErrKeyFile, path, n+1)
		}
		master, err := base64.StdEncoding.DecodeString(coded)
		if err != nil || len(master) != keySize {
			return nil, fmt.Errorf("%w %s: line %d is not %d bytes in base64", ErrKeyFile, path, n+1, keySize)
		}
		if _, twice := masters[byte(g)]; twice {
			return nil, fmt.Errorf("%w %s: line %d repeats generation %d", ErrKeyFile, path, n+1, g)
		}
		masters[byte(g)] = master
	}
	return New(masters)
}

// Seal encrypts plain for one context (a column's name, say); it opens only for the same context.
func (k *Keyring) Seal(plain []byte, context string) []byte {
	current := k.keys[0]
	return current.aead.Seal([]byte{current.generation}, nil, plain, []byte(context))
}

// Open gives back what was sealed for this context, or ErrOpen.
func (k *Keyring) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrOpen
	}
	for _, one := range k.keys {
		if one.generation != sealed[0] {
			continue
		}
		plain, err := one.aead.Open(nil, nil, sealed[1:], []byte(context))
		if err != nil {
			return nil, ErrOpen
		}
		return plain, nil
	}
	return nil, ErrOpen
}

// MAC is the keyed hash of parts for one purpose, under the current key. Parts are length-prefixed: no two lists
// of parts give the same input.
func (k *Keyring) MAC(purpose string, parts ...[]byte) []byte {
	return k.keys[0].hash(purpose, parts)
}

// MACs is MAC under every key of the ring, the current one first: what a look-up compares with.
func (k *Keyring) MACs(purpose string, parts ...[]byte) [][]byte {
	all := make([][]byte, len(k.keys))
	for i, one := range k.keys {
		all[i] = one.hash(purpose, parts)
	}
	return all
}

func (k key) hash(purpose string, parts [][]byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
		n := len(part)
		h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		h.Write(part)
	}
	return append([]byte{k.generation}, h.Sum(nil)[:macSize]...)
}
