package config

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// binder fills a Config from what the TOML parser read. It goes on after a fault, so that one run tells them all; the
// parser's own decoder stops at the first.
type binder struct {
	faults   []string
	defaults *ModemDefaults // what [modems] says: where each [[modem]] starts
}

func (b *binder) fault(path, format string, args ...any) {
	b.faults = append(b.faults, path+": "+fmt.Sprintf(format, args...))
}

// field is one key of a table: where its value goes.
type field struct {
	key   string
	value reflect.Value
}

// fields lists the keys of a struct, embedded structs included.
func fields(v reflect.Value) []field {
	var all []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("toml")
		switch {
		case f.Anonymous:
			all = append(all, fields(v.Field(i))...)
		case key != "-":
			all = append(all, field{key, v.Field(i)})
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (b *binder) root(data map[string]any, c *Config) { b.table("", data, reflect.ValueOf(c).Elem()) }

func (b *binder) table(path string, data map[string]any, v reflect.Value) {
	known := fields(v)
	for _, f := range known {
		if value, ok := data[f.key]; ok {
			b.value(join(path, f.key), value, f.value)
		}
	}
	var unknown []string
	for key := range data {
		if !slices.ContainsFunc(known, func(f field) bool { return f.key == key }) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		b.fault(join(path, shown(key)), "unknown key%s", suggest(path, key, known))
	}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	modemsType   = reflect.TypeFor[[]Modem]()
	levelType    = reflect.TypeFor[slog.Level]()
)

func (b *binder) value(path string, data any, v reflect.Value) {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		text, ok := data.(string)
		if !ok {
			text = fmt.Sprint(data) // log.level may be a number; a size says what it wants
		}
		if err := u.UnmarshalText([]byte(text)); err != nil {
			if v.Type() == levelType {
				err = errors.New("want debug, info, warn or error")
			}
			b.fault(path, "%v", err)
		}
		return
	}
	switch {
	case v.Type() == durationType:
		b.duration(path, data, v)
	case v.Type() == modemsType:
		b.modems(path, data, v)
	case v.Type() == webhooksType:
		b.webhooks(path, data, v)
	case v.Type() == inboundType:
		b.inbound(path, data, v)
	case v.Kind() == reflect.Struct:
		if table, ok := data.(map[string]any); ok {
			b.table(path, table, v)
		} else {
			b.fault(path, "is a section: write [%s] and its keys below", path)
		}
	case v.Kind() == reflect.Slice:
		b.strings(path, data, v)
	default:
		b.scalar(path, data, v)
	}
}

func (b *binder) scalar(path string, data any, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := data.(string); ok {
			v.SetString(s)
			return
		}
		b.fault(path, `want a text in quotes, as %s = "..."`, last(path))
	case reflect.Bool:
		if t, ok := data.(bool); ok {
			v.SetBool(t)
			return
		}
		b.fault(path, "want true or false, without quotes")
	case reflect.Int:
		if n, ok := data.(int64); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			v.SetInt(n)
			return
		}
		b.fault(path, "want a whole number, without quotes")
	case reflect.Float64:
		switch n := data.(type) {
		case int64:
			v.SetFloat(float64(n))
			return
		case float64:
			if !math.IsNaN(n) && !math.IsInf(n, 0) {
				v.SetFloat(n)
				return
			}
		}
		b.fault(path, "want a number, without quotes")
	default:
		panic("config: no reader for " + v.Type().String()) // a new kind of key: every test fails
	}
}

func (b *binder) duration(path string, data any, v reflect.Value) {
	text, ok := data.(string)
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		b.fault(path, `a duration is a text with its units, as "180s", "5m" or "24h"`)
		return
	}
	v.SetInt(int64(d))
}

func (b *binder) strings(path string, data any, v reflect.Value) {
	list, ok := data.([]any)
	texts := make([]string, 0, len(list))
	for _, one := range list {
		text, isText := one.(string)
		ok = ok && isText
		texts = append(texts, text)
	}
	if !ok {
		b.fault(path, `want a list of texts, as %s = ["..."]`, last(path))
		return
	}
	v.Set(reflect.ValueOf(texts))
}

// modems needs [modems] to have been read: fields are read in the order of the struct, and it stands before.
func (b *binder) modems(path string, data any, v reflect.Value) {
	list, ok := data.([]map[string]any)
	if !ok {
		if inline, isList := data.([]any); isList && len(inline) == 0 {
			return // modem = []
		}
		b.fault(path, "write each modem under its own [[modem]], with two brackets")
		return
	}
	modems := v.Addr().Interface().(*[]Modem)
	for i, table := range list {
		m := defaultModem(*b.defaults)
		b.table(modemPath(i, table["name"]), table, reflect.ValueOf(&m).Elem())
		*modems = append(*modems, m)
	}
}

// modemPath names a modem as its owner does: by its name when it has one that can be shown.
func modemPath(i int, name any) string {
	if s, ok := name.(string); ok && modemName.MatchString(s) {
		return "modem." + s
	}
	return fmt.Sprintf("modem[%d]", i+1)
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
