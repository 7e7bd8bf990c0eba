package config

import (
	"net/netip"
	"strings"
)

// Warnings are what is allowed and perhaps not meant, as "path.to.key: what to know".
func (c Config) Warnings() []string {
	var all []string
	enabled := 0
	for _, m := range c.Modem {
		if m.Enabled {
			enabled++
		}
		if strings.HasPrefix(m.Port, "/dev/ttyUSB") || strings.HasPrefix(m.Port, "/dev/ttyACM") {
			all = append(all, "modem."+m.Name+".port: this name can change at a replug; a name in /dev/serial/by-id/ does not")
		}
	}
	if enabled == 0 {
		all = append(all, "modem: no modem is enabled, so messages are taken in and wait; without hardware, attestd simulate offers some")
	}
	for _, l := range []struct{ key, address string }{{"listen", c.HTTP.Listen}, {"public_listen", c.HTTP.PublicListen}, {"metrics_listen", c.HTTP.MetricsListen}} {
		if host, ok := reachable(l.address); ok && c.HTTP.TLSCertFile == "" {
			if host == "" {
				host = "every address of this machine"
			}
			all = append(all, "http."+l.key+": "+host+" is reachable from other machines, and without tls_cert_file tokens and codes travel in plain text")
		}
	}
	if c.Environment == Test {
		all = append(all, `environment: "test" is not for real filings`)
	}
	if lacks := c.Nobodys(); lacks != "" {
		all = append(all, lacks)
	}
	if c.Log.ATTrace {
		all = append(all, "log.at_trace: writes a line for each line of each modem")
	}
	return append(append(all, inboundWarnings(c)...), plainHTTP(c)...)
}

// reachable says whether other machines can connect.
func reachable(address string) (host string, ok bool) {
	if address == "" {
		return "", false
	}
	host = address[:max(0, strings.LastIndexByte(address, ':'))]
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return host, host != "localhost"
	}
	return host, !a.IsLoopback()
}
