// Package modem is one mobile equipment with its SIM on one port: it is opened and identified, it submits TPDUs, and it
// tells what it received, in order. It knows octets, not texts: what a TPDU means is for package pdu.
package modem

import (
	"errors"
	"log/slog"
	"time"

	"attestd/modem/at"
)

// Config says which port, and how to treat the modem behind it. Zero values choose the defaults.
type Config struct {
	Port string // a path, or tcp://host:port
	Baud int    // 115200
	PIN  string
	// PINGuard remembers which card refused which PIN; nil: remembered as long as this process lives.
	PINGuard PINGuard
	// PINTrial has the PIN entered on purpose, because a person asked for it: also with one wrong entry behind, never
	// as the last try.
	// Open notes in it what the card's counter showed. Nil: only where every try is left.
	PINTrial *PINTrial
	SMSC     string // "" = the SIM's
	// DirectDelivery has messages handed over at once and acknowledged by AT+CNMA (CSMS=1, CNMI mt=2). The default
	// lets the modem store them, so that a crash loses nothing.
	DirectDelivery bool
	// UnconfirmedReports leaves it to the modem to acknowledge status reports (CSMS=0): for modems that fall silent when
	// AT+CNMA is late. A report that comes while this process dies is lost then.
	UnconfirmedReports bool

	CommandTimeout time.Duration // 10 s
	PromptTimeout  time.Duration // 10 s
	SubmitTimeout  time.Duration // 180 s
	LateResultWait time.Duration // 30 s
	AskAfter       time.Duration // without a final result, the modem is asked whether it still sends: 15 s; below 0, never
	WriteTimeout   time.Duration // 10 s
	AnswerWait     time.Duration // how long a silent port is asked AT before it is no modem: 20 s
	Registration   time.Duration // how long Open waits for registration; 0 = it does not

	// Heard is called with each status report at the moment when the modem hands it over, before its event has its turn. It must not block, and need
	// not do anything: the event follows.
	Heard  func(tpdu []byte)
	Trace  func(at.Trace)
	Logger *slog.Logger
}

// PINGuard keeps a PIN from burning the tries of a card, in this process and over its restarts. card is the ICCID, or
// "imei:" and the
// IMEI when the card can't be read before its PIN.
type PINGuard interface {
	// Before writes down that the card is about to be given this PIN, or refuses it: one that it has refused before, or
	// one whose entry
	// was begun and never ended. counted says that the card's counter was read and shows every try: then what was begun
	// did no harm.
	Before(card, pin string, counted bool) error
	// After writes down what became of it.
	After(card, pin string, v PINVerdict) error
}

// PINVerdict is what became of a PIN that was entered.
type PINVerdict int

// The verdicts.
const (
	PINTaken    PINVerdict = iota
	PINRefused             // by the card: it is never given this PIN again
	PINNotTried            // the card's counter did not move: the entry never reached it
)

// PINTrial is what the card's counter showed around an entry on purpose; -1 is not told.
type PINTrial struct {
	Before, After int
	Entered       bool // it was given to the card
}

// Errors of Open. Each wraps one line that says what to do.
var (
	ErrPortMissing   = errors.New("port missing")
	ErrPortBusy      = errors.New("port busy")
	ErrPortForbidden = errors.New("port forbidden")
	ErrNotAModem     = errors.New("not a modem")
	ErrPINRequired   = errors.New("SIM PIN required")
	ErrPINRefused    = errors.New("SIM PIN refused")
	ErrPUKRequired   = errors.New("SIM PUK required")
	ErrNoSIM         = errors.New("no SIM")
	ErrSIMFailure    = errors.New("SIM failure")
	ErrNoNetwork     = errors.New("no network")
	ErrNoPDUMode     = errors.New("no PDU mode")
)

// Errors of Submit. Any other error is a final result that the modem gave: at.CMSError, at.CMEError or at.ErrError.
var (
	// ErrNotSent: nothing was handed to the modem, so that another try can't send the message twice.
	ErrNotSent = errors.New("not sent")
	// ErrOutcomeUnknown: Ctrl-Z was written and no final result with a reference was read. The message may be out.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// ErrNeedsReinit: the modem restarted and has lost its settings; Reinit or a new Open comes before anything else.
var ErrNeedsReinit = errors.New("modem needs to be initialised again")

// Identity is who the modem and the card in it are.
type Identity struct {
	Manufacturer, Model, Revision, IMEI string
	IMSI, ICCID, OwnNumber              string
	SMSC                                string
}
