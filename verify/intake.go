package verify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"attestd/internal/msisdn"
)

// What a filing may be at most.
const (
	maxPersons   = 100
	maxSites     = 100
	maxChanges   = 100
	maxReference = 128
	maxName      = 100 // characters, of persons and sites
	maxCallback  = 2048
	maxNote      = 200

	mostResubmitAfter = 7 * day
)

// intake is a request that has been found good, folded to one form: equal intakes are the same filing.
type intake struct {
	Owner             string `json:"-"`
	Origin, Reference string
	Type              FilingType
	Changes           []Change
	Sites             []site
	Persons           []intakePerson
	Callback          string
	Language          string
	// Filings that were made before there were these fields keep their hash.
	Supersedes    string        `json:",omitempty"`
	Province      string        `json:",omitempty"`
	Entity        string        `json:",omitempty"`
	ResubmitAfter time.Duration `json:",omitempty"`
}

type site struct {
	Name string
	Kind SiteKind
}

type intakePerson struct {
	Role   Role
	Name   string
	Site   string
	Kind   SiteKind
	E164   string
	Tails  []string
	Must   bool
	number msisdn.Number
	permit bool // the certificate is said to be a Hong Kong or Macao permit
}

// canonical is the form whose hash tells a repetition from a conflict.
func (in intake) canonical() []byte {
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // strings and lists of them always marshal
	}
	return b
}

// desk gathers what is wrong with a request while it folds it.
type desk struct {
	policy Policy
	in     intake
	faults Invalid
}

func (d *desk) fault(field, format string, args ...any) {
	d.faults = append(d.faults, FieldError{field, fmt.Sprintf(format, args...)})
}

// receive validates a request as a whole; its error, an Invalid, names every faulty field.
func receive(r FilingRequest, p Policy) (intake, error) {
	d := &desk{policy: p, in: intake{Owner: r.Owner, Origin: r.Origin, Callback: r.Callback, Language: r.Language}}
	if d.in.Language == "" {
		d.in.Language = p.Language
	}
	d.order(r)
	d.sites(r)
	for i, one := range r.Persons {
		if i == maxPersons {
			d.fault("persons", "has %d entries, the most is %d", len(r.Persons), maxPersons)
			break
		}
		d.person(i, one)
	}
	d.changes(r)
	d.require()
	for i := range d.in.Persons {
		d.particulars(i, r.Persons[i])
	}
	if len(d.faults) > 0 {
		return intake{}, d.faults
	}
	return d.in, nil
}

// order checks what belongs to the filing as a whole.
func (d *desk) order(r FilingRequest) {
	d.in.Type = FilingType(strings.TrimSpace(r.Type))
	if !known(d.in.Type) {
		d.fault("type", "%s; it must be one of %s", given(r.Type), list(FilingTypes()))
	}
	d.in.Reference = d.text("reference", r.Reference, maxReference)
	d.in.Supersedes = d.text("supersedes", r.Supersedes, maxReference)
	switch u, err := url.Parse(r.Callback); {
	case r.Callback == "":
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || len(r.Callback) > maxCallback:
		d.fault("callback", "must be a whole http or https address without a password in it")
	case d.policy.Callback != nil:
		if fault := d.policy.Callback(r.Callback); fault != "" {
			d.fault("callback", "%s", fault)
		}
	}
	if d.in.Province = provinceOf(r.Province); d.in.Province == "" && strings.TrimSpace(r.Province) != "" {
		d.fault("province", "%s; give a province of mainland China, as zhejiang, 浙江, 33 (GB/T 2260) or CN-ZJ (ISO 3166-2)", given(r.Province))
	}
	d.in.Entity = foldEntity(d.text("entity", r.Entity, maxName))
	if d.in.ResubmitAfter = r.ResubmitAfter; d.in.ResubmitAfter != 0 && (d.in.ResubmitAfter < time.Minute || d.in.ResubmitAfter > mostResubmitAfter) {
		d.fault("resubmit_after", "must be from 60 to %d seconds, or 0 for never", mostResubmitAfter/time.Second)
	}
	if d.in.Language != "zh" && d.in.Language != "en" {
		d.fault("language", "must be zh or en")
	}
}

// text trims, and refuses what is too long or has control characters.
func (d *desk) text(field, s string, limit int) string {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n > limit {
		d.fault(field, "has %d characters, the most is %d", n, limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		d.fault(field, "has control characters or is not UTF-8")
	}
	return s
}

func (d *desk) kind(field, s string) SiteKind {
	switch kind := SiteKind(strings.TrimSpace(s)); kind {
	case "":
		return Website
	case Website, App, MiniProgram, QuickApp:
		return kind
	}
	d.fault(field, "%s; it must be one of %s", given(s), list(siteKinds))
	return Website
}

func (d *desk) sites(r FilingRequest) {
	if len(r.Sites) > maxSites {
		d.fault("sites", "has %d entries, the most is %d", len(r.Sites), maxSites)
		return
	}
	for i, one := range r.Sites {
		field := fmt.Sprintf("sites[%d]", i)
		name := d.text(field+".name", one.Name, maxName)
		if name == "" {
			d.fault(field+".name", "is empty; give the site's name or domain")
		}
		if _, twice := d.site(name); twice {
			d.fault(field+".name", "is the same as an earlier one")
		}
		d.in.Sites = append(d.in.Sites, site{name, d.kind(field+".kind", one.Kind)})
	}
}

func (d *desk) site(name string) (site, bool) {
	for _, s := range d.in.Sites {
		if s.Name == name {
			return s, true
		}
	}
	return site{}, false
}

// person checks who someone is; particulars follow when it is known who must verify.
func (d *desk) person(i int, r PersonRequest) {
	field := func(name string) string { return fmt.Sprintf("persons[%d].%s", i, name) }
	p := intakePerson{Role: Role(strings.TrimSpace(r.Role)), Name: d.text(field("name"), r.Name, maxName), Site: d.text(field("site"), r.Site, maxName)}
	if p.Role != EntityHead && p.Role != WebsiteHead {
		d.fault(field("role"), "%s; it must be one of %s", given(r.Role), list([]Role{EntityHead, WebsiteHead}))
	}
	if p.Role == WebsiteHead {
		if p.Site == "" && len(r.Kind) == 0 && len(d.in.Sites) == 1 {
			p.Site = d.in.Sites[0].Name
		}
		p.Kind = d.kind(field("kind"), r.Kind)
		switch s, listed := d.site(p.Site); {
		case !listed:
			d.in.Sites = append(d.in.Sites, site{p.Site, p.Kind})
		case r.Kind == "":
			p.Kind = s.Kind
		case s.Kind != p.Kind:
			d.fault(field("kind"), "is %s, but the site was given as %s", p.Kind, s.Kind)
		}
	}
	for j, other := range d.in.Persons {
		if other.Role == p.Role && (p.Role == EntityHead || p.Role == WebsiteHead && other.Site == p.Site) {
			d.fault(field("role"), "is the same as that of persons[%d]: there is one %s for each %s", j, p.Role,
				map[Role]string{EntityHead: "order", WebsiteHead: "site; name the site of each"}[p.Role])
			break
		}
	}
	d.in.Persons = append(d.in.Persons, p)
}

// particulars checks how someone is reached and known. Of those who need not verify nothing is asked, but what is
// given must be well formed.
func (d *desk) particulars(i int, r PersonRequest) {
	p := &d.in.Persons[i]
	field := func(name string) string { return fmt.Sprintf("persons[%d].%s", i, name) }
	d.mobile(p, r, field)
	if d.in.Type == ContactCheck { // what is not asked for is not kept
		p.Tails = []string{noTail}
		return
	}
	p.permit = certificateTypeOf(r) == HKMacaoPermit
	if none := d.tails(p, r, field); none && p.Must {
		d.fault(field("certificate"), "is missing: give the number of the ID document, or its last 6 characters as certificate_tail")
	}
}

// tails takes what a person's certificate ends in; none says that nothing of it was given.
func (d *desk) tails(p *intakePerson, r PersonRequest, field func(string) string) (none bool) {
	for _, one := range []struct {
		name, value string
		tail        func() (string, string)
	}{
		{"certificate", r.Certificate, func() (string, string) { return d.certificate(r, field) }},
		{"certificate_tail", r.CertificateTail, func() (string, string) { return foldTail(r.CertificateTail) }},
		{"second_certificate_tail", r.SecondCertificateTail, func() (string, string) { return foldTail(r.SecondCertificateTail) }},
	} {
		if strings.TrimSpace(one.value) == "" {
			continue
		}
		tail, fault := one.tail()
		switch {
		case fault != "":
			d.fault(field(one.name), "%s", fault)
		case !slices.Contains(p.Tails, tail):
			p.Tails = append(p.Tails, tail)
		}
	}
	if len(p.Tails) > 2 {
		d.fault(field("second_certificate_tail"), "is a third tail; a person has at most two")
	}
	return r.Certificate+r.CertificateTail+r.SecondCertificateTail == ""
}

func (d *desk) certificate(r PersonRequest, field func(string) string) (string, string) {
	typ := certificateTypeOf(r)
	if _, ok := certificateRules[typ]; !ok && typ != unknownCertificate {
		d.fault(field("certificate_type"), "%s; it must be one of %s", given(r.CertificateType), list(certificateTypes))
		typ = OtherCertificate
	}
	return certificateTail(typ, r.Certificate)
}

func certificateTypeOf(r PersonRequest) CertificateType {
	return CertificateType(strings.TrimSpace(r.CertificateType))
}

// mobile takes the person's own number and makes sure that the emergency number is not it.
func (d *desk) mobile(p *intakePerson, r PersonRequest, field func(string) string) {
	own, emergency := strings.TrimSpace(r.Mobile), strings.TrimSpace(r.EmergencyMobile)
	if own == "" {
		switch {
		case emergency != "" && p.Must:
			d.fault(field("mobile"), "is missing: the emergency number is never used to verify; give the person's own mobile")
		case p.Must:
			d.fault(field("mobile"), "is missing: give the mobile that the code is to be sent to")
		}
		return
	}
	n, fault := d.policy.recipient(own)
	if fault != "" {
		d.fault(field("mobile"), "%s", fault)
		return
	}
	if e, err := msisdn.Parse(emergency, d.policy.Region[0]); err == nil && e == n {
		d.fault(field("mobile"), "is the emergency number, which is never used to verify; give the person's own mobile")
	}
	p.number, p.E164 = n, n.E164()
}

// number reads a mobile that codes may be sent to; without a country code it is of the first region. A mainland one is
// ^1[3-9]\d{9}$.
func (p Policy) number(s string) (msisdn.Number, string) {
	n, err := msisdn.Parse(s, p.Region[0])
	if err != nil {
		return n, "is no mobile number: " + strings.TrimPrefix(err.Error(), "number: ")
	}
	for _, region := range p.Region {
		if strings.HasPrefix(n.E164(), "+"+region) {
			if region == "86" && !n.MainlandMobile() {
				return msisdn.Number{}, "is no mobile number: one of mainland China has 11 digits and begins with 13 to 19"
			}
			return n, ""
		}
	}
	return msisdn.Number{}, "is in a country that codes are not sent to (verify.region)"
}

// recipient is number for those who are to get a code.
func (p Policy) recipient(s string) (msisdn.Number, string) {
	n, fault := p.number(s)
	if fault == "" && p.Destination != nil {
		fault = p.Destination(n)
	}
	return n, fault
}

func known(t FilingType) bool {
	for _, one := range rules {
		if one.Type == t {
			return true
		}
	}
	return false
}

// given tells a word back that is not known, if it can be one at all.
func given(s string) string {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return "is missing"
	case len(s) > 40:
		return "is not known"
	}
	return fmt.Sprintf("%q is not known", s)
}

func list[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, one := range all {
		words[i] = string(one)
	}
	return strings.Join(words, ", ")
}
