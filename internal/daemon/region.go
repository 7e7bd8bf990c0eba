package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"attestd/internal/config"
	"attestd/internal/httpapi"
	"attestd/internal/msisdn"
)

// Messages go to the countries of abuse.region, and where that names none to those that the SIMs are at home in. Codes
// of
// filings go to those of verify.region, whatever the SIMs are.

// regionWait is how long whoever asks before a SIM has been read should wait.
const regionWait = 5 * time.Second

// learnHomes looks where the SIMs are at home, and writes it down when that has changed: it holds after a restart until
// they
// are read again. Not within a transaction.
func (d *Daemon) learnHomes(ctx context.Context) []string {
	var now []string
	unread := 0
	for _, s := range d.fleet.Status() {
		switch home := msisdn.Home(s.Identity.IMSI); {
		case home == "":
			unread++
		case !slices.Contains(now, home):
			now = append(now, home)
		}
	}
	var known []string
	if all := d.homes.Load(); all != nil {
		known = *all
	}
	if unread > 0 { // one of those that are not read may be at home where one was before
		for _, home := range known {
			if !slices.Contains(now, home) {
				now = append(now, home)
			}
		}
	}
	if len(now) > 0 && !slices.Equal(now, known) {
		d.homes.Store(&now)
		if err := d.store.SaveHomes(ctx, now); err != nil {
			d.log.Warn("where the SIMs are at home could not be stored: it is looked up again", "error", err)
		}
	}
	return now
}

// loadHomes reads what was learned before.
func (d *Daemon) loadHomes(ctx context.Context) error {
	all, err := d.store.Homes(ctx)
	if err == nil && len(all) > 0 {
		d.homes.Store(&all)
	}
	return err
}

// atHome says whether texts to a country are counted against no cap. It touches no lock: it is asked within
// transactions.
func (d *Daemon) atHome(cfg config.Config) func(country string) bool {
	first := cfg.Verify.Region[0]
	return func(country string) bool {
		homes := d.homes.Load()
		return country == first || homes != nil && slices.Contains(*homes, country)
	}
}

// region says where messages go, and why there; known is false while a SIM is still to be read for the first time.
func (d *Daemon) region(ctx context.Context) (r httpapi.Region, known bool) {
	cfg := d.cfg.Load()
	if len(cfg.Abuse.Region) > 0 {
		return httpapi.Region{Countries: cfg.Abuse.Region, From: "abuse.region"}, true
	}
	if homes := d.learnHomes(ctx); len(homes) > 0 {
		return httpapi.Region{Countries: homes, From: "sims"}, true
	}
	return httpapi.Region{Countries: cfg.Verify.Region, From: "verify.region"}, len(d.fleet.Status()) == 0 // without a modem none ever will be
}

// country is that of numbers without a country code; "" where nobody can tell which of several is meant.
func (d *Daemon) country(ctx context.Context) string {
	r, _ := d.region(ctx)
	if len(r.Countries) > 1 && r.From == "sims" {
		return ""
	}
	return r.Countries[0]
}

var regionReasons = map[string]string{
	"abuse.region": "as abuse.region says", "sims": "where the SIMs are at home; abuse.region names others",
	"verify.region": "as verify.region says, since no SIM has been read yet; abuse.region names others",
}

// destination says why no message is sent to a number, "" for no reason, and how long to wait where that may change by
// itself.
func (d *Daemon) destination(ctx context.Context, n msisdn.Number) (fault string, wait time.Duration) {
	cfg := d.cfg.Load()
	if n.IsShort() {
		return "", 0 // it was read as one because abuse.short_codes has it
	}
	r, known := d.region(ctx)
	if !slices.ContainsFunc(r.Countries, func(code string) bool { return strings.HasPrefix(n.E164(), "+"+code) }) {
		if !known {
			return "is in a country that messages go to once a SIM of it has been read: no SIM has been read yet, try again in a moment, or name the country in abuse.region", regionWait
		}
		return fmt.Sprintf("is in a country that messages are not sent to: they go to +%s, %s", strings.Join(r.Countries, ", +"), regionReasons[r.From]), 0
	}
	return cfg.Abuse.Denied(n), 0
}

// nearest is the country of senders without a country code.
func (d *Daemon) nearest() string {
	if homes := d.homes.Load(); homes != nil && len(*homes) == 1 {
		return (*homes)[0]
	}
	return d.cfg.Load().Verify.Region[0]
}

func (d *Daemon) shortCode(n msisdn.Number) bool { return d.cfg.Load().Abuse.ShortCode(n) }
