package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"attestd/internal/client"
)

const filingOfTwo = `{"type": "first", "reference": "order-1", "persons": [
 {"role": "entity_head", "name": "王五", "mobile": "13800138000", "certificate_tail": "31002X"},
 {"role": "website_head", "name": "赵六", "mobile": "13900139000", "certificate_tail": "41003X", "site": "example.cn"}]}`

func TestAFilingIsCreatedAmendedSupersededShownAndCancelledFromTheCommandLine(t *testing.T) {
	gateway(t)
	out, errs, code := say(filingOfTwo, "filings", "create", "-", "--json")
	var f client.Filing
	if err := json.Unmarshal([]byte(out), &f); err != nil || code != 0 || len(f.Persons) != 2 {
		t.Fatalf("%v, exit %d\n%s%s", err, code, out, errs)
	}
	until := time.Now().Add(30 * time.Second)
	for !strings.Contains(must(t, "filings", "show", f.ID), "SMS delivered") {
		if time.Now().After(until) {
			t.Fatal(must(t, "filings", "show", f.ID))
		}
		time.Sleep(20 * time.Millisecond) // the command line has nothing to wait with
	}
	person := f.Persons[0].ID
	for _, one := range []struct{ in, want, mobile, body string }{{"", "+8613700137000", "13700137000", ""}, {`{"mobile": "13600136000", "certificate_tail": "55555X"}`, "+8613600136000", "", "-"}} {
		args := []string{"filings", "amend", f.ID, person}
		if one.mobile != "" {
			args = append(args, "--mobile", one.mobile)
		} else {
			args = append(args, "--body", one.body)
		}
		if out, errs, code := say(one.in, args...); code != 0 || !strings.Contains(out, one.want) {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	}
	if _, errs, code := say("", "filings", "amend", f.ID, person, "--mobile", "13500135000"); code != 1 || !strings.Contains(errs, "verify.max_amendments") {
		t.Errorf("a third change: exit %d, %s", code, errs)
	}
	if _, errs, code := say("", "filings", "amend", f.ID, person); code != 1 || !strings.Contains(errs, "--mobile") {
		t.Errorf("nothing to change: exit %d, %s", code, errs)
	}
	out, errs, code = say(strings.Replace(filingOfTwo, "order-1", "order-2", 1), "filings", "create", "-", "--supersedes", f.ID)
	if code != 0 || !strings.Contains(out, "supersedes     "+f.ID) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	second := regexp.MustCompile(`^\S+`).FindString(out)
	shown := must(t, "filings", f.ID)
	for _, want := range []string{`rejected \(superseded\)`, "superseded by  " + second, "filing received", "code made, SMS queued", "SMS accepted by the network, modem",
		"entity_head: mobile changed", "entity_head: mobile and certificate changed", "code void: amended", "filing rejected: superseded", "filing superseded by " + second} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("the story lacks %q:\n%s", want, shown)
		}
	}
	for _, secret := range []string{"13800138000", "13700137000", "31002X", "55555X"} {
		if strings.Contains(shown, secret) {
			t.Errorf("it tells %s", secret)
		}
	}
	if out := must(t, "filings", "cancel", second, "--reason", "withdrawn"); !strings.Contains(out, second+"  cancelled\n") || !strings.Contains(out, "note           withdrawn") {
		t.Error(out)
	}
	for want, args := range map[string][]string{
		"order-2": {"--state", "cancelled", "--type", "first"}, "order-1": {"--mobile", "13700137000"}, "": {"--mobile", "13500135000"}, "order-": {"--since", "1h"},
	} {
		out, _, code := say("", append([]string{"filings"}, args...)...)
		if code != 0 || strings.Contains(out, "order-") != (want != "") || !strings.Contains(out, want) {
			t.Errorf("%v: exit %d\n%s", args, code, out)
		}
	}
	if _, errs, code := say("", "filings", "resubmit", second); code != 1 || !strings.Contains(errs, "only a filing that was rejected") {
		t.Errorf("a cancelled one again: exit %d, %s", code, errs)
	}
	if _, errs, code := say("", "filings", "resubmit", f.ID, "--reference", "order-3"); code != 1 || !strings.Contains(errs, "has taken the place") {
		t.Errorf("a superseded one again: exit %d, %s", code, errs)
	}
	virtual := strings.NewReplacer("order-1", "order-4", "13800138000", "17012345678").Replace(filingOfTwo)
	if out, errs, code := say(virtual, "filings", "create", "-"); code != 0 || !strings.Contains(out, "warning        persons[0].mobile: The number is a virtual operator's") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, _ := say("13900139000\n", "filings", "list", "--mobile", "-"); strings.Count(out, "order-") != 3 {
		t.Errorf("the number from standard input:\n%s", out)
	}
	if _, errs, code := say("", "filings", "--since", "yesterday"); code != 1 || !strings.Contains(errs, "--since") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
