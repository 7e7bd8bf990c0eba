package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers in which a proxy says for whom it asks. One of them is believed and not both: a proxy that writes the one
// passes the other on as its client sent it.
const (
	HeaderXForwardedFor = "X-Forwarded-For"
	HeaderForwarded     = "Forwarded" // RFC 7239
)

// proxies are whose word about their clients is believed, and in which header they give it.
type proxies struct {
	trusted []netip.Prefix
	header  string
}

func (a *API) proxies() proxies { return proxies{a.o.TrustedProxies, a.o.ClientHeader} }

// client is who asks: the peer, or, when the peer is a trusted proxy, the last address in its header that is none. What
// stands before that is the client's own claim; an entry that names no address ends the search at the proxy that wrote
// it.
func (p proxies) client(r *http.Request) netip.Addr {
	client := nodeAddr(r.RemoteAddr)
	if !p.trusts(client) {
		return client
	}
	entries := p.entries(r)
	for i := len(entries) - 1; i >= 0 && p.trusts(client); i-- {
		node := entries[i]
		if p.header == HeaderForwarded {
			node = forwardedParam(node, "for")
		}
		next := nodeAddr(node)
		if !next.IsValid() {
			break
		}
		client = next
	}
	return client
}

// secure says whether the client came by TLS: to us, or to a proxy that is trusted.
func (p proxies) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if !p.trusts(nodeAddr(r.RemoteAddr)) {
		return false
	}
	proto := r.Header.Get("X-Forwarded-Proto")
	if entries := p.entries(r); p.header == HeaderForwarded && len(entries) > 0 {
		proto = forwardedParam(entries[len(entries)-1], "proto")
	}
	return strings.EqualFold(strings.TrimSpace(proto), "https")
}

// entries splits the header, whose lines are one list (RFC 9110 5.3). It splits at every comma, in quotes or not: no
// address has one, and a client that opens a quote must not swallow what the proxy writes behind it.
func (p proxies) entries(r *http.Request) []string {
	header := p.header
	if header == "" {
		header = HeaderXForwardedFor
	}
	return strings.Split(strings.Join(r.Header.Values(header), ","), ",")
}

func (p proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(in netip.Prefix) bool { return in.Contains(a.Unmap()) })
}

// forwardedParam is the value of a parameter in an element of Forwarded (RFC 7239 4), "" where it has none.
func forwardedParam(element, name string) string {
	for pair := range strings.SplitSeq(element, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !strings.EqualFold(key, name) {
			continue
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			return strings.ReplaceAll(value[1:len(value)-1], `\`, "") // quoted-pair, RFC 9110 5.6.4
		}
		return value
	}
	return ""
}

// nodeAddr reads an address as proxies write it: with a port or without, one of IPv6 with brackets or without (RFC 7239
// 6,
// and what is usual in X-Forwarded-For). It is zero for what is none, as "unknown" or "_hidden".
func nodeAddr(node string) netip.Addr {
	node = strings.Trim(strings.TrimSpace(node), `"`)
	if host, _, err := net.SplitHostPort(node); err == nil {
		node = host
	}
	node = strings.TrimSuffix(strings.TrimPrefix(node, "["), "]")
	a, err := netip.ParseAddr(node)
	if err != nil {
		return netip.Addr{}
	}
	return a.WithZone("")
}
