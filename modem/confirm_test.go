package modem

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestASubmitWaitsForAConfirmationThatIsLate(t *testing.T) {
	for name, c := range map[string]struct {
		due, said, want time.Duration // said: after the submit begins to wait
	}{
		"nothing is due":         {due: -1, want: 0},
		"it was just heard":      {due: time.Second, want: 0},
		"it is late":             {due: 10 * time.Second, said: 300 * time.Millisecond, want: 300 * time.Millisecond},
		"it never comes":         {due: 10 * time.Second, said: time.Hour, want: confirmWait},
		"another was said first": {due: 10 * time.Second, said: time.Second, want: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := confirmation{said: make(chan struct{}, 1)}
				if name == "another was said first" { // its token lies there still
					d.heard()
					d.confirmed(d.since.Load())
				}
				if c.due >= 0 {
					d.heard()
					time.Sleep(c.due)
				}
				began := time.Now()
				if c.said > 0 && c.said < time.Hour {
					due := d.since.Load()
					time.AfterFunc(c.said, func() { d.confirmed(due) })
				}
				d.before(t.Context())
				if waited := time.Since(began); waited != c.want {
					t.Errorf("it waited %v, want %v", waited, c.want)
				}
				began = time.Now()
				d.before(t.Context())
				if waited := time.Since(began); waited != 0 && c.due > confirmLate {
					t.Errorf("and then again %v", waited)
				}
			})
		})
	}
}

func TestWhatIsHandedOverBeforeTheLastConfirmationIsKnownStaysDue(t *testing.T) {
	d := confirmation{said: make(chan struct{}, 1)}
	d.heard()
	first := d.since.Load()
	d.heard()
	d.confirmed(first)
	if d.since.Load() == nil {
		t.Error("nothing is due")
	}
}
