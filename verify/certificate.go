package verify

import (
	"fmt"
	"strings"
	"time"

	"attestd/internal/msisdn"
)

// tailLength is how many characters at the end of a certificate number a person is asked for.
const tailLength = 6

// CertificateType is a kind of identity document.
type CertificateType string

// The kinds that are told apart; anything else is OtherCertificate.
const (
	ResidentID          CertificateType = "resident_id"
	ResidencePermit     CertificateType = "residence_permit" // of residents from Hong Kong, Macao and Taiwan
	HKMacaoPermit       CertificateType = "hk_macao_permit"
	TaiwanPermit        CertificateType = "taiwan_permit"
	Passport            CertificateType = "passport"
	ForeignerPermit     CertificateType = "foreigner_permit"
	OfficerCertificate  CertificateType = "officer"
	OtherCertificate    CertificateType = "other"
	unknownCertificate  CertificateType = ""
	residentIDLength                    = 18
	longestCertificate                  = 30
	shortestCertificate                 = tailLength
)

var certificateTypes = []CertificateType{ResidentID, ResidencePermit, HKMacaoPermit, TaiwanPermit, Passport, ForeignerPermit, OfficerCertificate, OtherCertificate}

// certificateRules says what is checked of each kind: its length, and which characters it may have.
var certificateRules = map[CertificateType]struct {
	min, max int
	charset  string
	checksum bool
}{
	ResidentID:         {18, 18, "0123456789X", true},
	ResidencePermit:    {18, 18, "0123456789X", true},
	HKMacaoPermit:      {9, 11, tailCharset, false},
	TaiwanPermit:       {8, 12, tailCharset, false},
	Passport:           {6, 15, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", false},
	ForeignerPermit:    {15, 18, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", false},
	OfficerCertificate: {6, longestCertificate, "", false},
	OtherCertificate:   {shortestCertificate, longestCertificate, "", false},
}

// tailCharset is what a tail may have: identity cards may end in X, permits carry letters, and some holders'
// numbers have brackets.
const tailCharset = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ()"

// foldTail brings a tail to the form in which it is hashed, or says what is wrong with it.
func foldTail(s string) (string, string) {
	s = msisdn.Fold(s)
	switch {
	case s == "":
		return "", "is empty; give the last 6 characters of the ID document"
	case len(s) != tailLength || strings.Trim(s, tailCharset) != "":
		return "", "must be the last 6 characters of the ID document: digits, letters or brackets"
	}
	return s, ""
}

// certificateTail checks a whole certificate number by its type and keeps its last 6 characters.
func certificateTail(typ CertificateType, number string) (string, string) {
	s := msisdn.Fold(number)
	if typ == unknownCertificate {
		typ = OtherCertificate
		if len(s) == residentIDLength && strings.Trim(s[:17], "0123456789") == "" {
			typ = ResidentID
		}
	}
	rule := certificateRules[typ]
	switch {
	case len(s) < rule.min || len(s) > rule.max:
		if rule.min == rule.max {
			return "", fmt.Sprintf("must have %d characters as a %s; it has %d", rule.min, typ, len(s))
		}
		return "", fmt.Sprintf("must have %d to %d characters as a %s; it has %d", rule.min, rule.max, typ, len(s))
	case rule.charset != "" && strings.Trim(s, rule.charset) != "":
		return "", fmt.Sprintf("has a character that no %s has", typ)
	case rule.checksum:
		if fault := residentIDFault(s); fault != "" {
			return "", fault
		}
	}
	tail := s[len(s)-tailLength:]
	if strings.Trim(tail, tailCharset) != "" {
		return "", "ends in characters that nobody could enter: its last 6 must be digits, letters or brackets"
	}
	return tail, ""
}

// residentIDFault checks an 18-character number: 6 digits of region, 8 of birth date, 3 of sequence, and a check
// character (GB 11643-1999; ISO/IEC 7064 MOD 11-2). Its length and characters are known to be right.
func residentIDFault(s string) string {
	const wrong = "is no valid number: check each digit"
	if s[0] == '0' || s[0] == '9' || strings.Contains(s[:17], "X") {
		return wrong
	}
	born, err := time.Parse("20060102", s[6:14])
	if err != nil || born.Year() < 1850 || born.After(time.Now()) {
		return "is no valid number: digits 7 to 14 are not a date of birth"
	}
	sum := 0
	for _, r := range s[:17] {
		sum = (sum + int(r-'0')) * 2 % 11
	}
	if check := (12 - sum) % 11; "0123456789X"[check] != s[17] {
		return "is no valid number: its check digit does not fit, look for a mistyped or swapped digit"
	}
	return ""
}
