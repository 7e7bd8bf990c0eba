package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"attestd/internal/client"
)

func TestCheckShowsEachTextAsTheLongestThatCanComeOfItAndRefusesTwoSMS(t *testing.T) {
	store := "[store]\nurl = \"sqlite:a.db\"\n"
	out := must(t, "check", "--config", configFile(t, store))
	for _, want := range []string{"zh.resend     1    46/70    ucs2", "en.code       1    80/160   gsm7", "备案核验码：000000"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	long := fmt.Sprintf("[verify.templates.zh]\ncode = \"%s{code}\"\n", strings.Repeat("请", 70))
	if _, errs, code := say("", "check", "--config", configFile(t, store+long)); code != 1 || !strings.Contains(errs, "verify.templates.zh.code: takes 2 SMS when filled in") {
		t.Errorf("%d %s", code, errs)
	}
	var r checked
	out = must(t, "check", "--json", "--config", configFile(t, store+"[verify.templates]\nlong = true\n"+long))
	if err := json.Unmarshal([]byte(out), &r); err != nil || !r.OK || len(r.Templates) != 6 || r.Templates[0].Segments != 2 || r.Templates[0].Units != 76 {
		t.Errorf("%v %+v", err, r)
	}
}

func TestStatusShowsWhatBecameOfTheCodes(t *testing.T) {
	var out strings.Builder
	err := new(statusCmd).printWatch(&app{stdout: &out}, client.Watched{Checks: 80, Wrong: 3, Window: "24h0m0s",
		Conversions: []client.Conversion{{SIM: "89860000000000000001", Prefix: "+86138", Sent: 40, Delivered: 38, Verified: 31}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"checks    3 of 80 wrong", "of the last 24h that", "89860000000000000001  +86138  40    38         31       77%"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestCheckSaysThatTheFolderOfTheDatabaseIsMissingAndHowToMakeIt(t *testing.T) {
	file := configFile(t, "[store]\nurl = \"sqlite:///nowhere/attestd/a.db\"\n")
	if out := must(t, "check", "--config", file); !strings.Contains(out, "there is no folder /nowhere/attestd yet") || !strings.Contains(out, "install -d -m 700") {
		t.Error(out)
	}
	if out := must(t, "check", "--config", configFile(t, "[store]\nurl = \"sqlite:a.db\"\n")); strings.Contains(out, "store.url:") {
		t.Error(out)
	}
}
