package daemon

import (
	"os"
	"strings"
	"testing"

	"attestd/internal/inbox"
)

func TestEachConfirmationIsOneSMSAndStandsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/inbound.md")
	if err != nil {
		t.Fatal(err)
	}
	for action, text := range confirmations {
		for _, one := range []string{text.ZH, text.EN} {
			if segments(one) != 1 {
				t.Errorf("%s: %q takes %d SMS", action, one, segments(one))
			}
			if !strings.Contains(string(page), "| "+one+" |") {
				t.Errorf("%s: %q does not stand in docs/inbound.md", action, one)
			}
			// Two gateways that confirm to each other's confirmations would have each other opted out.
			for _, r := range inbox.DefaultRules() {
				if _, ok := r.Matches(inbox.See("+8613800138000", one, "86")); ok && r.Action != inbox.Reply {
					t.Errorf("%q is a keyword itself, of %s", one, r.Name)
				}
			}
		}
	}
}

func TestAConfirmationIsInTheLanguageOfTheKeyword(t *testing.T) {
	for body, want := range map[string]string{"退订": "zh", "T": "other", "TD": "other", "N": "other", "STOP": "en", "unsubscribe": "en", "Start!": "en", "恢复": "zh", "R退": "zh"} {
		if got := languageOf(body, "other"); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
