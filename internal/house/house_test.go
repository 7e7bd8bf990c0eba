package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows is the import table: what each room may import besides the standard library. A room is a package of this
// module; a name with a slash and a dot is a module from outside (and the packages in it). A new arrow is a reviewed
// line here.
var arrows = map[string]string{
	"internal/msisdn": "github.com/nyaruka/phonenumbers",
	"internal/seal":   "",
	"internal/access": "",
	"modem/at":        "",
	"modem/dialogue":  "",
	"pdu":             "internal/msisdn github.com/warthog618/sms golang.org/x/text",
	// Octets are the treaty: modem never imports pdu.
	"modem": "modem/at go.bug.st/serial golang.org/x/sys",
	// Never modem or modem/at: it must not share the driver's mistakes.
	"modem/simulator":   "pdu github.com/creack/pty golang.org/x/sys golang.org/x/time",
	"internal/claim":    "golang.org/x/text",
	"verify":            "internal/msisdn internal/claim",
	"queue":             "pdu internal/msisdn github.com/google/uuid golang.org/x/time",
	"internal/inbox":    "pdu internal/msisdn github.com/google/uuid",
	"internal/webhook":  "github.com/standard-webhooks/standard-webhooks/libraries",
	"internal/watch":    "", // it judges counts that others make
	"internal/store":    "internal/access queue verify internal/inbox internal/watch internal/webhook internal/msisdn internal/seal pdu github.com/ncruces/go-sqlite3 github.com/google/uuid golang.org/x/sys",
	"internal/gateway":  "modem queue pdu internal/inbox github.com/fsnotify/fsnotify", // ports that come and go
	"internal/config":   "internal/msisdn internal/claim github.com/BurntSushi/toml",
	"internal/metrics":  "github.com/prometheus/client_golang github.com/prometheus/common",
	"internal/httpapi":  "internal/access internal/proof verify queue internal/webhook internal/msisdn github.com/danielgtaylor/huma/v2 github.com/google/uuid golang.org/x/time golang.org/x/text github.com/go-json-experiment/json",
	"internal/proof":    "golang.org/x/time",
	"internal/webui":    "verify internal/msisdn internal/proof", // the page: its limits are httpapi.Door, which daemon hands it
	"internal/client":   "",
	"internal/house":    "",
	"internal/daemon":   "* github.com/coreos/go-systemd/v22 github.com/prometheus/client_golang golang.org/x/sys",
	"internal/rig":      "internal/daemon internal/gateway internal/config modem/simulator internal/store internal/seal internal/access queue", // queue: texts.go asks for what is queued
	"internal/demo":     "internal/rig internal/config internal/msisdn modem/simulator pdu",                                                    // pdu: a status in words
	"internal/selftest": "modem modem/simulator pdu",
	"internal/bench":    "internal/rig internal/config internal/client modem/simulator",
	"internal/faults":   "internal/rig internal/client internal/config modem/simulator pdu", // a platform at the whole gateway, and the radio that strikes it
	"internal/crash":    "modem/simulator",
	"internal/soak":     "internal/rig internal/config internal/gateway modem/simulator",
	"cmd/attestd": "internal/daemon internal/config internal/client internal/demo internal/selftest internal/bench internal/faults internal/crash internal/soak internal/store internal/access internal/inbox internal/msisdn internal/seal " + // keys are rotated beside the gateway
		"pdu modem modem/simulator internal/webhook github.com/alecthomas/kong golang.org/x/sys", // a PIN is typed without echo
}

// only says which rooms may import a thing at all, whatever their line above says.
var only = map[string][]string{
	"database/sql":                        {"internal/store"},
	"go.bug.st/serial":                    {"modem"},
	"github.com/prometheus/client_golang": {"internal/metrics", "internal/daemon"},
	"testing":                             nil,
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "attestd/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestEveryRoomImportsOnlyWhatTheTableAllows(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "attestd/")
		line, ok := arrows[room]
		if !ok {
			t.Errorf("%s has no line in the import table", room)
			continue
		}
		allowed := strings.Fields(line)
		for _, imported := range p.Imports {
			if inside, ours := strings.CutPrefix(imported, "attestd/"); ours {
				if !slices.Contains(allowed, inside) && !slices.Contains(allowed, "*") {
					t.Errorf("%s imports %s", room, inside)
				}
			} else if strings.Contains(strings.Split(imported, "/")[0], ".") && !within(imported, allowed) {
				t.Errorf("%s imports %s", room, imported)
			}
			for what, rooms := range only {
				if within(imported, []string{what}) && !slices.Contains(rooms, room) {
					t.Errorf("%s imports %s, which only %v may", room, imported, rooms)
				}
			}
		}
	}
}

// within says whether a package is one of modules or lies in one.
func within(path string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

func TestNoFileHasGrownIntoTwoRooms(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if n := bytes.Count(text, []byte("\n")); n > 420 {
			t.Errorf("%s has %d lines: it is perhaps two rooms", path, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
