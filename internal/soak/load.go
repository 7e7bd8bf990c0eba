package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"attestd/modem/simulator"
)

// call makes a request of the platform. None is wrong and the gateway never stops here, so whatever is not done is counted.
func (s *soak) call(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.rig.URL+path, content)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.rig.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		s.refused(ctx, method+" "+path, err.Error())
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 300:
		s.refused(ctx, method+" "+path, fmt.Sprintf("%d %.300s", resp.StatusCode, answer))
		return fmt.Errorf("%s %s: %d %.300s", method, path, resp.StatusCode, answer)
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}

func (s *soak) refused(ctx context.Context, what, why string) {
	if ctx.Err() != nil {
		return // it was broken off by us
	}
	s.o.Tell("refused: " + what + ": " + why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Refused++
}

// fates are the ways a submit can go wrong and still arrive, by the last digits of the recipient.
func fates() []string {
	var suffixes []string
	for _, f := range simulator.Fates() {
		// A stick that comes back under another name is lost to a gateway that was given a path.
		if f.Delivers && f.Name != "renumber" && !strings.ContainsFunc(f.Suffix, unicode.IsLetter) {
			suffixes = append(suffixes, f.Suffix)
		}
	}
	return suffixes
}

// send asks for messages at the rate, one in twenty with a fate. Each is asked for once: an answer that is lost is a fault.
func (s *soak) send(ctx context.Context) {
	bad := fates()
	for every := time.Duration(float64(time.Second) / s.o.Rate); ctx.Err() == nil; s.pause(ctx, every) {
		s.mu.Lock()
		i := s.next
		if i >= len(s.air.parts) {
			s.mu.Unlock()
			return
		}
		s.next++
		s.mu.Unlock()
		to := fmt.Sprintf("+86139%07d1", i)
		if i%20 == 7 {
			to = "+86138" + fmt.Sprintf("%08d", i/20)[5:] + bad[i/20%len(bad)]
		}
		// Without ctx: whether it was taken in must be known.
		_ = s.call(context.WithoutCancel(ctx), "POST", "/v1/messages", map[string]any{
			"to": to, "text": message(i), "report": true, "repeatable": repeatable(i), "idempotency_key": fmt.Sprintf("soak-%06d", i),
		}, nil)
	}
}

// inject has texts sent to us, one in ten in three parts.
func (s *soak) inject(ctx context.Context) {
	for ; ctx.Err() == nil; s.pause(ctx, time.Second) {
		s.mu.Lock()
		i := s.came
		s.came++
		s.mu.Unlock()
		if err := s.rig.Network.Inject(s.roll(s.o.Modems), "+8613700000001", incoming(i)); err != nil {
			s.o.Tell("inject: " + err.Error())
		}
	}
}

func incoming(i int) string {
	if i%10 == 4 {
		return fmt.Sprintf("to us %06d %0400d", i, i)
	}
	return fmt.Sprintf("to us %06d", i)
}

// read reads as operators, dashboards and scrapers do.
func (s *soak) read(ctx context.Context) {
	paths := []string{"/v1/messages", "/v1/messages?state=unknown", "/v1/messages?limit=1000", "/v1/filings", "/v1/inbox?limit=500", "/v1/modems", "/v1/status", "/healthz"} // not /readyz: it says 503 while no modem can send, as at the start
	for ; ctx.Err() == nil; s.pause(ctx, 200*time.Millisecond) {
		if err := s.call(ctx, "GET", paths[s.roll(len(paths))], nil, nil); err == nil {
			s.mu.Lock()
			s.result.Reads++
			s.mu.Unlock()
		}
	}
}

// follow opens event streams and leaves them, and scrapes in between.
func (s *soak) follow(ctx context.Context) {
	for ; ctx.Err() == nil; s.pause(ctx, 500*time.Millisecond) {
		for path, length := range map[string]time.Duration{"/v1/events": 3 * time.Second, "/metrics": 10 * time.Second} {
			bounded, cancel := context.WithTimeout(ctx, length)
			_, _ = s.stream(bounded, path, io.Discard)
			cancel()
		}
	}
}

// stream copies an answer until it ends or ctx does.
func (s *soak) stream(ctx context.Context, path string, to io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", s.rig.URL+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.rig.Token)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.Copy(to, resp.Body)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// file files, one filing after another: a person reads the code and enters it, or answers by SMS.
func (s *soak) file(ctx context.Context) {
	const tail = "31002X"
	phone := fmt.Sprintf("135%08d", s.roll(1e8))
	codes := make(chan string, 16)
	for i := 0; ctx.Err() == nil; i++ {
		bySMS := i%2 == 1
		s.rig.Network.Handset("+86"+phone, func(text string) (string, time.Duration) {
			code := sixDigits.FindString(text)
			if code == "" { // an answer to an answer
				return "", 0
			}
			if bySMS {
				return code + " " + tail, 100 * time.Millisecond
			}
			select {
			case codes <- code:
			default:
			}
			return "", 0
		})
		var filing struct{ ID, State string }
		err := s.call(context.WithoutCancel(ctx), "POST", "/v1/filings", map[string]any{
			"type": "entity_cancellation", "persons": []map[string]any{{"role": "entity_head", "name": "王芳", "mobile": phone, "certificate_tail": tail}},
		}, &filing)
		if err != nil {
			s.o.Tell("filing: " + err.Error())
			s.pause(ctx, time.Second)
			continue
		}
		for end := time.Now().Add(time.Minute); filing.State == "verifying" && time.Now().Before(end) && ctx.Err() == nil; {
			select {
			case code := <-codes:
				_ = s.call(ctx, "POST", "/v1/public/verify", map[string]any{"code": code, "mobile": phone, "certificate_tail": tail}, nil)
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
			}
			_ = s.call(ctx, "GET", "/v1/filings/"+filing.ID, nil, &filing)
		}
		for len(codes) > 0 {
			<-codes
		}
		s.pause(ctx, time.Second)
	}
}
