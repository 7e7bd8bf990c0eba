package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	mostBody    = 4 << 10     // of an answer; it is read only so that the connection can be used again
	bodyTime    = time.Second // for that
	dialTimeout = 5 * time.Second
	mostHeaders = 16 << 10
)

// answer is what came of a call.
type answer struct {
	status int
	after  time.Duration // Retry-After
	err    error
	// never says that no retry can help.
	never bool
}

// transport calls nobody that control does not let pass, and asks no proxy: one would dial for us, unchecked.
func (s *Sender) transport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: s.control}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 32, MaxIdleConns: 64, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: mostHeaders,
	}
}

// target is where a delivery goes and what signs it.
func (s *Settings) target(d Delivery) (address string, secrets Secrets, err error) {
	if d.Endpoint == Callback {
		return d.URL, s.Callbacks, nil
	}
	for _, e := range s.Endpoints {
		if e.Name == d.Endpoint {
			return e.URL, e.Secrets, nil
		}
	}
	return "", Secrets{}, errors.New("no endpoint of this name is configured any more")
}

// call posts a delivery once.
func (s *Sender) call(ctx context.Context, set *Settings, d Delivery) answer {
	address, secrets, err := set.target(d)
	if err != nil {
		return answer{err: err, never: true}
	}
	if fault := set.CheckURL(address); fault != "" {
		return answer{err: errors.New("the address " + fault)}
	}
	body, err := d.Payload()
	if err != nil {
		return answer{err: fmt.Errorf("the event cannot be written: %w", err), never: true}
	}
	now := time.Now()
	signature, err := secrets.sign(d.Event.ID, now, body)
	if err != nil {
		return answer{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, set.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return answer{err: errors.New("the address cannot be used"), never: true}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "attestd/"+s.o.Version)
	r.Header.Set("Webhook-Id", d.Event.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature)
	resp, err := s.client.Do(r)
	if err != nil {
		return answer{err: plain(ctx, set, err)}
	}
	drain(resp.Body, cancel)
	a := answer{status: resp.StatusCode}
	if a.status < 200 || a.status > 299 {
		a.err = fmt.Errorf("it answered %d %s", a.status, http.StatusText(a.status))
		if a.status/100 == 3 {
			a.err = fmt.Errorf("%w: redirections are not followed", a.err)
		}
		a.after = retryAfter(resp.Header)
	}
	return a
}

// drain reads a little of a body that nobody asked for. Its end, or its slowness, changes nothing: the status has said it.
func drain(body io.ReadCloser, cancel func()) {
	stop := time.AfterFunc(bodyTime, cancel)
	defer stop.Stop()
	_, _ = io.CopyN(io.Discard, body, mostBody)
	_ = body.Close()
}

// retryAfter reads the header Retry-After, in either of its forms (RFC 9110 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(n, 0), 86400)) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// plain says of which class the fault of a call was, and nothing in the words of the resolver or the dialler: they tell
// what
// names lead to in the operator's network. A name that is not there, one that leads where nobody may call and a closed
// port
// are one class.
func plain(ctx context.Context, set *Settings, err error) error {
	var dial *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() == context.DeadlineExceeded:
		return fmt.Errorf("no answer within %s", set.Timeout)
	case errors.As(err, &certificate), errors.As(err, &record):
		return errors.New("its TLS certificate is not valid for this address, or it does not speak TLS")
	case errors.As(err, &dns), errors.As(err, &dial) && dial.Op == "dial":
		return errors.New("it cannot be reached: look at the name and the port, and whether it is on the public Internet")
	}
	return errors.New("the connection broke before it had answered")
}
