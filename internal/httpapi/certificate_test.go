package httpapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// makePair writes a certificate with a serial number and its key.
func makePair(t *testing.T, serial int64, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{"gateway.example"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if name == "" {
			continue
		}
		if err := os.WriteFile(name+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil { // as who renews it does
			t.Fatal(err)
		}
	}
}

func serialOf(t *testing.T, c *Certificate) int64 {
	t.Helper()
	pair, err := c.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Int64()
}

func TestACertificateIsReadAgainWhenItChangesAndABadOneLeavesTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
		makePair(t, 1, certFile, keyFile)
		var logged bytes.Buffer
		c, err := NewCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil || serialOf(t, c) != 1 {
			t.Fatal(err)
		}
		makePair(t, 2, certFile, keyFile)
		time.Sleep(certificateLook)
		if got := serialOf(t, c); got != 2 {
			t.Errorf("renewed: %d is served", got)
		}
		makePair(t, 3, certFile, "") // only one of the two
		for range 3 {
			time.Sleep(certificateLook)
			if got := serialOf(t, c); got != 2 {
				t.Errorf("half a pair: %d is served", got)
			}
		}
		if n := strings.Count(logged.String(), "the old one stays in use"); n != 1 {
			t.Errorf("told %d times: %s", n, &logged)
		}
		if _, err := c.Prepare(); err == nil || serialOf(t, c) != 2 {
			t.Errorf("SIGHUP with half a pair: %v", err)
		}
		if err := os.Remove(certFile); err != nil {
			t.Fatal(err)
		}
		time.Sleep(certificateLook)
		if got := serialOf(t, c); got != 2 {
			t.Errorf("no file: %d is served", got)
		}
		makePair(t, 4, certFile, keyFile)
		use, err := c.Prepare()
		if err != nil || serialOf(t, c) != 2 {
			t.Fatalf("SIGHUP: %v", err)
		}
		if use(); serialOf(t, c) != 4 {
			t.Error("SIGHUP: the new one is not served")
		}
		if c.TLS().MinVersion != tls.VersionTLS12 {
			t.Error("what is older than TLS 1.2 is spoken")
		}
	})
}
