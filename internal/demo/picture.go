package demo

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// Picture is the demo as it is seen in the README.
type Picture struct{ lines []pictureLine }

type pictureLine struct{ at, who, what string }

// Add adds a line: when, who, what; the first two may be empty.
func (p *Picture) Add(at, who, what string) { p.lines = append(p.lines, pictureLine{at, who, what}) }

var folder = regexp.MustCompile(`/[^ ]*/attestd-[0-9]+/`)

// Tidy takes out of a step what is another each time and tells nobody anything: the name of the temporary folder.
func Tidy(what string) string { return folder.ReplaceAllString(what, "/tmp/attestd/") }

const (
	lineHeight = 19
	charWidth  = 7.8
)

var paints = map[string]string{"modem": "#9ece6a", "gateway": "#9ece6a", "platform": "#7aa2f7", "network": "#e0af68", "person": "#bb9af7", "filing": "#7dcfff", "metrics": "#565f89"}

// SVG draws a terminal of 80 columns.
func (p *Picture) SVG() string {
	var b strings.Builder
	width, height := 40+int(80*charWidth), 48+lineHeight*len(p.lines)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="Output of attestd demo: two persons verify one filing over two simulated modems">
<rect width="%d" height="%d" rx="8" fill="#1a1b26"/>
<circle cx="20" cy="18" r="5" fill="#f7768e"/>
<circle cx="38" cy="18" r="5" fill="#e0af68"/>
<circle cx="56" cy="18" r="5" fill="#9ece6a"/>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace" font-size="13" fill="#c0caf5" xml:space="preserve">
`, width, height, width, height, width, height)
	for i, l := range p.lines {
		y := 48 + lineHeight*i
		text := func(column int, fill, s string) {
			if s != "" {
				fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", 20+int(float64(column)*charWidth), y, fill, html.EscapeString(s))
			}
		}
		text(0, "#565f89", l.at)
		text(11, paints[l.who], l.who)
		if l.at == "" && l.who == "" && !p.within(i) {
			text(0, "#c0caf5", l.what)
		} else {
			text(21, "#c0caf5", l.what)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// within says whether a line without a time goes on with the one above it.
func (p *Picture) within(i int) bool {
	for ; i >= 0; i-- {
		switch l := p.lines[i]; {
		case l.at != "":
			return true
		case l.what == "":
			return false
		}
	}
	return false
}
