package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryFaultOfAWebhookIsToldByItsPath(t *testing.T) {
	_, err := Parse(`
[webhooks]
allow_private = ["10.0.0.0/8", "intranet"]
timeout = "1ms"
concurrency = 0
[[webhook]]
name = "callback"
url = "https://a.example/"
[[webhook]]
name = "crm"
url = "http://crm.example/"
events = ["filing.*", "filing", "Filing.Passed", "*"]
[[webhook]]
name = "crm"
url = "https://user:hunter2@crm.example/"
evnts = []
[[webhook]]
url = "crm.example"
`)
	if err == nil {
		t.Fatal("all of that was taken")
	}
	for _, want := range []string{
		"webhooks.allow_private[2]: ", "webhooks.timeout: ", "webhooks.concurrency: ", "webhook.callback.name: ", "webhook.crm.url: want https: ",
		"webhook.crm.events[2]: ", "webhook.crm.events[3]: ", "webhook.crm.name: another", "webhook.crm.url: want a whole", "webhook.crm.evnts: unknown key; did you mean events?",
		"webhook[4].name: ", "webhook[4].url: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a password is shown")
	}
	if _, err := Parse("[webhook]\nname = \"crm\""); err == nil || !strings.Contains(err.Error(), "[[webhook]]") {
		t.Error(err)
	}
}

func TestAReloadTakesWebhooksOver(t *testing.T) {
	from, to := Default(), Default()
	from.Webhook = []Webhook{{Name: "a", URL: "https://a.example/"}, {Name: "b", URL: "https://b.example/"}}
	to.Webhook = []Webhook{{Name: "a", URL: "https://a.example/new", Events: []string{"*"}}, {Name: "c", URL: "https://c.example/"}}
	to.Webhooks.AllowHTTP = true
	var keys []string
	for _, c := range Diff(from, to) {
		if keys = append(keys, c.Key); c.Restart {
			t.Errorf("%s needs a restart", c.Key)
		}
	}
	if got := strings.Join(keys, " "); got != "webhooks.allow_http webhook.a.url webhook.a.events webhook.c webhook.b" {
		t.Error(got)
	}
}

func TestSecretFilesAreLookedForBesideTheDatabaseWhichCanBeWrittenAndBesideTheFile(t *testing.T) {
	c := Default()
	c.Store.KeyFile = "/etc/attestd/keys/attestd.key"
	c.Webhook = []Webhook{{Name: "a", SecretFile: "a.secret"}, {Name: "b"}}
	c.webhookFiles("/etc/attestd")
	if c.Webhooks.SecretFile != "/var/lib/attestd/webhook.secret" || c.Webhook[0].SecretFile != filepath.Join("/etc/attestd", "a.secret") || c.Webhook[1].SecretFile != "" {
		t.Errorf("%+v %+v", c.Webhooks, c.Webhook)
	}
}

func TestAPortThatNobodyCanListenAtIsRefusedByItsKey(t *testing.T) {
	_, err := Parse("[[modem]]\nname = \"m1\"\nport = \"tcp://10.0.0.1:99999\"\n[[webhook]]\nname = \"crm\"\nurl = \"https://crm.example:0/\"\n[http]\nclient_header = \"X-Real-IP\"\n")
	for _, want := range []string{"modem.m1.port: ", "webhook.crm.url: want a port", "http.client_header: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}
