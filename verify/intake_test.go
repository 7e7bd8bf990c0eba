package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// musts lists who must verify of an order with an entity head and the heads of sites a and b.
func musts(t *testing.T, typ string, changes ...Change) (roles []string) {
	t.Helper()
	r := FilingRequest{Type: typ, Changes: changes, Persons: []PersonRequest{
		{Role: "entity_head", Mobile: phoneA, CertificateTail: tailA},
		{Role: "website_head", Site: "a", Mobile: phoneB, CertificateTail: tailB},
		{Role: "website_head", Site: "b", Kind: "mini_program", Mobile: "13700137000", CertificateTail: tailB},
	}}
	in, err := receive(r, DefaultPolicy())
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	for _, p := range in.Persons {
		if p.Must {
			roles = append(roles, strings.TrimSuffix(string(p.Role)+" "+p.Site, " "))
		}
	}
	return roles
}

func TestWhoMustVerifyIsWhatTheTableSays(t *testing.T) {
	entity, a, b := "entity_head", "website_head a", "website_head b"
	for _, one := range []struct {
		typ     string
		changes []Change
		want    []string
	}{
		{"first", nil, []string{entity, a, b}},
		{"additional_website", nil, []string{a, b}},
		{"access", nil, []string{a, b}},
		{"change", []Change{{Part: PartEntity}}, []string{entity}},
		{"change", []Change{{Part: PartWebsite, Site: "b"}}, []string{b}},
		{"change", []Change{{Part: PartWebsite}}, []string{a, b}},
		{"change", []Change{{Part: PartEntity}, {Part: PartWebsite, Site: "a"}}, []string{entity, a}},
		{"change", []Change{{Part: PartNumber, Role: EntityHead}}, []string{entity}},
		{"change", []Change{{Part: PartNumber, Role: WebsiteHead, Site: "b"}}, []string{b}},
		{"change", []Change{{Part: PartRemark}}, nil},
		{"change", []Change{{Part: PartRemark}, {Part: PartEntity}}, []string{entity}},
		{"entity_cancellation", nil, []string{entity}},
		{"website_cancellation", nil, []string{a, b}},
		{"access_cancellation", nil, nil},
		{"contact_check", nil, []string{a, b}},
	} {
		t.Run(strings.TrimSpace(fmt.Sprintln(one.typ, one.changes)), func(t *testing.T) {
			if got := musts(t, one.typ, one.changes...); !slices.Equal(got, one.want) {
				t.Errorf("%v must verify, want %v", got, one.want)
			}
		})
	}
	if n := len(FilingTypes()); n != 8 {
		t.Errorf("%d types", n)
	}
}

func TestAFilingThatNobodyMustVerifyIsNotRequiredAtOnce(t *testing.T) {
	b := newBench(t, nil)
	f := b.create(FilingRequest{Type: "access_cancellation", Persons: []PersonRequest{{Role: "website_head", Site: "a", Name: "x"}}})
	if f.State != FilingNotRequired || f.Ended.IsZero() || len(b.m.rows.texts) != 0 || b.m.counted("filing.not_required", f.ID) != 1 {
		t.Errorf("%+v", f)
	}
}

func TestEveryFaultOfARequestIsToldAtOnceByItsField(t *testing.T) {
	for _, one := range []struct {
		name   string
		change func(*FilingRequest)
		want   []string
	}{
		{"an unknown type", func(r *FilingRequest) { r.Type = "fist" }, []string{`type: "fist" is not known; it must be one of first, `}},
		{"no type", func(r *FilingRequest) { r.Type = "" }, []string{"type: is missing"}},
		{"many at once", func(r *FilingRequest) {
			r.Persons[0].Mobile, r.Persons[1].Mobile, r.Persons[1].CertificateTail, r.Callback = "", "12345", "1234", "ftp://x"
		}, []string{"persons[0].mobile: is missing", "persons[1].mobile: is no mobile number", "persons[1].certificate_tail: must be", "callback: must be"}},
		{"a fixed line", func(r *FilingRequest) { r.Persons[0].Mobile = "010-62345678" }, []string{"persons[0].mobile: is no mobile number"}},
		{"another country", func(r *FilingRequest) { r.Persons[0].Mobile = "+85291234567" }, []string{"persons[0].mobile: is in a country"}},
		{"only an emergency number", func(r *FilingRequest) { r.Persons[0].Mobile, r.Persons[0].EmergencyMobile = "", phoneB }, []string{"persons[0].mobile: is missing: the emergency number is never used"}},
		{"the emergency number as the own", func(r *FilingRequest) { r.Persons[0].EmergencyMobile = "+86" + phoneA }, []string{"persons[0].mobile: is the emergency number"}},
		{"no certificate", func(r *FilingRequest) { r.Persons[1].CertificateTail = "" }, []string{"persons[1].certificate: is missing"}},
		{"a swapped digit", func(r *FilingRequest) { r.Persons[0].Certificate = "11010519491213002X" }, []string{"persons[0].certificate: is no valid number"}},
		{"an unknown certificate", func(r *FilingRequest) { r.Persons[0].CertificateType, r.Persons[0].Certificate = "card", "123456" }, []string{`persons[0].certificate_type: "card" is not known`}},
		{"three tails", func(r *FilingRequest) {
			r.Persons[0].Certificate, r.Persons[0].SecondCertificateTail = "11010519491231002X", "222222"
		}, []string{"persons[0].second_certificate_tail: is a third tail"}},
		{"an unknown role", func(r *FilingRequest) { r.Persons[0].Role = "boss" }, []string{`persons[0].role: "boss" is not known`, "persons: the first filing must be verified by the entity head"}},
		{"two entity heads", func(r *FilingRequest) { r.Persons[1].Role = "entity_head" }, []string{"persons[1].role: is the same as that of persons[0]", "persons: the first filing must be verified by the website head"}},
		{"a site without a head", func(r *FilingRequest) { r.Sites = []SiteRequest{{Name: "a.example"}, {Name: "b.example"}} }, []string{`persons: the first filing must be verified by the head of each site, and "b.example" has none`}},
		{"an unknown kind", func(r *FilingRequest) { r.Persons[1].Kind = "blog" }, []string{`persons[1].kind: "blog" is not known`}},
		{"changes of no change filing", func(r *FilingRequest) { r.Changes = []Change{{Part: PartEntity}} }, []string{"changes: only a filing of type change"}},
		{"a change without changes", func(r *FilingRequest) { r.Type = "change" }, []string{"changes: is missing"}},
		{"an unknown change", func(r *FilingRequest) { r.Type, r.Changes = "change", []Change{{Part: "x"}} }, []string{`changes[0].part: "x" is not known`}},
		{"a change of nobody's number", func(r *FilingRequest) { r.Type, r.Changes = "change", []Change{{Part: PartNumber}} }, []string{"changes[0].role: is missing"}},
		{"a change of no site", func(r *FilingRequest) { r.Type, r.Changes = "change", []Change{{Part: PartWebsite, Site: "z"}} }, []string{"changes[0].site: is no site"}},
		{"a long reference", func(r *FilingRequest) { r.Reference = strings.Repeat("x", 129) }, []string{"reference: has 129 characters"}},
		{"a language", func(r *FilingRequest) { r.Language = "fr" }, []string{"language: must be zh or en"}},
		{"nobody", func(r *FilingRequest) { r.Persons = nil }, []string{"persons: the first filing must be verified by the entity head", "persons: the first filing must be verified by the website head"}},
	} {
		r := two()
		one.change(&r)
		_, err := receive(r, DefaultPolicy())
		var faults Invalid
		if !errors.As(err, &faults) || len(faults) != len(one.want) {
			t.Errorf("%s: %v", one.name, err)
			continue
		}
		for _, want := range one.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", one.name, want, err)
			}
		}
		for _, secret := range []string{phoneA, phoneB, "62345678", "11010519491213002X"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats a number: %v", one.name, err)
			}
		}
	}
}

func TestAnUnneededPersonIsAskedForNothingAndNothingOfHimIsKept(t *testing.T) {
	b := newBench(t, nil)
	r := one()
	r.Persons = append(r.Persons, PersonRequest{Role: "website_head", Site: "a", Mobile: phoneB, CertificateTail: tailB})
	f := b.create(r)
	if p := f.Persons[1]; p.State != PersonNotRequired || p.Mobile != "" || p.TailMACs != nil || p.ChallengeID != "" {
		t.Errorf("%+v", p)
	}
	expect(t, "check", b.check(b.code(f.Challenges[0]), phoneA, tailA), ResultPassed)
}

func TestRequestsThatFoldToTheSameAreTheSame(t *testing.T) {
	a, b := two(), two()
	a.Language = ""
	b.Language = "zh"
	b.Persons[0].Mobile, b.Persons[0].CertificateTail = " ＋８６ 138 0013 8000", " 01123x "
	x, errX := receive(a, DefaultPolicy())
	y, errY := receive(b, DefaultPolicy())
	if errX != nil || errY != nil || string(x.canonical()) != string(y.canonical()) {
		t.Errorf("%v %v\n%s\n%s", errX, errY, x.canonical(), y.canonical())
	}
}

func TestNoRequestMakesIntakePanicAndEveryAcceptedOneCanBeFiled(t *testing.T) {
	words := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "first", "change", "entity_head", "website_head", phoneA, phoneB, tailA, "a", "b", "app", "entity", "number", "11010519491231002X"}))
	rapid.Check(t, func(rt *rapid.T) {
		w := func(l string) string { return words.Draw(rt, l) }
		r := FilingRequest{Type: rapid.SampledFrom(append(FilingTypes(), "x")).Draw(rt, "type").string(), Reference: w("ref"), Callback: w("callback"), Language: rapid.SampledFrom([]string{"", "en", w("lang")}).Draw(rt, "language")}
		for range rapid.IntRange(0, 3).Draw(rt, "persons") {
			r.Persons = append(r.Persons, PersonRequest{
				Role: w("role"), Name: w("name"), Mobile: w("mobile"), EmergencyMobile: w("emergency"), CertificateType: w("ct"),
				Certificate: w("cert"), CertificateTail: w("tail"), SecondCertificateTail: w("tail 2"), Site: w("site"), Kind: w("kind"),
			})
		}
		for range rapid.IntRange(0, 2).Draw(rt, "changes") {
			r.Changes = append(r.Changes, Change{Part: Part(w("part")), Role: Role(w("role")), Site: w("site")})
		}
		if _, err := receive(r, DefaultPolicy()); err == nil {
			b := newBench(t, nil)
			if f := b.create(r); f.State != FilingVerifying && f.State != FilingNotRequired {
				rt.Fatal(f.State)
			}
		}
	})
}

func (t FilingType) string() string { return string(t) }
