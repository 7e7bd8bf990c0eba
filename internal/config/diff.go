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

// canReload says whether a running gateway can take a key over. A challenge or a message under way keeps what it was
// made under.
func canReload(key string) bool {
	t := reflect.TypeFor[Config]()
	for _, part := range strings.Split(key, ".") {
		f, ok := fieldOf(t, part)
		if !ok || f.Tag.Get("reload") == "yes" {
			return ok
		}
		if t = f.Type; t.Kind() != reflect.Struct {
			return false
		}
	}
	return false
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("toml") == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// TakeOver is a running configuration with what a reload takes over of the next one.
func TakeOver(running, next Config) Config {
	takeOver(reflect.ValueOf(&running).Elem(), reflect.ValueOf(next))
	return running
}

func takeOver(running, next reflect.Value) {
	for i := range running.NumField() {
		switch f := running.Type().Field(i); {
		case f.Tag.Get("reload") == "yes":
			running.Field(i).Set(next.Field(i))
		case f.Type.Kind() == reflect.Struct:
			takeOver(running.Field(i), next.Field(i))
		}
	}
}
