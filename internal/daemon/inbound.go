package daemon

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"attestd/internal/access"
	"attestd/internal/config"
	"attestd/internal/inbox"
	"attestd/internal/store"
	"attestd/queue"
	"attestd/verify"
)

// inboundRules are the rules for received texts: those of the configuration, or the built-in ones where it has no list.
func inboundRules(cfg config.Config) []inbox.Rule {
	if cfg.Inbound == nil {
		return inbox.DefaultRules()
	}
	rules := make([]inbox.Rule, len(cfg.Inbound))
	for i, r := range cfg.Inbound {
		rules[i] = inbox.Rule{Name: r.Name, Action: inbox.Action(r.Action), Answer: r.Answer}
		rules[i].Sender, rules[i].Body = r.Patterns()
	}
	return rules
}

// textArrived is called by the inbox in the transaction in which a whole message is stored, and lets the rules have it:
// stored, matched and answered are one commit. A rule that fails costs its own work and not the text.
func (d *Daemon) textArrived(ctx context.Context, tx inbox.Tx, it inbox.Item) error {
	d.metrics.Inbound()
	ctx = access.As(ctx, access.Actor{Kind: access.ByPerson, Name: "sms"})
	from := it.From
	act := func(r inbox.Rule, seen inbox.Seen) (took bool, err error) {
		if !seen.Number.IsZero() { // some networks leave out the country code (TS 23.040 9.1.2.5)
			from = seen.Number.E164()
		}
		switch r.Action {
		case inbox.Reply:
			return d.replied(ctx, tx.(verify.Tx), it)
		case inbox.OptOut, inbox.OptIn:
			return true, d.wants(ctx, tx.(*store.Tx), r, seen, it)
		case inbox.Capture, inbox.Forward: // the mark and the event are all there is to it
		}
		return true, nil
	}
	mark, failed, err := inbox.Judge(ctx, tx, *d.inbound.Load(), it, d.nearest(), act)
	switch {
	case failed != nil:
		d.log.Error("a rule for received texts failed; the text is in the inbox", "rule", mark.Rule, "item", it.ID, "error", failed)
	case mark.Rule != "" && err == nil:
		d.log.Info("a received text was taken by a rule", "rule", mark.Rule, "action", string(mark.Action), "item", it.ID)
		if mark.Action == inbox.Reply { // a code and the tail of a certificate: it has served
			err = tx.(*store.Tx).WipeReply(ctx, it.ID)
			if err == nil {
				err = tx.(*store.Tx).OwnReply(ctx, it.ID, from)
			}
		}
	}
	return err
}

// replied offers a text to the rules of verification, as code and tail of an open challenge.
func (d *Daemon) replied(ctx context.Context, tx verify.Tx, it inbox.Item) (bool, error) {
	answer, matched, err := d.verify.Load().Reply(ctx, tx, it.From, it.Text)
	if matched {
		d.metrics.Verification(int(answer.Result))
		d.log.Info("a reply by SMS was matched", "item", it.ID, "result", int(answer.Result))
	}
	return matched, err
}

// wants puts a sender on the opt-out list or takes him off, and confirms it where the rule says so, once.
func (d *Daemon) wants(ctx context.Context, tx *store.Tx, r inbox.Rule, seen inbox.Seen, it inbox.Item) error {
	entry := inbox.OptOutEntry{Number: seen.Number, Source: inbox.BySMS, Maker: r.Name, Item: it.ID}
	var changed bool
	var err error
	if r.Action == inbox.OptOut {
		entry, changed, err = d.optOut(ctx, tx, entry)
	} else {
		entry, changed, err = d.optIn(ctx, tx, "", entry)
	}
	if err != nil || !changed || !r.Answer {
		return err
	}
	now := time.Now()
	if may, err := tx.MayAnswer(ctx, seen.Number, d.cfg.Load().Verify.Limits.RepliesPerPhonePerDay, now); err != nil || !may {
		return err
	}
	text := confirmations[r.Action].In(languageOf(seen.Body, d.cfg.Load().Verify.DefaultLanguage))
	_, err = tx.Send(ctx, verify.Outgoing{ChallengeID: entry.ID, To: seen.Number, Text: text, Deadline: now.Add(confirmationLife), Answer: true})
	return err
}

// confirmationLife is how long it is worth confirming.
const confirmationLife = time.Hour

// confirmations are what a person reads who has opted out or in. Each is one SMS.
var confirmations = map[inbox.Action]verify.Text{
	inbox.OptOut: {
		ZH: "您已退订，只会再收到验证码和必要通知。回复“恢复”可重新接收。",
		EN: "You have opted out: only codes and necessary notices still come. Reply START to get our texts again.",
	},
	inbox.OptIn: {
		ZH: "您已恢复接收短信。回复“退订”可再次退订。",
		EN: "You get our texts again. Reply STOP to end them.",
	},
}

// languageOf is the language in which somebody wrote: a word of three letters is English, TD is what everybody writes.
func languageOf(body, otherwise string) string {
	letters := 0
	for _, r := range body {
		switch {
		case unicode.Is(unicode.Han, r):
			return "zh"
		case unicode.Is(unicode.Latin, r):
			letters++
		}
	}
	if letters > 2 {
		return "en"
	}
	return otherwise
}

// answerOrigin begins the origin of a message that answers a text.
const answerOrigin = "answer:"

// unasked says whether a message is of those that nobody has to get: no code, no answer of ours, and not declared
// necessary.
func unasked(m queue.Draft) bool {
	return !m.Necessary && !strings.HasPrefix(m.Origin, challengeOrigin) && !strings.HasPrefix(m.Origin, answerOrigin)
}

// barred is the queue's barrier: who has opted out gets nothing that he did not ask for.
func (d *Daemon) barred(ctx context.Context, tx queue.Tx, m queue.Draft) error {
	if !unasked(m) {
		return nil
	}
	out, err := tx.(*store.Tx).OptedOut(ctx, m.To)
	if err == nil && out {
		err = queue.ErrOptedOut
	}
	return err
}

// optOut puts a number on the list and takes back what is queued for it, in one transaction.
func (d *Daemon) optOut(ctx context.Context, tx *store.Tx, o inbox.OptOutEntry) (entry inbox.OptOutEntry, added bool, err error) {
	if entry, added, err = tx.AddOptOut(ctx, o); err != nil {
		return entry, added, err
	}
	open, err := tx.OpenTo(ctx, o.Number)
	if err != nil {
		return entry, added, err
	}
	stopped := 0
	for _, m := range open {
		if !unasked(m.Draft) {
			continue
		}
		if err := queue.Withdraw(ctx, tx, queuePolicy(*d.cfg.Load()), m, queue.StoppedByOptOut, time.Now()); err != nil {
			return entry, added, err
		}
		stopped++
	}
	if !added {
		return entry, false, nil
	}
	return entry, true, tx.Emit(ctx, "optout.added", entry.ID, queue.Everyone, map[string]any{
		"to": entry.Number.String(), "source": entry.Source, "by": entry.Maker, "item": entry.Item, "stopped": stopped,
	})
}

// optIn takes a number off the list, or the entry of an id; found is false when it was not on it.
func (d *Daemon) optIn(ctx context.Context, tx *store.Tx, id string, o inbox.OptOutEntry) (entry inbox.OptOutEntry, found bool, err error) {
	entry, err = tx.DropOptOut(ctx, id, o.Number)
	switch {
	case errors.Is(err, inbox.ErrNoOptOut) && id == "":
		return entry, false, nil
	case err != nil:
		return entry, false, err
	}
	return entry, true, tx.Emit(ctx, "optout.removed", entry.ID, queue.Everyone, map[string]any{
		"to": entry.Number.String(), "source": o.Source, "by": o.Maker, "item": o.Item,
	})
}
