package simulator

import (
	"fmt"
	"io"
	"time"
)

// Config says what the network and its modems are like. The zero value of every field is useful.
type Config struct {
	// Modems is how many modems there are; 0 means one.
	Modems int
	// Profile is the dialect of all modems: generic (the default), huawei, quectel, simcom or zte.
	Profile string
	// Radio is how long one message occupies the radio, from Ctrl-Z to the network's answer; 0 means no time at all.
	Radio time.Duration
	// LinkedRadio is the same for a message that follows on a link that AT+CMMS holds; 0 means six tenths of Radio.
	LinkedRadio time.Duration
	// Baud paces the line in both directions, ten bits a byte; 0 means unpaced.
	Baud int
	// Ledger receives every entry as a JSON line, in one Write each, at once.
	Ledger io.Writer
	// Keep is how many entries stay in memory for Network.Ledger; 0 means all.
	Keep int
	// Commands puts every AT command line into the ledger too (kind "at").
	Commands bool
	// ReportDelay is the time from the network's acceptance to the status report.
	ReportDelay time.Duration
	// NoReports makes a network that never sends status reports.
	NoReports bool
	// PIN locks every SIM with this PIN (PUK 12345678); empty means unlocked.
	PIN string
	// SIMCapacity and MECapacity are the slots of the stores "SM" and "ME"; 0 means 20 and 50.
	SIMCapacity, MECapacity int
	// Late is how late a late final result comes; 0 means 1 s.
	Late time.Duration
	// Replug is how long a port that vanished by a fate or a restart stays away; 0 means 500 ms.
	Replug time.Duration
	// Boot is how long a restart takes until the banner; 0 means 300 ms. Registration takes half as long again.
	Boot time.Duration
	// AckTimeout is how long a +CMT or +CDS under AT+CSMS=1 waits for AT+CNMA, and how long
	// the network waits before it repeats; 0 means 15 s (TS 24.011 10: TR2M is 12 to 20 s).
	AckTimeout time.Duration
	// Home is the network that the SIMs belong to: its country and network code, "46000" unless given, "23415". Their
	// numbers and
	// service centre stay those of China.
	Home string
	// Seed moves the identities (IMEI, IMSI, ICCID, numbers), so that two networks differ.
	Seed int64
	// Hook is called, with the network's lock held, at each Point. It must not call the Network; it is
	// there to kill a program under test at the very moment.
	Hook func(Point)
}

// A Point is a moment in the life of a message at which a crash hurts.
type Point struct {
	Modem int
	Name  string // one of the Point names below
	To    string // recipient or sender
	MR    int    // -1 when there is none yet
}

// The names of Points, in the order in which an outgoing message passes them; the last four are inbound.
const (
	PointCommand  = "command"  // AT+CMGS read, before the prompt is written
	PointCtrlZ    = "ctrl-z"   // Ctrl-Z read, before the radio starts
	PointAir      = "air"      // the network has it, before +CMGS is written
	PointResult   = "result"   // the final result is written
	PointReport   = "report"   // before the status report is handed to the modem
	PointIncoming = "incoming" // before an inbound message is stored or routed
	PointStored   = "stored"   // after it, before its indication is written
	PointRead     = "read"     // AT+CMGR, AT+CMGL or AT+CNMA read, before the answer
	PointGone     = "gone"     // AT+CMGD or AT+CNMA obeyed: nobody but the host has it now; before the answer
)

func (c *Config) defaults() error {
	if c.Modems == 0 {
		c.Modems = 1
	}
	if c.Modems < 0 || c.Modems > 1000 {
		return fmt.Errorf("modems: %d is not between 1 and 1000", c.Modems)
	}
	if c.Profile == "" {
		c.Profile = "generic"
	}
	if _, ok := profiles[c.Profile]; !ok {
		return fmt.Errorf("profile: %q is not known; choose one of %v", c.Profile, Profiles())
	}
	if c.Baud < 0 {
		return fmt.Errorf("baud: %d is negative; 0 means unpaced", c.Baud)
	}
	if c.PIN != "" && !validPIN(c.PIN) {
		return fmt.Errorf("pin: must be 4 to 8 digits")
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.LinkedRadio, c.Radio*6/10)
	set(&c.Late, time.Second)
	set(&c.Replug, 500*time.Millisecond)
	set(&c.Boot, 300*time.Millisecond)
	set(&c.AckTimeout, 15*time.Second)
	if c.SIMCapacity == 0 {
		c.SIMCapacity = 20
	}
	if c.MECapacity == 0 {
		c.MECapacity = 50
	}
	return nil
}

func validPIN(s string) bool {
	if len(s) < 4 || len(s) > 8 {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
