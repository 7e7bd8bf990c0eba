package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is something that happened in the gateway.
type Event struct {
	Seq     int64           `json:"seq"`
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Subject string          `json:"subject"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

// silence is how long a stream may say nothing at all: the gateway gives signs of life more often.
const silence = time.Minute

// ErrStop ends Follow without an error when a handler returns it.
var ErrStop = errors.New("stop")

// Follow calls connected when the stream stands, and each for every event about subject ("" for all) from then on,
// until ctx ends or one of them returns an error (ErrStop: without one). A broken stream is taken up again after the last
// event that was seen (without one, from then on; connected is called again, and can look at what it missed).
func (c *Client) Follow(ctx context.Context, subject string, connected func() error, each func(Event) error) error {
	last, stood := "", false
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		began := time.Now()
		err := c.follow(ctx, subject, &last, &stood, connected, each)
		var broken *broken
		switch {
		case errors.Is(err, ErrStop):
			return nil
		case !errors.As(err, &broken):
			return err
		}
		if time.Since(began) > time.Minute {
			pause = 200 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// broken is a stream's end that may be mended by connecting again.
type broken struct{ error }

func (b *broken) Unwrap() error { return b.error }

func (c *Client) follow(parent context.Context, subject string, last *string, stood *bool, connected func() error, each func(Event) error) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	header := http.Header{"Accept": {"text/event-stream"}}
	if *last != "" {
		header.Set("Last-Event-ID", *last)
	}
	resp, err := c.send(ctx, http.MethodGet, "/v1/events?"+url.Values{"subject": {subject}}.Encode(), nil, header)
	var p *Problem
	switch {
	case parent.Err() != nil:
		return parent.Err()
	case errors.Is(err, ErrNoToken), errors.As(err, &p) && p.Status < 500:
		return err
	case err != nil && !*stood:
		return err // it never stood: a person should know at once
	case err != nil:
		return &broken{err}
	}
	defer resp.Body.Close()
	*stood = true
	if err := connected(); err != nil {
		return err
	}
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	r := bufio.NewReader(resp.Body)
	var id, data string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			if parent.Err() != nil {
				return parent.Err()
			}
			if errors.Is(err, io.EOF) {
				err = errors.New("the gateway ended the stream")
			}
			return &broken{err}
		}
		watchdog.Reset(silence)
		switch line = strings.TrimRight(line, "\r\n"); {
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "" && data != "":
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return fmt.Errorf("an event that is no JSON: %w", err)
			}
			*last, id, data = id, "", ""
			if err := each(e); err != nil {
				return err
			}
		}
	}
}
