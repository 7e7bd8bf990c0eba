package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"attestd/internal/client"
	"attestd/internal/config"
	"attestd/internal/daemon"
	"attestd/internal/store"
	"attestd/internal/webhook"
)

type webhooksCmd struct {
	List      webhooksListCmd      `cmd:"" help:"List deliveries of events to other programs; --state dead: those given up."`
	Show      webhooksShowCmd      `cmd:"" help:"Show a delivery."`
	Replay    webhooksReplayCmd    `cmd:"" help:"Deliver again: one, or all dead ones."`
	Endpoints webhooksEndpointsCmd `cmd:"" help:"How each endpoint does."`
	Secret    webhooksSecretCmd    `cmd:"" help:"Print the secret that signs, or change it."`
}

type webhooksListCmd struct {
	apiFlags  `embed:""`
	pageFlags `embed:""`
	State     string `placeholder:"STATE" help:"Only those in this state: waiting, behind, delivered, dead."`
	Endpoint  string `placeholder:"NAME" help:"Only to this one; callback: the filings' own."`
	Subject   string `placeholder:"ID" help:"Only about this, a filing's id say."`
}

func (c *webhooksListCmd) Run(a *app) error {
	q := c.query()
	for key, value := range map[string]string{"state": c.State, "endpoint": c.Endpoint, "subject": c.Subject} {
		if value != "" {
			q.Set(key, value)
		}
	}
	var l client.List[client.WebhookDelivery]
	if shown, err := c.get(a, "/v1/webhooks/deliveries", q, &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, d := range l.Items {
		rows[i] = []string{d.ID, d.State, d.Type, or(d.Reference, d.Subject), d.Endpoint, strconv.Itoa(d.Attempts), clockOr(d.NextAt, ""), d.Error}
	}
	if len(rows) > 0 {
		if err := a.table("ID STATE EVENT ABOUT ENDPOINT TRIES NEXT ERROR", rows); err != nil {
			return err
		}
	}
	c.more(a, len(rows), l.Next, "No such deliveries. A filing's callback, and each [[webhook]] of the configuration, gets its events.")
	return nil
}

type webhooksShowCmd struct {
	apiFlags `embed:""`
	ID       string `arg:"" help:"Its id, as the list shows it."`
}

func (c *webhooksShowCmd) Run(a *app) error {
	var d client.WebhookDelivery
	if shown, err := c.get(a, "/v1/webhooks/deliveries/"+url.PathEscape(c.ID), nil, &d); shown || err != nil {
		return err
	}
	printDelivery(a, d)
	return nil
}

func printDelivery(a *app, d client.WebhookDelivery) {
	fmt.Fprintf(a.stdout, "%s  %s\n", d.ID, d.State)
	fmt.Fprintf(a.stdout, "  event      %s of %s\n", oneLine(d.Type), clock(d.HappenedAt))
	fmt.Fprintf(a.stdout, "  webhook-id %s\n", d.Event)
	fmt.Fprintf(a.stdout, "  about      %s  %s\n", d.Subject, oneLine(d.Reference))
	fmt.Fprintf(a.stdout, "  endpoint   %s  %s\n", d.Endpoint, oneLine(d.URL))
	fmt.Fprintf(a.stdout, "  tries      %d, next %s\n", d.Attempts, clockOr(d.NextAt, "-"))
	if d.Error != "" {
		fmt.Fprintf(a.stdout, "  error      %s\n", oneLine(d.Error))
	}
	fmt.Fprintf(a.stdout, "  ended      %s\n", clockOr(d.EndedAt, "-"))
}

type webhooksReplayCmd struct {
	apiFlags `embed:""`
	ID       string `arg:"" optional:"" help:"This one."`
	Dead     bool   `help:"All dead ones, in order, at most 1000 at once."`
	Endpoint string `placeholder:"NAME" help:"With --dead: only to this one; callback: the filings' own."`
	Subject  string `placeholder:"ID" help:"With --dead: only about this, a filing's id say."`
}

func (c *webhooksReplayCmd) Help() string {
	return "A replayed event has the webhook-id that it had: receivers that have it already leave it out."
}

func (c *webhooksReplayCmd) Run(a *app) error {
	if (c.ID == "") == !c.Dead || c.ID != "" && c.Endpoint+c.Subject != "" {
		return errors.New("name one delivery, or give --dead")
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	if c.ID != "" {
		var d client.WebhookDelivery
		if err := cl.Do(a.ctx, http.MethodPost, "/v1/webhooks/deliveries/"+url.PathEscape(c.ID)+"/replay", nil, &d); err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(d)
		}
		printDelivery(a, d)
		return nil
	}
	var done client.WebhookReplayed
	if err := cl.Do(a.ctx, http.MethodPost, "/v1/webhooks/replay", client.WebhookReplay{Endpoint: c.Endpoint, Subject: c.Subject}, &done); err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(done)
	}
	fmt.Fprintf(a.stdout, "%d dead deliveries begin anew.\n", done.Replayed)
	if done.More { // not a loop: an endpoint that is gone kills them as fast as they are replayed
		fmt.Fprintln(a.stderr, "There are more: run it again when these have gone out.")
	}
	return nil
}

type webhooksEndpointsCmd struct {
	apiFlags `embed:""`
}

func (c *webhooksEndpointsCmd) Run(a *app) error {
	var l client.List[client.WebhookEndpoint]
	if shown, err := c.get(a, "/v1/webhooks/endpoints", nil, &l); shown || err != nil {
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, e := range l.Items {
		state := "on"
		switch {
		case e.GoneAt != nil:
			state = "gone since " + clock(*e.GoneAt)
		case e.DownSince != nil:
			state = "down since " + clock(*e.DownSince)
		}
		rows[i] = []string{e.Name, state, strconv.Itoa(e.Waiting), strconv.Itoa(e.Dead), clockOr(e.Oldest, ""), strings.Join(e.Events, " "), e.URL}
	}
	return a.table("NAME STATE WAITING DEAD OLDEST EVENTS URL", rows)
}

type webhooksSecretCmd struct {
	Config   string `required:"" placeholder:"FILE" help:"The gateway's configuration: it says where the secret is."`
	Endpoint string `placeholder:"NAME" help:"That of this [[webhook]], when it has its own."`
	Rotate   bool   `xor:"change" help:"Put a fresh one before it; both sign until --retire."`
	Retire   bool   `xor:"change" help:"Let only the newest sign."`
	New      bool   `xor:"change" help:"The secret is lost for good: take what the file holds, or a fresh one, and give it to every receiver."`
}

func (c *webhooksSecretCmd) Help() string {
	return `Prints what receivers need to check signatures, the newest first. To change it: --rotate, reload the gateway, give the
first line to the receivers, then --retire and reload again. Run it as the user that runs attestd, or as root.`
}

func (c *webhooksSecretCmd) Run(a *app) error {
	cfg, err := config.LoadSettings(c.Config)
	if err != nil {
		return err
	}
	path, err := c.file(cfg)
	if err != nil {
		return err
	}
	s, err := c.change(a, cfg, path)
	if err != nil {
		return err
	}
	for _, text := range s.Texts() {
		fmt.Fprintln(a.stdout, text)
	}
	if c.Rotate || c.Retire || c.New {
		fmt.Fprintln(a.stderr, "Reload the gateway (SIGHUP): until then it signs as before.")
	}
	return nil
}

// change does what was asked for. The database knows which secrets of call-backs receivers know: they are not replaced
// by accident.
func (c *webhooksSecretCmd) change(a *app, cfg config.Config, path string) (secrets webhook.Secrets, err error) {
	var known *store.Store // nil for an endpoint's own file, and before the first start
	if _, missing := os.Stat(databasePath(cfg)); missing == nil && path == daemon.WebhookSecretFile(cfg) {
		if known, err = store.Open(a.ctx, store.Options{URL: cfg.Store.URL, KeyFile: cfg.Store.KeyFile}); err != nil {
			return secrets, err
		}
		defer giveBack(databasePath(cfg))
		defer func() { err = errors.Join(err, known.Close()) }()
	}
	secrets, err = webhook.LoadSecrets(path)
	if errors.Is(err, fs.ErrNotExist) && !c.Rotate && !c.Retire {
		if known != nil && !c.New {
			if lost, err := known.SecretsKnown(a.ctx); err != nil {
				return secrets, err
			} else if lost {
				return secrets, store.MissingSecrets(path)
			}
		}
		secrets, _, err = webhook.LoadOrCreateSecrets(path)
		giveBack(path)
	}
	switch {
	case err != nil:
		return secrets, err
	case c.New && known != nil:
		return secrets, known.NoteSecrets(a.ctx, secrets.Checks())
	case c.Retire && known != nil:
		if err := known.JudgeSecrets(a.ctx, secrets.Checks()[:1], path); err != nil {
			return secrets, errors.New("no gateway signs with the newest secret yet: reload or start it first")
		}
	case known != nil:
		if err := known.JudgeSecrets(a.ctx, secrets.Checks(), path); err != nil {
			return secrets, err
		}
	}
	switch {
	case c.Rotate:
		return webhook.RotateSecrets(path)
	case c.Retire:
		return webhook.RetireSecret(path)
	}
	return secrets, nil
}

func (c *webhooksSecretCmd) file(cfg config.Config) (string, error) {
	if c.Endpoint == "" || c.Endpoint == webhook.Callback {
		return daemon.WebhookSecretFile(cfg), nil
	}
	for _, w := range cfg.Webhook {
		if w.Name == c.Endpoint && w.SecretFile != "" {
			return w.SecretFile, nil
		} else if w.Name == c.Endpoint {
			return daemon.WebhookSecretFile(cfg), nil
		}
	}
	return "", fmt.Errorf("--endpoint: the configuration has no [[webhook]] named %s", oneLine(c.Endpoint))
}
