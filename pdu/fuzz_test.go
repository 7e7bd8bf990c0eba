package pdu

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzDecode holds for any octets, either way: no panic, valid text, no concatenation that makes no sense, an error or a
// message but never neither.
func FuzzDecode(f *testing.F) {
	seed := func(s string) {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, true)
		f.Add(b, false)
	}
	seed(smsc + "04" + from + "0000" + scts + hello)
	seed(smsc + "44" + from + "0008" + scts + "0A" + "050003AA0201" + "00610062")
	seed(smsc + "06" + "2A" + from + scts + scts + "00" + "87810000" + hello)
	seed("00" + "31000D91683108108300F0411000" + "0B" + hello)
	seed("00" + "09000D91683108108300F0000003101010000000" + hello)
	seed("0291B1061B0491B186" + scts + scts + "00")
	f.Fuzz(func(t *testing.T, octets []byte, mobile bool) {
		d := MT
		if mobile {
			d = MO
		}
		p, err := DecodeFull(octets, d)
		if err != nil {
			return
		}
		var c Content
		switch p.Type {
		case TypeDeliver:
			c = p.Deliver.Content
			if got := JoinText([]Deliver{*p.Deliver}); got != c.Text {
				t.Fatalf("joined alone it reads %q, decoded %q", got, c.Text)
			}
		case TypeSubmit:
			c = p.Submit.Content
		case TypeStatusReport:
			c.Text = p.Report.Text
		default:
			t.Fatalf("neither a message nor an error: %+v", p)
		}
		if !utf8.ValidString(c.Text) || !utf8.ValidString(p.SMSC.Digits) {
			t.Fatalf("text is not UTF-8: %q", c.Text)
		}
		if k := c.Concat; k != nil && (k.Seq < 1 || k.Seq > k.Total || k.Total > 255) {
			t.Fatalf("%+v", k)
		}
	})
}

// FuzzEncode holds for any text: what goes out comes back.
func FuzzEncode(f *testing.F) {
	f.Add("hello", false, int64(time.Hour))
	f.Add(strings.Repeat("€", 200), true, int64(0))
	f.Add(strings.Repeat("😀", 80), false, int64(1))
	f.Add("\x1b`\xff", true, int64(5))
	f.Fuzz(func(t *testing.T, text string, wide bool, validity int64) {
		submits, err := Encode(Message{To: "+8613800138000", Text: text, WideRef: wide, Validity: time.Duration(validity)})
		if err != nil {
			if validity >= 0 && len(text) < 255*66 {
				t.Fatal(err)
			}
			return
		}
		var contents []Content
		for _, s := range submits {
			p, err := DecodeHex(Frame("", s.TPDU), MO)
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, p.Submit.Content)
		}
		if want := nfc(strings.ToValidUTF8(text, "\uFFFD")); JoinContents(contents) != want && utf8.ValidString(text) {
			t.Fatalf("%q, want %q", JoinContents(contents), want)
		}
	})
}
