package house

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// told is what both versions of a document must name alike: it is not translated.
type told struct {
	code    map[string]bool // whatever is set as code: keys, states, reasons, events, tests, requests
	choices []string        // keys of [verify] that are marked as choices, in order
	results []string        // the first column of the table of result codes
	tables  []int           // rows of each table
	heads   int
}

func read(t *testing.T, name, choice, results string) told {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	d := told{code: map[string]bool{}}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		d.code[m[1]] = true
	}
	for _, m := range regexp.MustCompile(choice+"[^`*]*`([a-z_.]+)`").FindAllStringSubmatch(strings.ReplaceAll(string(text), "\n", " "), -1) {
		d.choices = append(d.choices, m[1])
	}
	rows, table := 0, ""
	for line := range strings.Lines(string(text) + "\n") {
		if strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ") {
			d.heads++
		}
		if !strings.HasPrefix(line, "|") {
			if rows > 0 {
				d.tables = append(d.tables, rows)
			}
			rows, table = 0, ""
			continue
		}
		first := strings.TrimSpace(strings.Split(line, "|")[1])
		if rows++; rows == 1 {
			table = first
		} else if table == results && rows > 2 {
			d.results = append(d.results, first)
		}
	}
	return d
}

func TestBothLanguagesOfTheVerificationRulesNameTheSameKeysAndResults(t *testing.T) {
	en, zh := read(t, "verification.md", "choice:", "result"), read(t, "verification.zh.md", "取舍：", "代码")
	for _, c := range slices.Sorted(maps.Keys(en.code)) {
		if !zh.code[c] {
			t.Errorf("`%s` stands in verification.md and not in verification.zh.md", c)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(zh.code)) {
		if !en.code[c] {
			t.Errorf("`%s` stands in verification.zh.md and not in verification.md", c)
		}
	}
	if !slices.Equal(en.choices, zh.choices) || len(en.choices) < 8 {
		t.Errorf("choices are marked at %v and at %v", en.choices, zh.choices)
	}
	if !slices.Equal(en.results, zh.results) || len(en.results) != 9 {
		t.Errorf("results %v and %v", en.results, zh.results)
	}
	if !slices.Equal(en.tables, zh.tables) {
		t.Errorf("the tables have %v rows and %v", en.tables, zh.tables)
	}
	if en.heads != zh.heads {
		t.Errorf("%d headings and %d", en.heads, zh.heads)
	}
	example, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range en.choices {
		if !regexp.MustCompile(`(?m)^#?` + last(key) + ` = `).Match(example) {
			t.Errorf("%s is told to be a choice, and config.example.toml has no such key", key)
		}
	}
}

func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
