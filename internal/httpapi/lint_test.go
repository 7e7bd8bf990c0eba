package httpapi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// linter is a program that deploy/test-deps.sh fetches with npm.
func linter(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err == nil {
		path := filepath.Join(cache, "attestd-tests", "node_modules", ".bin", name)
		if _, err = os.Stat(path); err == nil {
			_, err = exec.LookPath("node")
			if err == nil {
				return path
			}
		}
	}
	if os.Getenv("ATTESTD_REQUIRE_PEERS") != "" {
		t.Fatalf("%s is needed (make deps): %v", name, err)
	}
	t.Skipf("%s is not here (make deps fetches it): %v", name, err)
	return ""
}

func TestTheDocumentPassesTheLintersOfOpenAPI(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), New(new(world).services(), camaraOptions()).spec, 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs(filepath.Join("testdata", "spectral.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"redocly":  {"lint", "--extends=recommended", "--max-problems=50", "--format=stylish", "openapi.json"},
		"spectral": {"lint", "--ruleset", rules, "--fail-severity=hint", "openapi.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, linter(t, name), args...)
			cmd.Dir = dir
			// Nothing is asked of anybody: no telemetry, no look for a newer version.
			cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=true", "NO_COLOR=1",
				"http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(strings.ToLower(string(out)), "warning was") || strings.Contains(string(out), "You have") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
