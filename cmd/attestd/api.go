package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"attestd/internal/client"
)

// apiFlags are those of every command that speaks to a running gateway.
type apiFlags struct {
	URL       string `name:"url" default:"http://127.0.0.1:8480" env:"ATTESTD_URL" placeholder:"URL" help:"Where the gateway listens, ${default} unless given."`
	TokenFile string `type:"path" placeholder:"FILE" help:"A file with the token, rather than $$ATTESTD_TOKEN."`
	Token     string `hidden:"" env:"ATTESTD_TOKEN" help:"The token."`
	JSON      bool   `help:"Print the API's answer as JSON, for scripts."`
}

func (f apiFlags) client() (*client.Client, error) {
	token, err := client.Token(f.TokenFile, f.Token)
	if err != nil {
		return nil, err
	}
	return client.New(f.URL, token)
}

// get reads path into out, or prints the answer as it is when --json was given; then shown is true.
func (f apiFlags) get(a *app, path string, query map[string][]string, out any) (shown bool, err error) {
	c, err := f.client()
	if err != nil {
		return false, err
	}
	if !f.JSON {
		return false, c.Get(a.ctx, path, query, out)
	}
	var raw json.RawMessage
	if err := c.Get(a.ctx, path, query, &raw); err != nil {
		return false, err
	}
	return true, a.printJSON(raw)
}

// printJSON prints a value readably, as a terminal and a script both like it.
func (a *app) printJSON(v any) error {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return err
		}
		raw = b.Bytes()
	}
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(raw), "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := a.stdout.Write(out.Bytes())
	return err
}

// table prints rows under a head; cells are made fit for one line of a terminal.
func (a *app) table(head string, rows [][]string) error {
	lines := [][]string{strings.Fields(head)}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = oneLine(cell); cells[i] == "" {
				cells[i] = "-"
			}
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		for i, cell := range cells {
			b.WriteString(cell)
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// width is how many columns of a terminal a text takes: Chinese, Japanese and Korean characters take two (Unicode
// UAX 11), which text/tabwriter does not know.
func width(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0x3000 && r <= 0x303e, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// oneLine keeps what others wrote (a text that came in, a name) from steering the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}

// clock writes a time for a person here.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func clockOr(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return clock(*t)
}
