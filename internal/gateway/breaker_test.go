package gateway

import (
	"testing"

	"attestd/modem/at"
	"attestd/pdu"
	"attestd/queue"
)

// tally is a breaker that is told of submissions by number.
type tally struct {
	t *testing.T
	b breaker
}

func (c *tally) opens(kind queue.OutcomeKind, code int, number string) bool {
	c.t.Helper()
	parts, err := pdu.Encode(pdu.Message{To: number, Text: "x"})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.b.count(queue.Outcome{Kind: kind, Code: code}, at.CMSError{Code: code}, parts[0].TPDU)
}

func TestASuccessClearsTheCountAndGivesTheWholeCreditBack(t *testing.T) {
	c := tally{t: t}
	fails := func(number string) bool { return c.opens(queue.OutcomeTemporary, 41, number) }
	if fails("+8613900000001") || fails("+8613900000002") {
		t.Fatal("two recipients opened it")
	}
	c.opens(queue.OutcomeAccepted, 0, "+8613900000003")
	if fails("+8613900000004") || fails("+8613900000005") {
		t.Error("what failed before a success still counts")
	}
	c.b.close(false)
	if fails("+8613900000006") || !fails("+8613900000007") {
		t.Error("one that was just treated is well until the second failure")
	}
	c.b.close(false)
	c.opens(queue.OutcomeAccepted, 0, "+8613900000008")
	if fails("+8613900000001") || fails("+8613900000002") || !fails("+8613900000003") {
		t.Error("after a success it has its three again")
	}
}

func TestWhatOnlyTheModemCanBeToBlameForCountsWhoeverTheRecipientIs(t *testing.T) {
	const one = "+8613900000001"
	c := tally{t: t}
	first, second, third := c.opens(queue.OutcomeSick, 302, one), c.opens(queue.OutcomeSick, 302, one), c.opens(queue.OutcomeSick, 302, one)
	if first || second || !third {
		t.Error("302 (operation not allowed) three times to one number")
	}
	c = tally{t: t}
	for range 10 {
		if c.opens(queue.OutcomeSick, 50, one) {
			t.Fatal("50 (not subscribed) may be the number's fault: one number opened the breaker")
		}
	}
}
