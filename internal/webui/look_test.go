package webui

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colours are the variables of the style sheet, of the light scheme and of the dark one.
func colours(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	css, err := files.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	roots := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	if len(roots) != 2 {
		t.Fatalf("%d schemes", len(roots))
	}
	read := func(text string) map[string]string {
		all := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(text, -1) {
			all[m[1]] = m[2]
		}
		return all
	}
	return read(roots[0][1]), read(roots[1][1])
}

// luminance is WCAG 2.2's relative luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		t.Fatalf("%q is no colour", hex)
	}
	channel := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(n>>16) + 0.7152*channel(n>>8) + 0.0722*channel(n)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestWhatIsWrittenStandsOutFromWhatItIsWrittenOn(t *testing.T) {
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 0.01 {
		t.Fatalf("black on white is %.2f", got)
	}
	light, dark := colours(t)
	for scheme, c := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			what, over string
			least      float64 // 4.5 for text (WCAG 2.2 1.4.3), 3 for edges and icons (1.4.11)
		}{
			{"ink", "card", 7}, {"ink", "ground", 7}, {"soft", "card", 4.5}, {"soft", "ground", 4.5},
			{"accent", "card", 4.5}, {"accent", "ground", 4.5}, {"accent-deep", "card", 4.5}, {"accent-deep", "ground", 4.5},
			{"accent-ink", "accent", 4.5}, {"accent-ink", "accent-deep", 4.5}, {"accent-ink", "idle", 4.5},
			{"line", "card", 3}, {"bad", "card", 4.5},
			{"good", "good-ground", 4.5}, {"bad", "bad-ground", 4.5}, {"hold", "hold-ground", 4.5},
			{"ink", "good-ground", 7}, {"ink", "bad-ground", 7}, {"ink", "hold-ground", 7},
			{"accent", "good-ground", 4.5}, {"accent", "bad-ground", 4.5}, {"accent", "hold-ground", 4.5},
		} {
			if got := contrast(t, c[pair.what], c[pair.over]); got < pair.least {
				t.Errorf("%s: %s on %s is %.2f, want %.1f", scheme, pair.what, pair.over, got, pair.least)
			}
		}
	}
}

func TestThePageLoadsNothingFromElsewhereAndHasNothingInline(t *testing.T) {
	for _, name := range []string{"page.html", "page.css", "page.js"} {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"http://", "https://", "url(", "@import", "style=", "onclick", "onsubmit", "<style", "eval(", "innerHTML", "fetch(", "XMLHttpRequest", "localStorage", "document.cookie"} {
			if strings.Contains(string(text), never) {
				t.Errorf("%s has %q in it", name, never)
			}
		}
	}
}

func TestThePageWeighsUnder60KBWithTheLargestLogo(t *testing.T) {
	total := 24 << 10
	for _, a := range New(&desk{}, Options{Rules: rules}).now.Load().assets {
		total += len(a.data)
	}
	text, _ := files.ReadFile("page.html")
	if total += 2 * len(text); total > 60_000 {
		t.Errorf("%d bytes", total)
	} else {
		t.Logf("%d bytes, 24 KiB of them the logo", total)
	}
}
