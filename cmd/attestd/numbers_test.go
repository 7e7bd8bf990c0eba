package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/internal/access"
	"attestd/internal/store"
)

func TestCommandsShowWholeNumbersOnlyWithATokenThatHasTheScope(t *testing.T) {
	r := gateway(t)
	s, err := store.Open(t.Context(), store.Options{URL: r.Config.Store.URL, KeyFile: r.Config.Store.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[bool]string{}
	for whole, scopes := range map[bool]access.Scopes{false: access.Platform, true: slices.Concat(access.Platform, access.Scopes{access.Numbers})} {
		name := map[bool]string{false: "a", true: "b"}[whole]
		if tokens[whole], _, err = s.CreateToken(t.Context(), store.NewToken{Name: name, Tenant: "a", Scopes: scopes}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Network.Inject(0, "+8613900139000", "hello"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(must(t, "inbox"), "hello"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing came in")
		}
	}
	t.Setenv("ATTESTD_TOKEN", tokens[false])
	sent := strings.Fields(must(t, "send", "--to", "13800138000", "--text", "hello"))[0]
	filed, errs, code := say(strings.Replace(filingOfTwo, "13800138000", "13700137000", 1), "filings", "create", "-")
	if code != 0 {
		t.Fatal(errs)
	}
	filing := strings.Fields(filed)[0]
	must(t, "optout", "add", "13600136000")
	for _, whole := range []bool{false, true} {
		t.Setenv("ATTESTD_TOKEN", tokens[whole])
		for _, args := range [][]string{{"messages"}, {"messages", sent}, {"filings", filing}, {"inbox"}, {"optout", "list"}} {
			for _, format := range []string{"", "--json"} {
				asked := args
				if format != "" {
					asked = append(slices.Clone(args), format)
				}
				out := must(t, asked...)
				has, masked := false, strings.Contains(out, "****")
				for _, number := range []string{"+8613800138000", "+8613900139000", "+8613700137000", "+8613600136000"} {
					has = has || strings.Contains(out, number)
				}
				if has != whole || !whole && !masked {
					t.Errorf("%v, with the scope: %t\n%s", asked, whole, out)
				}
			}
		}
	}
}
