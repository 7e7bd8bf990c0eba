package modem

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"attestd/modem/at"
)

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestRegistrationIsReadFromEveryBrokenAnswerOfTheField(t *testing.T) {
	for line, want := range map[string]int{
		`+CREG: 2,1,"","605F"`: 1, `+CREG: 2,1,"0B,"0100701",7`: 1, `+CREG: 2,1,"5E25`: 1, `+CREG: 2,1,4CA,81DE445`: 1, `+CREG: 0,5`: 5, `+CREG:1, 3`: 3, `+CREG: 2,10,"1"`: 10,
	} {
		if !isRead(line, "+CREG:") || number(params(line, "+CREG:"), 1) != want {
			t.Errorf("%s: not read as %d", line, want)
		}
	}
	for _, line := range []string{"+CREG: 1", `+CREG: 1,"00A1","12"`, "+CREG:", `+CREG: 5,"0"`} {
		if isRead(line, "+CREG:") {
			t.Errorf("%s: taken for an answer", line)
		}
	}
	for _, c := range []struct{ cs, eps, want RegStatus }{
		{RegHome, RegSearching, RegHome}, {RegDenied, RegRoaming, RegRoaming}, {RegSearching, RegDenied, RegSearching}, {RegUnknown, RegDenied, RegDenied},
	} {
		if got := combine([domains]RegStatus{c.cs, c.eps, RegUnknown, RegUnknown}).Status; got != c.want {
			t.Errorf("%v and %v: %v, want %v", c.cs, c.eps, got, c.want)
		}
	}
}

func TestSignalIsReadFromLongAndOddAnswers(t *testing.T) {
	for line, want := range map[string]Signal{
		"+CSQ: 20,99": {true, -73, 99}, "+CSQ: 99,99": {false, 0, 99}, "+CSQ: 31,0,,,,,,,,": {true, -51, 0}, "+CSQ:0,7": {true, -113, 7}, "+CSQ: 146,99": {true, -70, 99}, "+CSQ:": {false, 0, 99},
	} {
		if got := parseSignal(line); got != want {
			t.Errorf("%s: got %+v", line, got)
		}
	}
}

func TestMemoriesAreReadFromEveryFormOfTheField(t *testing.T) {
	for line, want := range map[string]string{
		`+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")`: "SM ME|SM ME", `+CPMS: (("SM","BM","SR"),("SM"))`: "SM BM SR|SM", `+CPMS: "SM","SM","SM"`: "SM|SM",
		"+CPMS:": "|", `+CPMS: ("SM" "ME"), ("SM"), ("ME" "SM")`: "SM ME|SM", `+CPMS: ("ME","SM_P"),("ME"),("ME")`: "ME SM_P|ME",
	} {
		o := memories(groups(line, "+CPMS:"))
		if got := strings.Join(o.first, " ") + "|" + strings.Join(o.all, " "); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestTheSMSCFieldIsWrittenAsItIsRead(t *testing.T) {
	for _, number := range []string{"+8613800100500", "13800100500", "+31624000000"} {
		field := smscField(number)
		if got := part(field+"0011", -1); got.smsc != number || len(got.tpdu) != 2 {
			t.Errorf("%s: %s read as %+v", number, field, got)
		}
	}
	if smscField("") != "00" {
		t.Error("without a number the SIM's own is used")
	}
	if got := part("0200#", -1); string(got.tpdu) != "0200#" {
		t.Errorf("what can't be read is kept: %q", got.tpdu)
	}
}

func TestEveryCodeHasAClassAndAClause(t *testing.T) {
	for table, clause := range map[*map[int]Class]string{&cmsClasses: "TS 2", &cmeClasses: "TS 27.007"} {
		for code, c := range *table {
			if !strings.Contains(c.Clause, clause) {
				t.Errorf("%d has no clause: %+v", code, c)
			}
		}
	}
	for code := range 600 {
		c := Classify(at.CMSError{Code: code})
		if c.Clause == "" || c.Code != code || c.Kind.String() == "" {
			t.Errorf("%d: %+v", code, c)
		}
		if early := Classify(fmt.Errorf("%w: %w", errBeforePayload, at.CMSError{Code: code})); early.Kind == Doubt {
			t.Errorf("%d before the payload is in doubt", code)
		}
	}
}
