package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Change is one key that differs between two configurations.
type Change struct {
	Key     string // path.to.key; a modem's is modem.NAME, or modem.NAME.key. Values are not told: a log might show them
	Restart bool   // it takes effect only after a restart
}

// reloadable are the keys, or the sections that end in a dot, that a running gateway can take over. A challenge or a
// message under way keeps what it was made under.
var reloadable = []string{"modem.", "modems.", "verify.", "abuse.", "webhooks.", "webhook.", "inbound.", "page.", "http.requests_per_second", "log.level", "log.at_trace", "shutdown_grace", "inbox.hold", "inbox.keep", "privacy."}

// Diff says what changed from one configuration to the next, in the order of the file. A Change without Restart is
// applied by a reload (SIGHUP).
func Diff(from, to Config) []Change {
	var all []Change
	add := func(key string) {
		all = append(all, Change{Key: key, Restart: !canReload(key)})
	}
	diff("", reflect.ValueOf(from), reflect.ValueOf(to), add)
	old, now := byName(from.Modem), byName(to.Modem)
	for _, m := range from.Modem {
		if _, still := now[m.Name]; !still {
			add("modem." + m.Name)
		}
	}
	for _, m := range to.Modem {
		before, was := old[m.Name]
		if !was {
			add("modem." + m.Name)
			continue
		}
		diff("modem."+m.Name, reflect.ValueOf(before), reflect.ValueOf(m), add)
		if before.PIN != m.PIN && before.PINFile == m.PINFile {
			add(fmt.Sprintf("modem.%s.pin_file", m.Name))
		}
	}
	diffWebhooks(from.Webhook, to.Webhook, add)
	diffInbound(from.Inbound, to.Inbound, add)
	return all
}

func byName(modems []Modem) map[string]Modem {
	all := map[string]Modem{}
	for _, m := range modems {
		all[m.Name] = m
	}
	return all
}

func diff(path string, from, to reflect.Value, add func(string)) {
	others := fields(to)
	for i, f := range fields(from) {
		key, other := join(path, f.key), others[i].value
		switch {
		case f.value.Type() == modemsType, f.value.Type() == webhooksType, f.value.Type() == inboundType:
		case f.value.Kind() == reflect.Struct:
			diff(key, f.value, other, add)
		case f.value.Kind() == reflect.Slice:
			// nil and empty are the same list
			if f.value.Len()+other.Len() > 0 && !reflect.DeepEqual(f.value.Interface(), other.Interface()) {
				add(key)
			}
		case f.value.Interface() != other.Interface():
			add(key)
		}
	}
}

func canReload(key string) bool {
	for _, r := range reloadable {
		if key == r || strings.HasSuffix(r, ".") && strings.HasPrefix(key, r) {
			return true
		}
	}
	return false
}
