package pdu

import (
	"testing"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
	"pgregory.net/rapid"
)

// The library's strict decoder is the other pair of eyes: what we encode it must read, and read the same.
func TestTheLibraryReadsEverySubmitThatWeEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		submits, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		segments := make([]*tpdu.TPDU, len(submits))
		for i, s := range submits {
			p, err := sms.Unmarshal(s.TPDU, sms.AsMO)
			if err != nil {
				t.Fatalf("part %d: %v\n%X", i+1, err, s.TPDU)
			}
			if p.DA.Number() != m.To {
				t.Fatalf("to %q, want %q", p.DA.Number(), m.To)
			}
			if p.FirstOctet.SRR() != m.StatusReport {
				t.Fatal("TP-SRR is not as asked")
			}
			segments[i] = p
		}
		if !sms.IsCompleteMessage(segments) {
			t.Fatal("the parts are no complete message")
		}
		got, err := sms.Decode(segments)
		if err != nil || string(got) != nfc(m.Text) {
			t.Fatalf("text %q, want %q (%v)", got, nfc(m.Text), err)
		}
	})
}

func TestTheLibraryReadsEveryDeliverThatWeEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		at := time.Date(2026, 11, 24, 9, 8, 7, 0, time.FixedZone("", 8*3600))
		tpdus, err := EncodeDeliver(DeliverOptions{From: m.To, Text: m.Text, SCTS: at, Ref: m.Ref, WideRef: m.WideRef, Alphabet: m.Alphabet})
		if err != nil {
			t.Fatal(err)
		}
		segments := make([]*tpdu.TPDU, len(tpdus))
		for i, b := range tpdus {
			p, err := sms.Unmarshal(b)
			if err != nil {
				t.Fatalf("part %d: %v\n%X", i+1, err, b)
			}
			if !p.FirstOctet.MMS() {
				t.Fatal("TP-MMS says that more messages wait")
			}
			if !p.SCTS.Equal(at) || p.OA.Number() != m.To {
				t.Fatalf("from %q at %v", p.OA.Number(), p.SCTS)
			}
			segments[i] = p
		}
		got, err := sms.Decode(segments)
		if err != nil || string(got) != nfc(m.Text) {
			t.Fatalf("text %q, want %q (%v)", got, nfc(m.Text), err)
		}
	})
}

func TestTheLibraryReadsTheStatusReportThatWeEncode(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 8, 7, 0, time.FixedZone("", -5*3600-30*60))
	b, err := EncodeStatusReport(ReportOptions{MR: 7, Recipient: "+8613800138000", SCTS: at, Discharge: at.Add(time.Minute), Status: 0x46})
	if err != nil {
		t.Fatal(err)
	}
	p, err := sms.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.MR != 7 || p.RA.Number() != "+8613800138000" || !p.SCTS.Equal(at) || !p.DT.Equal(at.Add(time.Minute)) || p.ST != 0x46 {
		t.Fatalf("%+v", p)
	}
}
