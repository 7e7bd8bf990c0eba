package daemon

import (
	"fmt"
	"strings"

	"attestd/internal/config"
	"attestd/pdu"
)

// Preview is a template as the longest text that can come of it.
type Preview struct {
	Language string `json:"language"`
	Key      string `json:"key"`
	Template string `json:"template"`
	Text     string `json:"text"`
	Alphabet string `json:"alphabet"`
	Units    int    `json:"units"` // of the alphabet: septets, or UTF-16 units
	Room     int    `json:"room"`  // units in so many SMS
	Segments int    `json:"segments"`
	Fault    string `json:"fault,omitempty"`
}

// Previews fills in the templates of a configuration.
func Previews(cfg config.Config) (all []Preview) {
	for _, p := range verifyTemplates(cfg).Previews() {
		one := Preview{Language: p.Language, Key: p.Key, Template: p.Template, Text: p.Text, Fault: p.Fault}
		if layout, err := pdu.Plan(p.Text); err == nil {
			one.Alphabet, one.Units, one.Room, one.Segments = layout.Alphabet.String(), layout.Units, layout.Units+layout.Room, layout.Segments
		}
		all = append(all, one)
	}
	return all
}

var templateWords = map[string]string{
	"code":      "the first SMS",
	"code_site": "the first SMS where the phone has other filings open",
	"resend":    "each further SMS",
}

// TemplatesPage is docs/templates.md, written from the templates that attestd has built in.
func TemplatesPage() string {
	var b strings.Builder
	b.WriteString(`# The texts of codes

This page is written by the code: ` + "`go test ./internal/daemon -run TheTemplatesPage -update`" + `. For the templates of your own configuration:

    attestd check --config config.toml

shows each one filled in with the longest that can come into it, the alphabet that it takes (one character outside the GSM alphabet makes all of
it UCS-2), its length, and how many SMS it is. A template that takes more than one SMS is refused unless ` + "`verify.templates.long`" + ` allows it; so is
one without exactly one ` + "`{code}`" + `, with another run of six digits, or that claims to come from the ministry.

| in a template | becomes | the longest |
|---|---|---|
| ` + "`{code}`" + ` | the code | 6 digits |
| ` + "`{site}`" + ` | the site that the filing names, else ` + "`verify.site`" + ` | 8 Chinese characters, or a.example: a longer name is shortened until the text fits |
| ` + "`{life}`" + ` | how long the code is good | 719小时, 719 hours |
| ` + "`{deadline}`" + ` | until when, in ` + "`verify.time_zone`" + ` | 12月30日23:59, 23:59 on 30 Dec |

`)
	cfg := config.Default()
	section(&b, "The built-in templates", "", cfg)
	cfg.Verify.Templates.WebOTP = "v.example.cn"
	section(&b, "With WebOTP", "With `verify.templates.webotp = \"v.example.cn\"` each has a last line that a browser on that host can fill in by itself\n"+
		"([origin-bound one-time codes](https://wicg.github.io/sms-one-time-codes/)). The host must be short, or the template must be made shorter.\n\n", cfg)
	return b.String()
}

func section(b *strings.Builder, title, intro string, cfg config.Config) {
	fmt.Fprintf(b, "## %s\n\n%s", title, intro)
	for _, p := range Previews(cfg) {
		fmt.Fprintf(b, "**%s.%s** (%s): %d of %d units %s, %d SMS\n\n", p.Language, p.Key, templateWords[p.Key], p.Units, p.Room, p.Alphabet, p.Segments)
		fmt.Fprintf(b, "    %s\n\n", strings.ReplaceAll(p.Template, "\n", "\n    "))
		fmt.Fprintf(b, "> %s\n\n", strings.ReplaceAll(p.Text, "\n", "<br>"))
	}
}
