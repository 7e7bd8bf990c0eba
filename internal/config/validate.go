package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a small machine may have no zone files

	"attestd/internal/claim"
)

var (
	modemName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	countryCode = regexp.MustCompile(`^[1-9][0-9]{0,2}$`) // E.164 6.1
	imei        = regexp.MustCompile(`^[0-9]{15}$`)
	iccid       = regexp.MustCompile(`^[0-9]{18,20}F?$`)
	smsc        = regexp.MustCompile(`^\+[1-9][0-9]{4,18}$`)
	host        = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
)

// validate finds what is wrong with values that have the right type.
func (c *Config) validate() []string {
	var b binder
	b.oneOf("environment", c.Environment, Production, Test)
	b.between("shutdown_grace", c.ShutdownGrace, time.Second, time.Hour)
	b.storeURL(c.Store.URL)
	b.http(c.HTTP)
	b.shared("modems", c.Modems)
	b.modemList(c.Modem, c.Modems)
	b.queue(c.Queue)
	b.between("inbox.hold", c.Inbox.Hold, time.Minute, 90*24*time.Hour)
	b.between("inbox.keep", c.Inbox.Keep, time.Hour, 3650*24*time.Hour)
	b.inboundList(c.Inbound)
	b.verify(c.Verify)
	b.webhookList(c.Webhooks, c.Webhook)
	b.abuse(c.Abuse)
	b.page(c.Page)
	b.camara(c.Camara, c.Verify.Life)
	b.privacy(c.Privacy, c.Verify.Remember)
	b.oneOf("log.format", c.Log.Format, "text", "json")
	return b.faults
}

func (b *binder) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		b.fault(path, `want "%s"`, strings.Join(allowed, `" or "`))
	}
}

func (b *binder) between(path string, d, least, most time.Duration) {
	if d < least || d > most {
		b.fault(path, "want from %s to %s", short(least), short(most))
	}
}

func (b *binder) count(path string, n, least, most int) {
	if n < least || n > most {
		b.fault(path, "want from %d to %d", least, most)
	}
}

// short writes a duration as a person would: 24h, not 24h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if d >= time.Minute {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "0s"), "0m")
		if s == "" || s[len(s)-1] < 'a' {
			return d.String()
		}
	}
	return s
}

func (b *binder) storeURL(raw string) {
	if scheme, _, ok := strings.Cut(raw, ":"); ok && scheme != "sqlite" {
		b.fault("store.url", "%q is no database that this version knows: write sqlite:///path/to/attestd.db", scheme)
	} else if sqliteFile(raw) == "" || strings.ContainsAny(raw, "?#\x00") {
		b.fault("store.url", "it names no file: write sqlite:///path/to/attestd.db")
	}
}

// sqliteFile is the path in a SQLite URL.
func sqliteFile(raw string) string {
	rest, ok := strings.CutPrefix(raw, "sqlite:")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(rest, "//")
}

func absoluteURL(raw, dir string) string {
	if path := sqliteFile(raw); !filepath.IsAbs(path) {
		return "sqlite://" + filepath.Join(dir, path)
	}
	return raw
}

func (b *binder) http(h HTTP) {
	b.address("http.listen", h.Listen)
	if (h.TLSCertFile == "") != (h.TLSKeyFile == "") {
		b.fault("http.tls_cert_file", "tls_cert_file and tls_key_file go together: give both or neither")
	}
	for i, p := range h.TrustedProxies {
		if _, err := prefix(p); err != nil {
			b.fault(fmt.Sprintf("http.trusted_proxies[%d]", i+1), "want an address or a prefix, as 10.0.0.1 or 10.0.0.0/8")
		}
	}
	b.oneOf("http.client_header", h.ClientHeader, "X-Forwarded-For", "Forwarded")
	b.between("http.hsts", h.HSTS, 0, 2*365*24*time.Hour)
	if h.MaxBody < 4<<10 || h.MaxBody > 16<<20 {
		b.fault("http.max_body", "want from 4KiB to 16MiB")
	}
	b.count("http.max_connections", h.MaxConnections, 8, 900)
	b.count("http.max_connections_per_address", h.ConnectionsPerAddress, 0, 900)
	b.count("http.streams_per_token", h.StreamsPerToken, 0, 900)
	for _, other := range []struct{ key, value string }{{"http.public_listen", h.PublicListen}, {"http.metrics_listen", h.MetricsListen}} {
		if other.value != "" {
			b.address(other.key, other.value)
			if other.value == h.Listen && !strings.HasSuffix(other.value, ":0") {
				b.fault(other.key, "is http.listen: leave it empty, and all is served there")
			}
		}
	}
	b.between("http.read_header_timeout", h.ReadHeaderTimeout, 100*time.Millisecond, time.Minute)
	b.between("http.read_timeout", h.ReadTimeout, time.Second, 10*time.Minute)
	b.between("http.idle_timeout", h.IdleTimeout, time.Second, time.Hour)
	b.count("http.requests_per_second", h.RequestsPerSecond, 0, 1_000_000)
	b.between("http.event_heartbeat", h.EventHeartbeat, time.Second, 10*time.Minute)
}

// Prefixes are the trusted proxies, parsed; validation has seen them.
func (h HTTP) Prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range h.TrustedProxies {
		if p, err := prefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func prefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// validPort says whether somebody can listen at a port that was written down.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func (b *binder) address(path, value string) {
	_, port, err := net.SplitHostPort(value)
	n, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || n < 0 || n > 65535 {
		b.fault(path, "want host:port, as 127.0.0.1:8480")
	}
}

func (b *binder) shared(path string, m ModemDefaults) {
	b.count(path+".baud", m.Baud, 300, 4_000_000)
	if m.SMSC != "" && !smsc.MatchString(m.SMSC) {
		b.fault(path+".smsc", "want the number of the SMS centre in international form, with its +, as +8613800100500; or nothing for the SIM's")
	}
	if m.RatePerMinute < 0 || m.RatePerMinute > 6000 {
		b.fault(path+".rate_per_minute", "want from 0 (no limit) to 6000")
	}
	b.count(path+".burst", m.Burst, 1, 1000)
	b.between(path+".submit_timeout", m.SubmitTimeout, time.Second, 15*time.Minute)
	b.between(path+".prompt_timeout", m.PromptTimeout, 100*time.Millisecond, 5*time.Minute)
	b.between(path+".command_timeout", m.CommandTimeout, 100*time.Millisecond, 5*time.Minute)
	b.between(path+".late_result_wait", m.LateResultWait, 0, 15*time.Minute)
	b.between(path+".ask_after", m.AskAfter, 0, 15*time.Minute)
	b.between(path+".registration_wait", m.RegistrationWait, 0, time.Hour)
	b.between(path+".search_limit", m.SearchLimit, 30*time.Second, 24*time.Hour)
	for i, pattern := range m.Scan {
		if _, err := filepath.Match(pattern, ""); err != nil || !filepath.IsAbs(pattern) {
			b.fault(fmt.Sprintf("%s.scan[%d]", path, i+1), "want a pattern of whole paths, as /dev/ttyUSB*")
		}
	}
}

func (b *binder) modemList(modems []Modem, general ModemDefaults) {
	names, ports := map[string]bool{}, map[string]string{}
	for i, m := range modems {
		path := modemPath(i, m.Name)
		switch {
		case m.Name == "":
			b.fault(path+".name", `is missing: name it as you want to see it in logs and lists, as name = "m%d"`, i)
		case !modemName.MatchString(m.Name):
			b.fault(path+".name", "want 1 to 32 of the characters a-z A-Z 0-9 . _ -, beginning with a letter or digit")
		case names[m.Name]:
			b.fault(path+".name", "another modem has this name")
		}
		names[m.Name] = true
		b.port(path+".port", m.Port)
		port := samePort(m.Port)
		if other, taken := ports[port]; taken && m.Enabled && m.Port != "" && !m.Searched() {
			b.fault(path+".port", "modem %s has this port already", other)
		} else if m.Enabled {
			ports[port] = m.Name
		}
		if m.Port == Auto && len(m.Scan) == 0 {
			b.fault(path+".scan", `is empty: with port = "auto" it says which ttys may be opened, as ["/dev/ttyUSB*"]`)
		}
		b.twins(path, m, modems[:i])
		if m.IMEI != "" && !imei.MatchString(m.IMEI) {
			b.fault(path+".imei", "want 15 digits, as AT+CGSN answers and the label says (TS 23.003 6.2.1)")
		}
		if m.SIM != "" && !iccid.MatchString(m.SIM) {
			b.fault(path+".sim", "want the ICCID, the 19 or 20 digits printed on the card")
		}
		b.own(path, m.ModemDefaults, general)
	}
}

// samePort is one name for all ways to write a path; what it is a link to may change, and is found out when it is
// opened.
func samePort(port string) string {
	if filepath.IsAbs(port) {
		return filepath.Clean(port)
	}
	return port
}

// twins finds two modems that name the same module or card.
func (b *binder) twins(path string, m Modem, earlier []Modem) {
	for _, other := range earlier {
		if !m.Enabled || !other.Enabled {
			continue
		}
		if m.IMEI != "" && m.IMEI == other.IMEI {
			b.fault(path+".imei", "modem %s is this module already", other.Name)
		}
		if m.SIM != "" && m.SIM == other.SIM {
			b.fault(path+".sim", "modem %s has this card already", other.Name)
		}
	}
}

// own checks a modem's values, without telling again what is wrong with [modems].
func (b *binder) own(path string, m, general ModemDefaults) {
	var here, there binder
	here.shared("", m)
	there.shared("", general)
	for _, f := range here.faults {
		if !slices.Contains(there.faults, f) {
			b.faults = append(b.faults, path+f)
		}
	}
}

// Auto as the port of a modem has it found among the ttys of scan.
const Auto = "auto"

// Searched says that the modem has no port of its own, and is found by what answers.
func (m Modem) Searched() bool {
	return m.Port == Auto || strings.ContainsAny(m.Port, "*?[") && !strings.HasPrefix(m.Port, "tcp://")
}

func (b *binder) port(path, port string) {
	switch {
	case port == "":
		b.fault(path, `is missing: name the modem's AT port, as /dev/serial/by-id/..., or tcp://host:port, or "auto" to have it found`)
	case port == Auto:
	case strings.HasPrefix(port, "tcp://"):
		if u, err := url.Parse(port); err != nil || u.Hostname() == "" || !validPort(u.Port()) || u.Path != "" || u.User != nil {
			b.fault(path, "want tcp://host:port, with a port from 1 to 65535")
		}
	case strings.Contains(port, "://"):
		b.fault(path, "want a path, as /dev/ttyUSB0, or tcp://host:port")
	case !filepath.IsAbs(port):
		b.fault(path, `want the whole path, as /dev/ttyUSB0, or "auto"`)
	case strings.ContainsRune(port, 0):
		b.fault(path, "no path has a NUL in it")
	}
}

func (b *binder) queue(q Queue) {
	const day = 24 * time.Hour
	b.count("queue.max_attempts", q.MaxAttempts, 1, 100)
	b.between("queue.backoff", q.Backoff, 100*time.Millisecond, time.Hour)
	b.between("queue.max_backoff", q.MaxBackoff, q.Backoff, day)
	b.between("queue.evidence_window", q.EvidenceWindow, time.Second, 7*day)
	b.between("queue.report_window", q.ReportWindow, time.Minute, 30*day)
	b.between("queue.default_deadline", q.DefaultDeadline, time.Minute, 7*day)
	b.oneOf("queue.on_unknown", q.OnUnknown, "wait", "repeat", "hold")
	b.between("queue.wipe_text", q.WipeText, 0, 3650*day)
	b.between("queue.wipe_number", q.WipeNumber, 0, 3650*day)
	if q.WipeText > q.WipeNumber {
		b.fault("queue.wipe_number", "want no less than wipe_text: a text that outlives its number serves nobody")
	}
}

func (b *binder) verify(v Verify) {
	const day = 24 * time.Hour
	b.oneOf("verify.default_language", v.DefaultLanguage, "zh", "en")
	if claim.Ministry(v.Site) {
		b.fault("verify.site", "claims to come from the ministry: name your own service")
	}
	if _, err := time.LoadLocation(v.TimeZone); err != nil || v.TimeZone == "" {
		b.fault("verify.time_zone", "want a zone's name, as Asia/Shanghai")
	}
	if len(v.Region) == 0 {
		b.fault("verify.region", `no country is allowed, so no code could be sent: list country codes, as ["86"]`)
	}
	for i, r := range v.Region {
		if !countryCode.MatchString(r) {
			b.fault(fmt.Sprintf("verify.region[%d]", i+1), `want a country code without +, as "86"`)
		}
	}
	b.between("verify.life", v.Life, time.Minute, 7*day)
	if v.HardEnd < v.Life || v.HardEnd > 30*day {
		b.fault("verify.hard_end", "want from verify.life to %s", short(30*day))
	}
	b.between("verify.undeliverable_after", v.UndeliverableAfter, time.Minute, 7*day)
	b.count("verify.max_sends", v.MaxSends, 1, 10)
	b.between("verify.resend_wait", v.ResendWait, 0, day)
	b.between("verify.resend_min_left", v.ResendMinLeft, 0, day)
	b.count("verify.max_wrong", v.MaxWrong, 1, 100) // NIST SP 800-63B-4 3.2.2: no more than 100
	b.count("verify.max_amendments", v.MaxAmendments, 0, 10)
	b.count("verify.max_resubmits", v.MaxResubmits, 0, 100)
	b.oneOf("verify.reject_on_lock", v.RejectOnLock, "at_once", "at_deadline")
	b.between("verify.repeat_window", v.RepeatWindow, 0, 10*time.Minute)
	b.between("verify.remember", v.Remember, v.RepeatWindow, 365*day)
	b.count("verify.limits.sms_per_phone_per_day", v.Limits.SMSPerPhonePerDay, 0, 1000)
	b.between("verify.limits.sms_gap", v.Limits.SMSGap, 0, day)
	b.count("verify.limits.replies_per_phone_per_day", v.Limits.RepliesPerPhonePerDay, 0, 1000)
	b.count("verify.limits.resubmits_per_phone_per_day", v.Limits.ResubmitsPerPhonePerDay, 0, 1000)
	b.count("verify.limits.checks_per_ip_per_minute", v.Limits.ChecksPerIPPerMinute, 0, 1_000)
	b.count("verify.limits.checks_per_ip_per_hour", v.Limits.ChecksPerIPPerHour, 0, 1_000)
	b.count("verify.limits.checks_per_phone_per_hour", v.Limits.ChecksPerPhonePerHour, 0, 1_000)
	b.count("verify.limits.wrong_tails_per_phone_per_day", v.Limits.WrongTailsPerPhonePerDay, 0, 100)
	b.count("verify.limits.resends_per_ip_per_hour", v.Limits.ResendsPerIPPerHour, 0, 1_000)
	if w := v.Templates.WebOTP; w != "" && !host.MatchString(w) {
		b.fault("verify.templates.webotp", "want a host name, as verify.example.com")
	}
	b.texts("verify.templates.zh", v.Templates.ZH)
	b.texts("verify.templates.en", v.Templates.EN)
}

// texts checks what can be seen in a template; verify.New renders it and checks its length.
func (b *binder) texts(path string, t VerifyTexts) {
	for _, one := range []struct {
		key, text string
		needs     []string
	}{{"code", t.Code, []string{"{code}"}}, {"code_site", t.CodeSite, []string{"{code}", "{site}"}}, {"resend", t.Resend, []string{"{code}"}}} {
		for _, need := range one.needs {
			if one.text != "" && strings.Count(one.text, need) != 1 {
				b.fault(path+"."+one.key, "needs %s once", need)
			}
		}
	}
}

func (b *binder) keyPair(cert, key string) {
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		b.fault("http.tls_cert_file", "%v", err)
	}
}
