package gateway

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/at"
	"attestd/queue"
)

// A field of the table of errors that changes nothing is a promise that nobody keeps.
func TestEveryFieldOfAClassChangesWhatTheQueueIsTold(t *testing.T) {
	err := errors.New("it failed")
	told := func(c modem.Class) queue.Outcome {
		o := judged(c)
		o.Detail = c.Describe(err)
		return o
	}
	plain := told(modem.Class{Code: -1})
	values := map[reflect.Kind]any{
		reflect.Uint8: modem.Permanent, reflect.Int64: time.Minute, reflect.Int: 7, reflect.Bool: true, reflect.String: "why",
	}
	typ := reflect.TypeFor[modem.Class]()
	for i := range typ.NumField() {
		c := modem.Class{Code: -1}
		field := reflect.ValueOf(&c).Elem().Field(i)
		field.Set(reflect.ValueOf(values[field.Kind()]).Convert(field.Type()))
		if told(c) == plain {
			t.Errorf("Class.%s is read by nobody", typ.Field(i).Name)
		}
	}
}

func TestWhatIsTheTerminalsOwnTroubleIsNotCountedAgainstTheMessage(t *testing.T) {
	for _, err := range []error{
		at.CMSError{Code: 331}, at.CMSError{Code: 322}, at.CMSError{Code: 515}, at.CMSError{Code: 314}, at.CMSError{Code: 310},
		at.CMSError{Code: 311}, at.CMSError{Code: 330}, at.CMSError{Code: 28}, at.CMEError{Code: 30}, at.CMEError{Code: 14}, at.CMEError{Code: 10},
	} {
		if o := outcome(0, err); o.Kind != queue.OutcomeSick || !o.NoTry {
			t.Errorf("%v: %+v", err, o)
		}
	}
	if o := outcome(0, modem.ErrNotSent); o.Kind != queue.OutcomeNotSent || !o.NoTry {
		t.Errorf("not sent: %+v", o)
	}
	if o := outcome(0, at.CMSError{Code: 304}); o.Kind != queue.OutcomeTemporary || o.MaxTries != 2 {
		t.Errorf("304: %+v", o)
	}
}

func TestAnOutcomeSaysWhatTheCodeMeansAndWhereThatStands(t *testing.T) {
	got := outcome(0, at.CMSError{Code: 330, Text: "SMSC address unknown"}).Detail
	for _, want := range []string{"+CMS ERROR: 330", "set the SMSC of this modem", "TS 27.005 3.2.5"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestAFullMemoryIsKnownByEveryCodeThatSaysSo(t *testing.T) {
	for _, err := range []error{at.CMSError{Code: 208}, at.CMSError{Code: 211}, at.CMSError{Code: 322}, at.CMEError{Code: 20}} {
		if !modem.MemoryFull(err) {
			t.Errorf("%v", err)
		}
	}
	if modem.MemoryFull(nil) || modem.MemoryFull(at.CMSError{Code: 331}) || modem.MemoryFull(at.CMEError{Code: 30}) {
		t.Error("nothing else says so")
	}
}
