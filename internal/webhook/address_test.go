package webhook

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestOnlyAddressesOnTheInternetArePublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "223.5.5.5": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.0.1": true, "2606:4700::1": true, "2400:3200::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "127.255.255.254": false, "169.254.169.254": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.51.100.1": false,
		"203.0.113.1": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false,
		"64:ff9b::a00:1": false, "64:ff9b:1::1": false, "100::1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "3fff::1": false,
		"fc00::1": false, "fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "4000::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v", text, got)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestAnAddressToBeCalledIsLookedAtBeforeItIsTakenIn(t *testing.T) {
	strict := Settings{}
	open := Settings{AllowHTTP: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8")}}
	for _, one := range []struct {
		url          string
		strict, open bool // taken
	}{
		{"https://platform.example/attestd?x=1", true, true}, {"https://platform.example:8443", true, true}, {"HTTPS://platform.example", true, true},
		{"http://platform.example", false, true}, {"https://8.8.8.8/", true, true}, {"https://[2606:4700::1]/", true, true},
		{"https://10.1.2.3/", false, true}, {"https://10.2.2.3/", false, false}, {"https://127.0.0.1:8480/v1/status", false, true},
		{"https://localhost/", false, true}, {"https://LOCALHOST./", false, true}, {"https://a.localhost/", false, true},
		{"https://[::1]/", false, false}, {"https://[::ffff:10.1.2.3]/", false, true}, {"https://[::ffff:10.2.2.3]/", false, false},
		{"https://169.254.169.254/latest/meta-data", false, false}, {"https://[fe80::1%25eth0]/", false, false},
		{"https://user:pass@platform.example", false, false}, {"ftp://platform.example", false, false}, {"https:///path", false, false},
		{"https:platform.example", false, false}, {"/attestd", false, false}, {"", false, false}, {"https://bad host/", false, false}, {"https://%zz/", false, false},
		{"https://platform.example:0/", false, false}, {"https://platform.example:99999/", false, false}, {"https://platform.example:65535/", true, true},
		{"https://platform.example:00443/", true, true}, {"https://8.8.8.8:65536/", false, false}, {"https://platform.example:/", true, true},
		{"https://platform.example:-1/", false, false}, {"https://platform.example:18446744073709551617/", false, false},
	} {
		if fault := strict.CheckURL(one.url); (fault == "") != one.strict {
			t.Errorf("%s: %q", one.url, fault)
		}
		if fault := open.CheckURL(one.url); (fault == "") != one.open {
			t.Errorf("%s, with exceptions: %q", one.url, fault)
		}
	}
}

// The look at the address alone would not see this one: the name passes, and what it leads to is this machine.
func TestANameThatLeadsToThisMachineIsNotDialled(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	s := New(Options{}, Settings{AllowHTTP: true})
	name := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	resp, err := s.client.Post(name, "application/json", nil)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, errPrivate) || called {
		t.Fatalf("called %v, %v", called, err)
	}
	s.Configure(Settings{AllowHTTP: true, Allow: prefixes("127.0.0.0/8", "::1/128")})
	if resp, err = s.client.Post(name, "application/json", nil); err != nil || !called {
		t.Fatalf("allowed, and not called: %v", err)
	}
	_ = resp.Body.Close()
}

func TestCallbacksOfOneHostAndPortShareALane(t *testing.T) {
	if a, b := LaneOf("https://Platform.example/a?x=1"), LaneOf("https://platform.example:443/b"); a != b {
		t.Error(a, b)
	}
	if a, b := LaneOf("http://platform.example/"), LaneOf("https://platform.example/"); a == b {
		t.Error(a, b)
	}
}
