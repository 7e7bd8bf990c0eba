package modem_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/modem"
	"attestd/modem/at"
	"attestd/modem/simulator"
	"attestd/pdu"
)

// on runs f against a simulated modem over a pipe, in fake time.
func on(t *testing.T, sc simulator.Config, c modem.Config, f func(t *testing.T, n *simulator.Network, m *modem.Modem)) {
	t.Helper()
	bubble(t, sc, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
		m, err := open(c)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		f(t, n, m)
	})
}

func bubble(t *testing.T, sc simulator.Config, f func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, err := simulator.New(sc)
		if err != nil {
			t.Fatal(err)
		}
		f(t, n, func(c modem.Config) (*modem.Modem, error) {
			ours, theirs := net.Pipe()
			go n.Modem(0).ServeConn(theirs)
			if testing.Verbose() {
				c.Trace = func(tr at.Trace) {
					t.Logf("%v %v %s", tr.At.Format("04:05.000"), map[bool]string{true: ">", false: "<"}[tr.Sent], tr.Line)
				}
			}
			m, err := modem.OpenOn(context.Background(), ours, c)
			if err != nil {
				ours.Close()
			}
			return m, err
		})
		n.Close()
		time.Sleep(time.Hour) // whatever the simulator still had in mind
	})
}

// tpdu is one SMS-SUBMIT.
func tpdu(t *testing.T, to, text string) []byte {
	t.Helper()
	parts, err := pdu.Encode(pdu.Message{To: to, Text: text, StatusReport: true})
	if err != nil || len(parts) != 1 {
		t.Fatalf("encode: %d parts, %v", len(parts), err)
	}
	return parts[0].TPDU
}

// take gives the next event of the kind.
func take(t *testing.T, m *modem.Modem, kind modem.EventKind) modem.Event {
	t.Helper()
	timeout := time.After(5 * time.Minute)
	for {
		select {
		case e, ok := <-m.Events():
			if !ok {
				t.Fatalf("the events ended before %v", kind)
			}
			if e.Kind == kind {
				return e
			}
		case <-timeout:
			t.Fatalf("no event %v", kind)
		}
	}
}

var profiles = []string{"generic", "huawei", "quectel", "simcom", "zte"}

func TestEveryProfileIsIdentifiedAndSendsAndReceives(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			sc := simulator.Config{Profile: profile, Radio: 3 * time.Second, ReportDelay: 5 * time.Second}
			on(t, sc, modem.Config{Registration: time.Minute}, func(t *testing.T, n *simulator.Network, m *modem.Modem) {
				ctx := context.Background()
				id, sim := m.Identity(), n.Modem(0)
				if id.IMEI != sim.IMEI() || id.ICCID != sim.ICCID() || id.IMSI != sim.IMSI() || id.OwnNumber != sim.Number() || id.SMSC == "" || id.Model == "" {
					t.Errorf("identified as %+v, but it is %s %s %s %s", id, sim.IMEI(), sim.ICCID(), sim.IMSI(), sim.Number())
				}
				if r, err := m.Registration(ctx); err != nil || !r.Ready() {
					t.Errorf("registration %v, %v", r, err)
				}
				if s, err := m.Signal(ctx); err != nil || !s.Known || s.DBm > -40 || s.DBm < -113 {
					t.Errorf("signal %v, %v", s, err)
				}
				if err := m.HoldLink(ctx, true); err != nil {
					t.Error(err)
				}
				mr, err := m.Submit(ctx, "a1", tpdu(t, "+8613800138000", "hello"))
				if err != nil {
					t.Fatal(err)
				}
				report := take(t, m, modem.Received)
				p, err := pdu.Decode(report.TPDU, pdu.MT)
				if err != nil || p.Report == nil || p.Report.MR != mr {
					t.Fatalf("report %+v, %v, wanted one for %d", p, err, mr)
				}
				if err := m.Acknowledge(ctx, report); err != nil {
					t.Error(err)
				}
				if err := n.Inject(0, "+8613900139000", "your answer"); err != nil {
					t.Fatal(err)
				}
				in := take(t, m, modem.Received)
				p, err = pdu.Decode(in.TPDU, pdu.MT)
				if err != nil || p.Deliver == nil || p.Deliver.Text != "your answer" || !in.Stored {
					t.Fatalf("inbound %+v, %+v, %v", in, p, err)
				}
				if err := m.Acknowledge(ctx, in); err != nil {
					t.Error(err)
				}
				if used, _, err := m.Usage(ctx); err != nil || used != 0 {
					t.Errorf("%d messages are left, %v", used, err)
				}
			})
		})
	}
}

func TestThePINIsEnteredOnceAndAWrongOneNeverAgain(t *testing.T) {
	bubble(t, simulator.Config{PIN: "4321", Seed: 7}, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
		if _, err := open(modem.Config{}); !errors.Is(err, modem.ErrPINRequired) {
			t.Fatalf("without a PIN: %v", err)
		}
		if _, err := open(modem.Config{PIN: "12"}); !errors.Is(err, modem.ErrPINRefused) {
			t.Fatalf("with no PIN at all: %v", err)
		}
		for range 3 {
			if _, err := open(modem.Config{PIN: "1111"}); !errors.Is(err, modem.ErrPINRefused) {
				t.Fatalf("wrong PIN: %v", err)
			}
		}
		// One try is gone; the counter forbids the next, right or wrong.
		_, err := open(modem.Config{PIN: "4321"})
		if !errors.Is(err, modem.ErrPINRefused) || !strings.Contains(err.Error(), "2 of 3") {
			t.Fatalf("with two tries left: %v", err)
		}
		byHand(t, n, `AT+CPIN="4321"`)
		n.Modem(0).LockSIM("4321") // and it asks for it again after a restart
		m, err := open(modem.Config{PIN: "4321", Registration: time.Minute})
		if err != nil {
			t.Fatalf("right PIN: %v", err)
		}
		m.Close()
	})
}

// byHand types one command at the modem, as a person does with a terminal.
func byHand(t *testing.T, n *simulator.Network, line string) {
	t.Helper()
	ours, theirs := net.Pipe()
	go n.Modem(0).ServeConn(theirs)
	c := at.New(ours, at.Options{})
	defer c.Close()
	if _, err := c.Do(context.Background(), at.Command{Line: line}); err != nil {
		t.Fatal(err)
	}
}

func TestAResultThatComesAfterTheTimeoutIsAnEventWithItsOwnTag(t *testing.T) {
	for suffix, refused := range map[string]int{"99612": 0, "99613": 0, "99614": 38} {
		sc := simulator.Config{Radio: 2 * time.Second, Late: 20 * time.Second}
		c := modem.Config{Registration: time.Minute, SubmitTimeout: 5 * time.Second}
		on(t, sc, c, func(t *testing.T, n *simulator.Network, m *modem.Modem) {
			ctx := context.Background()
			if _, err := m.Submit(ctx, "struck", tpdu(t, "+86138001"+suffix, "struck")); !errors.Is(err, modem.ErrOutcomeUnknown) {
				t.Fatalf("%s: %v", suffix, err)
			}
			mr, err := m.Submit(ctx, "next", tpdu(t, "+8613800138000", "next"))
			if err != nil {
				t.Fatalf("%s: the next: %v", suffix, err)
			}
			if e := submitted(n, "next"); *e.MR != int(mr) {
				t.Errorf("%s: the next was given %d, its reference is %d", suffix, mr, *e.MR)
			}
			late := take(t, m, modem.LateResult)
			if late.Tag != "struck" {
				t.Errorf("%s: late result for %q", suffix, late.Tag)
			}
			var cms at.CMSError
			switch {
			case refused == 0 && (late.Err != nil || int(late.MR) != *submitted(n, "struck").MR):
				t.Errorf("%s: late %+v", suffix, late)
			case refused != 0 && (!errors.As(late.Err, &cms) || cms.Code != refused):
				t.Errorf("%s: late %+v", suffix, late)
			}
		})
	}
}

func TestACardThatIsMissingOrAwaitsItsPUKIsSaidToBeSo(t *testing.T) {
	bubble(t, simulator.Config{}, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
		n.Modem(0).RemoveSIM(true)
		if _, err := open(modem.Config{}); !errors.Is(err, modem.ErrNoSIM) {
			t.Fatal(err)
		}
	})
}

func TestWithoutANetworkOpenSaysWhatToLookAt(t *testing.T) {
	for stat, want := range map[int]string{2: "coverage", 3: "denied"} {
		bubble(t, simulator.Config{}, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
			n.Modem(0).SetRegistration(stat)
			_, err := open(modem.Config{Registration: 20 * time.Second})
			if !errors.Is(err, modem.ErrNoNetwork) || !strings.Contains(err.Error(), want) {
				t.Fatal(err)
			}
		})
	}
}

func TestARestartIsToldAndTheSubmitUnderWayIsInDoubt(t *testing.T) {
	on(t, simulator.Config{Radio: 10 * time.Second}, modem.Config{Registration: time.Minute}, func(t *testing.T, n *simulator.Network, m *modem.Modem) {
		ctx := context.Background()
		go func() {
			time.Sleep(5 * time.Second)
			n.Modem(0).Restart()
		}()
		if _, err := m.Submit(ctx, "a1", tpdu(t, "+8613800138000", "hello")); !errors.Is(err, modem.ErrOutcomeUnknown) {
			t.Fatalf("got %v", err)
		}
		select {
		case <-m.Done(): // the port vanished, as that of a USB modem does
			return
		default:
		}
		take(t, m, modem.Restarted)
		if _, err := m.Submit(ctx, "a2", tpdu(t, "+8613800138000", "hello")); !errors.Is(err, modem.ErrNotSent) || !errors.Is(err, modem.ErrNeedsReinit) {
			t.Fatalf("before Reinit: %v", err)
		}
		if err := m.Reinit(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Submit(ctx, "a3", tpdu(t, "+8613800138000", "hello")); err != nil {
			t.Fatalf("after Reinit: %v", err)
		}
	})
}

// Whatever becomes of a message, its submit ends, it ends truly, and the modem sends the next one. A modem whose port vanished is opened again.
func TestEveryFateEndsTrulyAndTheNextMessageGoesOut(t *testing.T) {
	for _, fate := range simulator.Fates() {
		t.Run(fate.Name, func(t *testing.T) {
			bubble(t, simulator.Config{Radio: 2 * time.Second}, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
				ctx := context.Background()
				m, err := open(modem.Config{Registration: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { m.Close() }()
				suffix := strings.Replace(fate.Suffix, "CCC", "038", 1)
				to := "+86138001" + suffix
				mr, err := m.Submit(ctx, "struck", tpdu(t, to, "struck"))
				entry := submitted(n, "struck")
				switch {
				case err == nil && (entry == nil || !entry.Accepted || entry.MR == nil || *entry.MR != int(mr)):
					t.Errorf("said to be sent with reference %d; the network says %+v", mr, entry)
				case errors.Is(err, modem.ErrNotSent) && entry != nil && entry.Accepted:
					t.Errorf("said not to be sent (%v), and is on air", err)
				case err != nil && entry != nil && entry.Accepted && modem.Classify(err).Kind != modem.Doubt:
					t.Errorf("said to have failed (%v), and is on air", err)
				}
				var mrNext byte
				for try := 0; ; try++ {
					if mrNext, err = m.Submit(ctx, "next", tpdu(t, "+8613800138000", "next")); err == nil {
						break
					}
					if try == 3 {
						t.Fatalf("the next message: %v", err)
					}
					m.Close()
					time.Sleep(time.Minute)
					if m, err = open(modem.Config{Registration: time.Minute}); err != nil {
						t.Fatalf("opened again: %v", err)
					}
				}
				if e := submitted(n, "next"); e == nil || !e.Accepted || *e.MR != int(mrNext) {
					t.Errorf("the next message was said to be sent: %+v", e)
				}
			})
		})
	}
}

func submitted(n *simulator.Network, text string) *simulator.Entry {
	for _, e := range n.Ledger() {
		if e.Kind == simulator.KindSubmit && e.Text == text {
			return &e
		}
	}
	return nil
}
