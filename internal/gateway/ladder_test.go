package gateway

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func defaultPace() (p Pace) { p.fill(); return p }

func TestTheLadderClimbsFromMildToHarshAndEndsParked(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		symptom Symptom
		taken   []Rung
		want    Step
	}{
		{Silent, nil, Step{Resync, 0}},
		{Silent, []Rung{Resync}, Step{Reinit, 0}},
		{Silent, []Rung{Resync, Reinit}, Step{Reopen, s}},
		{Silent, []Rung{Resync, Reinit, Reopen}, Step{Reset, 0}},
		{Silent, []Rung{Resync, Reinit, Reopen, Reset}, Step{Park, 20 * s}},
		{Silent, []Rung{Resync, Reinit, Reopen, Reset, Park}, Step{Park, 20 * s}},
		// A restart lost the settings: there is nothing to re-synchronise.
		{Restarted, nil, Step{Reinit, 0}},
		{Restarted, []Rung{Reinit}, Step{Reopen, s}},
		// Field notes: look for a network once, then the radio, then the whole modem, each with time to register.
		{Unregistered, nil, Step{Operator, 60 * s}},
		{Unregistered, []Rung{Operator}, Step{Radio, 60 * s}},
		{Unregistered, []Rung{Operator, Radio}, Step{Reset, 120 * s}},
		{Unregistered, []Rung{Operator, Radio, Reset}, Step{Park, 20 * s}},
		{Barren, nil, Step{Resync, 5 * s}},
		{Barren, []Rung{Resync}, Step{Reinit, 5 * s}},
		{Barren, []Rung{Resync, Reinit}, Step{Radio, 5 * s}},
		{Barren, []Rung{Resync, Reinit, Radio}, Step{Reopen, s}},
		{Barren, []Rung{Resync, Reinit, Radio, Reopen}, Step{Reset, 5 * s}},
		{Barren, []Rung{Resync, Reinit, Radio, Reopen, Reset}, Step{Park, 20 * s}},
		// What was tried against one symptom is not tried again against the next.
		{Barren, []Rung{Operator, Radio, Resync}, Step{Reinit, 5 * s}},
		{Barren, []Rung{Operator, Radio, Resync, Reinit}, Step{Reopen, s}},
		{Silent, []Rung{Reset}, Step{Resync, 0}},
		// A port that cannot be opened is tried with growing pauses; only a person can mend a PIN.
		{Cardless, nil, Step{Reopen, s}},
		{Cardless, []Rung{Reopen}, Step{Reset, 20 * s}},
		{Cardless, []Rung{Reopen, Reset}, Step{Park, 20 * s}},
		{Denied, nil, Step{Radio, 60 * s}},
		{Denied, []Rung{Radio}, Step{Park, 20 * s}},
		{Gone, nil, Step{Reopen, s}},
		{Shut, []Rung{Reopen}, Step{Reopen, 2 * s}},
		{Shut, []Rung{Reopen, Reopen, Reopen}, Step{Reopen, 8 * s}},
		{Shut, []Rung{Reopen, Reopen, Reopen, Reopen, Reopen}, Step{Reopen, 20 * s}},
		{Shut, []Rung{Reopen, Reopen, Reopen, Reopen, Reopen, Reopen}, Step{Park, 20 * s}},
		{Locked, nil, Step{Park, 600 * s}},
	} {
		if got := defaultPace().next(c.symptom, c.taken); got != c.want {
			t.Errorf("%s after %v: %v, want %v", c.symptom, c.taken, got, c.want)
		}
	}
}

func TestWhateverTheSymptomsNoModemIsResetTwiceBeforeItIsParked(t *testing.T) {
	all := []Symptom{Silent, Restarted, Unregistered, Barren, Gone, Shut, Cardless, Denied, Locked}
	rapid.Check(t, func(t *rapid.T) {
		var taken []Rung
		for range 40 {
			s := rapid.SampledFrom(all).Draw(t, "symptom")
			step := defaultPace().next(s, taken)
			if step.Rung != Park && !slices.Contains(ladders[s], step.Rung) {
				t.Fatalf("%s is answered by %s", s, step.Rung)
			}
			for _, once := range []Rung{Reset, Radio, Operator} {
				if step.Rung == once && slices.Contains(taken, once) {
					t.Fatalf("%s twice: %v", once, taken)
				}
			}
			taken = append(taken, step.Rung)
		}
	})
}

func TestEachMakersModemIsRestartedByItsOwnCommand(t *testing.T) {
	for _, c := range []struct {
		command, want []string
	}{
		{resetCommands("HUAWEI TECHNOLOGIES"), []string{"AT^RESET", "AT+CFUN=1,1"}},
		{resetCommands("SIMCOM INCORPORATED"), []string{"AT+CRESET", "AT+CFUN=1,1"}},
		{resetCommands("Telit"), []string{"AT#REBOOT", "AT+CFUN=1,1"}},
		{resetCommands("Sierra Wireless, Incorporated"), []string{"AT!RESET", "AT+CFUN=1,1"}},
		{resetCommands("Quectel"), []string{"AT+CFUN=1,1"}},
		{resetCommands(""), []string{"AT+CFUN=1,1"}},
	} {
		if !slices.Equal(c.command, c.want) {
			t.Errorf("%v, want %v", c.command, c.want)
		}
	}
}
