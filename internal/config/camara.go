package config

import (
	"fmt"
	"regexp"
	"time"
)

// Camara is the CAMARA One-Time-Password SMS API.
type Camara struct {
	Enabled bool          `toml:"enabled"`
	Life    time.Duration `toml:"life"`      // of a code
	Blocked []string      `toml:"blocked"`   // how numbers begin that get none
	NotOurs []string      `toml:"not_found"` // how numbers begin that are somebody else's
}

var numberPrefix = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`) // E.164 6.2

func (b *binder) camara(c Camara, most time.Duration) {
	b.between("camara.life", c.Life, time.Second, most) // verify allows no longer one
	for _, list := range []struct {
		key      string
		prefixes []string
	}{{"blocked", c.Blocked}, {"not_found", c.NotOurs}} {
		for i, prefix := range list.prefixes {
			if !numberPrefix.MatchString(prefix) {
				b.fault(fmt.Sprintf("camara.%s[%d]", list.key, i+1), `want how the numbers begin, with their country code, as "+86170"`)
			}
		}
	}
}
