package modem

import (
	"context"
	"errors"
	"strings"
	"time"

	"attestd/modem/at"
)

// Open opens the port, wakes and identifies the modem, unlocks the card, and sets it up for SMS.
func Open(ctx context.Context, c Config) (*Modem, error) {
	port, err := openPort(ctx, c.Port, c.Baud)
	if err != nil {
		return nil, err
	}
	return OpenOn(ctx, port, c)
}

// handshake makes the modem ready from whatever state it is in. A modem that restarts meanwhile, as one does that was just plugged
// in, gets it once more.
func (m *Modem) handshake(ctx context.Context) error {
	var err error
	for range 3 {
		m.stale.Store(false)
		err = m.greet(ctx)
		if err == nil && !m.stale.Load() {
			now := time.Now()
			m.ready.Store(&now)
			return nil
		}
		if err != nil && !errors.Is(err, at.ErrRestarted) {
			return err
		}
	}
	if err == nil {
		err = at.ErrRestarted
	}
	return say(ErrNotAModem, "it restarts again and again (%v); look at its power supply", err)
}

func (m *Modem) greet(ctx context.Context) error {
	m.conn.ExpectNoEcho(false)
	m.hearing.begin()
	if err := m.wake(ctx); err != nil {
		return err
	}
	h := &hands{m: m, ctx: ctx}
	// Echo off, results in words, results at all (V.250 6.2.4, 6.2.6, 6.2.5), errors with numbers (TS 27.007 9.1). AT&D0: a drop of
	// DTR, as at close, shall not reset it.
	for _, line := range []string{"ATE0", "ATV1", "ATQ0", "AT+CMEE=1", "AT&D0"} {
		h.try(line)
	}
	echoes := m.conn.Echoes()
	id := Identity{}
	m.identifyModule(h, &id)
	m.switchOn(h)
	if h.err != nil {
		return h.err
	}
	if err := m.unlock(ctx, &id); err != nil {
		return err
	}
	m.identifyCard(h, &id)
	if h.err == nil {
		h.err = m.setUp(h, &id)
	}
	if h.err != nil {
		return h.err
	}
	m.lacks.Store(id.IMSI == "" && id.ICCID == "" || m.told.Load() == nil || m.memory.fixed)
	m.identity.Store(&id)
	m.conn.ExpectNoEcho(m.conn.Echoes() == echoes) // some echo whatever they are told
	return m.awaitNetwork(ctx)
}

func (m *Modem) wake(ctx context.Context) error {
	err := m.conn.Wake(ctx, m.c.AnswerWait)
	switch {
	case errors.Is(err, at.ErrNotAnswering):
		return say(ErrNotAModem, "nothing answers AT on %s within %v; is the modem on, is this its AT port (a stick has several), and is %d baud right?",
			m.c.name(), m.c.AnswerWait, m.c.baud())
	case errors.Is(err, at.ErrGarbage):
		return say(ErrNotAModem, "what comes from %s is no answer to AT; it may be the stick's GPS or diagnostic port, a console, or at another speed than %d baud",
			m.c.name(), m.c.baud())
	case errors.Is(err, at.ErrWriteBlocked):
		return say(ErrNotAModem, "%s takes no bytes in; unplug the modem and plug it in again", m.c.name())
	}
	return err
}

func (c *Config) name() string {
	if c.Port == "" {
		return "the port"
	}
	return c.Port
}

func (c *Config) baud() int {
	if c.Baud == 0 {
		return 115200
	}
	return c.Baud
}

// switchOn leaves minimum functionality and flight mode (TS 27.007 8.2).
func (m *Modem) switchOn(h *hands) {
	switch number(params(h.ask("AT+CFUN?"), "+CFUN:"), 0) {
	case 0, 4, 7, 19: // vendors': 7 is offline (Huawei), 19 minimum functionality without the card (u-blox)
		h.do(at.Command{Line: "AT+CFUN=1", Timeout: 30 * time.Second})
	}
}

func (m *Modem) identifyModule(h *hands, id *Identity) {
	first := func(lines ...string) string {
		for _, line := range lines {
			if s := h.info(line); s != "" {
				return s
			}
		}
		return ""
	}
	id.Manufacturer = first("AT+CGMI", "AT+GMI") // TS 27.007 5.1 to 5.4
	id.Model = first("AT+CGMM", "AT+GMM")
	id.Revision = first("AT+CGMR", "AT+GMR")
	for _, line := range []string{"AT+CGSN", "AT+GSN", "AT+CGSN=1"} {
		if imei := digitsOf(h.info(line), false); len(imei) >= 14 && len(imei) <= 17 {
			id.IMEI = imei
			return
		}
	}
}

func (m *Modem) identifyCard(h *hands, id *Identity) {
	if imsi := digitsOf(h.info("AT+CIMI"), false); len(imsi) >= 6 && len(imsi) <= 15 { // TS 27.007 5.6
		id.IMSI = imsi
	}
	if id.ICCID == "" {
		id.ICCID = m.iccid(h, id.Manufacturer)
	}
	res, _ := h.do(at.Command{Line: "AT+CNUM", Prefix: "+CNUM:"})
	id.OwnNumber = ownNumber(res.Lines)
}

// ownNumber is the number for voice, which is service 4, of [<alpha>],<number>,<type>[,<speed>,<service>] (TS 27.007
// 7.1); the first where none says so.
func ownNumber(lines []string) (number string) {
	for _, line := range lines {
		p := params(line, "+CNUM:")
		one := param(p, 1)
		if one != "" && one[0] != '+' && param(p, 2) == "145" { // international, TS 24.008 10.5.4.7
			one = "+" + one
		}
		if one != "" && param(p, 4) == "4" {
			return one
		}
		if number == "" {
			number = one
		}
	}
	return number
}

// iccid asks in the ways of the vendors, the likely one first, and last by reading the file itself (TS 31.102 4.2.2).
func (m *Modem) iccid(h *hands, manufacturer string) string {
	ways := []string{"AT+CCID", "AT+ICCID", "AT+QCCID", "AT^ICCID?", "AT+CCID?", "AT^SCID", "AT#CCID", "AT+CRSM=176,12258,0,0,10"}
	likely := map[string]string{"huawei": "AT^ICCID?", "quectel": "AT+QCCID", "simcom": "AT+CCID", "telit": "AT#CCID", "cinterion": "AT^SCID"}
	for vendor, way := range likely {
		if strings.Contains(strings.ToLower(manufacturer), vendor) {
			ways = append([]string{way}, ways...)
		}
	}
	for _, way := range ways {
		if iccid := normalICCID(h.info(way)); iccid != "" {
			return iccid
		}
	}
	return ""
}

// normalICCID finds an ICCID in an answer: it begins with 89 (ITU-T E.118), unless its semi-octets are swapped, as they are on the card.
func normalICCID(answer string) string {
	s := strings.ToUpper(digitsOf(answer, true))
	if len(s) < 18 || len(s) > 22 {
		return ""
	}
	if swapped := swap(s); !strings.HasPrefix(s, "89") && strings.HasPrefix(swapped, "89") {
		s = swapped
	}
	return strings.TrimRight(s, "F")
}

func swap(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}
