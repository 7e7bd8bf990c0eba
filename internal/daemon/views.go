package daemon

import (
	"context"
	"errors"
	"time"

	"attestd/internal/gateway"
	"attestd/internal/httpapi"
	"attestd/internal/inbox"
	"attestd/internal/metrics"
	"attestd/internal/store"
)

// modemViews is the fleet as the API shows it.
func (d *Daemon) modemViews() []httpapi.Modem {
	all := d.fleet.Status()
	views := make([]httpapi.Modem, len(all))
	for i, s := range all {
		views[i] = httpapi.Modem{
			Name: s.Name, Port: s.Port, State: string(s.State), Error: s.Error, Since: optional(s.Since),
			Manufacturer: s.Identity.Manufacturer, Model: s.Identity.Model, Revision: s.Identity.Revision,
			IMEI: s.Identity.IMEI, SIM: s.Identity.ICCID, IMSI: s.Identity.IMSI, Number: s.Identity.OwnNumber, SMSC: s.Identity.SMSC,
			Submitted: s.Submitted, Failed: s.Failed, Received: s.Received, Reports: s.Reports, Calls: s.Calls,
			Deaf: s.Deaf, LastSubmit: optional(s.LastSubmit), LastReceived: optional(s.LastReceived),
		}
		views[i].LastSeen = optional(s.Seen)
		if !up(s) {
			continue // what a modem that is gone said last is not how it is
		}
		views[i].Registration = s.Registration.String()
		if s.Signal.Known {
			dbm := s.Signal.DBm
			views[i].SignalDBm = &dbm
		}
	}
	return views
}

// modemSnapshot is the fleet as Prometheus sees it.
func (d *Daemon) modemSnapshot() []metrics.Modem {
	all := d.fleet.Status()
	views := make([]metrics.Modem, len(all))
	for i, s := range all {
		up := up(s)
		views[i] = metrics.Modem{Name: s.Name, Up: up, Registered: up && s.Registration.Ready()}
		if up {
			views[i].StorageUsed, views[i].StorageTotal = s.Stored, s.Room
		}
		if s.Signal.Known && up {
			views[i].SignalDBm = s.Signal.DBm
		}
		views[i].Deaf, views[i].Deafened = s.Deaf != "", s.Deafened
		views[i].Calls = s.Calls
		views[i].Recoveries = map[string]int64{}
		for _, rung := range gateway.Rungs() {
			views[i].Recoveries[string(rung)] = s.Recoveries[rung]
		}
	}
	return views
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// inboxItems lists what came in, as the API shows it.
func (d *Daemon) inboxItems(ctx context.Context, owner, action, before string, limit int) (views []httpapi.InboxItem, next string, err error) {
	items, err := d.store.InboxItemsOf(ctx, owner, inbox.Action(action), before, limit+1) // one more tells whether a page follows
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	views = make([]httpapi.InboxItem, len(items))
	for i, it := range items {
		views[i] = viewItem(it)
	}
	return views, next, err
}

func (d *Daemon) inboxItem(ctx context.Context, owner, id string) (httpapi.InboxItem, bool, error) {
	it, err := d.store.InboxItem(ctx, owner, id)
	if errors.Is(err, store.ErrNoItem) {
		return httpapi.InboxItem{}, false, nil
	}
	return viewItem(it), err == nil, err
}

func viewItem(it inbox.Item) httpapi.InboxItem {
	return httpapi.InboxItem{
		ID: it.ID, From: it.From, Owner: it.Owner, Text: it.Text, Modem: it.Modem, SIM: it.SIM,
		SentAt: optional(it.Sent), ReceivedAt: it.Received, StoredAt: it.Stored,
		Parts: it.Parts, Total: it.Total, Complete: it.Complete, Damaged: it.Damaged, Readable: it.Readable, Data: it.Data,
		Rule: it.Rule, Action: string(it.Action), RuleFailed: it.Failed, Code: it.Code,
	}
}

// queueSnapshot is the queue as Prometheus sees it.
func (d *Daemon) queueSnapshot(ctx context.Context) (metrics.Queue, error) {
	counts, err := d.store.MessageCounts(ctx)
	if err != nil {
		return metrics.Queue{}, err
	}
	waiting, err := d.store.Waiting(ctx)
	q := metrics.Queue{Messages: map[string]int{}, Depth: map[string]int{}, Oldest: waiting.Oldest}
	for state, n := range counts {
		q.Messages[string(state)] = n
	}
	for priority, n := range waiting.ByPriority {
		q.Depth[priority.String()] = n
	}
	return q, err
}
