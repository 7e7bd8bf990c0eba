package daemon

import (
	"context"
	"time"

	"attestd/internal/inbox"
	"attestd/queue"
)

// inward is where stations bring what they hear: gateway.Inward.
type inward struct{ d *Daemon }

func (in inward) Text(ctx context.Context, r inbox.Received) error {
	_, _, err := in.d.inbox.Receive(ctx, r)
	return err
}

func (in inward) Report(ctx context.Context, r queue.Report) error {
	matched, err := in.d.queue.Report(ctx, r)
	if err != nil {
		return err
	}
	class := "unmatched"
	if matched {
		class = string(r.Status.Class())
	}
	in.d.metrics.Report(class)
	return nil
}

func (in inward) LateResult(ctx context.Context, attemptID string, o queue.Outcome) error {
	return in.d.queue.LateResult(ctx, attemptID, o)
}

func (in inward) StrayResult(ctx context.Context, station, imei, sim string, mr byte) error {
	return in.d.queue.StrayResult(ctx, station, imei, sim, mr)
}

// measured is the dispatcher with a stop-watch before it: gateway.Lines.
type measured struct{ d *Daemon }

func (m measured) Attach(l queue.Line) (detach func(wait bool)) {
	m.d.metrics.Sends(l.Station)
	submit := l.Submit
	l.Submit = func(ctx context.Context, s queue.Submission) queue.Outcome {
		began := time.Now()
		o := submit(ctx, s)
		m.d.metrics.Attempt(l.Station, o.Kind.String(), time.Since(began))
		return o
	}
	return m.d.dispatcher.Attach(l)
}
