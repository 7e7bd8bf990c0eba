package at

import "testing"

func TestAQuotedTextIsOverAtTheEndOfItsLine(t *testing.T) {
	for line, goesOn := range map[string]bool{
		`+CUSD: 2`: false, `+CUSD: 0,""`: false, `+CUSD: 0,"",15`: false, `+CUSD: 0,"balance 12.50",15`: false, `+CUSD: 0,"balance 12.50", 15`: false,
		`+CUSD: 2,"Only today: 32" TV for 9999. *123#",15`: false, `+CUSD: 2,"a 32" TV",15`: false, `+CUSD: 2,"a "big" TV"`: false,
		`+CUSD: 0,"`: true, `+CUSD: 0,"Your balance is`: true, `+CUSD: 0,"a 32" TV`: true, `+CUSD: 0,"1, 15`: true, `+CUSD: 0,"a "big" TV for`: true,
	} {
		if openQuote(line) != goesOn {
			t.Errorf("%s: goes on: %v", line, !goesOn)
		}
	}
}
