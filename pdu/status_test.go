package pdu

import (
	"strings"
	"testing"
)

func TestAStatusSaysWhatItMeans(t *testing.T) {
	for status, want := range map[Status]string{
		0x00: "0x00 (received by the phone)",
		0x30: "0x30 (the service centre's own, pending)",
		0x43: "0x43 (not obtainable)",
		0x46: "0x46 (validity period expired)",
		0x62: "0x62 (no response from the phone, given up)",
		0x50: "0x50 (the service centre's own, failed)",
		0x4A: "0x4A (reserved, read as failed)",
		0xFF: "0xFF (reserved, read as failed)",
	} {
		if got := status.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for status, meaning := range statuses { // the words do not contradict the class
		if pending := strings.Contains(meaning, "still trying"); pending != (status.Class() == Pending) {
			t.Errorf("%s is %s", status, status.Class())
		}
	}
}
