package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/internal/seal"
	"attestd/internal/store"
)

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// pair writes a certificate with its key.
func pair(t *testing.T, cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{"gateway.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	put(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// inUse is what a gateway works by, one line for each part that a reload can change.
func inUse(t *testing.T, d *Daemon) map[string]string {
	t.Helper()
	ctx := t.Context()
	endpoints, err := d.store.WebhookEndpoints(ctx)
	if err != nil {
		t.Fatal(err)
	}
	noted, err := d.store.NotedGeneration(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range endpoints {
		names = append(names, e.Name)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	page, err := client.Get("https://" + d.Addr() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Body.Close() }()
	text, err := io.ReadAll(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	var stations []string
	for _, s := range d.fleet.Status() {
		stations = append(stations, s.Name)
	}
	return map[string]string{
		"configuration": fmt.Sprintf("%p", d.cfg.Load()), "rules": fmt.Sprintf("%p", d.verify.Load()), "inbound": fmt.Sprintf("%p", d.inbound.Load()),
		"queue": fmt.Sprint(d.queue.Policy()), "key": fmt.Sprint(d.keys.Current()), "noted key": fmt.Sprint(noted), "endpoints": fmt.Sprint(names),
		"callbacks": d.webhooks.CheckURL("http://192.0.2.1/"), "page": fmt.Sprint(strings.Contains(string(text), "Another name")), "level": d.o.Level.Level().String(),
		"certificate": page.TLS.PeerCertificates[0].SerialNumber.String(), "modems": fmt.Sprint(stations),
	}
}

// TestAReloadThatFailsInAnyPartChangesNothing makes each part fail in turn, while all the others are to change.
func TestAReloadThatFailsInAnyPartChangesNothing(t *testing.T) {
	cfg := Bare(t)
	dir := filepath.Dir(cfg.Store.KeyFile)
	file := func(name string) string { return filepath.Join(dir, name) }
	cfg.HTTP.Public, cfg.HTTP.TLSCertFile, cfg.HTTP.TLSKeyFile = true, file("tls.pem"), file("tls.key")
	cfg.Webhooks.SecretFile = file("webhook.secret")
	cfg.Page.Name, cfg.Page.LogoFile = "A name", file("logo.svg")
	put(t, cfg.Page.LogoFile, "<svg/>")
	pair(t, cfg.HTTP.TLSCertFile, cfg.HTTP.TLSKeyFile)
	d, err := New(t.Context(), cfg, Options{Level: new(slog.LevelVar)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	before := inUse(t, d)

	next := cfg
	next.Log.Level, next.Queue.MaxAttempts, next.Page.Name = slog.LevelDebug, 9, "Another name"
	next.Webhooks.AllowHTTP, next.Webhooks.AllowPrivate = true, []string{"192.0.2.0/24"}
	next.Webhook = []config.Webhook{{Name: "crm", URL: "https://crm.example/"}}
	next.Modem = []config.Modem{{Name: "new", Port: file("no-port"), Enabled: true, ModemDefaults: config.Default().Modems}}
	if _, err := seal.Rotate(cfg.Store.KeyFile); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{}
	for _, name := range []string{cfg.Store.KeyFile, cfg.Webhooks.SecretFile, cfg.HTTP.TLSCertFile, cfg.HTTP.TLSKeyFile} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		good[name] = string(text)
	}
	for part, one := range map[string]struct {
		spoil func(*config.Config)
		says  string
	}{
		"a template": {func(c *config.Config) { c.Verify.Templates.ZH.Code = "no code in it" }, "verify"},
		"an endpoint's secret": {func(c *config.Config) {
			c.Webhook = []config.Webhook{{Name: "crm", URL: "https://crm.example/", SecretFile: file("none")}}
		}, "webhook.crm"},
		"the callbacks' secret": {func(c *config.Config) { put(t, cfg.Webhooks.SecretFile, "no secret") }, "webhooks.secret_file"},
		"the number areas":      {func(c *config.Config) { c.Verify.NumberAreasFile = file("none") }, "verify.number_areas_file"},
		"the logo":              {func(c *config.Config) { c.Page.LogoFile = file("none.svg") }, "page.logo_file"},
		"the key file":          {func(c *config.Config) { put(t, cfg.Store.KeyFile, "no key") }, "store.key_file"},
		"another key": {func(c *config.Config) {
			if err := os.Remove(cfg.Store.KeyFile); err != nil {
				t.Fatal(err)
			}
			if _, _, err := seal.LoadOrCreate(cfg.Store.KeyFile); err != nil {
				t.Fatal(err)
			}
		}, "store.key_file"},
		"the certificate": {func(c *config.Config) { put(t, cfg.HTTP.TLSCertFile, "no certificate") }, "tls_cert_file"},
	} {
		spoiled := next
		one.spoil(&spoiled)
		if changed, err := d.Reload(spoiled); err == nil || !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s is spoiled: %v, %+v", part, err, changed)
		}
		for name, text := range good {
			put(t, name, text)
		}
		unchanged(t, part, before, inUse(t, d))
	}
	t.Run("the database", func(t *testing.T) {
		other, err := store.Open(t.Context(), store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile})
		if err != nil {
			t.Fatal(err)
		}
		holds, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- other.Update(context.Background(), func(*store.Tx) error { close(holds); <-release; return nil })
		}()
		<-holds
		keyAlone := next
		keyAlone.Webhook = nil
		for _, one := range []config.Config{next, keyAlone} {
			if _, err := d.Reload(one); err == nil {
				t.Error("what could not be written was taken over")
			}
		}
		close(release)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		unchanged(t, "the database", before, inUse(t, d))
	})

	// And with nothing in its way all of it changes: what was compared above can be told apart.
	pair(t, cfg.HTTP.TLSCertFile, cfg.HTTP.TLSKeyFile)
	if _, err := d.Reload(next); err != nil {
		t.Fatal(err)
	}
	after := inUse(t, d)
	for part, was := range before {
		if after[part] == was {
			t.Errorf("%s has not changed: %s", part, was)
		}
	}
}

func unchanged(t *testing.T, failed string, before, after map[string]string) {
	t.Helper()
	for part, was := range before {
		if after[part] != was {
			t.Errorf("%s failed, and %s changed: %s, was %s", failed, part, after[part], was)
		}
	}
}
