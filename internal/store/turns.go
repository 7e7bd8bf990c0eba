package store

import (
	"context"
	"slices"
	"sync"
	"time"
)

// rank is who goes first among those who wait for the right to write.
type rank uint8

const (
	ahead    rank = iota // a modem, or the network behind it, waits for it: see Store.Ahead
	ordinary             // somebody waits who can wait: what is taken in, swept, told
	nobody               // none of the two
)

const (
	// While modems are at work, ordinary turns come a few at a time: each is followed by an answer and the next
	// request, and a
	// machine that is busy with those lets the conversation with a modem wait at every step, many times a message.
	atWork   = 30 * time.Millisecond // after a turn of rank ahead
	slot     = 6 * time.Millisecond
	slotHas  = 4 // ordinary turns
	headRuns = 8 // who may go ahead of one whose slot has come, so that nobody waits for ever
)

// turns gives out the right to write, to one at a time. Of each rank, who came first goes first.
type turns struct {
	mu     sync.Mutex
	held   bool
	queues [nobody][]chan struct{}
	passed int       // who went ahead, one after the other, while others waited
	last   time.Time // the latest turn of rank ahead
	began  time.Time // the slot
	used   int       // of it
	armed  bool      // kick comes
}

// take waits for the right to write.
func (t *turns) take(ctx context.Context, r rank) error {
	t.mu.Lock()
	if now := time.Now(); !t.held && (r == ahead || len(t.queues[ordinary]) == 0 && t.rest(now) <= 0) {
		t.give(r, now)
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	t.queues[r] = append(t.queues[r], mine)
	t.arm(time.Now())
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queues[r], mine); i >= 0 {
		t.queues[r] = slices.Delete(t.queues[r], i, i+1)
		return context.Cause(ctx)
	}
	return nil // it was handed over in this moment, and whoever did so counts on us
}

// pass hands the right to write over. joins says whether somebody of that rank may be the next, and is asked with
// nobody when nobody
// may go; when it says no, nothing is handed over and pass is false.
func (t *turns) pass(joins func(rank) bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	r := t.next(now)
	if !joins(r) {
		return false
	}
	t.held = false
	t.hand(r, now)
	t.arm(now)
	return true
}

// next is who may go now.
func (t *turns) next(now time.Time) rank {
	waits := func(r rank) bool { return len(t.queues[r]) > 0 }
	mayGo := waits(ordinary) && t.rest(now) <= 0
	switch {
	case waits(ahead) && !(mayGo && t.passed >= headRuns):
		return ahead
	case mayGo:
		return ordinary
	}
	return nobody
}

// rest is how long the next ordinary turn is to wait.
func (t *turns) rest(now time.Time) time.Duration {
	if t.last.IsZero() || now.Sub(t.last) >= atWork || t.used < slotHas {
		return 0
	}
	return min(t.began.Add(slot).Sub(now), t.last.Add(atWork).Sub(now))
}

func (t *turns) hand(r rank, now time.Time) {
	if r == nobody {
		return
	}
	t.give(r, now)
	close(t.queues[r][0])
	t.queues[r] = t.queues[r][1:]
}

func (t *turns) give(r rank, now time.Time) {
	t.held = true
	if r == ahead {
		t.last = now
		if t.passed++; len(t.queues[ordinary]) == 0 {
			t.passed = 0
		}
		return
	}
	t.passed = 0
	if now.Sub(t.began) >= slot {
		t.began, t.used = now, 0
	}
	t.used++
}

// arm has kick come when somebody waits whom nobody will hand the right to.
func (t *turns) arm(now time.Time) {
	if t.held || t.armed || len(t.queues[ordinary]) == 0 {
		return
	}
	t.armed = true
	time.AfterFunc(max(0, t.rest(now)), t.kick)
}

func (t *turns) kick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = false
	now := time.Now()
	if !t.held {
		t.hand(t.next(now), now)
	}
	t.arm(now)
}

// waiting is how many wait.
func (t *turns) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queues[ahead]) + len(t.queues[ordinary])
}
