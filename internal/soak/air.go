package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"attestd/modem/simulator"
)

// air counts what went on air. It is the network's ledger as a writer, so that not one entry is missed, and it takes all
// its memory at the start, so that it has no part in what the heap grows by.
type air struct {
	mu    sync.Mutex
	parts [][3]uint8 // by message and part: how often it went on air
}

func newAir(room int) *air { return &air{parts: make([][3]uint8, room)} }

// message is the text of message i; long ones take three parts.
func message(i int) string {
	if long(i) {
		return fmt.Sprintf("soak %06d %0400d", i, i)
	}
	return fmt.Sprintf("soak %06d", i)
}

func long(i int) bool       { return i%25 == 3 }
func repeatable(i int) bool { return i%2 == 0 }

var submitted = []byte(`"kind":"submit"`)

// Write takes one entry of the ledger. A part is known by the text's beginning, or, where a later part does not have it, by the
// digits of which it consists: see number.
func (a *air) Write(line []byte) (int, error) {
	if !bytes.Contains(line, submitted) {
		return len(line), nil
	}
	var e simulator.Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return 0, err
	}
	if i, ok := number(e); e.Accepted && ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		if i < len(a.parts) {
			a.parts[i][max(e.Part, 1)-1]++
		}
	}
	return len(line), nil
}

// number tells which message an entry belongs to: each part of a long one names it, the middle one by its recipient.
func number(e simulator.Entry) (i int, ok bool) {
	if e.Parts > 3 {
		return 0, false
	}
	var prefix string
	if e.Parts <= 1 || e.Part == 1 {
		_, err := fmt.Sscanf(e.Text, "%s %d", &prefix, &i)
		return i, err == nil && prefix == "soak"
	}
	_, err := fmt.Sscanf(e.To[max(0, len(e.To)-11):], "139%d", &i)
	return i / 10, err == nil
}

// times says how often the whole of message i went on air: as often as its rarest part, and as its most frequent one.
func (a *air) times(i int) (least, most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parts[i]
	if !long(i) {
		return int(p[0]), int(p[0])
	}
	return int(min(p[0], p[1], p[2])), int(max(p[0], p[1], p[2]))
}
