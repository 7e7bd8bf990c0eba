package verify

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestACodeAndATailAreFoundHoweverAPersonWritesThem(t *testing.T) {
	for _, one := range []struct{ text, code, tail string }{
		{"123456 01123X", "123456", "01123X"},
		{"01123x,123456", "123456", "01123X"},
		{"123456 654321", "123456", "654321"}, // the code first
		{"12345601123X", "123456", "01123X"},
		{"验证码123456，后六位01123X。", "123456", "01123X"},
		{"１２３４５６　０１１２３Ｘ", "123456", "01123X"},
		{"123456 456(7)", "123456", ""}, // five characters
		{"123456\n3456(7)", "123456", ""},
		{"123456 456（7）", "123456", ""},
		{"123456 56(78)", "123456", ""},
		{"123456", "123456", ""},
		{"my code 123456 please", "123456", ""},
		{"hello", "", ""},
		{"", "", ""},
		{"1234567 01123X", "", ""},
	} {
		code, tail := readReply(one.text)
		if code != one.code || one.tail != "" && tail != one.tail {
			t.Errorf("%q: %q %q", one.text, code, tail)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		code, tail := readReply(rapid.String().Draw(rt, "text"))
		if tail != "" && (code == "" || len(tail) != tailLength) {
			rt.Fatal(code, tail)
		}
	})
}

// withReplies turns replies on and drives them with the bench's clock.
func withReplies(t *testing.T) *bench { return newBench(t, func(p *Policy) { p.Replies = true }) }

func (b *bench) reply(from, words string) (a Answer, matched bool) {
	n, fault := b.s.policy.number(from)
	code, tail := readReply(words)
	if fault != "" || code == "" {
		return Answer{}, false
	}
	b.tx(func(tx Tx) (err error) {
		a, matched, err = b.s.reply(b.t.Context(), tx, submission{number: n, code: code, tail: tail, door: "check", via: "sms"}, b.now)
		return err
	})
	return a, matched
}

func (b *bench) answers() (all []string) {
	for _, s := range b.m.rows.texts {
		if s.Answer {
			all = append(all, s.Text)
		}
	}
	return all
}

func TestAReplyFromThePersonsPhoneVerifiesAndIsAnswered(t *testing.T) {
	b := withReplies(t)
	f := b.create(one())
	a, matched := b.reply("+86"+phoneA, b.code(f.Challenges[0])+" "+tailA)
	if !matched || a.Result != ResultPassed || len(b.answers()) != 1 || b.answers()[0] != a.Message.ZH {
		t.Errorf("%t %+v %q", matched, a, b.answers())
	}
}

func TestRepliesUseTheCountersOfChecksAndAtMostThreeAreAnsweredADay(t *testing.T) {
	b := withReplies(t)
	c := b.create(one()).Challenges[0]
	b.check(b.wrong(0), phoneA, tailA)
	for i := 1; i <= 4; i++ {
		a, matched := b.reply(phoneA, b.wrong(i)+" "+tailA)
		if !matched || i < 4 && (a.TriesLeft == nil || *a.TriesLeft != 4-i) || i == 4 && a.Result != ResultFinal {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if b.challenge(c.ID).State != ChallengeLocked || len(b.answers()) != 3 || !strings.Contains(b.answers()[0], "3次") {
		t.Errorf("%s, answered %q", b.challenge(c.ID).State, b.answers())
	}
	next := b.create(one()).Challenges[0]
	b.pass(24 * time.Hour)
	b.now = b.now.Add(-time.Second)
	if _, matched := b.reply(phoneA, "123456"); !matched || len(b.answers()) != 3 {
		t.Error("a fourth answer within a day")
	}
	if got := b.challenge(next.ID).Wrong; got != 0 {
		t.Errorf("a reply without a tail was charged: %d", got)
	}
}

func TestNothingIsMatchedOrAnsweredThatIsNoReply(t *testing.T) {
	b := withReplies(t)
	b.create(one())
	for _, one := range []struct{ from, text string }{
		{"10086", "123456 01123X"}, {"Bank", "123456 01123X"}, {phoneB, "123456 01123X"}, {phoneA, "ok, thanks"}, {"106575512381", "验证码123456"},
	} {
		if _, matched := b.reply(one.from, one.text); matched {
			t.Errorf("%s: %q", one.from, one.text)
		}
	}
	if len(b.answers()) != 0 {
		t.Error(b.answers())
	}
	off := newBench(t, nil)
	off.create(one())
	if _, matched, err := off.s.Reply(t.Context(), nil, phoneA, "123456 01123X"); matched || err != nil {
		t.Error("replies are off by default")
	}
}

// spyTx writes down the statements that a check makes.
type spyTx struct {
	Tx
	steps *[]string
}

func (s spyTx) UpdateChallenge(ctx context.Context, c Challenge) error {
	*s.steps = append(*s.steps, "update")
	return s.Tx.UpdateChallenge(ctx, c)
}

func (s spyTx) Emit(ctx context.Context, typ, subject, owner string, data any) error {
	*s.steps = append(*s.steps, "emit "+typ)
	return s.Tx.Emit(ctx, typ, subject, owner, data)
}

func (s spyTx) StoreAnswer(ctx context.Context, key []byte, a Answer, at, until time.Time) error {
	*s.steps = append(*s.steps, "store")
	return s.Tx.StoreAnswer(ctx, key, a, at, until)
}

func (s spyTx) SentSince(ctx context.Context, macs [][]byte, kind string, after time.Time) ([]time.Time, error) {
	*s.steps = append(*s.steps, "noted "+kind)
	return s.Tx.SentSince(ctx, macs, kind, after)
}

func (s spyTx) NoteSent(ctx context.Context, mac []byte, kind string, at time.Time) error {
	*s.steps = append(*s.steps, "note "+kind)
	return s.Tx.NoteSent(ctx, mac, kind, at)
}

func (s spyTx) Filing(ctx context.Context, id string) (Filing, error) {
	*s.steps = append(*s.steps, "filing")
	return s.Tx.Filing(ctx, id)
}

func (s spyTx) Challenge(ctx context.Context, id string) (Challenge, error) {
	*s.steps = append(*s.steps, "challenge")
	return s.Tx.Challenge(ctx, id)
}

func TestAnUnknownPhoneTakesTheSameStepsAsAWrongTail(t *testing.T) {
	b := newBench(t, nil)
	b.create(one())
	steps := func(mobile string) (all []string) {
		in, _ := b.s.readCheck(CheckRequest{Code: "123456", Mobile: mobile, Tail: "999999"})
		b.tx(func(tx Tx) error {
			a, err := b.s.check(t.Context(), spyTx{tx, &all}, in, b.now)
			expect(t, mobile, a, ResultNoRecord)
			return err
		})
		return all
	}
	if known, unknown := steps(phoneA), steps("13700137000"); !slices.Equal(known, unknown) || len(known) < 3 {
		t.Errorf("%v, %v", known, unknown)
	}
}
