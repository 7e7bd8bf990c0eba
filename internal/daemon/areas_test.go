package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"attestd/internal/config"
)

func TestATableOfNumbersThatCannotBeReadIsRefusedByItsKeyAndLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "86.txt")
	for text, want := range map[string]string{"": "verify.number_areas_file: open", "861380013|北京市\nx\n": "line 2", "861380013|北京市\n": ""} {
		if text != "" {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			_ = os.Remove(name)
		}
		cfg := config.Default()
		cfg.Verify.NumberAreasFile = name
		if err := Check(cfg); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
