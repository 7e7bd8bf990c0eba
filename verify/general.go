package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"attestd/internal/claim"
	"attestd/internal/msisdn"
)

// A general challenge is a code for a phone with no filing: it has no tails, is found by its id alone, and whoever asked
// for it brings the text. It is the same challenge otherwise: the same machine, caps, hashes and limits of its phone. It is
// never left waiting for those limits: somebody looks at a screen, so the request is refused instead.

// Placeholder is where the code stands in the template of a general challenge.
const Placeholder = "{{code}}"

const (
	generalLife    = 10 * time.Minute // unless the request says how long
	minGeneralLife = time.Second
	maxTemplate    = 160        // characters
	ReasonReplaced = "replaced" // of a challenge: a newer one for the same phone took its place
)

// Errors of general challenges besides Invalid, ErrNotFound, NotAllowed and TooMany.
var (
	ErrChallengeEnded = errors.New("the challenge has ended: make a new one")
	ErrSendCap        = errors.New("the code was sent as often as it may be (max_sends): make a new challenge")
	ErrTooLate        = errors.New("the code is good for too short a time to be sent again: make a new challenge")
)

// NotAllowed says why codes are not sent to a number that is one.
type NotAllowed string

func (e NotAllowed) Error() string { return string(e) }

// TooMany says that the limits of a phone over all its challenges stand in the way, and for how long.
type TooMany struct {
	Wait  time.Duration
	Daily bool // it is the limit of a day
}

func (e TooMany) Error() string {
	if e.Daily {
		return "this phone has got as many codes as it may in 24 hours (verify.limits.sms_per_phone_per_day): try again later"
	}
	return "this phone was sent a code a moment ago: wait before the next (verify.limits.sms_gap, verify.resend_wait)"
}

// ChallengeRequest asks for a code for a phone.
type ChallengeRequest struct {
	Owner    string `json:"-"` // whose it is to be: see Everyone
	Origin   string // who asks: the token's name
	To       string
	Template string // with Placeholder in it; "" for a text of ours
	Language string // of ours: zh or en; "" for the policy's
	Life     time.Duration
	MaxWrong int // 0 for the policy's, which is also the most; MaxSends likewise
	MaxSends int
	AsIs     bool // the text may take several SMS and hold other runs of digits
	Replace  bool // end what else is open of this owner for this phone

	IdempotencyKey string // the same key with the same request gives the challenge that is there; "" for none
}

// general is a request that was found good.
type general struct {
	ChallengeRequest
	asked  ChallengeRequest // as it came, without our defaults
	number msisdn.Number
	long   bool // takes several SMS
}

func (s *Service) readChallenge(r ChallengeRequest) (general, error) {
	var faults Invalid
	say := func(bad bool, field, format string, args ...any) {
		if bad {
			faults = append(faults, FieldError{field, fmt.Sprintf(format, args...)})
		}
	}
	p, asked := s.policy, r
	n, err := msisdn.Parse(r.To, p.Region[0])
	if err != nil {
		say(true, "to", "is no phone number: %s", strings.TrimPrefix(err.Error(), "number: "))
	}
	if r.Language == "" {
		r.Language = p.Language
	}
	say(r.Language != "zh" && r.Language != "en", "language", "must be zh or en")
	r.Life, r.MaxWrong, r.MaxSends = or(r.Life, min(generalLife, p.Life)), or(r.MaxWrong, p.MaxWrong), or(r.MaxSends, p.MaxSends)
	say(r.Life < minGeneralLife || r.Life > p.Life, "ttl", "must be from %s to %s (verify.life)", minGeneralLife, p.Life)
	say(r.MaxWrong < 1 || r.MaxWrong > p.MaxWrong, "max_tries", "must be from 1 to %d (verify.max_wrong)", p.MaxWrong)
	say(r.MaxSends < 1 || r.MaxSends > p.MaxSends, "max_sends", "must be from 1 to %d (verify.max_sends)", p.MaxSends)
	if r.Template == "" {
		r.Template = strings.ReplaceAll(ourTemplate.In(r.Language), "{life}", lifeText(r.Life).In(r.Language))
	}
	parts := s.templates.Segments(fillIn(r.Template, worstCode))
	fault := templateFault(r.Template)
	if fault == "" && !r.AsIs {
		switch {
		case !onlyCode(fillIn(r.Template, worstCode), worstCode):
			fault = "has another run of six digits or more, which a phone could take for the code"
		case parts != 1:
			fault = fmt.Sprintf("takes %d SMS when filled in; shorten it to 70 characters (160 if all are in the GSM alphabet)", parts)
		}
	}
	say(fault != "", "template", "%s", fault)
	if faults != nil {
		return general{}, faults
	}
	if n, fault = p.recipient(n.E164()); fault != "" {
		return general{}, NotAllowed(fault)
	}
	return general{r, asked, n, parts > 1}, nil
}

var ourTemplate = Text{
	ZH: "验证码：{{code}}，{life}内有效，勿告诉他人。",
	EN: "Your code is {{code}}. It is good for {life}. Share it with nobody.",
}

const worstCode = "000000"

func templateFault(template string) string {
	switch n := utf8.RuneCountInString(template); {
	case !utf8.ValidString(template):
		return "is not UTF-8"
	case !strings.Contains(template, Placeholder):
		return "must have " + Placeholder + " in it, where the code is to stand"
	case n > maxTemplate:
		return fmt.Sprintf("has %d characters, the most is %d", n, maxTemplate)
	case claim.Ministry(template):
		return "claims to come from the ministry: name your own service"
	}
	return ""
}

func fillIn(template, code string) string { return strings.ReplaceAll(template, Placeholder, code) }

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// CreateChallenge makes a code for a phone and queues its SMS: both exist from one transaction on. Errors: Invalid,
// NotAllowed, TooMany, ErrKeyConflict. Where it replaces older ones, a request that is refused leaves them as they are.
func (s *Service) CreateChallenge(ctx context.Context, r ChallengeRequest) (c Challenge, err error) {
	in, err := s.readChallenge(r)
	if err != nil {
		return Challenge{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		c, err = s.createGeneral(ctx, tx, in, clock())
		return err
	})
	if err != nil {
		return Challenge{}, err
	}
	return c, nil
}

func (s *Service) createGeneral(ctx context.Context, tx Tx, in general, now time.Time) (Challenge, error) {
	if c, found, err := s.askedBefore(ctx, tx, in, now); found || err != nil {
		return c, err
	}
	numberMACs := s.hashNumber(in.number)
	if err := s.phoneRefusal(ctx, tx, numberMACs, now); err != nil {
		return Challenge{}, err
	}
	if in.Replace {
		if err := s.replace(ctx, tx, in.Owner, numberMACs, now); err != nil {
			return Challenge{}, err
		}
	}
	others, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
	if err != nil {
		return Challenge{}, err
	}
	id := newID()
	c := Challenge{
		ID: id, Owner: in.Owner, Origin: in.Origin, State: ChallengeNew, Language: in.Language,
		NumberSealed: s.vault.Seal([]byte(in.number.E164()), "challenge:"+id), NumberMAC: numberMACs[0], Mobile: mask(in.number),
		Life: in.Life, HardEnd: 2 * in.Life, MaxWrong: in.MaxWrong, MaxSends: in.MaxSends,
		Created: now, Deadline: now.Add(in.Life),
	}
	// The segments of one long text would replace each other on a phone that honours replace types.
	if s.policy.ReplaceTypes && !in.long {
		c.ReplaceType = replaceType(others)
	}
	if err := s.issueWith(&c, in.number, in.Template, others); err != nil {
		return Challenge{}, err
	}
	if c, err = s.sendGeneral(ctx, tx, c, in.number, now); err != nil {
		return Challenge{}, err
	}
	if err := tx.InsertChallenge(ctx, c); err != nil {
		return Challenge{}, err
	}
	if err := s.rememberKey(ctx, tx, in, c, now); err != nil {
		return Challenge{}, err
	}
	return c, s.emitChallenge(ctx, tx, "challenge."+string(c.State), c)
}

// phoneRefusal is a TooMany while the limits of a phone let no code be sent to it.
func (s *Service) phoneRefusal(ctx context.Context, tx Tx, numberMACs [][]byte, now time.Time) error {
	free, daily, err := s.phoneFree(ctx, tx, numberMACs, now)
	if err == nil && free.After(now) {
		return TooMany{free.Sub(now), daily}
	}
	return err
}

// replace ends the general challenges of an owner that are open for a phone.
func (s *Service) replace(ctx context.Context, tx Tx, owner string, numberMACs [][]byte, now time.Time) error {
	open, err := tx.ChallengesOfNumber(ctx, numberMACs, time.Time{})
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.FilingID != "" || !owns(owner, c.Owner) {
			continue
		}
		if _, err := s.save(ctx, tx, c, c.at(now).step(challengeVoid, ReasonReplaced, now), now); err != nil {
			return err
		}
	}
	return nil
}

// issueWith gives a challenge a code, and seals the template behind it: what is needed to send it again goes when the
// challenge ends, at once.
func (s *Service) issueWith(c *Challenge, n msisdn.Number, template string, others []Challenge) error {
	s.issue(c, n, others)
	code, err := s.openCode(*c)
	if err == nil {
		c.CodeSealed = s.vault.Seal([]byte(code+template), "code:"+c.ID)
	}
	return err
}

// openText reads the code and the template of a challenge that is open.
func (s *Service) openText(c Challenge) (code, template string, err error) {
	both, err := s.openCode(c)
	if err != nil || len(both) <= codeLength {
		return "", "", errors.Join(fmt.Errorf("text of challenge %s", c.ID), err)
	}
	return both[:codeLength], both[codeLength:], nil
}

// sendGeneral queues the SMS of a general challenge; the caller has asked phoneRefusal, and stores the challenge.
func (s *Service) sendGeneral(ctx context.Context, tx Tx, c Challenge, n msisdn.Number, now time.Time) (Challenge, error) {
	code, template, err := s.openText(c)
	if err != nil {
		return c, err
	}
	return s.queueText(ctx, tx, c, n, fillIn(template, code), now)
}
