package webui

import (
	"fmt"
	"net/http"
	"time"

	"attestd/verify"
)

// link is somewhere to go.
type link struct {
	Href, Name, Tag string
	Here            bool
}

// view is what the template shows.
type view struct {
	T                         *words
	Name, Owner, Help         string
	Heading, Lead             string // Heading is the one title: the result, where there is one
	Style, Script, Icon, Logo string
	Language                  link
	Others                    []link // what else can be done here; Tag stands before each
	Go                        *link  // where to go from a page that is not there
	Outcome                   *outcome
	Form                      bool
	Self, Submit, Token       string
	Bits                      int
	OTP                       bool
	Fields                    []field
	Question                  string
	Ask                       bool // show the question to everybody, not only where there is no JavaScript
	Advice                    []string
}

// field is one input.
type field struct {
	Name, Label, Hint, Fault, Value string
	Type, Mode, Autocomplete        string
	Bad, Focus                      bool

	told bool // the result is about this field
}

// Described names what tells of the field: the result where it is about the field, and its fault or hint.
func (f field) Described() string {
	own := f.Name + "-hint"
	if f.Fault != "" {
		own = f.Name + "-fault"
	}
	if f.told {
		return "told " + own
	}
	return own
}

// outcome is an answer in words.
type outcome struct {
	Result            int
	Tone, Role        string // good, bad, wait; status or alert
	Title, Text, Next string
	Tries, Left, Wait string
	Seconds           int
	Link              *link
	Done              bool   // nothing is left to fill in
	Field             string // where the focus goes: what is to be corrected; "" is the result itself

	faults map[string]bool
	keep   bool // the code was not judged: it is kept
	ask    bool
	work   int // zero bits that the next submission needs
}

// tones are how results look: what went well, what only needs time or another push, and the rest.
var tones = map[verify.Result]string{
	verify.ResultPassed: "good", verify.ResultVerified: "good", verify.ResultAlready: "good", verify.ResultSent: "good",
	verify.ResultWait: "wait", verify.ResultRateLimited: "wait", verify.ResultUnavailable: "wait", verify.ResultProofRequired: "wait",
	verify.ResultNothingToSend: "wait",
}

// outcome puts an answer into words. What is told beyond the result (tries, reason) verify gives only when mobile and
// tail fit.
func (p *Page) outcome(w *words, r *http.Request, t tab, a verify.Answer) *outcome {
	said, again := w.results[a.Result], here(r, tabVerify)
	if t == tabContact {
		again = here(r, tabContact)
		if own, ok := w.contact[a.Result]; ok {
			said = own
		}
	}
	o := &outcome{Result: int(a.Result), Tone: "bad", Role: "alert", Title: said.title, Text: said.text, Next: said.next, faults: map[string]bool{}}
	if tone, ok := tones[a.Result]; ok {
		o.Tone = tone
	}
	if o.Tone == "good" {
		o.Role = "status"
	}
	if a.TriesLeft != nil {
		o.Tries = w.triesLeft(*a.TriesLeft)
	}
	if !a.Deadline.IsZero() {
		o.Left = w.timeLeft(time.Until(a.Deadline))
	}
	if a.Wait > 0 {
		o.Wait, o.Seconds = w.span(a.Wait), int((a.Wait+time.Second-1)/time.Second)
	}
	o.work, o.ask = a.Work, a.Result == verify.ResultProofRequired
	for _, f := range a.Fields {
		o.faults[f.Field] = true
	}
	switch a.Result {
	case verify.ResultPassed, verify.ResultVerified, verify.ResultAlready: // several filings on one phone have a code each
		o.Done, o.Link = true, &link{Href: again, Name: w.LinkAgain}
		if a.Result == verify.ResultAlready && !a.OK {
			o.Text = w.alreadyEnded
		}
	case verify.ResultFinal:
		o.Done = true
		if why, ok := w.reasons[a.Reason]; ok {
			o.Text, o.Next = why.text, or(why.next, o.Next)
		}
		o.Link = &link{Href: again, Name: w.LinkAgain}
	case verify.ResultWrong:
		o.Field = "code"
	case verify.ResultSent, verify.ResultSendCap, verify.ResultNothingToSend:
		o.Done = true
		o.Link = &link{Href: here(r, tabVerify), Name: w.LinkVerify}
	case verify.ResultFailed, verify.ResultNoRecord, verify.ResultWait, verify.ResultRateLimited, verify.ResultProofRequired, verify.ResultUnavailable:
		o.keep = a.Result != verify.ResultNoRecord
	}
	switch a.Result {
	case verify.ResultNoRecord:
		o.Field = "mobile"
	case verify.ResultFailed:
		for _, name := range []string{"certificate_tail", "mobile", "code"} {
			if o.faults[name] {
				o.Field = name
			}
		}
	}
	if a.Result == verify.ResultNothingToSend {
		o.Link = nil
	}
	return o
}

// here is a tab's address, with the language if it was chosen by hand and with nothing else.
func here(r *http.Request, t tab) string {
	if lang := r.URL.Query().Get("lang"); languages[lang] != nil {
		return string(t) + "?lang=" + lang
	}
	return string(t)
}

// others are the other things that can be done here. The code of a contact check is sent again by who asked for it: a
// phone without a tail shows nobody to be its owner.
func (w *words) others(r *http.Request, t tab) []link {
	switch t {
	case tabResend:
		return []link{{Href: here(r, tabVerify), Name: w.LinkVerify, Tag: w.HaveCode}}
	case tabContact:
		return []link{{Href: here(r, tabVerify), Name: w.LinkVerify, Tag: w.NotContact}}
	}
	return []link{{Href: here(r, tabResend), Name: w.LinkResend, Tag: w.NoCode}, {Href: here(r, tabContact), Name: w.LinkContact, Tag: w.IsContact}}
}

// dressed is a view with all that every page has: whose it is, and the other language.
func (p *Page) dressed(w *words, d *dress, self string) view {
	v := view{T: w, Name: w.Name, Help: d.Help, Style: d.style, Script: d.script, Icon: d.icon, Logo: d.logo}
	if d.Name != "" {
		v.Name = d.Name
	}
	other := &english
	if w == &english {
		v.Name, v.Help = or(d.NameEN, v.Name), or(d.HelpEN, v.Help)
		other = &chinese
	}
	if d.Name != "" {
		v.Owner = fmt.Sprintf(w.Owner, v.Name)
	}
	v.Language = link{Href: self + "?lang=" + other.Tag[:2], Name: other.Self, Tag: other.Tag}
	return v
}

func (p *Page) view(r *http.Request, t tab, in entered, o *outcome) view {
	w, d := p.words(r), p.now.Load()
	v := p.dressed(w, d, string(t))
	v.Heading, v.Lead, v.Submit = w.HeadVerify, w.LeadVerify, w.SubmitVerify
	v.Outcome, v.Form, v.Self, v.Token, v.Bits = o, o == nil || !o.Done, here(r, t), p.passes.Issue(time.Now()), p.bits()
	v.OTP = d.OTP && t != tabResend
	switch t {
	case tabResend:
		v.Heading, v.Lead, v.Submit = w.HeadResend, w.LeadResend, w.SubmitResend
	case tabContact:
		v.Heading, v.Lead = w.HeadContact, w.LeadContact
	}
	if o != nil {
		v.Heading = o.Title
	}
	if v.Form {
		v.Others, v.Advice = w.others(r, t), w.advice(d.Rules())
	}
	if v.Bits > 0 {
		v.Question, v.Ask = w.question(p.passes.Sum(v.Token)), o != nil && o.ask
		if o != nil {
			v.Bits = max(v.Bits, o.work)
		}
	}
	if v.Ask {
		o.Field = "sum"
	}
	v.Fields = p.fields(w, t, in, o)
	return v
}

func (p *Page) fields(w *words, t tab, in entered, o *outcome) []field {
	code := field{Name: "code", Label: w.Code, Hint: w.CodeHint, Type: "text", Mode: "numeric", Autocomplete: "one-time-code"}
	mobile := field{Name: "mobile", Label: w.Mobile, Hint: w.MobileHint, Value: in.mobile, Type: "tel", Mode: "numeric", Autocomplete: "tel-national"}
	tail := field{Name: "certificate_tail", Label: w.Tail, Hint: w.TailHint, Value: in.tail, Type: "text", Mode: "text", Autocomplete: "off"}
	if o != nil {
		if o.keep {
			code.Value = in.code
		}
		for _, one := range []struct {
			f    *field
			text string
		}{{&code, w.CodeFault}, {&mobile, w.MobileFault}, {&tail, w.TailFault}} {
			if o.faults[one.f.Name] {
				one.f.Fault = one.text
			}
			one.f.Focus = o.Field == one.f.Name
			one.f.told = one.f.Focus && one.f.Fault == ""
			one.f.Bad = one.f.Fault != "" || one.f.told && o.Result == int(verify.ResultWrong)
		}
	}
	switch t {
	case tabResend:
		return []field{mobile, tail}
	case tabContact:
		return []field{code, mobile}
	}
	return []field{code, mobile, tail}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
