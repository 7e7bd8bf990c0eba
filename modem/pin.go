package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"attestd/modem/at"
)

// simPatience is how long a card that is busy or still being read is waited for.
const simPatience = 30 * time.Second

// processGuard is the PINGuard of this process's lifetime.
type processGuard struct{ pin string }

var refusedPINs sync.Map // card and PIN

func (g processGuard) MayTry(card string) error {
	if _, refused := refusedPINs.Load(card + " " + g.pin); refused {
		return errors.New("this card has refused this PIN before")
	}
	return nil
}

func (g processGuard) Failed(card string) error {
	refusedPINs.Store(card+" "+g.pin, true)
	return nil
}

// cmsToCME: faults of the card that TS 27.005 3.2.5 numbers otherwise than TS 27.007 9.2.
var cmsToCME = map[int]int{310: 10, 311: 11, 312: 5, 313: 13, 314: 14, 315: 15, 316: 12}

type simState uint8

const (
	simReady simState = iota
	simBusy
	simPIN
	simPUK
	simMissing
	simLocked // to a network or another device
	simBroken
)

// unlock brings the card to READY. A PIN is entered only when that can't cost the card its last tries: never where the counter shows that
// one was wrong already, and never twice the same PIN for the same card.
func (m *Modem) unlock(ctx context.Context, id *Identity) error {
	state, what, err := m.settledSIM(ctx)
	if err != nil {
		return err
	}
	if state == simPIN {
		if err := m.enterPIN(ctx, id); err != nil {
			return err
		}
		if state, what, err = m.settledSIM(ctx); err != nil {
			return err
		}
	}
	switch state {
	case simReady:
		return nil
	case simPIN:
		return say(ErrPINRefused, "the card took the PIN and asks for it again; look at the card in a phone")
	case simPUK:
		return say(ErrPUKRequired, "too many wrong PINs were entered; unlock the card with its PUK in a phone, and set the PIN of this modem to the new one")
	case simMissing:
		return say(ErrNoSIM, "no card is in the modem, or it has no contact; insert it (most modems must be restarted then)")
	case simLocked:
		return say(ErrSIMFailure, "the modem is locked to another network or card (%s); use a card that it accepts, or have it unlocked", what)
	case simBusy:
		return say(ErrSIMFailure, "the card is still busy after %v (%s); restart the modem", simPatience, what)
	}
	return say(ErrSIMFailure, "the card can't be read (%s); clean its contacts, or try it in a phone", what)
}

// settledSIM asks for the state of the card until it is no longer busy.
func (m *Modem) settledSIM(ctx context.Context) (simState, string, error) {
	patience := map[simState]int{simBusy: int(simPatience / time.Second), simMissing: 3, simBroken: 10}
	for asked := 1; ; asked++ {
		state, what, err := m.simState(ctx)
		if err != nil || asked > patience[state] {
			return state, what, err
		}
		if err := pause(ctx, m.conn.Done(), time.Second); err != nil {
			return state, what, err
		}
	}
}

func (m *Modem) simState(ctx context.Context) (simState, string, error) {
	// TS 27.007 8.3. Wavecom answers without OK; simulated phones take two seconds.
	res, err := m.conn.Do(ctx, at.Command{Line: "AT+CPIN?", Prefix: "+CPIN:", Timeout: m.c.CommandTimeout, Linger: 2 * time.Second})
	if err != nil {
		n := code(err)
		if same, ok := cmsToCME[n]; ok {
			n = same
		}
		switch {
		case lost(err) && !errors.Is(err, at.ErrTimeout):
			return simBroken, "", err
		case n == 10 || n == 22: // TS 27.007 9.2.1
			return simMissing, err.Error(), nil
		case n == 11:
			return simPIN, "", nil
		case n == 12:
			return simPUK, "", nil
		case n == 14 || n == 515 || n == 3 || n == 20, errors.Is(err, at.ErrTimeout):
			return simBusy, err.Error(), nil
		case n == 5 || n == 6 || n >= 40 && n <= 47:
			return simLocked, err.Error(), nil
		case n >= 0:
			return simBroken, err.Error(), nil
		}
		return simReady, "", nil // a plain ERROR: a modem that has no such command
	}
	if len(res.Lines) == 0 {
		return simReady, "", nil
	}
	what := strings.ToUpper(param(params(res.Lines[len(res.Lines)-1], "+CPIN:"), 0))
	switch {
	case what == "READY", what == "SIM PIN2", what == "SIM PUK2":
		return simReady, what, nil
	case what == "SIM PIN":
		return simPIN, what, nil
	case what == "SIM PUK":
		return simPUK, what, nil
	case strings.Contains(what, "NOT INSERTED"), strings.Contains(what, "REMOVED"):
		return simMissing, what, nil
	case strings.HasPrefix(what, "PH-"):
		return simLocked, what, nil
	case strings.Contains(what, "NOT READY"), strings.Contains(what, "BUSY"):
		return simBusy, what, nil
	}
	return simBroken, what, nil
}

func (m *Modem) enterPIN(ctx context.Context, id *Identity) error {
	if m.c.PIN == "" {
		return say(ErrPINRequired, "the card asks for its PIN and none is configured; set the PIN of this modem, or switch the card's PIN off in a phone")
	}
	if len(m.c.PIN) < 4 || len(m.c.PIN) > 8 || digitsOf(m.c.PIN, false) != m.c.PIN { // TS 31.101 9.5.1
		return say(ErrPINRefused, "the configured PIN is not 4 to 8 digits; it was not tried")
	}
	h := &hands{m: m, ctx: ctx}
	card := m.iccid(h, id.Manufacturer)
	id.ICCID = card
	if card == "" {
		card = "imei:" + id.IMEI
	}
	left := m.pinTries(h, id.Manufacturer)
	if h.err != nil {
		return h.err
	}
	if left >= 0 && left < 3 {
		return say(ErrPINRefused, "the card has only %d of 3 tries left, and none is risked; enter the right PIN once by hand (in a phone), then all are back", left)
	}
	if err := m.c.PINGuard.MayTry(card); err != nil {
		return say(ErrPINRefused, "%v, and it is not tried again; correct the PIN of this modem", err)
	}
	_, err := m.conn.Do(context.WithoutCancel(ctx), at.Command{
		Line: `AT+CPIN="` + m.c.PIN + `"`, Shown: `AT+CPIN="<hidden>"`, Timeout: simPatience,
	})
	if err == nil {
		return m.afterPIN(ctx)
	}
	// A refusal, or an answer that we did not read: this PIN is not tried again on this card by itself.
	if ferr := m.c.PINGuard.Failed(card); ferr != nil {
		err = fmt.Errorf("%w (and that it failed could not be recorded: %v)", err, ferr)
	}
	return say(ErrPINRefused, "the card did not take the configured PIN (%v); it is not tried again; correct the PIN of this modem", err)
}

// afterPIN gives the card the moment that it needs to become READY.
func (m *Modem) afterPIN(ctx context.Context) error {
	for range 10 {
		state, _, err := m.simState(ctx)
		if err != nil || state != simPIN {
			return err
		}
		if err := pause(ctx, m.conn.Done(), 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// pinTries is how many tries the card has left for its PIN, -1 when nobody tells. There is a standard way (TS 27.007 8.65), and one for
// each vendor.
func (m *Modem) pinTries(h *hands, manufacturer string) int {
	for _, way := range []struct {
		vendor, line string
		at           int
	}{
		{"", `AT+CPINR="SIM PIN"`, 1}, {"quectel", `AT+QPINC="SC"`, 1}, {"huawei", "AT^CPIN?", 3}, {"simcom", "AT+SPIC", 0},
		{"cinterion", `AT^SPIC="SC"`, 0}, {"siemens", `AT^SPIC="SC"`, 0}, {"sierra", "AT+CPINC?", 0}, {"wavecom", "AT+CPINC?", 0},
		{"u-blox", "AT+UPINCNT", 0}, {"telit", "AT#PCT", 0},
	} {
		if !strings.Contains(strings.ToLower(manufacturer), way.vendor) {
			continue
		}
		if n := number(params(h.ask(way.line), prefixOf(way.line)), way.at); n >= 0 && n <= 3 {
			return n
		}
	}
	return -1
}

// pause waits, unless the context or the session ends.
func pause(ctx context.Context, done <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return at.ErrClosed
	}
}
