package verify

import (
	"context"
	"testing"
	"time"
)

// arrival is what a report of one SMS tells of its code.
func (b *bench) arrival(id, challenge string, accepted, delivered time.Time) (a Arrival) {
	b.tx(func(tx Tx) (err error) {
		a, err = b.s.messageChanged(context.Background(), tx, challenge, SMS{id, smsDelivered, accepted, delivered}, b.now)
		return err
	})
	return a
}

func TestTheArrivalOfACodeIsToldOnceAndFromItsIntake(t *testing.T) {
	b := newBench(t, nil)
	c := b.create(one()).Challenges[0]
	first := b.lastSMS(c).id
	b.pass(2 * time.Minute)
	accepted := b.now
	b.accept(c)
	b.pass(10 * time.Minute)
	expect(t, "sent again", b.resend(phoneA, tailA), ResultSent)
	again := b.lastSMS(c).id
	b.pass(time.Minute)
	if a := b.arrival(again, c.ID, b.now, b.now); a.Now {
		t.Errorf("the delivery of a re-send was told: %+v", a)
	}
	expect(t, "the code", b.check(b.code(c), phoneA, tailA), ResultPassed)
	b.pass(time.Minute)
	if a := b.arrival(first, c.ID, accepted, b.now); a != (Arrival{true, 14 * time.Minute}) {
		t.Errorf("the first, after its code was entered: %+v", a)
	}
	for range 2 {
		b.pass(time.Minute)
		if a := b.arrival(first, c.ID, accepted, b.now); a.Now {
			t.Errorf("told twice: %+v", a)
		}
	}
}
