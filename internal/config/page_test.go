package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatAPageCannotShowIsToldByItsKey(t *testing.T) {
	_, err := Parse("[page]\nname = \"" + strings.Repeat("案", 41) + "\"\nhelp = \"a\\nb\"\nlogo_file = \"logo.exe\"\nproof = \"captcha\"\n")
	var told *Error
	if !errors.As(err, &told) {
		t.Fatal(err)
	}
	for _, key := range []string{"page.name:", "page.help:", "page.logo_file:", "page.proof:"} {
		if !slices.ContainsFunc(told.Faults, func(f string) bool { return strings.HasPrefix(f, key) }) {
			t.Errorf("nothing is told about %s: %v", key, told.Faults)
		}
	}
}

func TestAPageOrSiteThatPosesAsTheMinistryIsToldByItsKey(t *testing.T) {
	_, err := Parse("[page]\nname = \"⼯信部备案核验\"\nname_en = \"M I I T codes\"\nhelp = \"to the ministry: 12381\"\n[verify]\nsite = \"工·信·部\"\n")
	var told *Error
	if !errors.As(err, &told) || len(told.Faults) != 3 {
		t.Fatal(err)
	}
	for _, key := range []string{"page.name:", "page.name_en:", "verify.site:"} {
		if !slices.ContainsFunc(told.Faults, func(f string) bool { return strings.HasPrefix(f, key) }) {
			t.Errorf("nothing is told about %s: %v", key, told.Faults)
		}
	}
}

func TestALogoThatIsMissingOrTooHeavyIsToldAtTheStart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "attestd.toml")
	if err := os.WriteFile(path, []byte("[page]\nlogo_file = \"logo.svg\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "page.logo_file") {
		t.Error(err)
	}
	logo := filepath.Join(dir, "logo.svg")
	if err := os.WriteFile(logo, make([]byte, mostLogo+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than 24KiB") {
		t.Error(err)
	}
	if err := os.WriteFile(logo, []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.Page.LogoFile != logo {
		t.Error(c.Page, err)
	}
}

func TestAPageThatSaysNotWhoseItIsIsAFaultInProductionWhereOthersReachIt(t *testing.T) {
	const named = "[page]\nname='Example'\nhelp='400-000-0000'\n"
	for text, want := range map[string]struct{ fault, warned bool }{
		"[http]\nlisten='0.0.0.0:80'\n":                                   {true, true},
		"[http]\ntrusted_proxies=['127.0.0.1']\n":                         {true, true},
		"[http]\ntrusted_proxies=['127.0.0.1']\n[page]\nname='Example'\n": {true, true},
		"[http]\nlisten='127.0.0.1:80'\n":                                 {false, true},
		"[http]\nlisten='0.0.0.0:80'\n" + named:                           {false, false},
		"[http]\nlisten='0.0.0.0:80'\npublic=false\n":                     {false, false},
		"environment='test'\n[http]\nlisten='0.0.0.0:80'\n":               {false, false},
	} {
		c, err := Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		err = c.NobodysFault()
		warned := slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.HasPrefix(w, "page.") })
		if (err != nil) != want.fault || warned != want.warned || err != nil && !strings.HasPrefix(err.Error(), "page.") {
			t.Errorf("%q: fault %v, warned %t", text, err, warned)
		}
	}
}
