package modem

import (
	"context"
	"errors"
)

// Modem is one open session.
type Modem struct{}

var errLater = errors.New("modem: not built yet")

// Identity is who the modem and the card are.
func (m *Modem) Identity() Identity { return Identity{} }

// Submit hands one SMS-SUBMIT to the modem and waits for its message reference.
func (m *Modem) Submit(ctx context.Context, tag string, tpdu []byte) (mr byte, err error) {
	return 0, errLater
}

// HoldLink asks the modem to keep the radio link between messages (AT+CMMS). A modem that refuses is left in peace.
func (m *Modem) HoldLink(ctx context.Context, on bool) error { return errLater }

// Events are what the modem said unasked, in its order. It is closed at the end of the session.
func (m *Modem) Events() <-chan Event { return nil }

// Acknowledge tells the modem that the caller has stored what the event carried.
func (m *Modem) Acknowledge(ctx context.Context, e Event) error { return errLater }

// Drain lists the stored messages of every memory into Events and says how many there were.
func (m *Modem) Drain(ctx context.Context) (n int, err error) { return 0, errLater }

// Check asks the modem whether it is there.
func (m *Modem) Check(ctx context.Context) error { return errLater }

// Resync re-establishes the conversation.
func (m *Modem) Resync(ctx context.Context) error { return errLater }

// Reinit sets up again a modem that has restarted.
func (m *Modem) Reinit(ctx context.Context) error { return errLater }

// Command sends one AT command line of the caller's own (recovery, diagnosis) and gives its information text.
func (m *Modem) Command(ctx context.Context, line string) ([]string, error) { return nil, errLater }

// Done is closed when the session has ended.
func (m *Modem) Done() <-chan struct{} { return nil }

// Err says why the session ended.
func (m *Modem) Err() error { return nil }

// Close ends the session.
func (m *Modem) Close() error { return nil }
