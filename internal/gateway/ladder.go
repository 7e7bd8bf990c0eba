package gateway

import "time"

// Rung is one step of the recovery ladder. Each is harsher than the one before it in its symptom's ladder.
type Rung string

// The rungs.
const (
	Resync   Rung = "resync"   // silence, and a bare AT that is answered
	Reinit   Rung = "reinit"   // the whole handshake, in the open session
	Operator Rung = "operator" // AT+COPS=0: look for a network anew
	Radio    Rung = "radio"    // AT+CFUN=4, then 1: the radio off and on
	Reopen   Rung = "reopen"   // close the port, find the modem again, open it
	Reset    Rung = "reset"    // the vendor's restart
	Park     Rung = "park"     // nothing helped: others do its work, and it is looked at from time to time
)

// Rungs are all rungs, the mildest first.
func Rungs() []Rung { return []Rung{Resync, Reinit, Operator, Radio, Reopen, Reset, Park} }

// Symptom is what is wrong with a modem, as far as its station can see.
type Symptom string

// The symptoms.
const (
	Silent       Symptom = "silent"       // its port is there, and it does not answer
	Restarted    Symptom = "restarted"    // it lost its settings
	Unregistered Symptom = "unregistered" // it answers, and no network has registered it for long
	Barren       Symptom = "barren"       // it is registered, and accepts nothing
	Gone         Symptom = "gone"         // its port vanished, or another card is in it
	Shut         Symptom = "shut"         // it cannot be opened: no such port, held by another program, nobody answers there
	Cardless     Symptom = "cardless"     // it answers, and says that there is no card, or one that cannot be read
	Denied       Symptom = "denied"       // the network has refused it for very long
	Locked       Symptom = "locked"       // only a person can help: PIN, PUK
)

// ladders are the rungs that may help against each symptom. Each symptom that is not a person's to mend ends in a
// restart: some
// modems find their card, or a network, only then (Telit LE910C1: +CME ERROR: 10 until it is reset). A denied
// registration is met with
// patience and no reset: the network means it, and a modem that knocks again and again makes it worse.
var ladders = map[Symptom][]Rung{
	Silent:       {Resync, Reinit, Reopen, Reset},
	Restarted:    {Reinit, Reopen, Reset},
	Unregistered: {Operator, Radio, Reset},
	Barren:       {Resync, Reinit, Radio, Reopen, Reset},
	Gone:         {Reopen, Reopen, Reopen, Reopen, Reopen, Reopen},
	Shut:         {Reopen, Reopen, Reopen, Reopen, Reopen, Reopen},
	Cardless:     {Reopen, Reset},
	Denied:       {Radio},
	Locked:       {},
}

// Step is the rung to take, and its wait: for a rung that leaves the session open, how long the modem may take to show that it
// helped; for Reopen and Park, how long until the port is opened, if nothing is heard of it before.
type Step struct {
	Rung Rung
	Wait time.Duration
}

// next is the ladder: the step to take against a symptom after the rungs taken since the modem was last well. It only decides;
// session.mend and station.run carry it out.
func (p Pace) next(s Symptom, taken []Rung) Step {
	times := map[Rung]int{}
	for _, r := range taken {
		times[r]++
	}
	left := map[Rung]int{}
	for r, n := range times {
		left[r] = n
	}
	for _, r := range ladders[s] {
		if left[r]--; left[r] < 0 {
			return Step{r, p.wait(s, r, times[r])}
		}
	}
	if s == Locked {
		return Step{Park, p.Parked}
	}
	return Step{Park, p.ReopenMax}
}

// wait is that of a rung that was taken n times already.
func (p Pace) wait(s Symptom, r Rung, n int) time.Duration {
	switch {
	case r == Reopen:
		return min(p.ReopenMin<<min(n, 20), p.ReopenMax)
	case s == Unregistered && r == Reset:
		return 24 * p.Rest // boot, and a search over all bands
	case s == Unregistered || s == Denied:
		return 12 * p.Rest
	case s == Cardless && r == Reset:
		return 4 * p.Rest // boot
	case s == Barren:
		return p.Rest // congestion that passes is cured by this alone
	}
	return 0 // the rung itself shows whether it helped
}
