package webhook

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretIsMadeOnceRotatedAndRetired(t *testing.T) {
	path := filepath.Join(t.TempDir(), "webhook.secret")
	first, created, err := LoadOrCreateSecrets(path)
	if err != nil || !created || len(first.Texts()) != 1 || !strings.HasPrefix(first.Texts()[0], "whsec_") {
		t.Fatal(created, err)
	}
	if again, created, err := LoadOrCreateSecrets(path); err != nil || created || again.Texts()[0] != first.Texts()[0] {
		t.Fatal("made anew: every receiver would refuse what comes", created, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	second, err := RotateSecrets(path)
	if err != nil || len(second.Texts()) != 2 || second.Texts()[1] != first.Texts()[0] || second.Texts()[0] == first.Texts()[0] {
		t.Fatal(err)
	}
	third, err := RotateSecrets(path)
	if err != nil || len(third.Texts()) != 2 || third.Texts()[1] != second.Texts()[0] {
		t.Fatal(err)
	}
	if last, err := RetireSecret(path); err != nil || len(last.Texts()) != 1 || last.Texts()[0] != third.Texts()[0] {
		t.Fatal(err)
	}
}

func TestAFileThatHoldsNoSecretIsRefusedWithoutShowingIt(t *testing.T) {
	good := newSecret()
	for _, one := range []struct {
		text  string
		mode  os.FileMode
		wants string
	}{
		{"", 0o600, "want one secret"}, {"# nothing\n", 0o600, "want one secret"}, {good + "\n" + good + "\n" + good, 0o600, "there are 3"},
		{"hunter2hunter2hunter2hunter2hunter2", 0o600, "whsec_"}, {"whsec_aHVudGVyMg==", 0o600, "24 to 64 bytes"}, {"whsec_%%%", 0o600, "base64"}, {good, 0o644, "chmod 600"},
	} {
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, []byte(one.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, one.mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadSecrets(path)
		if err == nil || !strings.Contains(err.Error(), one.wants) || strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "aHVu") {
			t.Errorf("%q: %v", one.text, err)
		}
	}
}

func TestSecretsAreNotShownByAccident(t *testing.T) {
	s, err := NewSecrets(newSecret())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s", s, s, s, s), s.LogValue().String(), fmt.Sprintf("%+v", Endpoint{Secrets: s})} {
		if strings.Contains(text, s.Texts()[0]) {
			t.Error(text)
		}
	}
}
