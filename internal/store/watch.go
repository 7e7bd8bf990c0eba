package store

import "sync"

// Topic is something that a transaction can touch and that others wait for.
type Topic uint8

// The topics.
const (
	TopicWork     Topic = iota // the queue may have work to hand out, or a due time changed
	TopicEvents                // rows were added to events
	TopicWebhooks              // there is something to deliver
	topicCount
)

type topicSet uint8

// hub wakes watchers. A wake is a full one-place channel: many commits before the watcher looks are one wake.
type hub struct {
	mu       sync.Mutex
	watchers [topicCount]map[chan struct{}]struct{}
}

// Watch gives a channel that has an element whenever a commit touched the topic since it was last read, and a
// function that ends the watch.
func (s *Store) Watch(t Topic) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h := &s.topics
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers[t] == nil {
		h.watchers[t] = map[chan struct{}]struct{}{}
	}
	h.watchers[t][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers[t], ch)
	}
}

func (h *hub) fire(touched topicSet) {
	if touched == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for t := range topicCount {
		if touched&(1<<t) == 0 {
			continue
		}
		for ch := range h.watchers[t] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// Wake wakes everybody who watches: what they wait for may be due at another time by now.
func (s *Store) Wake() {
	var all topicSet
	for t := range topicCount {
		all |= 1 << t
	}
	s.topics.fire(all)
}
