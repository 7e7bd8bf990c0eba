// Package selftest sends one SMS through a modem to that modem's own number and times every leg of the way: the
// operator's proof that port, SIM, network and the way back work, before any person waits for a code.
package selftest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"attestd/modem"
	"attestd/pdu"
)

// Leg is one part of the way, and how long it took.
type Leg struct {
	Name   string        `json:"name"`
	Took   time.Duration `json:"took_ns"`
	Detail string        `json:"detail,omitempty"`
}

// Result is what a test found. It passed when Err is empty.
type Result struct {
	Port   string `json:"port"`
	Model  string `json:"model"`
	To     string `json:"to"`
	Passed bool   `json:"passed"`
	Err    string `json:"error,omitempty"`
	Legs   []Leg  `json:"legs"`
}

// Options say what to test.
type Options struct {
	Modem modem.Config
	To    string        // "" = the number that the SIM says is its own (AT+CNUM)
	Wait  time.Duration // for the report and the way back, each; 0 = 2 min
	Tell  func(Leg)     // called as each leg ends; may be nil
}

// ErrOwnNumber says that the SIM does not know its number.
var ErrOwnNumber = errors.New("the SIM does not say its own number (many don't): give it with --to")

// Run opens the modem, sends, and waits for the report and the text. The session is closed again.
func Run(ctx context.Context, o Options) (r Result) {
	t := &test{o: o, result: Result{Port: o.Modem.Port, Legs: []Leg{}}, mark: time.Now()}
	if t.o.Wait <= 0 {
		t.o.Wait = 2 * time.Minute
	}
	if err := t.run(ctx); err != nil {
		t.result.Err = err.Error()
		return t.result
	}
	t.result.Passed = true
	return t.result
}

type test struct {
	o      Options
	result Result
	mark   time.Time
	text   string
	mr     byte
}

// leg ends a leg that began when the one before it ended.
func (t *test) leg(name, detail string, args ...any) {
	now := time.Now()
	l := Leg{Name: name, Took: now.Sub(t.mark), Detail: fmt.Sprintf(detail, args...)}
	t.mark = now
	t.result.Legs = append(t.result.Legs, l)
	if t.o.Tell != nil {
		t.o.Tell(l)
	}
}

func (t *test) run(ctx context.Context) error {
	c := t.o.Modem
	if c.Registration == 0 {
		c.Registration = time.Minute
	}
	m, err := modem.Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	id := m.Identity()
	t.result.Model = strings.TrimSpace(id.Manufacturer + " " + id.Model)
	t.leg("open", "%s, IMEI %s, SIM %s", t.result.Model, id.IMEI, id.ICCID)
	reg, err := m.Registration(ctx)
	if err != nil {
		return err
	}
	if !reg.Ready() {
		return fmt.Errorf("not registered with a network (%s): check the antenna, the coverage and the SIM", reg)
	}
	signal, _ := m.Signal(ctx)
	t.leg("network", "%s, %s", reg, signal)
	if t.result.To = t.o.To; t.result.To == "" {
		if t.result.To = id.OwnNumber; t.result.To == "" {
			return ErrOwnNumber
		}
	}
	if err := t.send(ctx, m); err != nil {
		return err
	}
	return t.hear(ctx, m)
}

func (t *test) send(ctx context.Context, m *modem.Modem) error {
	t.text = "attestd loopback " + rand.Text()[:8]
	parts, err := pdu.Encode(pdu.Message{To: t.result.To, Text: t.text, StatusReport: true, Validity: 10 * time.Minute})
	if err != nil {
		return err
	}
	if t.mr, err = m.Submit(ctx, "loopback", parts[0].TPDU); err != nil {
		return fmt.Errorf("the network did not take it: %w", err)
	}
	t.leg("submit", "AT+CMGS until +CMGS: %d", t.mr)
	return nil
}

// hear waits for the report and for the text, in whichever order they come. Everything else that comes is left in
// the modem for the gateway.
func (t *test) hear(ctx context.Context, m *modem.Modem) error {
	sent := t.mark
	deadline := time.NewTimer(t.o.Wait)
	defer deadline.Stop()
	var reported, received bool
	for !reported || !received {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return missing(reported, received, t.o.Wait)
		case e, open := <-m.Events():
			if !open {
				return fmt.Errorf("the session ended: %w", errors.Join(m.Err(), missing(reported, received, time.Since(sent))))
			}
			what, err := t.judge(e)
			if err != nil {
				return err
			}
			switch what {
			case report:
				reported = true
			case reply:
				received = true
			default:
				continue
			}
			t.mark = sent // both legs are timed from the submit
			t.leg(string(what), "")
			if err := m.Acknowledge(ctx, e); err != nil {
				return fmt.Errorf("acknowledging the %s: %w", what, err)
			}
		}
	}
	return nil
}

type heard string

const (
	report heard = "report"
	reply  heard = "receive"
)

func (t *test) judge(e modem.Event) (heard, error) {
	if e.Kind != modem.Received {
		return "", nil
	}
	p, err := pdu.Decode(e.TPDU, pdu.MT)
	switch {
	case err != nil:
		return "", nil
	case p.Report != nil && p.Report.MR == t.mr && pdu.SameRecipient(p.Report.Recipient.String(), t.result.To):
		switch p.Report.Status.Class() {
		case pdu.Delivered:
			return report, nil
		case pdu.Pending:
			return "", nil
		}
		return "", fmt.Errorf("the network reports that it could not deliver the text: TP-ST %s", p.Report.Status)
	case p.Deliver != nil && p.Deliver.Text == t.text:
		return reply, nil
	}
	return "", nil
}

func missing(reported, received bool, after time.Duration) error {
	switch {
	case !reported && !received:
		return fmt.Errorf("neither the report nor the text came back within %s: is %s this SIM's own number?", after.Round(time.Second), "--to")
	case !reported:
		return fmt.Errorf("the text came back, but no status report within %s: this network or modem may not give any (set queue.on_unknown accordingly)", after.Round(time.Second))
	default:
		return fmt.Errorf("the report says delivered, but the text did not come in within %s: look at the modem's message store and CNMI", after.Round(time.Second))
	}
}
