package pdu

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

func mustDeliver(t *testing.T, full string) *Deliver {
	t.Helper()
	p, err := DecodeHex(full, MT)
	if err != nil {
		t.Fatal(err)
	}
	if p.Type != TypeDeliver {
		t.Fatalf("reads as %s", p.Type)
	}
	return p.Deliver
}

// The parts of a message to be broken at will: SMSC +8613800100500, from +8613800138000, 2026-11-24 09:08:07 +0800.
const (
	smsc  = "0891683108100005F0"
	from  = "0D91683108108300F0"
	scts  = "62114290807023"
	hello = "05E8329BFD06" // UDL 5, "hello"
)

func TestAnOrdinaryDeliverIsRead(t *testing.T) {
	p, err := DecodeHex(smsc+"04"+from+"0000"+scts+hello, MT)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Deliver
	at := time.Date(2026, 11, 24, 9, 8, 7, 0, time.FixedZone("", 8*3600))
	if p.SMSC.String() != "+8613800100500" || d.From.String() != "+8613800138000" || d.Text != "hello" || !d.SCTS.Equal(at) || d.Damaged || d.Concat != nil || d.Class != nil {
		t.Fatalf("%+v", d)
	}
}

// Each row is something that a strict decoder refuses, or reads wrongly, and that a modem has handed over.
func TestInboundIsNeverLost(t *testing.T) {
	for _, c := range []struct {
		name, pdu string
		from      string
		text      string
		damaged   bool
		unknown   bool // its time
	}{
		{name: "the fill nibble is 0", pdu: smsc + "040D9168310810830000" + "0000" + scts + hello},
		{name: "the length counts the fill", pdu: smsc + "040E91683108108300F0" + "0000" + scts + hello},
		{name: "fill in the middle of a number", pdu: smsc + "04" + "0E9168F10813830080" + "0000" + scts + hello, from: "+8618031380008"},
		{name: "semi-octets that are no digits", pdu: smsc + "04" + "0681" + "BA10DC" + "0000" + scts + hello, from: "*#01ab"},
		{name: "octets after the text", pdu: smsc + "04" + from + "0000" + scts + hello + "0000FF"},
		{name: "CR as filler behind seven characters", pdu: smsc + "04" + from + "0000" + scts + "07" + septetHex([]byte("goodbye\r")...)[2:], text: "goodbye"},
		{name: "month and day 0", pdu: smsc + "04" + from + "0000" + "62000090807023" + hello, unknown: true},
		{name: "month 13", pdu: smsc + "04" + from + "0000" + "62311090807023" + hello, unknown: true},
		{name: "hour 24", pdu: smsc + "04" + from + "0000" + "62114242807023" + hello, unknown: true},
		{name: "second 60", pdu: smsc + "04" + from + "0000" + "62114290800623" + hello, unknown: true},
		{name: "all zero", pdu: smsc + "04" + from + "0000" + "00000000000000" + hello, unknown: true},
		{name: "a time that is not decimal", pdu: smsc + "04" + from + "0000" + "6211429080FF23" + hello, unknown: true},
		{name: "the 30th of February", pdu: smsc + "04" + from + "0000" + "62200390807023" + hello, unknown: true},
		{name: "text is short", pdu: smsc + "04" + from + "0000" + scts + "05E8329B", text: "hel", damaged: true},
		{name: "no text at all though its length says so", pdu: smsc + "04" + from + "0000" + scts + "05", text: "", damaged: true},
		{name: "not even a length", pdu: smsc + "04" + from + "0000" + scts, damaged: true},
		{name: "the time is cut", pdu: smsc + "04" + from + "0000" + "621142", damaged: true, unknown: true},
		{name: "a hexadecimal digit is missing", pdu: strings.TrimSuffix(smsc+"04"+from+"0000"+scts+hello, "6"), text: "hell", damaged: true},
		{name: "lower case", pdu: strings.ToLower(smsc + "04" + from + "0000" + scts + hello)},
		{name: "reserved coding group 8", pdu: smsc + "04" + from + "0080" + scts + hello},
		{name: "reserved coding group B", pdu: smsc + "04" + from + "00B4" + scts + hello},
		{name: "reserved alphabet", pdu: smsc + "04" + from + "000C" + scts + hello},
		{name: "reserved message type", pdu: smsc + "07" + from + "0000" + scts + hello},
		{name: "a lone high surrogate", pdu: smsc + "04" + from + "0008" + scts + "06" + "0061D83D0062", text: "a\uFFFDb"},
		{name: "a lone low surrogate", pdu: smsc + "04" + from + "0008" + scts + "06" + "0061DE000062", text: "a\uFFFDb"},
		{name: "half a UCS-2 unit", pdu: smsc + "04" + from + "0008" + scts + "05" + "0061006200", text: "ab", damaged: true},
		{name: "unknown escape is its base character", pdu: smsc + "04" + from + "0000" + scts + septetHex(esc, 'a', 'b'), text: "ab"},
		{name: "two escapes are a space", pdu: smsc + "04" + from + "0000" + scts + septetHex('a', esc, esc, 'b'), text: "a b"},
		{name: "a sender's name in escapes", pdu: smsc + "04" + "04D0" + "9B32" + "0000" + scts + hello, from: "€"},
		{name: "no SMSC", pdu: "00" + "04" + from + "0000" + scts + hello},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := mustDeliver(t, c.pdu)
			if c.from == "" {
				c.from = "+8613800138000"
			}
			if c.text == "" && !c.damaged {
				c.text = "hello"
			}
			if d.From.String() != c.from || d.Text != c.text || d.Damaged != c.damaged || d.SCTS.IsZero() != c.unknown {
				t.Fatalf("from %q text %q damaged %v at %v", d.From, d.Text, d.Damaged, d.SCTS)
			}
		})
	}
}

// septetHex is TP-UDL and TP-UD of septets.
func septetHex(septets ...byte) string {
	return hex.EncodeToString(appendUserData(nil, GSM7, nil, septets))
}

func TestAHeaderElementThatReachesIntoTheTextIsLeftOut(t *testing.T) {
	// UDHL 5: a concatenation of three octets that claims nine.
	d := mustDeliver(t, smsc+"44"+from+"0004"+scts+"0A"+"050009AA0201"+"61626364")
	if string(d.Data) != "abcd" || !d.Damaged || d.Concat != nil {
		t.Fatalf("%+v", d)
	}
	// A good element before it stays.
	d = mustDeliver(t, smsc+"44"+from+"0004"+scts+"0C"+"070003AA02017009"+"61626364")
	if string(d.Data) != "abcd" || !d.Damaged || d.Concat == nil || d.Concat.Ref != 0xAA {
		t.Fatalf("%+v", d)
	}
}

func TestAHeaderLongerThanItsMessageIsNoHeader(t *testing.T) {
	d := mustDeliver(t, smsc+"44"+from+"0008"+scts+"04"+"61006200")
	if d.Text != "愀戀" || !d.Damaged {
		t.Fatalf("%q %v", d.Text, d.Damaged)
	}
	// But when the message was cut, what is there belongs to the header.
	d = mustDeliver(t, smsc+"44"+from+"0008"+scts+"8C"+"050003AA")
	if d.Text != "" || !d.Damaged {
		t.Fatalf("%q %v", d.Text, d.Damaged)
	}
}

func TestALengthShorterThanTheHeaderLeavesNoText(t *testing.T) {
	d := mustDeliver(t, smsc+"44"+from+"0000"+scts+"06"+"050003AA0201"+"FFFF")
	if d.Text != "" || !d.Damaged || d.Concat == nil {
		t.Fatalf("%+v", d)
	}
}

func TestTimesCarryTheirZoneAndCentury(t *testing.T) {
	for hexed, want := range map[string]string{
		"62114290807023": "2026-11-24T09:08:07+08:00",
		"6211429080702B": "2026-11-24T09:08:07-08:00",
		"62114290807000": "2026-11-24T09:08:07Z",
		"62114290807022": "2026-11-24T09:08:07+05:30",
		"99309251619580": "1999-03-29T15:16:59+02:00",
		"98309251619580": "2089-03-29T15:16:59+02:00",
		"42209200000000": "2024-02-29T00:00:00Z",
	} {
		if d := mustDeliver(t, smsc+"04"+from+"0000"+hexed+hello); d.SCTS.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, want %s", hexed, d.SCTS, want)
		}
	}
}

func TestCompressedTextIsKeptRaw(t *testing.T) {
	d := mustDeliver(t, smsc+"04"+from+"0020"+scts+"03"+"616263")
	if d.Text != "" || string(d.Data) != "abc" || d.Alphabet != Data8 {
		t.Fatalf("%+v", d)
	}
}

func TestEightBitTextIsShownBesideItsData(t *testing.T) {
	for ud, want := range map[string]string{
		"0C" + "636F64653A20313233343536": "code: 123456",
		"03" + "610A62":                   "a\nb",
		"06" + "E9AA8CE8AF81":             "验证", // UTF-8
		"00":                              "",
		"03" + "610062":                   "", // a NUL: data
		"03" + "61FF62":                   "", // no UTF-8: data
		"02" + "1B5B":                     "", // what a terminal would obey
	} {
		d := mustDeliver(t, smsc+"04"+from+"0004"+scts+ud)
		if d.Text != want || len(ud) > 2 && d.Data == nil || d.Alphabet != Data8 || d.Damaged {
			t.Errorf("%s: %+v", ud, d)
		}
		if joined := JoinText([]Deliver{*d}); joined != want {
			t.Errorf("%s joined is %q", ud, joined)
		}
	}
	ports := mustDeliver(t, smsc+"44"+from+"0004"+scts+"0A"+"06050415811581"+"616263")
	if ports.Text != "" || string(ports.Data) != "abc" || ports.Ports == nil {
		t.Errorf("what is for a program is taken for a text: %+v", ports)
	}
}

func TestTheDataCodingSaysAlphabetAndClass(t *testing.T) {
	none := -1
	for dcs, want := range map[byte]struct {
		alphabet Alphabet
		class    int
	}{
		0x00: {GSM7, none}, 0x04: {Data8, none}, 0x08: {UCS2, none}, 0x0C: {GSM7, none},
		0x10: {GSM7, 0}, 0x11: {GSM7, 1}, 0x16: {Data8, 2}, 0x1B: {UCS2, 3}, 0x03: {GSM7, none},
		0x48: {UCS2, none}, 0x58: {UCS2, 0}, 0x80: {GSM7, none}, 0x98: {GSM7, none}, 0xA4: {GSM7, none}, 0xBF: {GSM7, none},
		0xC0: {GSM7, none}, 0xC8: {GSM7, none}, 0xD0: {GSM7, none}, 0xE0: {UCS2, none}, 0xE8: {UCS2, none},
		0xF0: {GSM7, 0}, 0xF1: {GSM7, 1}, 0xF6: {Data8, 2}, 0xF9: {GSM7, 1},
	} {
		c := readDCS(dcs)
		class := none
		if c.class != nil {
			class = *c.class
		}
		if c.alphabet != want.alphabet || class != want.class {
			t.Errorf("%02X: %v class %d", dcs, c.alphabet, class)
		}
	}
}

func TestConcatenationIsReadAndNonsenseStandsAlone(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         *Concat
	}{
		{"8 bit", "050003AA0201", &Concat{0xAA, 8, 2, 1}},
		{"16 bit", "06080412340302", &Concat{0x1234, 16, 3, 2}},
		{"total 0", "050003AA0001", nil},
		{"seq 0", "050003AA0200", nil},
		{"seq beyond total", "050003AA0203", nil},
		{"element too short", "040002AA02", nil},
		{"beside ports", "0B0504158A00000003AA0202", &Concat{0xAA, 8, 2, 2}},
		{"the last of two counts", "0B0003AA0201080412340302", &Concat{0x1234, 16, 3, 2}},
	} {
		h, err := hex.DecodeString(c.header)
		if err != nil {
			t.Fatal(c.name, err)
		}
		d := mustDeliver(t, smsc+"44"+from+"0004"+scts+hex.EncodeToString([]byte{byte(len(h) + 2)})+c.header+"6869")
		if string(d.Data) != "hi" || d.Damaged || (d.Concat == nil) != (c.want == nil) || d.Concat != nil && *d.Concat != *c.want {
			t.Errorf("%s: %+v %+v", c.name, d.Concat, d.Content)
		}
	}
}

func TestNationalTablesAreRead(t *testing.T) {
	with := func(header []byte, septets ...byte) string {
		return smsc + "44" + from + "0000" + scts + hex.EncodeToString(appendUserData(nil, GSM7, header, septets))
	}
	for _, c := range []struct{ name, pdu, want string }{
		{"Turkish shift", with([]byte{3, 0x24, 1, 1}, esc, 0x67, 'a'), "ğa"},
		{"Turkish locking", with([]byte{3, 0x25, 1, 1}, 0x07, 0x04), "ı€"},
		{"both", with([]byte{6, 0x25, 1, 1, 0x24, 1, 1}, 0x07, esc, 0x47), "ıĞ"},
		{"Spanish shift", with([]byte{3, 0x24, 1, 2}, esc, 0x61), "á"},
		{"Portuguese shift", with([]byte{3, 0x24, 1, 3}, esc, 0x1F, esc, 0x05), "Êê"},
		{"Hindi locking", with([]byte{3, 0x25, 1, 6}, 0x01, 0x03), "\u0902अ"},
		{"a language nobody has defined", with([]byte{3, 0x25, 1, 99}, 'a'), "a"},
	} {
		if d := mustDeliver(t, c.pdu); d.Text != c.want || d.Damaged {
			t.Errorf("%s: %q %v", c.name, d.Text, d.Damaged)
		}
	}
}

func TestAlphanumericSendersLosePaddingAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		length int
		octets []byte
		want   string
	}{
		{"seven characters in 13 semi-octets", 13, pack("Example"), "Example"},
		{"seven characters in 14 semi-octets", 14, pack("Example"), "Example"},
		{"eleven in 20", 20, pack("InfoService"), "InfoService"},
		{"four in 7", 7, pack("Bank"), "Bank"},
		{"four in 8, whole octets", 8, pack("Bank"), "Bank"},
		{"an @ of its own", 7, pack("a@b@"), "a@b@"},
		{"padded with NUL", 20, append(pack("Bank"), 0, 0, 0, 0, 0, 0), "Bank"},
		{"one character", 2, pack("A"), "A"},
	} {
		if got := alphanumeric(c.octets, c.length); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	for _, name := range []string{"Example", "Bank", "InfoService", "A", "€uro"} {
		tpdus, err := EncodeDeliver(DeliverOptions{From: name, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(tpdus[0], MT)
		if err != nil || p.Deliver.From.Digits != name || p.Deliver.From.TON != TONAlphanumeric {
			t.Errorf("%q comes back as %+v (%v)", name, p.Deliver.From, err)
		}
	}
}

func pack(s string) []byte {
	f, err := party("from", s)
	if err != nil {
		panic(err)
	}
	return f.value
}

func TestAStatusReportIsRead(t *testing.T) {
	report := smsc + "06" + "2A" + from + scts + "62114290803023"
	p, err := DecodeHex(report+"00", MT)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Report
	if p.Type != TypeStatusReport || r.MR != 0x2A || r.Recipient.String() != "+8613800138000" || r.Status != 0 || r.Damaged || r.SCTS.IsZero() || r.Discharge.IsZero() || r.Text != "" {
		t.Fatalf("%+v", r)
	}
	for _, c := range []struct {
		name, tail string
		text       string
		damaged    bool
	}{
		{"no optional fields", "00", "", false},
		{"an empty indicator", "0000", "", false},
		{"PID, DCS and text", "0007" + "00" + "00" + hello, "hello", false},
		{"the indicator is extended", "0087" + "8100" + "00" + "00" + hello, "hello", false},
		{"the text is cut", "0004" + "05E832", "he", true},
		{"trailing octets", "0000FFFFFF", "", false},
		{"filled up with FF", "00FFFFFFFFFF", "", false},
	} {
		p, err := DecodeHex(report+c.tail, MT)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if p.Report.Text != c.text || p.Report.Damaged != c.damaged || p.Report.Status != 0 {
			t.Errorf("%s: %+v", c.name, p.Report)
		}
	}
	if _, err := DecodeHex(report, MT); !errors.Is(err, ErrNotReadable) {
		t.Error("a report without its status must not read as delivered:", err)
	}
	if p, err := DecodeHex(smsc+"06"+"2A"+from+"00000000000000"+"FFFFFFFFFFFFFF"+"46", MT); err != nil || !p.Report.SCTS.IsZero() || !p.Report.Discharge.IsZero() || p.Report.Status != 0x46 {
		t.Error("unknown times:", p.Report, err)
	}
}

// Seen from a ZTE modem: an SMSC field of two octets, and an address field that holds another one whole.
func TestABrokenReportWithAShortSMSCAndAHashMatchesNobody(t *testing.T) {
	p, err := DecodeHex("0297F1"+"06"+"1C"+"0F910B48"+"7228001011F1"+scts+scts+"00", MT)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Report; r.Recipient.String() != "+#08427820001111" || r.MR != 0x1C || r.Status != 0 || SameRecipient(r.Recipient.String(), "+27820001111") {
		t.Fatalf("%+v", r)
	}
}

func TestStatusesFallIntoTheirClasses(t *testing.T) {
	for s := range 256 {
		want := Failed
		switch {
		case s < 0x20:
			want = Delivered
		case s < 0x40:
			want = Pending
		}
		if got := Status(s).Class(); got != want {
			t.Errorf("%02X is %s", s, got)
		}
	}
}

func TestOctetsOfWhichNothingCanBeMadeAreAnErrorAndNoPanic(t *testing.T) {
	for _, s := range []string{"", "   ", "hello", "0", "07", "0791", smsc, smsc + "04", smsc + "040D91", smsc + "06", "FF04", smsc + "040D9168310810"} {
		if _, err := DecodeHex(s, MT); !errors.Is(err, ErrNotReadable) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{smsc + "00" + from, smsc + "02" + from} {
		if _, err := DecodeHex(s, MO); !errors.Is(err, ErrNotReadable) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestValidityIsReadInEveryFormat(t *testing.T) {
	tail := "00" + "0D91683108108300F0" + "0000"
	for _, c := range []struct {
		name, first, vp string
		want            time.Duration
		until           bool
	}{
		{"none", "01", "", 0, false},
		{"relative, 5 min", "11", "00", 5 * time.Minute, false},
		{"relative, a day", "11", "A7", 24 * time.Hour, false},
		{"absolute", "19", scts, 0, true},
		{"enhanced, relative", "09", "01A70000000000", 24 * time.Hour, false},
		{"enhanced, seconds", "09", "021E0000000000", 30 * time.Second, false},
		{"enhanced, h m s", "09", "03101010000000", time.Hour + time.Minute + time.Second, false},
		{"enhanced, format to come", "09", "07101010000000", 0, false},
	} {
		p, err := DecodeHex("00"+c.first+tail+c.vp+hello, MO)
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Submit; s.VP != c.want || s.VPUntil.IsZero() == c.until || s.Text != "hello" || s.Damaged {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}
