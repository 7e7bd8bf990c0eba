package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// api is the platform: a plain HTTP client, as any language has one.
type api struct{ base, token string }

type event struct {
	Type string
	Data json.RawMessage
}

func (a *api) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, text)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		problem, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, problem)
	}
	return resp, nil
}

func (a *api) call(ctx context.Context, method, path string, body, into any) error {
	resp, err := a.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(into)
}

func (a *api) text(ctx context.Context, path string) (string, error) {
	resp, err := a.do(ctx, "GET", path, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}

// follow reads the stream of server-sent events until ctx ends. It returns when the stream stands.
func (a *api) follow(ctx context.Context, heard func(event)) error {
	resp, err := a.do(ctx, "GET", "/v1/events", nil)
	if err != nil {
		return err
	}
	go func() {
		defer func() { _ = resp.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "event":
				e.Type = value
			case "data":
				e.Data = json.RawMessage(value)
			case "":
				if e.Type != "" {
					heard(e)
				}
				e = event{}
			}
		}
	}()
	return nil
}
