package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// Webhooks is what all webhooks share; [[webhook]] adds endpoints to the filings' own callbacks.
type Webhooks struct {
	// SecretFile is empty in the file for "webhook.secret beside the SQLite file"; after Load it is the resolved path.
	SecretFile   string        `toml:"secret_file"`
	AllowPrivate []string      `toml:"allow_private"` // addresses or CIDR prefixes that are not public and may be called
	AllowHTTP    bool          `toml:"allow_http"`
	Timeout      time.Duration `toml:"timeout"`
	RetryFor     time.Duration `toml:"retry_for"`
	Concurrency  int           `toml:"concurrency"` // calls to one endpoint at once
}

// Webhook is one [[webhook]]: an endpoint that is told of what happens.
type Webhook struct {
	Name       string   `toml:"name"`
	URL        string   `toml:"url"`
	Events     []string `toml:"events"`      // "filing.passed", "filing.*"; empty: all
	SecretFile string   `toml:"secret_file"` // "" = [webhooks]'s
}

var (
	webhooksType = reflect.TypeFor[[]Webhook]()
	eventPattern = regexp.MustCompile(`^(\*|[a-z_]+\.(\*|[a-z_]+))$`)
)

// Prefixes are the addresses of AllowPrivate.
func (w Webhooks) Prefixes() (all []netip.Prefix) {
	for _, text := range w.AllowPrivate {
		if p, err := prefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// webhooks reads the list of [[webhook]].
func (b *binder) webhooks(path string, data any, v reflect.Value) {
	list, ok := data.([]map[string]any)
	if !ok {
		if inline, isList := data.([]any); isList && len(inline) == 0 {
			return // webhook = []
		}
		b.fault(path, "write each endpoint under its own [[webhook]], with two brackets; what all share stands in [webhooks]")
		return
	}
	hooks := v.Addr().Interface().(*[]Webhook)
	for i, table := range list {
		var w Webhook
		b.table(webhookPath(i, table["name"]), table, reflect.ValueOf(&w).Elem())
		*hooks = append(*hooks, w)
	}
}

func webhookPath(i int, name any) string {
	if s, ok := name.(string); ok && modemName.MatchString(s) {
		return "webhook." + s
	}
	return fmt.Sprintf("webhook[%d]", i+1)
}

func (b *binder) webhookList(shared Webhooks, hooks []Webhook) {
	for i, p := range shared.AllowPrivate {
		if _, err := prefix(p); err != nil {
			b.fault(fmt.Sprintf("webhooks.allow_private[%d]", i+1), "want an address or a prefix, as 10.0.0.1 or 10.0.0.0/8")
		}
	}
	b.between("webhooks.timeout", shared.Timeout, time.Second, time.Minute)
	b.between("webhooks.retry_for", shared.RetryFor, time.Minute, 7*24*time.Hour)
	b.count("webhooks.concurrency", shared.Concurrency, 1, 32)
	names := map[string]bool{"callback": true}
	for i, w := range hooks {
		path := webhookPath(i, w.Name)
		switch {
		case !modemName.MatchString(w.Name):
			b.fault(path+".name", "want 1 to 32 of the characters a-z A-Z 0-9 . _ -, beginning with a letter or digit")
		case w.Name == "callback":
			b.fault(path+".name", "callback is the name of the filings' own: choose another")
		case names[w.Name]:
			b.fault(path+".name", "another webhook has this name")
		}
		names[w.Name] = true
		switch u, err := url.Parse(w.URL); {
		case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
			b.fault(path+".url", "want a whole https address without a password in it")
		case u.Port() != "" && !validPort(u.Port()):
			b.fault(path+".url", "want a port from 1 to 65535")
		case u.Scheme == "http" && !shared.AllowHTTP:
			b.fault(path+".url", "want https: plain http is for webhooks.allow_http")
		}
		for j, e := range w.Events {
			if !eventPattern.MatchString(e) {
				b.fault(fmt.Sprintf("%s.events[%d]", path, j+1), `want a type as "filing.passed", a family as "filing.*", or "*"`)
			}
		}
	}
}

// webhookFiles makes the names of secret files absolute; who loads them says what is wrong with them.
func (c *Config) webhookFiles(dir string) {
	if c.Webhooks.SecretFile == "" {
		c.Webhooks.SecretFile = filepath.Join(filepath.Dir(sqliteFile(c.Store.URL)), "webhook.secret")
	}
	c.Webhooks.SecretFile = resolve(dir, c.Webhooks.SecretFile)
	for i := range c.Webhook {
		if w := &c.Webhook[i]; w.SecretFile != "" {
			w.SecretFile = resolve(dir, w.SecretFile)
		}
	}
}

// diffWebhooks says which endpoints came, went or changed.
func diffWebhooks(from, to []Webhook, add func(string)) {
	old := map[string]Webhook{}
	for _, w := range from {
		old[w.Name] = w
	}
	for _, w := range to {
		before, was := old[w.Name]
		delete(old, w.Name)
		if !was {
			add("webhook." + w.Name)
			continue
		}
		diff("webhook."+w.Name, reflect.ValueOf(before), reflect.ValueOf(w), add)
	}
	for _, w := range from {
		if _, gone := old[w.Name]; gone {
			add("webhook." + w.Name)
		}
	}
}

func plainHTTP(c Config) (all []string) {
	if c.Webhooks.AllowHTTP && c.Environment != Test {
		all = append(all, "webhooks.allow_http: whoever is on the way can read what happens to filings; signatures still hold")
	}
	for _, p := range c.Webhooks.Prefixes() {
		if p.Bits() == 0 {
			all = append(all, "webhooks.allow_private: "+strings.TrimSpace(p.String())+" lets whoever files have any address of your network called")
		}
	}
	return all
}
