package modem_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"attestd/modem"
	"attestd/modem/at"
	"attestd/pdu"
)

func (h *host) open(options string) error {
	h.config = modem.Config{Trace: func(x at.Trace) {
		sign := "<"
		if x.Sent {
			sign = ">"
		}
		h.traces = append(h.traces, fmt.Sprintf("%s %s %s", x.At.Format("15:04:05.000"), sign, x.Line))
	}}
	for _, o := range strings.Fields(options) {
		switch key, value, _ := strings.Cut(o, "="); key {
		case "direct":
			h.config.DirectDelivery = true
		case "unconfirmed":
			h.config.UnconfirmedReports = true
		case "pin":
			h.config.PIN = value
		case "smsc":
			h.config.SMSC = value
		default:
			return fmt.Errorf("there is no option %q", key)
		}
	}
	if h.m, h.opened = modem.OpenOn(context.Background(), h.ours, h.config); h.opened != nil {
		h.m = nil
		return nil
	}
	go h.events()
	return nil
}

// events stores and acknowledges, as the gateway does.
func (h *host) events() {
	for e := range h.m.Events() {
		if e.Kind != modem.Received {
			h.others <- e
			continue
		}
		time.Sleep(h.slow)
		h.came <- e
		if err := h.m.Acknowledge(context.Background(), e); err != nil {
			h.t.Errorf("it could not be acknowledged: %v", err)
		}
	}
}

func take1(from chan modem.Event) (modem.Event, error) {
	select {
	case e := <-from:
		return e, nil
	case <-time.After(patience):
		return modem.Event{}, errors.New("none came")
	}
}

func shown(e modem.Event) string {
	p, err := pdu.Decode(e.TPDU, pdu.MT)
	switch {
	case err == nil && p.Deliver != nil:
		return fmt.Sprintf("%q from %s", p.Deliver.Text, p.Deliver.From)
	case err == nil && p.Report != nil:
		return fmt.Sprintf("report %d 0x%02X", p.Report.MR, byte(p.Report.Status))
	}
	return fmt.Sprintf("TPDU %X", e.TPDU)
}

func (h *host) received(verb, args string) error {
	e, err := take1(h.came)
	if err != nil {
		return err
	}
	got := shown(e)
	if e.Misread != (verb == "kept") {
		return fmt.Errorf("came: %s, misread: %v", got, e.Misread)
	}
	switch want := args; {
	case verb == "kept":
		if raw, err := strconv.Unquote(want); err != nil || raw != e.Raw {
			return fmt.Errorf("came: %q (%v)", e.Raw, err)
		}
	case verb == "report" && got != "report "+want:
		return errors.New("came: " + got)
	case verb == "stored" && strings.HasPrefix(want, `"`):
		text, err := strconv.QuotedPrefix(want)
		if err != nil {
			return err
		}
		from := strings.TrimPrefix(want[len(text):], " from ")
		if p, err := pdu.Decode(e.TPDU, pdu.MT); err != nil || p.Deliver == nil || strconv.Quote(p.Deliver.Text) != text || from != "" && p.Deliver.From.String() != from {
			return errors.New("came: " + got)
		}
	case verb == "stored" && !strings.EqualFold(want, hex.EncodeToString(e.TPDU)):
		return errors.New("came: " + got)
	}
	return nil
}

// restarted does what the gateway does with a modem that has lost its settings.
func (h *host) restarted(ctx context.Context) error {
	if err := h.event("restarted"); err != nil {
		return err
	}
	if !h.m.Stale() {
		return errors.New("nothing keeps a submit from it")
	}
	if err := h.m.Reinit(ctx); err != nil {
		return err
	}
	_, err := h.m.Drain(ctx)
	return err
}

func (h *host) event(kind string) error {
	for {
		e, err := take1(h.others)
		if err != nil || e.Kind.String() == kind {
			return err
		}
	}
}

func (h *host) drain(ctx context.Context, args string) error {
	_, err := h.m.Drain(ctx)
	if want, fails := strings.CutPrefix(args, "fails "); fails {
		if err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("it ended with %v", err)
		}
		return nil
	}
	return err
}

func (h *host) submit(ctx context.Context, args string) error {
	tpdu, err := hex.DecodeString(args)
	if err != nil {
		return err
	}
	go func() {
		mr, err := h.m.Submit(ctx, "tag", tpdu)
		h.mr = mr
		h.ended <- err
	}()
	return nil
}

func (h *host) outcome(verb, args string) error {
	var err error
	select {
	case err = <-h.ended:
	case <-time.After(patience):
		return errors.New("it has not ended")
	}
	is := false
	switch verb {
	case "sent":
		is = err == nil && fmt.Sprint(h.mr) == args
	case "unknown":
		is = errors.Is(err, modem.ErrOutcomeUnknown)
	case "not-sent":
		is = errors.Is(err, modem.ErrNotSent)
	case "refused":
		var cms at.CMSError
		is = errors.As(err, &cms) && fmt.Sprint(cms.Code) == args
	}
	if !is {
		return fmt.Errorf("it ended with reference %d, error %v", h.mr, err)
	}
	return nil
}

func (h *host) identity(args string) error {
	id := h.m.Identity()
	key, want, _ := strings.Cut(args, "=")
	got, ok := map[string]string{"sim": id.ICCID, "imsi": id.IMSI, "smsc": id.SMSC, "number": id.OwnNumber, "model": id.Model}[key]
	if !ok {
		return fmt.Errorf("there is no %q", key)
	}
	if got != want {
		return fmt.Errorf("it is %q", got)
	}
	return nil
}
