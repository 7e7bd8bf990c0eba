package httpapi

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a TLS certificate with its key that follows their files: whoever renews them need not tell us. The
// files
// are looked at when somebody connects, at most once a second, so no notice of the file system can be lost, whatever
// links
// they are reached by. A pair that does not fit, as while only one of the two is written, leaves the old one in use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	files  [2]fileMark // of the pair that was last tried
	looked time.Time
}

// fileMark tells whether a file is the one that was seen before.
type fileMark struct {
	changed time.Time
	size    int64
	info    os.FileInfo
}

const certificateLook = time.Second

// NewCertificate reads the pair.
func NewCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	use, err := c.Prepare()
	if err != nil {
		return nil, err
	}
	use()
	return c, nil
}

// Prepare reads the pair again (SIGHUP); use puts it in the place of the old one.
func (c *Certificate) Prepare() (use func(), err error) {
	files := [2]fileMark{markOf(c.certFile), markOf(c.keyFile)}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("http.tls_cert_file: %w", err)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pair, c.files, c.looked = &pair, files, time.Now()
	}, nil
}

func markOf(name string) fileMark {
	info, err := os.Stat(name)
	if err != nil {
		return fileMark{}
	}
	return fileMark{info.ModTime(), info.Size(), info}
}

func (m fileMark) same(n fileMark) bool {
	return m.changed.Equal(n.changed) && m.size == n.size && (m.info == nil) == (n.info == nil) && (m.info == nil || os.SameFile(m.info, n.info))
}

// Get is tls.Config.GetCertificate.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.follow()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair, nil
}

// follow takes over a pair that was renewed.
func (c *Certificate) follow() {
	now := time.Now()
	c.mu.Lock()
	since, before := now.Sub(c.looked), c.files
	if since >= 0 && since < certificateLook {
		c.mu.Unlock()
		return
	}
	c.looked = now
	c.files = [2]fileMark{markOf(c.certFile), markOf(c.keyFile)}
	same := before[0].same(c.files[0]) && before[1].same(c.files[1])
	c.mu.Unlock()
	if same {
		return
	}
	use, err := c.Prepare()
	if err != nil {
		c.log.Warn("the new TLS certificate cannot be used, the old one stays in use", "error", err)
		return
	}
	use()
	c.log.Info("the TLS certificate was read again")
}

// TLS is what a server with this certificate speaks.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{GetCertificate: c.Get, MinVersion: tls.VersionTLS12}
}
