package verify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"attestd/internal/msisdn"
)

// answerLife is how long an answer to a reply is worth sending.
const answerLife = time.Hour

// Reply takes a text that came from a phone: code and certificate tail, checked as Check does, with the same counters.
// It works in the caller's transaction, the one that stores the text, so that a crash loses neither the text nor its
// answer, and answers none twice. matched says that it was such a reply: from a phone with an open challenge, with a run
// of six digits in it. At most AnswersPerDay answers go to one number in 24 hours. With verify.replies off nothing is
// matched. A check is made at the time of the check, so what was held back on its way is late.
func (s *Service) Reply(ctx context.Context, tx Tx, from, text string) (a Answer, matched bool, err error) {
	if !s.policy.Replies {
		return Answer{}, false, nil
	}
	n, fault := s.policy.number(from)
	code, tail := readReply(text)
	if fault != "" || code == "" { // short numbers and named senders are no mobiles
		return Answer{}, false, nil
	}
	in := submission{number: n, code: code, tail: tail, door: "check", via: "sms", trusted: true}
	a, matched, err = s.reply(ctx, tx, in, clock())
	return a, matched && err == nil, err
}

func (s *Service) reply(ctx context.Context, tx Tx, in submission, now time.Time) (a Answer, matched bool, err error) {
	numberMACs := s.hashNumber(in.number)
	open, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
	if err != nil || openFilings(open) == 0 {
		return Answer{}, false, err
	}
	if in.tail == "" && !s.hash(in.number, "", "").anyTailless(open) {
		a = malformed(Invalid{{"certificate_tail", "is missing in the text"}})
	} else if a, err = s.check(ctx, tx, in, now); err != nil {
		return Answer{}, false, err
	}
	return a, true, s.answerReply(ctx, tx, open[0], in.number, numberMACs, a, now)
}

// answerReply sends the answer as an SMS, within the daily limit of the number.
func (s *Service) answerReply(ctx context.Context, tx Tx, c Challenge, n msisdn.Number, numberMACs [][]byte, a Answer, now time.Time) error {
	sent, err := tx.SentSince(ctx, numberMACs, sentAnswer, now.Add(-day))
	if most := s.policy.AnswersPerDay; err != nil || most > 0 && len(sent) >= most {
		return err
	}
	out := Outgoing{ChallengeID: c.ID, Owner: c.Owner, Payer: c.Origin, To: n, Text: replyText(a).In(c.Language), Deadline: now.Add(answerLife), Answer: true}
	if _, err := tx.Send(ctx, out); err != nil {
		return err
	}
	return tx.NoteSent(ctx, c.NumberMAC, sentAnswer, now)
}

func replyText(a Answer) Text {
	switch {
	case a.Result == ResultFailed:
		return Text{
			ZH: "请在一条短信中同时回复验证码和证件号码后六位，中间用空格隔开。",
			EN: "Reply with the code and the last 6 characters of your ID document in one text, a space between them.",
		}
	case a.TriesLeft != nil:
		return Text{
			ZH: fmt.Sprintf("信息有误，还可以再试%d次。", *a.TriesLeft),
			EN: fmt.Sprintf("Something is wrong; tries left: %d.", *a.TriesLeft),
		}
	}
	return a.Message
}

// readReply finds the code and the certificate tail in a text. The code is the first run of six digits; the tail is
// another run of six with a digit in it, or the six behind the code where both were written as one. A tail may be six
// digits too: then the code comes first, as the SMS asks for it.
func readReply(text string) (code, tail string) {
	runs := strings.FieldsFunc(strings.Map(narrowReply, text), func(r rune) bool { return !strings.ContainsRune(tailCharset, r) })
	isCode := func(s string) bool { return len(s) == codeLength && strings.Trim(s, "0123456789") == "" }
	at := -1
	for i, run := range runs {
		if isCode(run) {
			code, at = run, i
			break
		}
		if len(run) == codeLength+tailLength && isCode(run[:codeLength]) {
			return run[:codeLength], run[codeLength:]
		}
	}
	for i, run := range runs {
		if code != "" && i != at && len(run) == tailLength && strings.ContainsAny(run, "0123456789") {
			return code, run
		}
	}
	return code, ""
}

// narrowReply folds one character as a form's fields are folded, but keeps what separates.
func narrowReply(r rune) rune {
	folded := []rune(msisdn.Fold(string(r)))
	if len(folded) != 1 {
		return ' '
	}
	return folded[0]
}
