package queue_test

import (
	"errors"
	"testing"

	"attestd/queue"
)

func TestATextThatShowsNothingIsRefused(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{"", " ", "\r\n\t", "\u3000", "\u200b\u2060\ufeff", "\ufe0f", "\u3164", "\u2800", "\u202e \u0301"} {
		if _, err := r.q.Enqueue(t.Context(), queue.Draft{To: number(t, 1), Text: text, Origin: "crm"}); !errors.Is(err, queue.ErrNoText) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{".", "1", "汉", "😀", "\U0001fae8"} {
		if _, err := r.q.Enqueue(t.Context(), queue.Draft{To: number(t, 1), Text: text, Origin: "crm"}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
