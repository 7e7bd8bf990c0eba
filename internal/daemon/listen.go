package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"

	"attestd/internal/config"
	"attestd/internal/httpapi"
)

// listen takes the addresses of the configuration, each with its share of the connections.
func (d *Daemon) listen(cfg config.HTTP) (err error) {
	var t *tls.Config
	if cfg.TLSCertFile != "" {
		if d.certificate, err = httpapi.NewCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, d.log); err != nil {
			return err
		}
		t = d.certificate.TLS()
	}
	main := httpapi.Gate{Sides: httpapi.AllSides, Connections: cfg.MaxConnections}
	var gates []httpapi.Gate
	defer func() {
		for _, g := range gates {
			if err != nil {
				_ = g.Listener.Close()
			}
		}
	}()
	open := func(key, address string, g httpapi.Gate) error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return bindError(key, err)
		}
		g.Listener = l
		gates = append(gates, g)
		return nil
	}
	for _, other := range []struct {
		key, address string
		side         httpapi.Side
		share        int
	}{{"http.public_listen", cfg.PublicListen, httpapi.SidePublic, cfg.MaxConnections / 2}, {"http.metrics_listen", cfg.MetricsListen, httpapi.SideMetrics, cfg.MaxConnections / 8}} {
		if other.address == "" {
			continue
		}
		if err := open(other.key, other.address, httpapi.Gate{Sides: other.side, Connections: other.share}); err != nil {
			return err
		}
		main.Sides &^= other.side
		main.Connections -= other.share
	}
	if err := open("http.listen", cfg.Listen, main); err != nil {
		return err
	}
	d.listener = gates[len(gates)-1].Listener
	d.server = d.api.Front(gates, t)
	return nil
}

// bindError says what to do about an address that cannot be taken.
func bindError(key string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %w: is another attestd running? choose another address or stop it", key, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: %w: this user may not take that port (those below 1024 are for root): choose another, with a proxy in front if need be", key, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: %w: this machine has no such address (yet): choose one of its own", key, err)
	}
	return fmt.Errorf("%s: %w", key, err)
}
