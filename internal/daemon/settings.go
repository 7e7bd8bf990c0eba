package daemon

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"attestd/internal/config"
	"attestd/internal/gateway"
	"attestd/internal/inbox"
	"attestd/modem"
	"attestd/modem/at"
	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"
)

// The configuration in each room's own words.

func queuePolicy(c config.Config) queue.Policy {
	p := queue.DefaultPolicy()
	p.DefaultDeadline = c.Queue.DefaultDeadline
	p.MaxAttempts = c.Queue.MaxAttempts
	p.Backoff, p.MaxBackoff = c.Queue.Backoff, c.Queue.MaxBackoff
	p.EvidenceWindow, p.ReportWindow = c.Queue.EvidenceWindow, c.Queue.ReportWindow
	p.OnUnknown = queue.OnUnknown(c.Queue.OnUnknown)
	p.KeepTexts, p.KeepNumbers = c.Queue.WipeText, c.Queue.WipeNumber
	return p
}

func inboxPolicy(c config.Config) inbox.Policy {
	return inbox.Policy{Hold: c.Inbox.Hold, Keep: c.Inbox.Keep}
}

// evenAnswers is far more than what the work of one such answer differs from another's, and nothing to a person.
const evenAnswers = 40 * time.Millisecond

func verifyPolicy(c config.Config) verify.Policy {
	v := c.Verify
	return verify.Policy{
		Even: evenAnswers, Destination: c.Abuse.Denied,
		Language: v.DefaultLanguage, Site: v.Site, Region: v.Region,
		Life: v.Life, HardEnd: v.HardEnd, UndeliverableAfter: v.UndeliverableAfter,
		MaxSends: v.MaxSends, ResendWait: v.ResendWait, ResendMinLeft: v.ResendMinLeft, NewCodeOnResend: v.NewCodeOnResend,
		ReplaceTypes: v.ReplaceTypes && !v.Templates.Long, // the parts of one text would replace each other
		MaxWrong:     v.MaxWrong, MaxAmendments: v.MaxAmendments, AmendRecorded: v.AmendRecorded, MaxResubmits: v.MaxResubmits, RejectOnLock: v.RejectOnLock, RepeatWindow: v.RepeatWindow, Remember: v.Remember,
		SMSPerDay: v.Limits.SMSPerPhonePerDay, SMSGap: v.Limits.SMSGap,
		ChecksPerHour: v.Limits.ChecksPerPhonePerHour, WrongTails: v.Limits.WrongTailsPerPhonePerDay,
		Replies: v.Replies, AnswersPerDay: v.Limits.RepliesPerPhonePerDay, ResubmitsPerDay: v.Limits.ResubmitsPerPhonePerDay,
	}
}

func verifyTemplates(c config.Config) verify.Templates {
	t := c.Verify.Templates
	zone, err := time.LoadLocation(c.Verify.TimeZone)
	if err != nil {
		zone = nil // config.Load has checked it; nil is China's
	}
	return verify.Templates{
		ZH: verify.Texts(t.ZH), EN: verify.Texts(t.EN), Zone: zone, WebOTP: t.WebOTP, Segments: segments, Long: t.Long,
	}
}

// segments is how many SMS a text takes; one that takes too many counts as more than any template may.
func segments(text string) int {
	layout, err := pdu.Plan(text)
	if err != nil {
		return 256
	}
	return layout.Segments
}

func (d *Daemon) stations(cfg config.Config) (all []gateway.StationConfig) {
	for _, m := range cfg.Modem {
		if m.Enabled {
			all = append(all, d.station(m, cfg.Log.ATTrace))
		}
	}
	return all
}

func (d *Daemon) station(m config.Modem, trace bool) gateway.StationConfig {
	c := modem.Config{
		Port: m.Port, Baud: m.Baud, PIN: string(m.PIN), SMSC: m.SMSC, DirectDelivery: m.DirectDelivery, UnconfirmedReports: !m.ConfirmReports,
		CommandTimeout: m.CommandTimeout, PromptTimeout: m.PromptTimeout, SubmitTimeout: m.SubmitTimeout,
		LateResultWait: m.LateResultWait, AskAfter: cmp.Or(m.AskAfter, -1), Registration: m.RegistrationWait,
		PINGuard: pinGuard{d.store},
	}
	if trace {
		log := d.log.With("modem", m.Name)
		c.Trace = func(t at.Trace) { log.Debug("at", "trace", t) }
	}
	return gateway.StationConfig{
		Name: m.Name, Modem: c, IMEI: m.IMEI, SIM: m.SIM, HoldLink: m.HoldLink, HangUp: m.HangUp, Scan: m.Scan, Search: m.SearchLimit, NoReset: !m.Reset,
		Limit:   queue.Limit{PerMinute: m.RatePerMinute, Burst: m.Burst},
		Version: fmt.Sprintf("%#v %v %x", m, trace, d.keys.MAC("pin version", []byte(m.PIN))),
	}
}

// Locate finds the ports of the enabled modems as the gateway would: a path or an error for each name.
func Locate(ctx context.Context, cfg config.Config) (paths map[string]string, errs map[string]error) {
	var all []gateway.StationConfig
	for _, m := range cfg.Modem {
		if m.Enabled {
			all = append(all, gateway.StationConfig{Name: m.Name, IMEI: m.IMEI, SIM: m.SIM, Scan: m.Scan,
				Modem: modem.Config{Port: m.Port, Baud: m.Baud, CommandTimeout: m.CommandTimeout}})
		}
	}
	return gateway.Locate(ctx, all)
}
