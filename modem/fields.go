package modem

import (
	"strconv"
	"strings"
)

// params are the parameters behind a prefix such as "+CSQ:", without blanks and quotes. A comma between quotes does not divide, unless
// the quotes don't match, as some firmware sends them.
func params(line, prefix string) []string {
	rest := strings.TrimSpace(strings.TrimPrefix(line, prefix))
	if strings.Count(rest, `"`)%2 != 0 {
		parts := strings.Split(rest, ",")
		for i := range parts {
			parts[i] = strings.Trim(parts[i], "\" \t")
		}
		return parts
	}
	var parts []string
	start, quoted := 0, false
	for i := 0; i <= len(rest); i++ {
		switch {
		case i < len(rest) && rest[i] == '"':
			quoted = !quoted
		case i == len(rest) || rest[i] == ',' && !quoted:
			parts = append(parts, strings.Trim(rest[start:i], "\" \t"))
			start = i + 1
		}
	}
	return parts
}

func param(p []string, i int) string {
	if i < 0 || i >= len(p) {
		return ""
	}
	return p[i]
}

// number reads a parameter; -1 when it is none.
func number(p []string, i int) int {
	n, err := strconv.Atoi(param(p, i))
	if err != nil {
		return -1
	}
	return n
}

// groups are the parenthesised lists of a test command's answer (V.250 5.4.2.2), such as "(0-2),(0,1),(0)". Lists that lack
// their parentheses are one group each.
func groups(line, prefix string) []string {
	rest := strings.TrimSpace(strings.TrimPrefix(line, prefix))
	if !strings.Contains(rest, "(") {
		return params(rest, "")
	}
	rest = strings.NewReplacer("((", "(", "))", ")").Replace(rest)
	var out []string
	for {
		open := strings.IndexByte(rest, '(')
		if open < 0 {
			return out
		}
		end := strings.IndexByte(rest[open:], ')')
		if end < 0 {
			return append(out, rest[open+1:])
		}
		out = append(out, rest[open+1:open+end])
		rest = rest[open+end+1:]
	}
}

// allows reports whether a group such as "0-2,4" has the value.
func allows(group string, value int) bool {
	for _, part := range strings.Split(group, ",") {
		lo, hi, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(strings.TrimSpace(lo))
		if err != nil {
			continue
		}
		to := from
		if ranged {
			if to, err = strconv.Atoi(strings.TrimSpace(hi)); err != nil {
				continue
			}
		}
		if value >= from && value <= to {
			return true
		}
	}
	return false
}

// digitsOf is the longest run of decimal digits; with hex, of hexadecimal ones.
func digitsOf(s string, hex bool) string {
	best, start := "", -1
	for i := 0; i <= len(s); i++ {
		in := i < len(s) && (s[i] >= '0' && s[i] <= '9' || hex && (s[i] >= 'A' && s[i] <= 'F' || s[i] >= 'a' && s[i] <= 'f'))
		switch {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			if i-start > len(best) {
				best = s[start:i]
			}
			start = -1
		}
	}
	return best
}
