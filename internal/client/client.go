// Package client speaks to a running gateway's API. The commands use it, and so can any program of this module: it
// needs nothing but the standard library. Errors say what a person at a terminal should do.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// DefaultURL is where a gateway listens that was told nothing.
const DefaultURL = "http://127.0.0.1:8480"

// ErrNoToken says that a token is needed and none was given.
var ErrNoToken = errors.New("no token: make one with\n  attestd token create --config FILE --name NAME\nthen put it into ATTESTD_TOKEN, or into a file for --token-file")

// Client speaks to one gateway. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New makes a client for the gateway at base; token may be empty for what needs none.
func New(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--url: want the gateway's address, as %s", DefaultURL)
	}
	// No timeout for the whole: event streams have no end. Contexts bound the rest.
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ResponseHeaderTimeout: time.Minute,
		TLSHandshakeTimeout:   10 * time.Second,
	}
	return &Client{base: u, token: strings.TrimSpace(token), http: &http.Client{Transport: transport}}, nil
}

// Token reads a token from a file, or takes the one given when no file is named.
func Token(file, otherwise string) (string, error) {
	if file == "" {
		return otherwise, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("--token-file: %s must hold a token and nothing else", file)
	}
	return token, nil
}

// Problem is what the gateway answered instead: an RFC 9457 problem document.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Error tells what is wrong in the gateway's words.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the gateway answered %d %s", p.Status, p.Title)
	}
	return p.Detail
}

// Do sends in as JSON (nil: no body) and reads the answer into out (nil: nowhere; *json.RawMessage: as it is).
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s answered what is no JSON: is it an attestd gateway? (%w)", c.base.Redacted(), err)
	}
	return nil
}

// Get reads path with a query into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.Do(ctx, http.MethodGet, path, nil, out)
}

func (c *Client) send(ctx context.Context, method, path string, in any, header http.Header) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	target, err := c.base.Parse(strings.TrimSuffix(c.base.Path, "/") + path)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.problem(resp)
}

func (c *Client) problem(resp *http.Response) error {
	p := &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		_ = json.Unmarshal(text, p)
	} else {
		p.Detail = fmt.Sprintf("%s answered %s: is it an attestd gateway?", c.base.Redacted(), resp.Status)
	}
	if p.Status == http.StatusUnauthorized && c.token == "" {
		return ErrNoToken
	}
	return p
}

// explain says what a failed connection means.
func (c *Client) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var unknown *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no gateway answers at %s: is attestd serve running? (--url or ATTESTD_URL names another address)", c.base.Redacted())
	case errors.As(err, &unknown):
		return fmt.Errorf("--url: there is no host %s", c.base.Hostname())
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s did not answer in time", c.base.Redacted())
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: write http:// in --url", c.base.Redacted())
	}
	var inner *url.Error // its text repeats the whole URL
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s: %w", c.base.Redacted(), err)
}
