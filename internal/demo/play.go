package demo

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"attestd/internal/msisdn"
	"attestd/modem/simulator"
	"attestd/pdu"
)

var sixDigits = regexp.MustCompile(`\d{6}`)

func codeIn(text string) string { return sixDigits.FindString(text) }

// play is the story: a filing comes, codes go out, one person enters hers, the other answers by SMS.
func (d *demo) play(ctx context.Context) error {
	if err := d.awaitModems(ctx); err != nil {
		return err
	}
	ended := make(chan string, 1)
	following, stop := context.WithCancel(ctx)
	defer stop()
	if err := d.api.follow(following, func(e event) { d.tellEvent(e, ended) }); err != nil {
		return err
	}
	var filing struct{ ID, State string }
	err := d.api.call(ctx, "POST", "/v1/filings", map[string]any{
		"type": "first", "reference": "DEMO-1",
		"persons": []map[string]any{
			{"role": "entity_head", "name": "王芳", "mobile": headNumber, "certificate_tail": headTail},
			{"role": "website_head", "name": "李强", "mobile": siteNumber, "certificate_tail": siteTail, "site": siteName},
		},
	}, &filing)
	if err != nil {
		return err
	}
	d.tell("platform", fmt.Sprintf("POST /v1/filings: first filing DEMO-1, two persons -> %s, filing %s", filing.State, filing.ID), map[string]any{"filing": filing.ID})

	if err := d.enterCode(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w in time: %w", ErrNotPassed, context.Cause(ctx))
	case state := <-ended:
		if state != "filing.passed" {
			return fmt.Errorf("%w: %s", ErrNotPassed, state)
		}
	}
	if err := d.api.call(ctx, "GET", "/v1/filings/"+filing.ID, nil, &filing); err != nil {
		return err
	}
	if filing.State != "passed" {
		return fmt.Errorf("%w: it is %s", ErrNotPassed, filing.State)
	}
	return d.tellMetrics(ctx)
}

func (d *demo) awaitModems(ctx context.Context) error {
	for {
		var list struct {
			Items []struct{ Name, State, Model, Manufacturer string }
		}
		if err := d.api.call(ctx, "GET", "/v1/modems", nil, &list); err != nil {
			return err
		}
		if len(list.Items) > 0 && !slices.ContainsFunc(list.Items, func(m struct{ Name, State, Model, Manufacturer string }) bool { return m.State != "ready" }) {
			m := list.Items[0]
			d.tell("gateway", fmt.Sprintf("%d modems opened, identified (%s %s), registered: ready to send", len(list.Items), m.Manufacturer, m.Model), nil)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the modems did not get ready: %w", context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// enterCode is the entity head: she reads her phone and enters what it says, through the platform.
func (d *demo) enterCode(ctx context.Context) error {
	var text string
	select {
	case <-ctx.Done():
		return fmt.Errorf("no SMS arrived: %w", context.Cause(ctx))
	case text = <-d.inbox:
	}
	d.tell("person", fmt.Sprintf("entity head reads %q and enters the code on the platform's page", text), nil)
	var answer struct {
		Result  int
		OK      bool
		Message string
	}
	if err := d.api.call(ctx, "POST", "/v1/public/verify", map[string]any{"code": codeIn(text), "mobile": headNumber, "certificate_tail": headTail}, &answer); err != nil {
		return err
	}
	d.tell("person", fmt.Sprintf("POST /v1/public/verify -> %d %s", answer.Result, answer.Message), map[string]any{"result": answer.Result})
	if !answer.OK {
		return fmt.Errorf("%w: the right code was answered with %d", ErrNotPassed, answer.Result)
	}
	return nil
}

// watchAir tells what goes on air, as the pretended network sees it.
func (d *demo) watchAir() (stop func()) {
	entries, unwatch := d.rig.Network.Watch(1024)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e := range entries {
			d.tellAir(e)
		}
	}()
	return func() { unwatch(); <-ended }
}

func (d *demo) tellAir(e simulator.Entry) {
	who := fmt.Sprintf("m%d", e.Modem)
	switch {
	case e.Kind == simulator.KindSubmit && e.Accepted:
		d.tell("network", fmt.Sprintf("AT+CMGS on %s: a PDU for %s went on air (%d octets, reference %d)", who, msisdn.Redact(e.To), len(e.PDU)/2, number(e.MR)), nil)
	case e.Kind == simulator.KindReport:
		d.tell("network", fmt.Sprintf("%s got the delivery report of reference %d: %s", who, number(e.MR), pdu.Status(number(e.Status))), nil)
	case e.Kind == simulator.KindDeliver && e.Text != "":
		d.tell("network", fmt.Sprintf("%s received an SMS from %s", who, msisdn.Redact(e.From)), nil)
	}
}

func number(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

// tellEvent tells an event of the API's stream, and says when the filing has ended.
func (d *demo) tellEvent(e event, ended chan<- string) {
	if strings.HasPrefix(e.Type, "filing.") || strings.HasPrefix(e.Type, "person.") {
		d.tell("filing", "event "+e.Type, map[string]any{"event": e.Type})
	}
	switch e.Type {
	case "filing.passed", "filing.rejected", "filing.cancelled":
		select {
		case ended <- e.Type:
		default:
		}
	}
}

// tellMetrics shows what Prometheus would scrape of all this.
func (d *demo) tellMetrics(ctx context.Context) error {
	text, err := d.api.text(ctx, "/metrics")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(line, " ")
		if !ok || value == "0" {
			continue
		}
		for _, wanted := range []string{`attestd_filings{state="passed"}`, `attestd_messages{state="delivered"}`, "attestd_inbound_messages_total", `attestd_status_reports_total{class="delivered"}`} {
			if name == wanted {
				d.tell("metrics", line, map[string]any{name: value})
			}
		}
	}
	return nil
}
