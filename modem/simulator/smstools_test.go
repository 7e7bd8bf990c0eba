package simulator

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestSMSToolsSendsThroughAndReceivesFromTheModem(t *testing.T) {
	need(t, "smsd")
	t.Parallel()
	for _, profile := range []string{"generic", "huawei", "simcom", "zte"} {
		t.Run(profile, func(t *testing.T) { smstools(t, profile) })
	}
}

func smstools(t *testing.T, profile string) {
	t.Parallel()
	n, ports := offer(t, Config{Profile: profile})
	dir := t.TempDir()
	for _, sub := range []string{"outgoing", "checked", "incoming", "failed", "sent", "report", "saved"} {
		file(t, filepath.Join(dir, sub, ".keep"), "")
	}
	config := file(t, filepath.Join(dir, "smsd.conf"), fmt.Sprintf(`devices = GSM1
outgoing = %[1]s/outgoing
checked = %[1]s/checked
incoming = %[1]s/incoming
failed = %[1]s/failed
sent = %[1]s/sent
report = %[1]s/report
saved = %[1]s/saved
infofile = %[1]s/smsd.working
pidfile = %[1]s/smsd.pid
logfile = %[1]s/smsd.log
loglevel = 7
delaytime = 1
errorsleeptime = 1
receive_before_send = no
autosplit = 3
incoming_utf8 = yes
store_original_filename = no
stats =
[GSM1]
init = ATE0
device = %[2]s
incoming = yes
baudrate = 115200
rtscts = no
report = yes
check_network = yes
internal_combine = yes
memory_start = 1
`, dir, ports[0]))
	for i, p := range peerTexts {
		if err := n.Inject(0, p.number, p.text); err != nil {
			t.Fatal(err)
		}
		head := "To: " + p.number[1:] + "\n"
		if p.name == "ucs2" {
			head += "Alphabet: UTF-8\n"
		}
		file(t, filepath.Join(dir, "outgoing", fmt.Sprintf("text%d", i)), head+"\n"+p.text)
	}
	start(t, dir, "smsd", "-t", "-c"+config)
	onAir(t, n)
	holds(t, n, filepath.Join(dir, "incoming"), peerTexts[0].text, peerTexts[1].text, peerTexts[2].text)
}
