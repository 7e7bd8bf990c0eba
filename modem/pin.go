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
type processGuard struct{}

var triedPINs sync.Map // card and PIN: whether it was refused, or only begun

func (processGuard) Before(card, pin string, counted bool) error {
	if refused, known := triedPINs.Load(card + " " + pin); known && (refused.(bool) || !counted) {
		return errors.New("this card has refused this PIN before")
	}
	triedPINs.Store(card+" "+pin, false)
	return nil
}

func (processGuard) After(card, pin string, v PINVerdict) error {
	if v == PINRefused {
		triedPINs.Store(card+" "+pin, true)
	} else {
		triedPINs.Delete(card + " " + pin)
	}
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

// unlock brings the card to READY. A PIN is entered only when that can't cost the card its last tries: never by itself
// where the counter
// shows that one was wrong already, and never again one that the card has refused.
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
	res, err := m.conn.Do(ctx, at.Command{Line: "AT+CPIN?", Prefix: "+CPIN:", Match: bareState, Timeout: m.c.CommandTimeout, Linger: 2 * time.Second})
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

// bareState tells the answers that some give without "+CPIN:".
func bareState(line string) bool {
	switch strings.ToUpper(line) {
	case "READY", "SIM PIN", "SIM PUK", "SIM PIN2", "SIM PUK2", "NOT READY", "NOT INSERTED", "SIM NOT INSERTED", "SIM BUSY":
		return true
	}
	return strings.HasPrefix(line, "PH-")
}

// allTries is how many wrong entries of its PIN a card takes (TS 31.101 9.5.1).
const allTries = 3

func (m *Modem) enterPIN(ctx context.Context, id *Identity) error {
	if m.c.PIN == "" {
		return say(ErrPINRequired, "the card asks for its PIN and none is configured; set pin_file of this modem, or switch the card's PIN off in a phone")
	}
	if len(m.c.PIN) < 4 || len(m.c.PIN) > 8 || digitsOf(m.c.PIN, false) != m.c.PIN { // TS 31.101 9.5.1
		return say(ErrPINRefused, "the PIN is not 4 to 8 digits; it was not tried")
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
	if err := m.mayEnter(left); err != nil {
		return err
	}
	if err := m.c.PINGuard.Before(card, m.c.PIN, left >= allTries); err != nil {
		return say(ErrPINRefused, "%v, and it is not tried again; correct pin_file of this modem, and see attestd unlock", err)
	}
	if m.c.PINTrial != nil {
		m.c.PINTrial.Entered = true
	}
	_, err := m.conn.Do(context.WithoutCancel(ctx), at.Command{
		Line: `AT+CPIN="` + m.c.PIN + `"`, Shown: `AT+CPIN="<hidden>"`, Timeout: simPatience,
	})
	if err == nil {
		return errors.Join(m.c.PINGuard.After(card, m.c.PIN, PINTaken), m.afterPIN(ctx), m.countAfter(ctx, id))
	}
	return m.pinFailed(ctx, id, card, left, err)
}

// mayEnter keeps a PIN back where the counter shows that one was wrong already. On purpose it is entered then too, but
// never as the last
// try, and so never where nobody tells which it is.
func (m *Modem) mayEnter(left int) error {
	trial := m.c.PINTrial
	if trial == nil {
		if left >= 0 && left < allTries {
			return say(ErrPINRefused, "the card has only %d of %d tries left, and none is risked by itself; correct pin_file and run attestd unlock, or enter the right PIN once in a phone: then all are back",
				left, allTries)
		}
		return nil
	}
	if trial.After = left; !trial.Entered {
		trial.Before = left
	}
	switch {
	case trial.Entered: // and the modem started anew meanwhile, or asks again
		return say(ErrPINRefused, "a PIN is entered once on purpose, and it was")
	case left < 0:
		return say(ErrPINRefused, "this modem does not tell how many tries the card has left, and it may be the last; enter the right PIN once in a phone")
	case left < 2:
		return say(ErrPINRefused, "the card has %d of %d tries left, and the last is never risked; enter the right PIN once in a phone: then all are back", left, allTries)
	}
	return nil
}

// pinFailed tells a refusal from an entry that never reached the card: by what the card says in words, else by its
// counter. Where neither
// can be had it stays written down as begun, or counts as a refusal when nobody ever tells: a try may be gone.
func (m *Modem) pinFailed(ctx context.Context, id *Identity, card string, before int, err error) error {
	verdict, after := PINRefused, -1
	if n := code(err); n != 16 && n != 12 { // incorrect password; SIM PUK required (TS 27.007 9.2.1)
		state, _, serr := m.settledSIM(ctx) // one that is starting answers in its time
		switch {
		case serr != nil && before >= 0:
			return serr // the next session asks the counter
		case serr == nil && state == simReady:
			return errors.Join(m.c.PINGuard.After(card, m.c.PIN, PINTaken), m.countAfter(ctx, id))
		case serr == nil:
			after = m.pinTries(&hands{m: m, ctx: ctx}, id.Manufacturer)
		}
		if before >= 0 && after < 0 && state != simPUK {
			return say(ErrPINRefused, "whether the card took the PIN is not known (%v), and its counter cannot be read now; it is asked again", err)
		}
		if before >= 0 && after >= before {
			verdict = PINNotTried
		}
	}
	if gerr := m.c.PINGuard.After(card, m.c.PIN, verdict); gerr != nil {
		err = fmt.Errorf("%w (and what became of it could not be recorded: %v)", err, gerr)
	}
	_ = m.countAfter(ctx, id)
	if verdict == PINNotTried {
		return say(ErrSIMFailure, "the PIN did not reach the card (%v), which has %d tries left as before; it is entered again", err, after)
	}
	return say(ErrPINRefused, "the card did not take the PIN (%v); it is not tried again; correct pin_file of this modem, and see attestd unlock", err)
}

// countAfter notes what an entry on purpose has left.
func (m *Modem) countAfter(ctx context.Context, id *Identity) error {
	if m.c.PINTrial == nil {
		return nil
	}
	h := &hands{m: m, ctx: ctx}
	m.c.PINTrial.After = m.pinTries(h, id.Manufacturer)
	return h.err
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

// counter is a vendor's way to ask for the tries that are left: the parameter at tells.
type counter struct {
	vendor, line string
	at           int
}

var counters = []counter{
	{"quectel", `AT+QPINC="SC"`, 1}, {"huawei", "AT^CPIN?", 3}, {"simcom", "AT+SPIC", 0}, {"cinterion", `AT^SPIC="SC"`, 0}, {"siemens", `AT^SPIC="SC"`, 0},
	{"gemalto", `AT^SPIC="SC"`, 0}, {"thales", `AT^SPIC="SC"`, 0}, {"sierra", "AT+CPINC?", 0}, {"wavecom", "AT+CPINC?", 0}, {"u-blox", "AT+UPINCNT", 0},
	{"telit", "AT#PCT", 0},
}

// pinTries is how many tries the card has left for its PIN, -1 when nobody tells: first in the standard way, then in
// that of the vendor,
// then in those of all others, for modems are sold under many names. All of them only ask.
func (m *Modem) pinTries(h *hands, manufacturer string) int {
	if n := m.standardTries(h); n >= 0 {
		return n
	}
	likely := func(c counter) bool { return strings.Contains(strings.ToLower(manufacturer), c.vendor) }
	asked := map[string]bool{}
	for _, first := range []bool{true, false} {
		for _, c := range counters {
			if likely(c) != first || asked[c.line] {
				continue
			}
			asked[c.line] = true
			if n := number(params(h.ask(c.line), prefixOf(c.line)), c.at); n >= 0 && n <= allTries {
				return n
			}
		}
	}
	return -1
}

// standardTries asks as TS 27.007 8.65 says. Some answer for one code what was asked for, others for all four.
func (m *Modem) standardTries(h *hands) int {
	res, _ := h.do(at.Command{Line: `AT+CPINR="SIM PIN"`, Prefix: "+CPINR:"})
	for _, line := range res.Lines {
		p := params(line, "+CPINR:")
		if strings.EqualFold(param(p, 0), "SIM PIN") {
			if n := number(p, 1); n >= 0 && n <= 15 { // what the status word 63CX can say (TS 102 221 11.1.9.1)
				return n
			}
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
