package httpapi

import (
	"strconv"
	"strings"
)

// language chooses zh or en by Accept-Language (RFC 9110 12.5.4): the one with the higher weight, the earlier one
// among equals.
func language(accept, otherwise string) string {
	best, weight := otherwise, 0.0
	for _, item := range strings.Split(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if primary != "zh" && primary != "en" {
			continue
		}
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil {
				q = 0
			}
		}
		if q > weight {
			best, weight = primary, q
		}
	}
	if best == "" {
		return "zh"
	}
	return best
}
