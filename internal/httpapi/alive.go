package httpapi

import (
	"context"
	"sync"
	"time"
)

// aliveFor is how long an answer of the database holds: with aliveLook, a stream is closed within a second after its
// token ended.
const (
	aliveFor  = 300 * time.Millisecond
	aliveLook = 500 * time.Millisecond
)

// alive remembers for a moment which tokens are in use, so that many streams of one token ask once. The command line
// ends
// tokens from another process: only the database knows.
type alive struct {
	mu   sync.Mutex
	seen map[string]aliveness // by token's id
}

type aliveness struct {
	at time.Time
	ok bool
}

// stillAdmitted says whether the token that a request came with is in use. What cannot be asked counts as no: whoever
// follows events
// connects again.
func (a *API) stillAdmitted(ctx context.Context) bool {
	id := callerOf(ctx).ID
	if a.s.InUse == nil {
		return true
	}
	a.alive.mu.Lock()
	defer a.alive.mu.Unlock()
	now := time.Now()
	if known, ok := a.alive.seen[id]; ok && now.Sub(known.at) < aliveFor {
		return known.ok
	}
	ok, err := a.s.InUse(ctx, id)
	for other, known := range a.alive.seen {
		if now.Sub(known.at) > time.Minute {
			delete(a.alive.seen, other)
		}
	}
	if a.alive.seen == nil {
		a.alive.seen = map[string]aliveness{}
	}
	a.alive.seen[id] = aliveness{now, ok && err == nil}
	return ok && err == nil
}
