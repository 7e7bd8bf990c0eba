package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/queue"
	"attestd/verify"
)

// uncommented is the example with the # taken from every key.
func uncommented() string {
	return regexp.MustCompile(`(?m)^#(\[|[a-z_]+ = )`).ReplaceAllString(Example, "$1")
}

func TestTheExampleWithEveryKeyUncommentedIsTheDefaults(t *testing.T) {
	c, err := Parse(uncommented())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Modem) != 1 || !reflect.DeepEqual(c.Modem[0], Modem{Name: "m0", Port: c.Modem[0].Port, Enabled: true, ModemDefaults: Default().Modems}) {
		t.Errorf("the example's modem is no default one: %+v", c.Modem)
	}
	c.Modem = nil
	if len(c.Webhook) != 1 || c.Webhook[0].SecretFile != "" || len(c.Webhook[0].Events) != 0 {
		t.Errorf("the example's webhook is no default one: %+v", c.Webhook)
	}
	c.Webhook, c.Webhooks.AllowPrivate = nil, nil
	if len(c.Inbound) != 1 || c.Inbound[0] != (InboundRule{Name: "news", Action: "forward"}) {
		t.Errorf("the example's rule is no default one: %+v", c.Inbound)
	}
	c.Inbound = nil
	if c.HTTP.TrustedProxies = nil; !reflect.DeepEqual(c, Default()) {
		t.Errorf("example:\n%+v\ndefaults:\n%+v", c, Default())
	}
	if c, err := Parse(Example); err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("the example as it stands is not the defaults: %v", err)
	}
}

func TestTheExampleHasEveryKeyOnceAndSaysWhetherAReloadTakesItOver(t *testing.T) {
	section, seen := "", map[string]int{}
	for line := range strings.Lines(uncommented()) {
		if m := regexp.MustCompile(`^\[+([a-z._]+)\]+`).FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := regexp.MustCompile(`^([a-z_]+) = `).FindStringSubmatch(line); m != nil {
			seen[join(section, m[1])]++
		}
	}
	for _, key := range allKeys() {
		if seen[key] != 1 {
			t.Errorf("%s stands %d times in config.example.toml", key, seen[key])
		}
		delete(seen, key)
	}
	if len(seen) > 0 {
		t.Errorf("config.example.toml has keys that there are not: %v", seen)
	}
	root, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml"))
	if err != nil || string(root) != Example {
		t.Error("config.example.toml at the root is not the one that the program carries: it is a symbolic link to internal/config/config.example.toml", err)
	}
}

// marked reads the manual: which keys it says can be reloaded, by their own mark or by that of a section above them.
func marked() map[string]bool {
	keys, sections := map[string]bool{}, map[string]bool{}
	section, block, prose := "", "", true
	for line := range strings.Lines(Example) {
		if m := regexp.MustCompile(`^#?\[+([a-z._]+)\]+`).FindStringSubmatch(line); m != nil {
			section = m[1]
			parent, _, _ := strings.Cut(section, ".")
			sections[section] = strings.Contains(block, "[reload]") || sections[parent]
			block, prose = "", true
		} else if m := regexp.MustCompile(`^#([a-z_]+) = `).FindStringSubmatch(line); m != nil {
			keys[join(section, m[1])] = strings.Contains(block, "[reload]") || sections[section]
			prose = false
		} else {
			if !prose || strings.TrimSpace(line) == "" {
				block = ""
			}
			block, prose = block+line, true
		}
	}
	return keys
}

func TestTheManualMarksWhatAReloadTakesOverAndNothingElse(t *testing.T) {
	manual := marked()
	for _, key := range allKeys() {
		if manual[key] != canReload(key) {
			t.Errorf("%s: the manual says [reload] %v, a reload takes it over: %v", key, manual[key], canReload(key))
		}
	}
}

func TestAReloadTakesOverWhatItsTagsSayAndLeavesTheRest(t *testing.T) {
	running, next := Default(), Default()
	next.HTTP.Listen, next.HTTP.RequestsPerSecond, next.Queue.MaxAttempts = "127.0.0.1:1", 7, 9
	next.Log.Format, next.Log.Level, next.Verify.Limits.SMSPerPhonePerDay = "json", slog.LevelDebug, 1
	next.Store.URL, next.Camara.Enabled = "sqlite:///other", !next.Camara.Enabled
	next.Modem = []Modem{{Name: "new"}}
	for _, one := range Diff(TakeOver(running, next), next) {
		if !one.Restart {
			t.Errorf("%s was left behind", one.Key)
		}
	}
	for _, one := range Diff(running, TakeOver(running, next)) {
		if one.Restart {
			t.Errorf("%s was taken over", one.Key)
		}
	}
}

func TestTheDefaultsAreThoseOfTheRoomsThatUseThem(t *testing.T) {
	c, p, v := Default(), queue.DefaultPolicy(), verify.DefaultPolicy()
	for _, one := range []struct {
		key       string
		got, want any
	}{
		{"queue.max_attempts", c.Queue.MaxAttempts, p.MaxAttempts}, {"queue.backoff", c.Queue.Backoff, p.Backoff},
		{"queue.max_backoff", c.Queue.MaxBackoff, p.MaxBackoff}, {"queue.default_deadline", c.Queue.DefaultDeadline, p.DefaultDeadline},
		{"queue.evidence_window", c.Queue.EvidenceWindow, p.EvidenceWindow}, {"queue.report_window", c.Queue.ReportWindow, p.ReportWindow},
		{"queue.on_unknown", c.Queue.OnUnknown, string(p.OnUnknown)}, {"queue.wipe_text", c.Queue.WipeText, p.KeepTexts},
		{"queue.wipe_number", c.Queue.WipeNumber, p.KeepNumbers},
		{"verify.life", c.Verify.Life, v.Life}, {"verify.hard_end", c.Verify.HardEnd, v.HardEnd}, {"verify.region", c.Verify.Region, v.Region},
		{"verify.undeliverable_after", c.Verify.UndeliverableAfter, v.UndeliverableAfter}, {"verify.max_sends", c.Verify.MaxSends, v.MaxSends},
		{"verify.resend_wait", c.Verify.ResendWait, v.ResendWait}, {"verify.resend_min_left", c.Verify.ResendMinLeft, v.ResendMinLeft},
		{"verify.max_wrong", c.Verify.MaxWrong, v.MaxWrong}, {"verify.reject_on_lock", c.Verify.RejectOnLock, v.RejectOnLock},
		{"verify.repeat_window", c.Verify.RepeatWindow, v.RepeatWindow}, {"verify.remember", c.Verify.Remember, v.Remember},
		{"verify.default_language", c.Verify.DefaultLanguage, v.Language}, {"verify.replies", c.Verify.Replies, v.Replies},
		{"verify.limits.sms_per_phone_per_day", c.Verify.Limits.SMSPerPhonePerDay, v.SMSPerDay}, {"verify.limits.sms_gap", c.Verify.Limits.SMSGap, v.SMSGap},
		{"verify.limits.replies_per_phone_per_day", c.Verify.Limits.RepliesPerPhonePerDay, v.AnswersPerDay},
	} {
		if !reflect.DeepEqual(one.got, one.want) {
			t.Errorf("%s is %v, its room says %v", one.key, one.got, one.want)
		}
	}
	texts := verify.DefaultTemplates()
	for _, text := range []string{texts.ZH.Code, texts.ZH.CodeSite, texts.ZH.Resend, texts.EN.Code, texts.EN.CodeSite, texts.EN.Resend} {
		if !strings.Contains(Example, "\n# "+text+"\n") {
			t.Errorf("config.example.toml does not show the text %q", text)
		}
	}
}

func TestEveryFaultIsToldAtOnceByItsPath(t *testing.T) {
	_, err := Parse(`
environment = "live"
shutdown_grace = 30
[store]
url = "mysql://root:secret@db/x"
[htpp]
listen = "x"
[http]
listen = "8480"
lisen = "y"
max_body = "1MB"
tls_cert_file = "c.pem"
trusted_proxies = ["10.0.0.0/8", "proxy"]
public = "yes"
[modems]
submit_timeout = "three minutes"
burst = 0
[[modem]]
name = "a b"
port = "ttyUSB0"
[[modem]]
name = "m1"
port = "tcp://host"
prompt_timeout = "1h"
[[modem]]
name = "m1"
port = "/dev/ttyUSB1"
at_trace = true
[[modem]]
port = "/dev/ttyUSB1"
[[modem]]
name = "x"
port = "auto"
imei = "490154203237518"
scan = ["ttyUSB*"]
[[modem]]
name = "y"
port = "auto"
imei = "490154203237518"
scan = []
[queue]
max_attempts = 1.5
on_unknown = "ask"
[verify]
region = ["+86"]
hard_end = "1h"
max_wrong = 1000
time_zone = "Mars/Olympus"
[verify.templates.en]
code = "no code in it"
[log]
level = "loud"
format = 3
`)
	var all *Error
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`environment: want "production" or "test"`,
		`shutdown_grace: a duration is a text with its units, as "180s"`,
		`store.url: "mysql" is no database that this version knows`,
		`htpp: unknown key; did you mean http?`,
		`http.listen: want host:port`,
		`http.lisen: unknown key; did you mean listen?`,
		`http.max_body: a size is a whole number with its unit`,
		`http.tls_cert_file: tls_cert_file and tls_key_file go together`,
		`http.trusted_proxies[2]: want an address or a prefix`,
		`http.public: want true or false`,
		`modems.submit_timeout: a duration is a text`,
		`modems.burst: want from 1 to 1000`,
		`modem[1].name: want 1 to 32 of the characters`,
		`modem[1].port: want the whole path`,
		`modem.x.scan[1]: want a pattern of whole paths`,
		`modem.y.scan: is empty`,
		`modem.y.imei: modem x is this module already`,
		`modem.m1.port: want tcp://host:port`,
		`modem.m1.prompt_timeout: want from 100ms to 5m`,
		`modem.m1.name: another modem has this name`,
		`modem.m1.at_trace: unknown key; did you mean log.at_trace?`,
		`modem[4].name: is missing`,
		`modem[4].port: modem m1 has this port already`,
		`queue.max_attempts: want a whole number`,
		`queue.on_unknown: want "wait" or "repeat" or "hold"`,
		`verify.region[1]: want a country code without +`,
		`verify.hard_end: want from verify.life to 720h`,
		`verify.max_wrong: want from 1 to 100`,
		`verify.time_zone: want a zone's name`,
		`verify.templates.en.code: needs {code} once`,
		`log.level: want debug, info, warn or error`,
		`log.format: want a text in quotes`,
	} {
		if i := slices.IndexFunc(all.Faults, func(f string) bool { return strings.HasPrefix(f, want) }); i < 0 {
			t.Errorf("nothing says %q", want)
		} else {
			all.Faults = slices.Delete(all.Faults, i, i+1)
		}
	}
	if len(all.Faults) > 0 {
		t.Errorf("and these are too many: %q", all.Faults)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("the error shows a password")
	}
}

func TestAModemTakesFromModemsWhatItDoesNotSay(t *testing.T) {
	c, err := Parse(`
[[modem]]
name = "a"
port = "/dev/a"
burst = 7
[[modem]]
name = "b"
port = "tcp://10.0.0.1:5000"
enabled = false
[modems]
burst = 3
submit_timeout = "60s"
rate_per_minute = 12.5
`)
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Modem[0], c.Modem[1]
	if a.Burst != 7 || a.SubmitTimeout != time.Minute || a.RatePerMinute != 12.5 || !a.Enabled || b.Burst != 3 || b.Enabled || b.Baud != 115200 {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestSyntaxErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"[http]\nlisten = \n":      "line 2",
		"[[modem]\nname=\"a\"":     "line 2",
		"a = 1\na = 2":             "line 2",
		"\xff\xfe":                 "UTF-8",
		"[modem]\nname = \"a\"":    "modem: write each modem under its own [[modem]]",
		"http = 1":                 "http: is a section",
		"[[http]]\nlisten = \"a\"": "http: is a section",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%q: %v, want one line with %q", text, err, want)
		}
	}
}

func TestAMissingFileSaysHowToMakeOne(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "attestd check --example > ",
		dir:                             "is a folder",
		"":                              "--config FILE",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsComeFromFilesThatOthersCannotRead(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	write(t, filepath.Join(dir, "beside.pin"), "1234\n", 0o600)
	write(t, filepath.Join(dir, "both.pin"), "1111\n", 0o600)
	write(t, filepath.Join(credentials, "both.pin"), "5678\n", 0o400)
	write(t, filepath.Join(dir, "c.toml"), `
[store]
url = "sqlite:state/a.db"
[[modem]]
name = "a"
port = "/dev/a"
pin_file = "beside.pin"
[[modem]]
name = "b"
port = "/dev/b"
pin_file = "both.pin"
`, 0o644)
	c, err := Load(filepath.Join(dir, "c.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Modem[0].PIN != "1234" || c.Modem[1].PIN != "5678" || c.Store.URL != "sqlite://"+filepath.Join(dir, "state/a.db") || c.Store.KeyFile != filepath.Join(dir, "state/attestd.key") {
		t.Errorf("%q %q %+v", string(c.Modem[0].PIN), string(c.Modem[1].PIN), c.Store)
	}

	write(t, filepath.Join(dir, "open.pin"), "1234", 0o644)
	write(t, filepath.Join(dir, "words.pin"), "PIN is 9753", 0o600)
	write(t, filepath.Join(dir, "empty.pin"), "", 0o600)
	write(t, filepath.Join(dir, "tls.key"), "no key", 0o600)
	write(t, filepath.Join(dir, "bad.toml"), `
[http]
tls_cert_file = "tls.pem"
tls_key_file = "tls.key"
[[modem]]
name = "a"
port = "/dev/a"
pin_file = "open.pin"
[[modem]]
name = "b"
port = "/dev/b"
pin_file = "words.pin"
[[modem]]
name = "c"
port = "/dev/c"
pin_file = "empty.pin"
[[modem]]
name = "d"
port = "/dev/d"
pin_file = "none.pin"
[[modem]]
name = "e"
port = "/dev/e"
pin_file = "/dev/zero"
`, 0o644)
	_, err = Load(filepath.Join(dir, "bad.toml"))
	for _, want := range []string{"modem.a.pin_file: everybody on this machine", "chmod 600", "modem.b.pin_file: ", "4 to 8 digits", "modem.c.pin_file: ", "is empty",
		"modem.d.pin_file: ", "no such file", "modem.e.pin_file: /dev/zero is no regular file", "http.tls_cert_file: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "9753") {
		t.Error("the error shows a PIN")
	}
}

func TestDiffTellsWhatAReloadTakesOver(t *testing.T) {
	from, err := Parse("[[modem]]\nname='a'\nport='/dev/a'\n[[modem]]\nname='gone'\nport='/dev/g'\n[[modem]]\nname='b'\nport='/dev/b'\n")
	if err != nil {
		t.Fatal(err)
	}
	to, err := Parse("[http]\nlisten='127.0.0.1:1'\n[queue]\nmax_attempts=6\n[log]\nlevel='debug'\nformat='json'\n[verify]\nregion=['86','852']\n" +
		"[[modem]]\nname='b'\nport='/dev/b2'\n[[modem]]\nname='a'\nport='/dev/a'\n[[modem]]\nname='new'\nport='/dev/n'\n")
	if err != nil {
		t.Fatal(err)
	}
	to.Modem[1].PIN = "1234"
	want := []Change{{"http.listen", true}, {"queue.max_attempts", false}, {"verify.region", false}, {"log.level", false}, {"log.format", true},
		{"modem.gone", false}, {"modem.b.port", false}, {"modem.a.pin_file", false}, {"modem.new", false}}
	if got := Diff(from, to); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := Diff(to, to); got != nil {
		t.Errorf("the same differs: %+v", got)
	}
}

func TestWarningsNameWhatIsPerhapsNotMeant(t *testing.T) {
	c, err := Parse("environment='test'\n[http]\nlisten='0.0.0.0:80'\n[[modem]]\nname='a'\nport='/dev/ttyUSB0'\nenabled=false\n")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Warnings(), "\n")
	for _, want := range []string{"modem.a.port: this name can change", "modem: no modem is enabled", "http.listen: 0.0.0.0 is reachable", "environment: "} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing warns %q in:\n%s", want, all)
		}
	}
	if open, err := Parse("[http]\nlisten=':80'\n"); err != nil || !strings.Contains(strings.Join(open.Warnings(), "\n"), "http.listen: every address of this machine is reachable") {
		t.Error(err, open.Warnings())
	}
	if quiet, err := Parse("[http]\nlisten='[::1]:80'\n[page]\nname='Example'\nhelp='400-000-0000'\n[[modem]]\nname='a'\nport='/dev/serial/by-id/x'\n"); err != nil || len(quiet.Warnings()) > 0 {
		t.Error(err, quiet.Warnings())
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	if s := Secret("1234"); s.String() != "(hidden)" || s.GoString() != "(hidden)" || s.LogValue().String() != "(hidden)" {
		t.Error("shown")
	}
}

func TestWhoNeedsNoSecretNeedNotSeeIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.toml")
	write(t, file, `
[http]
tls_cert_file = "tls.pem"
tls_key_file = "tls.key"
[[modem]]
name = "m0"
port = "/dev/a"
pin_file = "m0.pin"
[[modem]]
name = "m1"
port = "/dev/b"
pin_file = "/nowhere/m1.pin"
`, 0o644)
	c, err := LoadSettings(file)
	if err != nil || c.Modem[0].PIN != "" || c.Modem[0].PINFile != filepath.Join(dir, "m0.pin") {
		t.Errorf("%v, %+v", err, c.Modem)
	}
	if err := c.Modem[0].ReadPIN(); err == nil || !strings.Contains(err.Error(), "modem.m0.pin_file: ") {
		t.Errorf("reading it: %v", err)
	}
	// An absolute name is no credential of systemd's: that it is not there is a fault for check too.
	if _, _, err := LoadToCheck(file); err == nil || strings.Contains(err.Error(), "m0") || strings.Contains(err.Error(), "tls") || !strings.Contains(err.Error(), "modem.m1.pin_file: ") {
		t.Errorf("check: %v", err)
	}
	text, _ := os.ReadFile(file)
	write(t, file, strings.ReplaceAll(string(text), "/nowhere/m1.pin", "m1.pin"), 0o644)
	if _, notes, err := LoadToCheck(file); err != nil || len(notes) != 3 || !strings.Contains(notes[1], "modem.m0.pin_file: ") {
		t.Errorf("check: %v, notes %q", err, notes)
	}
	write(t, filepath.Join(dir, "m0.pin"), "12", 0o600)
	if _, _, err := LoadToCheck(file); err == nil || !strings.Contains(err.Error(), "4 to 8 digits") {
		t.Errorf("a PIN file that is seen and bad: %v", err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "m1.pin_file") {
		t.Errorf("serving without the secrets: %v", err)
	}
}
