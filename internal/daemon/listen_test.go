package daemon_test

import (
	"net"
	"net/http"
	"testing"

	"attestd/internal/daemon"
)

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestPersonsAndMetricsCanHaveAddressesOfTheirOwn(t *testing.T) {
	cfg := daemon.Bare(t)
	cfg.HTTP.PublicListen, cfg.HTTP.MetricsListen = free(t), free(t)
	d := daemon.Serving(t, cfg)
	for path, want := range map[string][3]int{
		"/": {404, 200, 404}, "/metrics": {404, 404, 200}, "/healthz": {200, 404, 200}, "/v1/status": {401, 404, 401}, "/openapi.json": {200, 404, 404},
	} {
		for i, at := range []string{d.Addr(), cfg.HTTP.PublicListen, cfg.HTTP.MetricsListen} {
			a, err := http.Get("http://" + at + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = a.Body.Close()
			if a.StatusCode != want[i] {
				t.Errorf("%s at %d: %d, want %d", path, i, a.StatusCode, want[i])
			}
		}
	}
}
