package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"attestd/internal/claim"
)

// Page is the page on which persons enter their codes.
type Page struct {
	Name     string `toml:"name"` // empty: "ICP filing: SMS verification" in the page's language
	NameEN   string `toml:"name_en"`
	LogoFile string `toml:"logo_file"` // after Load the resolved path
	Help     string `toml:"help"`      // whom to ask, in one line
	HelpEN   string `toml:"help_en"`
	Proof    string `toml:"proof"` // work, off
}

// LogoTypes are the pictures that page.logo_file may be, by the end of its name.
var LogoTypes = map[string]string{".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

// mostLogo keeps the whole page under 60 KB.
const mostLogo = 24 << 10

func (b *binder) page(p Page) {
	b.oneOf("page.proof", p.Proof, "work", "off")
	for _, one := range []struct {
		key, text string
		most      int
	}{{"name", p.Name, 40}, {"name_en", p.NameEN, 60}, {"help", p.Help, 120}, {"help_en", p.HelpEN, 200}} {
		if utf8.RuneCountInString(one.text) > one.most || strings.ContainsFunc(one.text, func(r rune) bool { return r < ' ' }) {
			b.fault("page."+one.key, "want one line of at most %d characters", one.most)
		}
		if strings.HasPrefix(one.key, "name") && claim.Ministry(one.text) {
			b.fault("page."+one.key, "claims to come from the ministry: name your own service")
		}
	}
	if p.LogoFile != "" && LogoTypes[strings.ToLower(filepath.Ext(p.LogoFile))] == "" {
		b.fault("page.logo_file", "want a .svg, .png, .webp or .jpg")
	}
}

// Nobodys is what the page lacks to say whose it is, "" for nothing. Persons enter numbers of their ID documents on it.
func (c Config) Nobodys() string {
	var lacks []string
	if c.Page.Name == "" {
		lacks = append(lacks, "page.name")
	}
	if c.Page.Help == "" {
		lacks = append(lacks, "page.help")
	}
	if !c.HTTP.Public || c.Environment != Production || lacks == nil {
		return ""
	}
	return strings.Join(lacks, ", ") + ": persons enter numbers of their ID documents on the page, so it must say whose it is and whom to ask: " +
		"name your service and give a help line, or turn the page off with http.public = false"
}

// seen says whether others than this machine reach the page: directly, or through a proxy.
func (h HTTP) seen() bool {
	_, ok := reachable(h.Listen)
	return ok || len(h.TrustedProxies) > 0
}

// NobodysFault is Nobodys where others can reach the page.
func (c Config) NobodysFault() error {
	if lacks := c.Nobodys(); lacks != "" && c.HTTP.seen() {
		return errors.New(lacks)
	}
	return nil
}

func (b *binder) logo(name string) {
	switch info, err := os.Stat(name); {
	case err != nil:
		b.fault("page.logo_file", "%v", err)
	case !info.Mode().IsRegular():
		b.fault("page.logo_file", "%s is no regular file", name)
	case info.Size() > mostLogo:
		b.fault("page.logo_file", "%s is larger than %s: people open the page on a phone", name, Size(mostLogo))
	}
}
