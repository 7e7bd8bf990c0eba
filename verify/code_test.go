package verify

import "testing"

func TestOpenCodesOfAPhoneReplaceEachOtherNever(t *testing.T) {
	var open []Challenge
	for want := 1; want <= 7; want++ {
		c := Challenge{ReplaceType: replaceType(open)}
		if c.ReplaceType != want || c.pid() != 0x40+byte(want) {
			t.Fatalf("type %d, TP-PID %02x; want %d", c.ReplaceType, c.pid(), want)
		}
		open = append(open, c)
	}
	if c := (Challenge{ReplaceType: replaceType(open)}); c.pid() != 0 {
		t.Errorf("an eighth has TP-PID %02x", c.pid())
	}
	if got := replaceType(append(open[:2:2], open[3:]...)); got != 3 {
		t.Errorf("type %d, want the free one", got)
	}
}
