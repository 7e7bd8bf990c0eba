package daemon

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"attestd/internal/config"
)

var update = flag.Bool("update", false, "write the generated pages anew")

func TestTheTemplatesPageIsWhatTheCodeWrites(t *testing.T) {
	name, want := filepath.Join("..", "..", "docs", "templates.md"), TemplatesPage()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/templates.md is not what the code writes: go test ./internal/daemon -run TheTemplatesPage -update")
	}
}

func TestEveryBuiltInTemplateIsOneSMS(t *testing.T) {
	for _, webotp := range []string{"", "v.example.cn"} {
		cfg := config.Default()
		cfg.Verify.Templates.WebOTP = webotp
		for _, p := range Previews(cfg) {
			if p.Fault != "" || p.Segments != 1 || p.Units > p.Room || p.Units == 0 {
				t.Errorf("%+v", p)
			}
		}
	}
}
