package verify

import (
	"context"
	"strings"
	"unicode"
)

// happened is the payload of every event of a filing: ids, roles and states, a masked mobile at most.
type happened struct {
	Filing    string `json:"filing,omitempty"`
	Reference string `json:"reference,omitempty"`
	Type      string `json:"type,omitempty"`
	Challenge string `json:"challenge,omitempty"`
	Person    string `json:"person,omitempty"`
	Role      string `json:"role,omitempty"`
	State     string `json:"state,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Mobile    string `json:"mobile,omitempty"`
	Sends     int    `json:"sends,omitempty"`
	Wrong     int    `json:"wrong,omitempty"`
	Via       string `json:"via,omitempty"`

	Message      string   `json:"message,omitempty"` // the SMS that was queued
	Changed      []string `json:"changed,omitempty"` // of a person who was amended: mobile, certificate
	Supersedes   string   `json:"supersedes,omitempty"`
	SupersededBy string   `json:"superseded_by,omitempty"`
}

func (s *Service) emitFiling(ctx context.Context, tx Tx, typ string, f Filing) error {
	return tx.Emit(ctx, typ, f.ID, f.Owner, happened{
		Filing: f.ID, Reference: f.Reference, Type: string(f.Type), State: string(f.State), Reason: f.Reason,
		Supersedes: f.Supersedes, SupersededBy: f.By,
	})
}

// emitAmended tells that a person is to be reached or known otherwise; the challenge is the one that they leave.
func (s *Service) emitAmended(ctx context.Context, tx Tx, f Filing, p Person, changed []string) error {
	return tx.Emit(ctx, "person.amended", f.ID, f.Owner, happened{
		Filing: f.ID, Reference: f.Reference, Person: p.ID, Challenge: p.ChallengeID, Role: string(p.Role),
		State: string(p.State), Mobile: p.Mobile, Changed: changed,
	})
}

func (s *Service) emitPerson(ctx context.Context, tx Tx, typ string, f Filing, p Person) error {
	return tx.Emit(ctx, typ, f.ID, f.Owner, happened{
		Filing: f.ID, Reference: f.Reference, Person: p.ID, Challenge: p.ChallengeID, Role: string(p.Role),
		State: string(p.State), Reason: p.Reason, Mobile: p.Mobile,
	})
}

// emitChallenge tells of a challenge under its filing, so that one subject has the whole story in order.
func (s *Service) emitChallenge(ctx context.Context, tx Tx, typ string, c Challenge) error {
	h := happened{
		Filing: c.FilingID, Challenge: c.ID, State: string(c.State), Reason: c.Reason, Mobile: c.Mobile,
		Sends: c.Sends, Wrong: c.Wrong, Via: c.via,
	}
	switch typ {
	case "challenge.sending", "challenge.resent":
		h.Message = c.LastSMS
	case "challenge.unsent":
		h.Message, h.Reason = c.LastSMS, "sms_"+c.LastSMSState
	}
	return tx.Emit(ctx, typ, c.subject(), c.Owner, h)
}

// emitRefused tells of an entry that was charged to a challenge.
func (s *Service) emitRefused(ctx context.Context, tx Tx, c Challenge, via string) error {
	return tx.Emit(ctx, "check.refused", c.subject(), c.Owner, happened{
		Filing: c.FilingID, Challenge: c.ID, State: string(c.State), Mobile: c.Mobile, Wrong: c.Wrong, Via: via,
	})
}

// emitUnmatched tells of an entry whose tail fitted nothing: it is charged to the phone.
func (s *Service) emitUnmatched(ctx context.Context, tx Tx, c Challenge, via string) error {
	return tx.Emit(ctx, "check.unmatched", c.subject(), c.Owner, happened{
		Filing: c.FilingID, Challenge: c.ID, State: string(c.State), Mobile: c.Mobile, Via: via,
	})
}

func (c Challenge) subject() string {
	if c.FilingID != "" {
		return c.FilingID
	}
	return c.ID
}

// plainNote keeps a client's words short, on one line, and free of what could be a code, a tail or a number.
func plainNote(s string) string {
	var b strings.Builder
	digits := 0
	for i, r := range []rune(strings.Join(strings.Fields(s), " ")) {
		if i == maxNote {
			break
		}
		if digits++; !unicode.IsDigit(r) {
			digits = 0
		}
		if digits < codeLength && unicode.IsPrint(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
