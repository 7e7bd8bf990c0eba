package httpapi

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// streams counts the event streams that are open: each holds a connection for as long as its client likes.
type streams struct {
	mu    sync.Mutex
	all   int
	token map[string]int
}

// begin opens one more of a token, unless it has as many as it may, or all together have.
func (s *streams) begin(token string, perToken, most int) (end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if perToken > 0 && s.token[token] >= perToken || most > 0 && s.all >= most {
		return nil, false
	}
	if s.token == nil {
		s.token = map[string]int{}
	}
	s.all++
	s.token[token]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.token[token]--; s.token[token] == 0 {
			delete(s.token, token)
		}
	}), true
}

// streamRetry is when a client that found no place for its stream is told to come again.
const streamRetry = "5"

func (a *API) tooManyStreams(ctx context.Context) error {
	p := newProblem(http.StatusTooManyRequests, "too many event streams are open (http.streams_per_token, and half of http.max_connections for all): close some, or share one")
	p.Instance = instance(ctx)
	return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {streamRetry}})
}
