// Package webui is the page on which persons enter their codes: two forms, Chinese and English, that work without
// JavaScript and without cookies. It decides nothing: verify does, behind the limits of the API (Desk). What it adds is
// words, a next step for every result, and a little work for machines (proof.go). docs/page.md is for who runs it.
package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"attestd/internal/msisdn"
	"attestd/internal/proof"
	"attestd/verify"
)

// Desk is where what a person entered is handed in; httpapi.Door is one. It limits by caller, and counts.
type Desk interface {
	Check(r *http.Request, q verify.CheckRequest) verify.Answer
	Resend(r *http.Request, q verify.ResendRequest) verify.Answer
	// Refuse counts what the page refuses by itself.
	Refuse(result verify.Result) verify.Answer
	// Bits are the zero bits that a proof of work needs just now.
	Bits() int
	// Language is zh or en, as the browser asks.
	Language(r *http.Request) string
}

// Rules are what the page tells of the rules of the moment.
type Rules struct {
	Life     time.Duration
	MaxWrong int
}

// Options are what the operator says.
type Options struct {
	Name, NameEN string // empty: our own
	Help, HelpEN string // a line at the foot; may be empty
	Logo         []byte // nil: none
	LogoType     string
	Work         bool          // ask for a proof of work
	OTP          bool          // the SMS have a WebOTP line: fill the code in from it
	Repeat       time.Duration // how long verify gives an identical submission its stored answer
	Rules        func() Rules

	Passes *proof.Passes // shared with whoever else asks for proofs; nil: the page's own
}

// Page serves. Make one with New.
type Page struct {
	desk   Desk
	passes *proof.Passes
	now    atomic.Pointer[dress]
}

// dress is what the page looks like and asks for until Reconfigure. A request keeps to one.
type dress struct {
	Options
	assets map[string]asset
	style, script, icon,
	logo string // names of assets
}

type asset struct {
	kind string
	data []byte
}

//go:embed page.html page.css page.js icon.svg
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// New makes the page.
func New(desk Desk, o Options) *Page {
	if o.Passes == nil {
		o.Passes = proof.New()
	}
	p := &Page{desk: desk, passes: o.Passes}
	p.Reconfigure(o)
	return p
}

// Reconfigure takes over what the operator says now. Forms that are open stay good.
func (p *Page) Reconfigure(o Options) {
	d := &dress{Options: o, assets: map[string]asset{}}
	d.style = d.embedded("page.css", "text/css; charset=utf-8")
	d.script = d.embedded("page.js", "text/javascript; charset=utf-8")
	d.icon = d.embedded("icon.svg", "image/svg+xml")
	if len(o.Logo) > 0 {
		d.logo = d.asset("logo", o.LogoType, o.Logo)
	}
	p.now.Store(d)
}

func (d *dress) embedded(name, kind string) string {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err) // unreachable: it is embedded
	}
	return d.asset(name, kind, data)
}

// asset names a file after what it holds, so that it can be kept for ever and still be replaced by an update.
func (d *dress) asset(name, kind string, data []byte) string {
	sum := sha256.Sum256(data)
	name = hex.EncodeToString(sum[:6]) + "-" + name
	d.assets[name] = asset{kind, data}
	return "assets/" + name
}

// Mount tells where the page is served. All links are relative, so a proxy may put it below a path.
func (p *Page) Mount(handle func(pattern string, h http.Handler)) {
	handle("GET /{$}", p.show(tabVerify))
	handle("GET /verify", p.show(tabVerify))
	handle("GET /resend", p.show(tabResend))
	handle("POST /verify", p.take(tabVerify))
	handle("POST /resend", p.take(tabResend))
	handle("GET /contact", p.show(tabContact))
	handle("POST /contact", p.take(tabContact))
	handle("GET /assets/{name}", http.HandlerFunc(p.file))
}

// policy lets the page load and send nothing but to where it comes from. There is no inline script or style in it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // not no-referrer: with it a form's Origin is null
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

func (p *Page) file(w http.ResponseWriter, r *http.Request) {
	a, ok := p.now.Load().assets[r.PathValue("name")]
	secure(w.Header())
	if !ok {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(a.kind, "image/") { // an SVG that is opened by itself is a document
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", a.kind)
	_, _ = w.Write(a.data)
}

type tab string

const (
	tabVerify  tab = "verify"
	tabResend  tab = "resend"
	tabContact tab = "contact" // a contact check: no tail is asked for
)

func (p *Page) show(t tab) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.render(w, r, t, http.StatusOK, entered{}, nil)
	})
}

// entered is what a person has filled in.
type entered struct{ code, mobile, tail string }

// mostForm is ample for a form.
const mostForm = 8 << 10

// crossOrigin refuses forms that another site had a browser send. There are no cookies that they could ride on; but
// they would spend the visitors' share of requests, and other people's tries.
var crossOrigin = http.NewCrossOriginProtection()

// take answers a submission with the page itself: nothing of it ever stands in an address.
func (p *Page) take(t tab) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if crossOrigin.Check(r) != nil {
			p.refuse(w, r, t, http.StatusForbidden, entered{}, proof.Stale)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err := r.ParseForm(); err != nil || kind != "application/x-www-form-urlencoded" {
			p.refuse(w, r, t, http.StatusBadRequest, entered{}, proof.Stale)
			return
		}
		form := func(name string) string { return clip(r.PostForm.Get(name)) }
		in := entered{form("code"), form("mobile"), form("certificate_tail")}
		if t == tabContact {
			in.tail = ""
		}
		content := []string{string(t), in.code, in.mobile, in.tail}
		terms := proof.Terms{Bits: p.bits(), Repeat: p.now.Load().Repeat}
		v, work := p.passes.Admit(r.PostForm.Get("page"), form("proof"), msisdn.Fold(form("sum")), content, terms, time.Now())
		if v != proof.Admitted {
			p.refuse(w, r, t, http.StatusOK, in, v)
			return
		}
		p.render(w, r, t, http.StatusOK, in, p.outcome(p.words(r), r, t, p.ask(r, t, in, work)))
	})
}

// ask hands in what a person entered.
func (p *Page) ask(r *http.Request, t tab, in entered, work int) verify.Answer {
	if t == tabResend {
		return p.desk.Resend(r, verify.ResendRequest{Mobile: in.mobile, Tail: in.tail, Work: work})
	}
	return p.desk.Check(r, verify.CheckRequest{Code: in.code, Mobile: in.mobile, Tail: in.tail, NoTail: t == tabContact, Via: "web", Work: work})
}

// clip keeps what is repeated on the page short; verify refuses it anyway.
func clip(s string) string {
	if len(s) > 120 {
		s = s[:120]
	}
	return strings.ToValidUTF8(s, "")
}

func (p *Page) refuse(w http.ResponseWriter, r *http.Request, t tab, status int, in entered, v proof.Verdict) {
	text := p.words(r)
	var o *outcome
	switch v {
	case proof.Crowded:
		a := p.desk.Refuse(verify.ResultWait)
		a.Wait = 30 * time.Second
		o = p.outcome(text, r, t, a)
		o.ask = true
	default:
		o = p.outcome(text, r, t, p.desk.Refuse(verify.ResultProofRequired))
		if v == proof.Stale {
			o.Title, o.Text, o.Next = text.staleTitle, text.staleText, ""
		} else {
			o.ask = true
		}
	}
	p.render(w, r, t, status, in, o)
}

// bits are the zero bits that a form needs just now; 0 where no proof is asked for.
func (p *Page) bits() int {
	if !p.now.Load().Work {
		return 0
	}
	return p.desk.Bits()
}

func (p *Page) words(r *http.Request) *words {
	if w, ok := languages[r.URL.Query().Get("lang")]; ok {
		return w
	}
	if w, ok := languages[p.desk.Language(r)]; ok {
		return w
	}
	return &chinese
}

func (p *Page) render(w http.ResponseWriter, r *http.Request, t tab, status int, in entered, o *outcome) {
	if o != nil && o.Seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(o.Seconds))
	}
	p.write(w, p.view(r, t, in, o), status)
}

func (p *Page) write(w http.ResponseWriter, v view, status int) {
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		panic(err) // a fault of the template: the server logs where, not what
	}
	secure(w.Header())
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Content-Language", v.T.Tag)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}
