package simulator

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// gammuConfig is a gammurc for a modem.
func gammuConfig(t *testing.T, port string) string {
	t.Helper()
	return file(t, filepath.Join(t.TempDir(), "gammurc"), fmt.Sprintf("[gammu]\ndevice = %s\nconnection = at115200\nlogfile = %s\nlogformat = textall\n",
		port, filepath.Join(t.TempDir(), "gammu.log")))
}

func TestGammuIdentifiesSendsThroughAndReceivesFromTheModems(t *testing.T) {
	need(t, "gammu")
	t.Parallel()
	// gammu sleeps four seconds in each run: all of them at once, each on a modem of its own.
	var all sync.WaitGroup
	for _, profile := range []string{"generic", "huawei", "quectel"} {
		n, ports := offer(t, Config{Modems: 5, Profile: profile})
		all.Go(func() {
			out := run(t, "gammu", "-c", gammuConfig(t, ports[0]), "identify")
			for _, want := range []string{n.Modem(0).IMEI(), n.Modem(0).IMSI(), n.Modem(0).profile.revision} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: no %s in\n%s", profile, want, out)
				}
			}
		})
		for i, p := range peerTexts {
			all.Go(func() {
				args := []string{"-c", gammuConfig(t, ports[1+i]), "sendsms", "TEXT", p.number, "-len", "400", "-text", p.text}
				if p.name == "ucs2" {
					args = append(args, "-unicode")
				}
				run(t, "gammu", args...)
				if got := sent(n, 1+i, p.number); len(got) != 1 || got[0] != p.text {
					t.Errorf("%s: on air %q, want once %q", profile, got, p.text)
				}
			})
			if err := n.Inject(4, p.number, p.text); err != nil {
				t.Fatal(err)
			}
		}
		all.Go(func() {
			out := run(t, "gammu", "-c", gammuConfig(t, ports[4]), "geteachsms")
			for _, p := range peerTexts {
				if !strings.Contains(out, p.text) || !strings.Contains(out, p.number) {
					t.Errorf("%s: no %s in\n%s", profile, p.text, out)
				}
			}
		})
	}
	all.Wait()
}

func TestGammuSMSDSendsThroughAndReceivesFromTheModem(t *testing.T) {
	need(t, "gammu-smsd", "gammu-smsd-inject")
	t.Parallel()
	n, ports := offer(t, Config{})
	dir := t.TempDir()
	for _, sub := range []string{"inbox/", "outbox/", "sent/", "error/"} {
		file(t, filepath.Join(dir, sub, ".keep"), "")
	}
	config := file(t, filepath.Join(dir, "smsdrc"), fmt.Sprintf(`[gammu]
device = %s
connection = at115200
[smsd]
service = files
logfile = stdout
debuglevel = 1
inboxpath = %[2]s/inbox/
outboxpath = %[2]s/outbox/
sentsmspath = %[2]s/sent/
errorsmspath = %[2]s/error/
inboxformat = unicode
outboxformat = smsbackup
transmitformat = auto
loopsleep = 1
commtimeout = 1
receivefrequency = 1
checksecurity = 0
checkbattery = 0
checksignal = 0
checknetwork = 0
deliveryreport = log
`, ports[0], dir))
	for _, p := range peerTexts {
		if err := n.Inject(0, p.number, p.text); err != nil {
			t.Fatal(err)
		}
		args := []string{"-c", config, "TEXT", p.number, "-len", "400", "-text", p.text}
		if p.name == "ucs2" {
			args = append(args, "-unicode")
		}
		run(t, "gammu-smsd-inject", args...)
	}
	daemon := start(t, dir, "gammu-smsd", "-c", config)
	onAir(t, n)
	eventually(t, n, "a delivery report in the log", func() error {
		if strings.Contains(daemon.output(), "Delivery report: Delivered to "+peerTexts[0].number) {
			return nil
		}
		return errNotYet
	})
	holds(t, n, filepath.Join(dir, "inbox"), peerTexts[0].text, peerTexts[1].text, "more than one message", "End")
}
