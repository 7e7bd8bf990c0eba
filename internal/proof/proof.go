// Package proof has a client show a little computing, or the answer to a sum, before something is done for it: against
// machines
// that guess. One Passes is for the page and the API together, so that a pass is good once.
package proof

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A form carries a pass: when it was made and a nonce, under a key of this process. Nothing is kept of a form that is
// only looked at. With its pass comes either a number that makes the SHA-256 of both begin with enough zero bits, or
// the
// answer to a sum that follows from the pass. A pass is good for one submission, and for that one again within the time
// in which verify gives an identical submission its stored answer: so a second click is harmless, a proof buys one
// guess, and reloading the answer an hour later costs nobody a try.
const (
	Life       = 2 * time.Hour
	Bits       = 17 // 131,072 hashes on average: a fraction of a second on a phone, begun when the page opens
	SumsMinute = 30 // answers to sums that are taken in a minute, of all callers together

	passSize  = 6 + 10 + 16 // 43 characters: with ":" and the number it must stay within one block of SHA-256 (55)
	mostSpent = 50_000

	// Any is what a sum is worth, and what is taken for shown where no proof is asked for.
	Any = 64
)

// Verdict is what became of a pass.
type Verdict int

// What becomes of a pass.
const (
	Admitted Verdict = iota
	Stale            // too old, of another run, or used for something else: a new form is needed
	Unproven         // neither work nor the right sum
	Crowded          // too many sums just now
)

// Terms are what a pass must come with, and for how long it is good again for the same submission.
type Terms struct {
	Bits   int // zero bits of the hash; 0: a pass is enough
	Repeat time.Duration
}

// Passes are all that are given out by one process.
type Passes struct {
	key   [32]byte
	began time.Time // passes are stamped by the time since, which is told by the monotonic clock: the other may be set
	sums  *rate.Limiter

	mu    sync.Mutex
	spent map[string]use // by pass
	floor time.Time      // passes made before are refused: what was spent of them is forgotten
}

type use struct {
	content [32]byte // a keyed hash of what was submitted
	at      time.Time
	work    int
}

// New makes passes under a key of their own.
func New() *Passes {
	now := time.Now()
	p := &Passes{began: now, sums: rate.NewLimiter(rate.Every(time.Minute/SumsMinute), SumsMinute), spent: map[string]use{}, floor: now.Add(-time.Millisecond)}
	_, _ = rand.Read(p.key[:]) // never fails (crypto/rand)
	return p
}

func (p *Passes) mac(purpose string, of ...[]byte) [32]byte {
	h := hmac.New(sha256.New, p.key[:])
	for _, one := range append([][]byte{[]byte(purpose)}, of...) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(one)))
		h.Write(size[:])
		h.Write(one)
	}
	return [32]byte(h.Sum(nil))
}

// Issue makes a pass.
func (p *Passes) Issue(now time.Time) string {
	raw := make([]byte, passSize)
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(now.Sub(p.began).Milliseconds()))
	copy(raw, stamp[2:])
	_, _ = rand.Read(raw[6:16])
	mac := p.mac("pass", raw[:16])
	copy(raw[16:], mac[:])
	return base64.RawURLEncoding.EncodeToString(raw)
}

// made tells when a pass was made, if it is one of ours.
func (p *Passes) made(pass string) (time.Time, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(pass)
	if err != nil || len(raw) != passSize {
		return time.Time{}, false
	}
	mac := p.mac("pass", raw[:16])
	if !hmac.Equal(raw[16:], mac[:16]) {
		return time.Time{}, false
	}
	var stamp [8]byte
	copy(stamp[:], raw[:6])
	since := int64(binary.BigEndian.Uint64(stamp[:])) >> 16 // with its sign
	return p.began.Add(time.Duration(since) * time.Millisecond), true
}

// Sum is the question that goes with a pass: two numbers from 2 to 9.
func (p *Passes) Sum(pass string) (a, b int) {
	mac := p.mac("sum", []byte(pass))
	return 2 + int(mac[0])%8, 2 + int(mac[1])%8
}

// Work is how many zero bits the SHA-256 of a pass and a number begins with, which tells the work of finding it.
func Work(pass, number string) int {
	if number == "" || len(number) > 10 {
		return 0
	}
	hash := sha256.Sum256([]byte(pass + ":" + number))
	return bits.LeadingZeros32(binary.BigEndian.Uint32(hash[:]))
}

// Admit judges what came with a submission, and spends the pass if it is good. content is all that was entered. work is
// what
// was shown: zero bits, or Any.
func (p *Passes) Admit(pass, number, sum string, content []string, t Terms, now time.Time) (v Verdict, work int) {
	made, ours := p.made(pass)
	if !ours || now.Sub(made) > Life || made.After(now.Add(time.Minute)) {
		return Stale, 0
	}
	var parts [][]byte
	for _, c := range content {
		parts = append(parts, []byte(c))
	}
	entered := p.mac("content", parts...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if made.Before(p.floor) {
		return Stale, 0
	}
	if before, spent := p.spent[pass]; spent {
		if before.content == entered && now.Sub(before.at) < t.Repeat {
			return Admitted, before.work
		}
		return Stale, 0
	}
	work = Any
	if t.Bits > 0 {
		work = Work(pass, number)
	}
	if work < t.Bits {
		a, b := p.Sum(pass)
		if n, err := strconv.Atoi(sum); err != nil || n != a+b {
			return Unproven, 0
		}
		if !p.sums.AllowN(now, 1) {
			return Crowded, 0
		}
		work = Any
	}
	if len(p.spent) >= mostSpent {
		p.sweep(now)
	}
	p.spent[pass] = use{entered, now, work}
	return Admitted, work
}

// sweep forgets what can no longer be used, and when that is not enough, everything: then the forms that are out there
// count as old, for a pass must not be good twice.
func (p *Passes) sweep(now time.Time) {
	for pass, u := range p.spent {
		if now.Sub(u.at) > Life {
			delete(p.spent, pass)
		}
	}
	if len(p.spent) >= mostSpent {
		clear(p.spent)
		p.floor = now
	}
}
