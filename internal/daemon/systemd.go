package daemon

import (
	"context"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd (Type=notify) when the gateway serves and when it stops, and answers the watchdog as long as the
// gateway is healthy. Without systemd it does nothing.
func (d *Daemon) notify(ctx context.Context) error {
	_, _ = systemd.SdNotify(false, systemd.SdNotifyReady+"\nSTATUS=serving on "+d.Addr())
	if d.o.Ready != nil {
		d.o.Ready()
	}
	defer func() { _, _ = systemd.SdNotify(false, systemd.SdNotifyStopping) }()
	period, err := systemd.SdWatchdogEnabled(false)
	if err != nil || period == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(period / 3)
	defer tick.Stop()
	for {
		if err := d.Healthy(ctx); err == nil {
			_, _ = systemd.SdNotify(false, systemd.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			d.log.Error("not healthy: the watchdog is not answered", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
