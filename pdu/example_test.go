package pdu_test

import (
	"fmt"
	"time"

	"attestd/pdu"
)

func ExampleEncode() {
	submits, err := pdu.Encode(pdu.Message{To: "+8613800138000", Text: "Your code is 123456", Validity: 30 * time.Minute, StatusReport: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range submits {
		fmt.Printf("AT+CMGS=%d\n%s\n", len(s.TPDU), pdu.Frame("", s.TPDU))
	}
	// Output:
	// AT+CMGS=32
	// 0031000D91683108108300F000000513D9775D0E1ABFC965507A0E8AC966B49A0D
}

func ExampleDecodeHex() {
	p, err := pdu.DecodeHex("0891683108100005F0040D91683108108300F000006211429080702305E8329BFD06", pdu.MT)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s from %s: %q\n", p.Type, p.Deliver.From, p.Deliver.Text)
	// Output:
	// deliver from +8613800138000: "hello"
}

func ExamplePlan() {
	for _, text := range []string{"Your code is 123456", "It’s 123456"} {
		l, _ := pdu.Plan(text)
		fmt.Println(l.Alphabet, l.Segments, l.Units, l.Room)
	}
	// Output:
	// gsm7 1 19 141
	// ucs2 1 11 59
}
