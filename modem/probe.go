package modem

import "context"

// Probe opens a port just long enough to learn which module and which card are there, and closes it. It enters no PIN and sets nothing
// up, so that it may be asked of any port that the configuration allows; the errors are those of Open. A card that is locked may
// hide its ICCID.
func Probe(ctx context.Context, c Config) (id Identity, err error) {
	err = Touch(ctx, c, func(m *Modem) { id = m.Identity() })
	return id, err
}

// Touch opens a port as Probe does, lets do act on who answers there, and closes it: the way to a modem that cannot be
// opened
// because its card is missing, or cannot be read.
func Touch(ctx context.Context, c Config, do func(*Modem)) error {
	port, err := openPort(ctx, c.Port, c.Baud)
	if err != nil {
		return err
	}
	m := begin(port, c)
	defer func() { _ = m.Close() }()
	if err := m.wake(ctx); err != nil {
		return err
	}
	h := &hands{m: m, ctx: ctx, hasty: true}
	for _, line := range []string{"ATE0", "ATV1", "AT+CMEE=1", "AT&D0"} { // AT&D0: the close must not reset it
		h.try(line)
	}
	var id Identity
	m.identifyModule(h, &id)
	id.ICCID = m.iccid(h, id.Manufacturer)
	if h.err != nil {
		return h.err
	}
	m.identity.Store(&id)
	do(m)
	return nil
}

// Stale reports whether the modem restarted since it was set up: its settings are lost, and nothing can be sent before Reinit.
func (m *Modem) Stale() bool { return m.stale.Load() }
