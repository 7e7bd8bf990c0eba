// Package seal keeps what must not stand in plain anywhere: it seals values for the database (AES-256-GCM) and
// makes keyed hashes of them for look-ups and for codes (HMAC-SHA-256).
//
// A keyring holds one current key and, during a rotation, the one before it. Every output begins with the
// generation of the key that made it, so that old rows stay readable until they are wiped or re-sealed. The key file and its
// rotation are in file.go; who re-seals is internal/store.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
)

const (
	keySize = 32
	macSize = 16 // truncated HMAC: 128 bits are ample for look-ups and for one-in-a-million codes
)

var (
	// ErrOpen says that a sealed value was made under another key, for another context, or was damaged.
	ErrOpen = errors.New("sealed value cannot be opened: wrong key file, or the value was damaged")
	// ErrKeyFile says that a key file cannot be used; the wrapped text says why.
	ErrKeyFile = errors.New("key file")
)

// Keyring seals and hashes under the newest of its keys and opens under any of them. It is safe for concurrent use, its
// replacement too.
type Keyring struct {
	keys atomic.Pointer[[]key] // newest first
	shut atomic.Int64          // how often a value was not opened
}

type key struct {
	generation byte
	aead       cipher.AEAD // nil for one that only hashes
	mac        []byte
}

// Generation is a key of a ring, told without the key.
type Generation struct {
	N        byte
	Current  bool // seals, and is the first to hash
	HashOnly bool // opens nothing: it only knows again what was hashed under it
}

// New makes a keyring from master keys of 32 bytes, newest first, with their generations (1 to 255).
func New(masters map[byte][]byte) (*Keyring, error) {
	var all []entry
	for g := 255; g >= 1; g-- {
		master, ok := masters[byte(g)]
		if !ok {
			continue
		}
		if len(master) != keySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, want %d", ErrKeyFile, g, len(master), keySize)
		}
		all = append(all, entry{generation: byte(g), secret: master})
	}
	return ring(all)
}

// ring makes a keyring of the entries of a key file, newest first.
func ring(all []entry) (*Keyring, error) {
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: it holds no key", ErrKeyFile)
	}
	if all[0].hashOnly {
		return nil, fmt.Errorf("%w: its newest key, generation %d, only hashes: nothing could be sealed", ErrKeyFile, all[0].generation)
	}
	keys := make([]key, len(all))
	for i, e := range all {
		if e.hashOnly {
			keys[i] = key{generation: e.generation, mac: e.secret}
			continue
		}
		var err error
		if keys[i], err = derive(e.generation, e.secret); err != nil {
			return nil, err
		}
	}
	k := &Keyring{}
	k.keys.Store(&keys)
	return k, nil
}

func (k *Keyring) all() []key { return *k.keys.Load() }

// Replace gives a ring the keys of another, while it is used: whoever seals from now on seals under the other's newest key.
func (k *Keyring) Replace(other *Keyring) { k.keys.Store(other.keys.Load()) }

// Generations tells which keys there are, the current one first.
func (k *Keyring) Generations() (all []Generation) {
	for i, one := range k.all() {
		all = append(all, Generation{N: one.generation, Current: i == 0, HashOnly: one.aead == nil})
	}
	return all
}

// Current is the generation that seals.
func (k *Keyring) Current() byte { return k.all()[0].generation }

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
	mac, err := hashKey(master)
	if err != nil {
		return key{}, err
	}
	return key{generation: generation, aead: aead, mac: mac}, nil
}

// hashKey is the half of a master key that hashes; the other half cannot be found from it.
func hashKey(master []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, master, nil, "attestd mac v1", keySize)
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

// Seal encrypts plain for one context (a column's name, say); it opens only for the same context.
func (k *Keyring) Seal(plain []byte, context string) []byte {
	current := k.all()[0]
	return current.aead.Seal([]byte{current.generation}, nil, plain, []byte(context))
}

// Shut is how often a value could not be opened since the ring was made.
func (k *Keyring) Shut() int64 { return k.shut.Load() }

// Open gives back what was sealed for this context, or ErrOpen.
func (k *Keyring) Open(sealed []byte, context string) ([]byte, error) {
	plain, err := k.open(sealed, context)
	if err != nil {
		k.shut.Add(1)
	}
	return plain, err
}

func (k *Keyring) open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrOpen
	}
	for _, one := range k.all() {
		if one.generation != sealed[0] || one.aead == nil {
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
	return k.all()[0].hash(purpose, parts)
}

// MACs is MAC under every key of the ring, the current one first: what a look-up compares with.
func (k *Keyring) MACs(purpose string, parts ...[]byte) [][]byte {
	keys := k.all()
	all := make([][]byte, len(keys))
	for i, one := range keys {
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

// checkPurpose is hashed under a key to tell it from another; what is hashed under it is no secret.
const checkPurpose = "which key is this"

// Checks gives each generation's check value: what a database keeps to know its key again.
func (k *Keyring) Checks() map[byte]string {
	all := map[byte]string{}
	for _, one := range k.all() {
		all[one.generation] = hex.EncodeToString(one.hash(checkPurpose, nil)[1:])
	}
	return all
}
