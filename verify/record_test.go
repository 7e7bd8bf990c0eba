package verify

import (
	"errors"
	"testing"
)

// recorded is a filing of a type, with whom that type asks for.
func recorded(typ FilingType) FilingRequest {
	r := two()
	r.Type = string(typ)
	switch typ {
	case "entity_cancellation":
		r.Persons = r.Persons[:1]
	case "access", "website_cancellation":
		r.Persons = r.Persons[1:]
	case "change":
		r.Changes = []Change{{Part: PartEntity}, {Part: PartWebsite}}
	}
	return r
}

func TestAPhoneIsAmendedOnlyWhereTheRecordIsChanged(t *testing.T) {
	for typ, allowed := range map[FilingType]bool{
		"first": true, "additional_website": true, "change": true,
		"access": false, "entity_cancellation": false, "website_cancellation": false,
	} {
		t.Run(string(typ), func(t *testing.T) {
			b := newBench(t, nil)
			f := b.create(recorded(typ))
			who := len(f.Persons) - 1 // of those who must verify
			old := b.of(f, who)
			_, err := b.amend(f, who, AmendRequest{Mobile: phoneC})
			if allowed != (err == nil) || !allowed && !errors.Is(err, ErrOnRecord) {
				t.Fatal(err)
			}
			if after := b.of(f, who); (after.ID == old.ID) == allowed || !allowed && (after.State.Terminal() || b.m.rows.filings[f.ID].Persons[who].Amended != 0) {
				t.Errorf("the code is %s, of the old one %t", after.State, after.ID == old.ID)
			}
			if allowed {
				return
			}
			// The number that it has, and a certificate that was mistyped.
			same := AmendRequest{Mobile: f.Persons[who].number(t, b), CertificateTail: tailC}
			if _, err := b.amend(f, who, same); err != nil {
				t.Errorf("a certificate: %v", err)
			}
		})
	}
}

func (p Person) number(t *testing.T, b *bench) string {
	n, err := b.s.openNumber(b.challenge(p.ChallengeID))
	if err != nil {
		t.Fatal(err)
	}
	return n.E164()
}

func TestAPhoneOnRecordIsAmendedWhereTheOperatorWantsThat(t *testing.T) {
	b := newBench(t, func(p *Policy) { p.AmendRecorded = true })
	f := b.create(recorded("access"))
	b.mustAmend(f, 0, AmendRequest{Mobile: phoneC})
	if c := b.of(f, 0); b.lastSMS(c).To.National() != phoneC {
		t.Error(b.lastSMS(c).To)
	}
}

func TestAnUnknownKindOfSiteIsRefusedAndEachKnownOneTaken(t *testing.T) {
	for kind, good := range map[string]bool{"website": true, "app": true, "mini_program": true, "quick_app": true, "": true, "fast_app": false} {
		r := one()
		r.Persons = append(r.Persons, PersonRequest{Role: "website_head", Mobile: phoneB, CertificateTail: tailB, Site: "x", Kind: kind})
		r.Type, r.Changes = "additional_website", nil
		if _, err := receive(r, DefaultPolicy()); (err == nil) != good {
			t.Errorf("%q: %v", kind, err)
		}
	}
}
