package crash

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// binary builds the gateway once for a test.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "attestd")
	if out, err := exec.Command("go", "build", "-o", path, "attestd/cmd/attestd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestKillsAtEveryMomentLoseNothingAndSendNothingTwice(t *testing.T) {
	r, err := Run(t.Context(), Options{Binary: binary(t), Kills: 2 * len(moments), Seed: 3, Tell: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if !r.Clean() || r.Sent == 0 || r.Received == 0 {
		t.Error("something was lost or went out twice")
	}
	if r.Repeated != 0 {
		t.Errorf("%d were repeated, though their reports came", r.Repeated)
	}
}

func TestWithoutReportsNothingIsLostAndOnlyWhatMayBeRepeatedIs(t *testing.T) {
	r, err := Run(t.Context(), Options{Binary: binary(t), Kills: len(moments) - 1, Seed: 4, NoReports: true, OnUnknown: "repeat", Tell: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if r.Lost != 0 || r.Doubled != 0 || r.InboxLost != 0 || r.InboxDouble != 0 {
		t.Error("something went out twice without leave, or an inbound text was lost")
	}
}
