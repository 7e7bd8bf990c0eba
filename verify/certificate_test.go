package verify

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCertificatesAreCheckedByTheirTypeAndReducedToTheirTail(t *testing.T) {
	for _, one := range []struct {
		typ          CertificateType
		number, tail string
		ok           bool
	}{
		{ResidentID, "11010519491231002X", "31002X", true}, // the example of GB 11643-1999
		{ResidentID, "11010519491231002x", "31002X", true},
		{ResidentID, "440524188001010014", "010014", true}, // its other example
		{ResidentID, "１１０１０５１９４９１２３１００２Ｘ", "31002X", true},
		{ResidentID, "110105194912310021", "", false},
		{ResidentID, "110105194913310028", "", false}, // no 13th month
		{ResidentID, "11010519491231002", "", false},
		{ResidentID, "1101051949123100X2", "", false},
		{"", "11010519491231002X", "31002X", true},
		{"", "110105194912310021", "", false}, // looks like a resident's, so it is checked as one
		{HKMacaoPermit, "H0123456701", "456701", true},
		{HKMacaoPermit, "H01", "", false},
		{TaiwanPermit, "12345678", "345678", true},
		{OtherCertificate, "R123456(7)", "456(7)", true},
		{OtherCertificate, "r123456（7）", "456(7)", true},
		{Passport, "E12345678", "345678", true},
		{Passport, "E1234567中", "", false},
		{OfficerCertificate, "军字第1234567号", "", false}, // nobody could enter its last 6
		{OtherCertificate, "12345", "", false},
	} {
		tail, fault := certificateTail(one.typ, one.number)
		if tail != one.tail || (fault == "") != one.ok {
			t.Errorf("%s %s: %q, %q", one.typ, one.number, tail, fault)
		}
		if fault != "" && len(one.number) > 8 && strings.Contains(fault, one.number[:8]) {
			t.Errorf("the fault repeats the number: %s", fault)
		}
	}
}

func TestEveryMistypedOrSwappedDigitOfAResidentIDIsFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := fmt.Sprintf("%d%05d%04d%02d%02d%03d", rapid.IntRange(1, 8).Draw(rt, "r"), rapid.IntRange(0, 99999).Draw(rt, "region"), rapid.IntRange(1900, 2020).Draw(rt, "y"),
			rapid.IntRange(1, 12).Draw(rt, "m"), rapid.IntRange(1, 28).Draw(rt, "d"), rapid.IntRange(0, 999).Draw(rt, "seq"))
		valid := ""
		for _, c := range "0123456789X" {
			if residentIDFault(body+string(c)) == "" {
				if valid != "" {
					rt.Fatal("two check digits fit")
				}
				valid = body + string(c)
			}
		}
		if valid == "" {
			rt.Fatal("no check digit fits")
		}
		i := rapid.IntRange(0, 16).Draw(rt, "at")
		wrong := []byte(valid)
		if rapid.Bool().Draw(rt, "swap") && i < 16 {
			wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
		} else {
			wrong[i] = byte('0' + (int(wrong[i]-'0')+rapid.IntRange(1, 9).Draw(rt, "by"))%10)
		}
		if string(wrong) != valid && residentIDFault(string(wrong)) == "" {
			rt.Fatalf("%s passes for %s", wrong, valid)
		}
	})
}

func TestCodesAreSixDigitsAndUniform(t *testing.T) {
	var places [codeLength][10]int
	const n = 20000
	for range n {
		code := newCode()
		if len(code) != codeLength {
			t.Fatal(code)
		}
		for i, r := range code {
			places[i][r-'0']++
		}
	}
	for i, digits := range places {
		chi := 0.0
		for _, seen := range digits {
			d := float64(seen) - n/10
			chi += d * d / (n / 10)
		}
		if chi > 45 { // 9 degrees of freedom: one run in a million
			t.Errorf("place %d: chi squared is %.1f: %v", i, chi, digits)
		}
	}
}
