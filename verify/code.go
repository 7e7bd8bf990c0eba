package verify

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"attestd/internal/msisdn"
)

const codeLength = 6

var codeSpace = big.NewInt(1_000_000)

// newCode draws a uniform code: a string, for its leading zeros count.
func newCode() string {
	n, err := rand.Int(rand.Reader, codeSpace) // rejection sampling: no code is likelier than another
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%0*d", codeLength, n)
}

// hashes are a submission under every live key, ready to be compared.
type hashes struct {
	number, tail, code [][]byte
	none               [][]byte // what a challenge has that asks for no tail
	named              bool     // the submission names its filing
}

func (s *Service) hashNumber(n msisdn.Number) [][]byte {
	return s.vault.MACs("number", []byte(n.E164()))
}

func (s *Service) hash(n msisdn.Number, tail, code string) hashes {
	return hashes{
		number: s.hashNumber(n),
		tail:   s.vault.MACs("tail", []byte(tail)),
		none:   s.vault.MACs("tail", []byte(noTail)),
		code:   s.vault.MACs("code", []byte(n.E164()), []byte(code)),
	}
}

// anyEqual compares every one with every other and takes the same time whichever of them are equal.
func anyEqual(these, those [][]byte) bool {
	found := 0
	for _, a := range these {
		for _, b := range those {
			found |= subtle.ConstantTimeCompare(a, b)
		}
	}
	return found == 1
}

// decoy is compared with where there is nothing to compare with, so that a phone without challenges takes the work of
// a phone with one.
var decoy = Challenge{ID: "none", TailMACs: [][]byte{bytes.Repeat([]byte{0}, 17)}, CodeMAC: bytes.Repeat([]byte{0}, 17)}

// tailless says whether a challenge asks for no tail. Like matches it takes the same time whatever the answer.
func (h hashes) tailless(c Challenge) bool { return anyEqual(c.TailMACs, h.none) }

func (h hashes) anyTailless(all []Challenge) bool {
	for _, c := range all {
		if h.tailless(c) {
			return true
		}
	}
	return false
}

// matches compares a submission with a challenge.
func (h hashes) matches(c Challenge) (tail, code bool) {
	return anyEqual(c.TailMACs, h.tail), anyEqual([][]byte{c.CodeMAC}, h.code)
}

// issue gives a challenge a code that no other open challenge of the phone has.
func (s *Service) issue(c *Challenge, n msisdn.Number, others []Challenge) {
	var taken [][]byte
	for _, o := range others {
		taken = append(taken, o.CodeMAC)
	}
	for {
		code := s.draw()
		macs := s.vault.MACs("code", []byte(n.E164()), []byte(code))
		if anyEqual(taken, macs) {
			continue
		}
		c.CodeMAC, c.CodeSealed = macs[0], s.vault.Seal([]byte(code), "code:"+c.ID)
		return
	}
}

// replaceType is one that no other open challenge of the phone has: a code must replace no code but its own. With seven
// open there is none left.
func replaceType(others []Challenge) int {
	for t := 1; t <= 7; t++ {
		if !slices.ContainsFunc(others, func(o Challenge) bool { return o.ReplaceType == t }) {
			return t
		}
	}
	return 0
}

// openCode reads a challenge's code, in order to send it.
func (s *Service) openCode(c Challenge) (string, error) {
	code, err := s.vault.Open(c.CodeSealed, "code:"+c.ID)
	if err != nil {
		return "", fmt.Errorf("code of challenge %s: %w", c.ID, err)
	}
	return string(code), nil
}

// openNumber reads a challenge's phone, in order to send to it.
func (s *Service) openNumber(c Challenge) (msisdn.Number, error) {
	e164, err := s.vault.Open(c.NumberSealed, "challenge:"+c.ID)
	if err == nil {
		var n msisdn.Number
		if n, err = msisdn.Stored(string(e164)); err == nil {
			return n, nil
		}
	}
	return msisdn.Number{}, errors.Join(fmt.Errorf("phone of challenge %s", c.ID), err)
}

// mask shows a number as 138****5678.
func mask(n msisdn.Number) string { return msisdn.Masked(n.E164()) }

// Number is a challenge's phone whole, for who may see it; "" where it was wiped or cannot be opened.
func (s *Service) Number(c Challenge) string {
	if len(c.NumberSealed) == 0 {
		return ""
	}
	n, err := s.openNumber(c)
	if err != nil {
		return ""
	}
	return n.E164()
}
