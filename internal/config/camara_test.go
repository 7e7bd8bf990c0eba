package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestPrefixesOfNumbersBeginWithACountryCode(t *testing.T) {
	_, err := Parse("[camara]\nlife = \"25h\"\nblocked = [\"+86170\", \"170\"]\nnot_found = [\"+0\"]\n")
	var told *Error
	if !errors.As(err, &told) {
		t.Fatal(err)
	}
	for _, key := range []string{"camara.life:", "camara.blocked[2]:", "camara.not_found[1]:"} {
		if !slices.ContainsFunc(told.Faults, func(f string) bool { return strings.HasPrefix(f, key) }) {
			t.Errorf("nothing is told about %s: %v", key, told.Faults)
		}
	}
}
