package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// gone are keys that there were, and why there are no more.
var gone = map[string]string{
	"inbox.opt_out_stops": "an opt-out stops everything but codes, answers and messages that are sent as necessary",
}

// suggest says what an unknown key was perhaps meant to be: a key of the same section that is spelled nearly so, or
// the same key where it belongs.
func suggest(path, key string, here []field) string {
	if why, was := gone[join(path, key)]; was {
		return " since " + why + ": delete the line"
	}
	best, distance := "", max(1, utf8.RuneCountInString(key)/3)+1
	for _, f := range here {
		if d := editDistance(strings.ToLower(key), f.key, distance); d < distance {
			best, distance = f.key, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	var elsewhere []string
	for _, known := range allKeys() {
		if last(known) == key && known != join(path, key) {
			elsewhere = append(elsewhere, known)
		}
	}
	if len(elsewhere) > 0 {
		return "; did you mean " + strings.Join(elsewhere, " or ") + "?"
	}
	names := make([]string, len(here))
	for i, f := range here {
		names[i] = f.key
	}
	slices.Sort(names)
	return "; here stand " + strings.Join(names, ", ")
}

// allKeys are the paths of all keys, "modem.x" for those of a [[modem]].
var allKeys = sync.OnceValue(func() []string {
	var all []string
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for _, f := range fields(v) {
			path := join(path, f.key)
			switch {
			case f.value.Type() == modemsType:
				walk(path, reflect.New(reflect.TypeFor[Modem]()).Elem())
			case f.value.Type() == webhooksType:
				walk(path, reflect.New(reflect.TypeFor[Webhook]()).Elem())
			case f.value.Type() == inboundType:
				walk(path, reflect.New(reflect.TypeFor[InboundRule]()).Elem())
			case f.value.Kind() == reflect.Struct:
				walk(path, f.value)
			default:
				all = append(all, path)
			}
		}
	}
	walk("", reflect.New(reflect.TypeFor[Config]()).Elem())
	return all
})

// editDistance is Levenshtein's, given up at limit: keys are short, but what a file holds need not be.
func editDistance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// shown makes a key from a file fit for a line of output.
func shown(key string) string {
	if len(key) > 40 {
		key = strings.ToValidUTF8(key[:40], "") + "..."
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == '"' || !unicode.IsPrint(r) }) || key == "" {
		return strconv.QuoteToASCII(key)
	}
	return key
}
