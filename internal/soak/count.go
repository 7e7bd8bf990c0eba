package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"
)

// list reads a whole paged list.
func list[T any](ctx context.Context, s *soak, path string) (all []T, err error) {
	for cursor := ""; ; {
		var page struct {
			Items []T
			Next  string
		}
		if err := s.call(ctx, "GET", path+"?limit=1000&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// count compares the ledger with what was asked for and with what the gateway says.
func (s *soak) count(ctx context.Context) error {
	messages, err := list[struct {
		State string
		Key   string `json:"idempotency_key"`
	}](ctx, s, "/v1/messages")
	if err != nil {
		return err
	}
	states := map[string]string{}
	for _, m := range messages {
		s.result.States[m.State]++
		states[m.Key] = m.State
	}
	for i := range s.next {
		s.countMessage(i, states[fmt.Sprintf("soak-%06d", i)])
	}
	times, err := s.inbox(ctx)
	if err != nil {
		return err
	}
	for i := range s.came {
		s.result.Received++
		switch times[incoming(i)] {
		case 0:
			s.result.InboxLost++
			s.o.Tell(fmt.Sprintf("lost: incoming text %d", i))
		case 1:
		default:
			s.result.InboxDouble++
			s.o.Tell(fmt.Sprintf("stored twice: incoming text %d", i))
		}
	}
	return s.countFilings(ctx)
}

// listing is how long after the load a text may come that only a list of a modem's stores finds: three lists.
const listing = 30 * time.Second

// inbox counts the texts that came in, by what they say, when all are there or none can come any more.
func (s *soak) inbox(ctx context.Context) (map[string]int, error) {
	for end := time.Now().Add(listing); ; s.pause(ctx, time.Second) {
		items, err := list[struct{ Text string }](ctx, s, "/v1/inbox")
		if err != nil {
			return nil, err
		}
		times, all := map[string]int{}, true
		for _, it := range items {
			times[it.Text]++
		}
		for i := range s.came {
			all = all && times[incoming(i)] > 0
		}
		if all || time.Now().After(end) {
			return times, nil
		}
	}
}

func (s *soak) countMessage(i int, state string) {
	s.result.Sent++
	least, most := s.air.times(i)
	switch {
	case least == 0 && (state == "rejected" || state == "expired" || state == "unreported" || state == "unknown" || state == "undelivered"):
		s.result.GivenUp++
	case least == 0:
		s.result.Lost++
		s.o.Tell(fmt.Sprintf("lost: message %d is %q and did not go on air", i, state))
	default:
		s.result.OnAir++
	}
	switch {
	case most == 2 && repeatable(i):
		s.result.Repeated++
	case most > 1:
		s.result.Doubled++
		s.o.Tell(fmt.Sprintf("doubled: message %d is %q and went on air %d times", i, state, most))
	}
}

func (s *soak) countFilings(ctx context.Context) error {
	passed, err := s.passes(ctx)
	if err != nil {
		return err
	}
	filings, err := list[struct{ ID string }](ctx, s, "/v1/filings")
	if err != nil {
		return err
	}
	for _, f := range filings {
		s.result.Filings++
		switch n := passed[f.ID]; {
		case n > 1:
			s.result.PassedTwice++
			fallthrough
		case n == 1:
			s.result.Passed++
		}
	}
	return nil
}

// passes counts the events that say that a filing has passed. The stream has no end: silence for two seconds is one.
func (s *soak) passes(ctx context.Context) (map[string]int, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	go func() {
		_, err := s.stream(reading, "/v1/events?after=0", w)
		w.CloseWithError(err)
	}()
	quiet := time.AfterFunc(5*time.Second, stop)
	defer quiet.Stop()
	times := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		quiet.Reset(2 * time.Second)
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		var e struct{ Type, Subject string }
		if ok && json.Unmarshal(data, &e) == nil && e.Type == "filing.passed" {
			times[e.Subject]++
		}
	}
	return times, ctx.Err()
}
