package modem_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/modem"
	"attestd/modem/simulator"
	"attestd/pdu"
)

func TestDirectDeliveryIsAcknowledgedToTheNetwork(t *testing.T) {
	on(t, simulator.Config{ReportDelay: time.Second}, modem.Config{DirectDelivery: true, Registration: time.Minute}, func(t *testing.T, n *simulator.Network, m *modem.Modem) {
		ctx := context.Background()
		for i := range 3 {
			text := fmt.Sprintf("answer %d", i)
			if err := n.Inject(0, "+8613900139000", text); err != nil {
				t.Fatal(err)
			}
			in := take(t, m, modem.Received)
			p, err := pdu.Decode(in.TPDU, pdu.MT)
			if err != nil || in.Stored || p.Deliver == nil || p.Deliver.Text != text {
				t.Fatalf("got %+v, %v", in, err)
			}
			if err := m.Acknowledge(ctx, in); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTheBacklogIsDrainedOnceAndDeletedOnlyWhenAcknowledged(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			bubble(t, simulator.Config{Profile: profile}, func(t *testing.T, n *simulator.Network, open func(modem.Config) (*modem.Modem, error)) {
				ctx := context.Background()
				for i := range 4 {
					n.Inject(0, "+8613900139000", fmt.Sprintf("waiting %d", i))
				}
				time.Sleep(time.Minute)
				m, err := open(modem.Config{Registration: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // what was announced meanwhile is read by now
				first, err := m.Drain(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := m.Drain(ctx); err != nil || again != 0 {
					t.Errorf("drained %d, and again %d (%v)", first, again, err)
				}
				var texts []string
				for range 4 {
					e := take(t, m, modem.Received)
					p, _ := pdu.Decode(e.TPDU, pdu.MT)
					texts = append(texts, p.Deliver.Text)
					if len(texts) == 4 {
						break // not acknowledged: it must be there in the next session
					}
					if err := m.Acknowledge(ctx, e); err != nil {
						t.Fatal(err)
					}
				}
				slices.Sort(texts)
				if strings.Join(texts, ",") != "waiting 0,waiting 1,waiting 2,waiting 3" {
					t.Errorf("got %q", texts)
				}
				m.Close()
				m, err = open(modem.Config{Registration: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				if left, err := m.Drain(ctx); err != nil || left != 1 {
					t.Errorf("%d left, %v", left, err)
				}
			})
		})
	}
}

func TestAModemThatFellSilentForWantOfAcknowledgementSpeaksAgainAfterDrain(t *testing.T) {
	on(t, simulator.Config{}, modem.Config{DirectDelivery: true, Registration: time.Minute}, func(t *testing.T, n *simulator.Network, m *modem.Modem) {
		ctx := context.Background()
		n.Inject(0, "+8613900139000", "one")
		take(t, m, modem.Received) // and not acknowledged
		time.Sleep(2 * time.Minute)
		if _, err := m.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		n.Inject(0, "+8613900139000", "two")
		for {
			e := take(t, m, modem.Received)
			if err := m.Acknowledge(ctx, e); err != nil {
				t.Fatal(err)
			}
			if p, err := pdu.Decode(e.TPDU, pdu.MT); err == nil && p.Deliver.Text == "two" {
				return
			}
		}
	})
}
