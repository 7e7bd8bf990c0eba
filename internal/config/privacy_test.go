package config

import (
	"strings"
	"testing"
)

func TestEveryFaultOfPrivacyIsToldByItsPath(t *testing.T) {
	_, err := Parse("[privacy]\nwipe_persons = \"48h\"\nwipe_events = \"1h\"\nwipe_audit = \"1s\"\nwipe_name = \"1h\"\n[inbox]\nkeep = \"1s\"\n")
	if err == nil {
		t.Fatal("all of that was taken")
	}
	for _, want := range []string{
		"privacy.wipe_persons: want no less than verify.remember", "privacy.wipe_events: want from 24h", "privacy.wipe_audit: ",
		"privacy.wipe_name: unknown key", "inbox.keep: want from 1h",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
