package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"attestd/internal/store"
	"attestd/internal/webhook"
)

// BenchmarkDelivery is what one delivery costs while others wait: a real endpoint on loopback, a durable database. Each
// delivery
// is of a subject of its own, so that none waits behind another.
func BenchmarkDelivery(b *testing.B) {
	for _, waiting := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) { deliverFrom(b, waiting) })
	}
}

func deliverFrom(b *testing.B, waiting int) {
	var got atomic.Int64
	most := int64(b.N)
	enough := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if got.Add(1) == most {
			close(enough)
		}
	}))
	defer s.Close()
	h := newHouse(b, func(set *webhook.Settings) {
		set.Endpoints = []webhook.Endpoint{{Name: "crm", URL: s.URL, Secrets: secrets(b, oldSecret)}}
	})
	h.fill(max(waiting, b.N))
	b.ResetTimer()
	h.start()
	<-enough
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// fill writes events of as many subjects.
func (h *house) fill(n int) {
	for begun := 0; begun < n; begun += 1000 {
		err := h.s.Update(context.Background(), func(tx *store.Tx) error {
			for i := begun; i < min(begun+1000, n); i++ {
				if err := tx.Emit(context.Background(), "filing.passed", fmt.Sprintf("f%07d", i), "", map[string]any{"mobile": "138****8000"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}
