package soak

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// Level is what the process holds.
type Level struct {
	After       time.Duration `json:"after_ns"`
	Goroutines  int           `json:"goroutines"`
	Descriptors int           `json:"descriptors"`
	Heap        uint64        `json:"heap_bytes"`
}

func (l Level) String() string {
	return fmt.Sprintf("%s: %d goroutines, %d descriptors, %.1f MiB of heap", l.After.Round(time.Second), l.Goroutines, l.Descriptors, float64(l.Heap)/(1<<20))
}

// level measures. Two collections empty the pools as well.
func level(began time.Time) Level {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, _ := os.ReadDir("/proc/self/fd")
	return Level{After: time.Since(began), Goroutines: runtime.NumGoroutine(), Descriptors: len(open), Heap: m.HeapAlloc}
}

// rest waits until every modem is ready and no message waits or is in a modem's hands, and measures. What is in doubt may stay so
// for a day: nobody has to wait for it here.
func (s *soak) rest(ctx context.Context, began time.Time) (Level, error) {
	for end := time.Now().Add(2 * time.Minute); ; s.pause(ctx, time.Second) {
		var status struct {
			Messages map[string]int
			Problems []string
			Modems   struct{ Configured, Ready int }
		}
		if err := s.call(ctx, "GET", "/v1/status", nil, &status); err != nil {
			return Level{}, err
		}
		m := status.Messages
		if status.Modems.Ready == status.Modems.Configured && m["queued"]+m["submitting"] == 0 {
			break
		}
		if time.Now().After(end) {
			return level(began), fmt.Errorf("two minutes after the last load and fault: problems %q, messages %v", status.Problems, m)
		}
	}
	s.client.CloseIdleConnections()
	s.pause(ctx, 5*time.Second) // the server's ends of them, timers of the network, late reports
	return level(began), ctx.Err()
}
