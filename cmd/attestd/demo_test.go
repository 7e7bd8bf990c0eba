package main

import (
	"bufio"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"attestd/internal/demo"
)

func TestTheDemoFitsIntoEightyColumnsAndHasNoColourInAPipe(t *testing.T) {
	out, errs, code := say("", "demo", "--once", "--listen", "127.0.0.1:0", "--radio", "1ms")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"the page on which persons enter their codes:", "The filing passed."} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing says %q:\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := columns(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, os.TempDir()) || strings.Contains(line, "\x1b") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

func TestALineIsFoldedAtSpacesAndBetweenChineseCharacters(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}}, {"short", []string{"short"}}, {"one two three", []string{"one two", "three"}}, {"averylongword x", []string{"averylongword", "x"}},
		{"核验通过，请等待", []string{"核验通", "过，请等", "待"}}, {"ab核验", []string{"ab核验"}},
	} {
		if got := fold(c.in, 8); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestADemoWhoseReaderWentLeavesNothingBehind(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	run := attestd(t, "077", "demo", "--listen", "127.0.0.1:0", "--radio", "1ms")
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil { // as head does
		t.Fatal(err)
	}
	err = run.Wait()
	if run.ProcessState.Sys().(syscall.WaitStatus).Signaled() || err == nil {
		t.Errorf("it ended by %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// unlike is what differs from run to run.
var unlike = []*regexp.Regexp{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`), regexp.MustCompile(`\d+\.\d+ s`), regexp.MustCompile(`\d+`)}

// wordsOf are the words of the demo, one step or line after the other, in the order of the alphabet: steps that happen
// at once come in any order.
func wordsOf(lines []string) string {
	text := strings.Join(lines, " ")
	for _, one := range unlike {
		text = one.ReplaceAllString(text, "0")
	}
	words := strings.Fields(regexp.MustCompile(`([^\x00-\x7f])`).ReplaceAllString(text, " $1 "))
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestThePictureInTheReadmeIsWhatTheProgramPrints(t *testing.T) {
	picture, err := os.ReadFile(filepath.Join("..", "..", "docs", "demo.svg"))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, m := range regexp.MustCompile(`<text [^>]*>([^<]*)</text>`).FindAllStringSubmatch(string(picture), -1) {
		shown = append(shown, html.UnescapeString(m[1]))
	}
	out, errs, code := say("", "demo", "--once")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	printed := append([]string{"$ make run"}, strings.Split(demo.Tidy(out), "\n")...)
	if got, want := wordsOf(shown), wordsOf(printed); got != want {
		t.Errorf("docs/demo.svg is of another version: make demo-svg\nit shows  %s\nis printed %s", got, want)
	}
}
