package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// errPrivate says that an address is not called.
var errPrivate = errors.New("is no public address, and webhooks.allow_private does not have it")

// special are the prefixes that are within global unicast space and yet no one's on the Internet, or that lead to
// another address (IANA's registries of special-purpose addresses, RFC 6890).
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// sixGlobal is all that IANA has given out for global unicast; NAT64 and the mapped forms lie outside.
var sixGlobal = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// public says whether an address is one on the Internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || a.Is6() && !sixGlobal.Contains(a) {
		return false
	}
	return !contains(special, a)
}

func contains(all []netip.Prefix, a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// permit is nil for an address that may be called.
func (s *Settings) permit(a netip.Addr) error {
	if public(a) || contains(s.Allow, a) {
		return nil
	}
	return fmt.Errorf("%s %w", a.Unmap(), errPrivate)
}

// control looks at the address that is really dialled, after every look-up and redirection of names: a name that gave a
// public address a moment ago and gives 127.0.0.1 now does not get by.
func (s *Sender) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return s.settings.Load().permit(to.Addr())
}

// CheckURL says what is wrong with an address that is to be called, "" for nothing. Names are not looked up: what they lead
// to is checked at each call.
func (s *Settings) CheckURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Opaque != "" {
		return "must be a whole https address without a password in it"
	}
	if u.Scheme == "http" && !s.AllowHTTP {
		return "must be https"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has a port that is none: want one from 1 to 65535"
		}
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	a, err := netip.ParseAddr(host)
	switch {
	case err == nil && s.permit(a) != nil:
		return "must not be an address of a private network"
	case err != nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) && s.permit(netip.AddrFrom4([4]byte{127, 0, 0, 1})) != nil:
		return "must not be an address of this machine"
	}
	return ""
}

// LaneOf is where deliveries to a callback queue: all of one host and port together.
func LaneOf(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return Callback
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80"}[u.Scheme]
		if port == "" {
			port = "443"
		}
	}
	return Callback + " " + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
