package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"attestd/internal/seal"
	"attestd/queue"
)

// clocked is a store that follows the clock. The clock of a test cannot be set; instead the store is made to believe that it was.
type clocked struct {
	*Store
	t     *testing.T
	path  string
	keys  *seal.Keyring
	jumps []time.Duration
}

func newClocked(t *testing.T) *clocked {
	c := &clocked{t: t, path: filepath.Join(t.TempDir(), "t.db"), keys: seal.Random()}
	c.open()
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (c *clocked) open() {
	c.t.Helper()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + c.path, Keys: c.keys, Exclusive: true})
	if err != nil {
		c.t.Fatal(err)
	}
	c.Store = s
	s.Clock(func(by time.Duration) { c.jumps = append(c.jumps, by.Round(time.Second)) })
}

// restart is a new process, with what its predecessor wrote.
func (c *clocked) restart() {
	c.t.Helper()
	if err := c.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.open()
}

// set has the store find that the clock was set by so much since it last looked.
func (c *clocked) set(by time.Duration) { c.clock.wall = c.clock.wall.Add(-by) }

func (c *clocked) look() {
	c.t.Helper()
	if err := c.Update(context.Background(), func(*Tx) error { return nil }); err != nil {
		c.t.Fatal(err)
	}
}

// read gives one number.
func (c *clocked) read(text string, args ...any) (n int64) {
	c.t.Helper()
	if err := c.readRow(context.Background(), text, args...).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *clocked) deadline(m queue.Message) time.Duration {
	return time.Duration(c.read(`SELECT deadline FROM messages WHERE id = $1`, m.ID)-micros(m.Deadline)) * time.Microsecond
}

func TestAJumpMovesWhatRunsAndWhatThisProcessWroteAndNoMomentThatSomebodyNamed(t *testing.T) {
	for _, by := range []time.Duration{8 * time.Hour, -8 * time.Hour, 24 * time.Hour, 56 * 365 * 24 * time.Hour} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			c := newClocked(t)
			own, named := draft(t, 1), draft(t, 2)
			named.Deadline = time.Now().Add(time.Hour)
			free, bound := enqueue(t, c.Store, own), enqueue(t, c.Store, named)
			due := c.read(`SELECT due FROM segments WHERE message_id = $1`, free.ID)
			c.set(by)
			seen := make(chan int64, 1)
			if err := c.Update(t.Context(), func(tx *Tx) error { // the first that comes sees what was moved already
				var now int64
				err := tx.row(t.Context(), `SELECT due FROM segments WHERE message_id = $1`, free.ID).Scan(&now)
				seen <- now
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if moved := time.Duration(<-seen-due) * time.Microsecond; (moved - by).Abs() > time.Second {
				t.Errorf("what was due moved by %v", moved)
			}
			if moved := c.deadline(free); (moved - by).Abs() > time.Second {
				t.Errorf("a deadline that its sender did not name moved by %v", moved)
			}
			if moved := c.deadline(bound); moved.Abs() > time.Millisecond {
				t.Errorf("a deadline that its sender named moved by %v", moved)
			}
			if len(c.jumps) != 1 || c.jumps[0] != by {
				t.Errorf("told of %v", c.jumps)
			}
			c.set(-by)
			c.look()
			if left := c.deadline(free); left.Abs() > time.Second {
				t.Errorf("when the clock was set right again the deadline was off by %v", left)
			}
		})
	}
}

func TestNoJumpLetsACodeOfAnEarlierProcessLiveLongerAndNoneThatIsUndoneKillsIt(t *testing.T) {
	c := newClocked(t)
	d := draft(t, 1)
	d.Deadline, d.Spanned = time.Now().Add(24*time.Hour), true // as that of a code
	m := enqueue(t, c.Store, d)
	c.restart()
	for _, step := range []struct{ by, moved time.Duration }{
		{8 * time.Hour, 0}, // perhaps the news of how long it was down
		{-3 * time.Hour, -3 * time.Hour},
		{time.Hour, -2 * time.Hour},
		{9 * time.Hour, 0}, // back where it was, and no further
	} {
		c.set(step.by)
		c.look()
		if moved := c.deadline(m); (moved - step.moved).Abs() > time.Second {
			t.Fatalf("after a jump of %v the deadline had moved by %v, not by %v", step.by, moved, step.moved)
		}
	}
}

func TestAClockBehindTheNewestRowIsFoundAtTheStart(t *testing.T) {
	c := newClocked(t)
	m := enqueue(t, c.Store, draft(t, 1))
	if err := c.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.exec(t.Context(), `UPDATE segments SET due = due + $1`, (8 * time.Hour).Microseconds()); err != nil {
			return err
		}
		if err := tx.Emit(t.Context(), "message.queued", m.ID, "", nil); err != nil {
			return err
		}
		_, err := tx.exec(t.Context(), `UPDATE events SET at = at + $1`, (8 * time.Hour).Microseconds())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	c.restart() // eight hours before that
	c.look()
	if len(c.jumps) != 1 || c.jumps[0] != -8*time.Hour {
		t.Fatalf("told of %v", c.jumps)
	}
	if due := fromMicros(c.read(`SELECT due FROM segments`)); time.Until(due) > time.Minute {
		t.Errorf("a message rests for %v", time.Until(due))
	}
	c.restart()
	c.look()
	if len(c.jumps) != 1 {
		t.Errorf("found once more: %v", c.jumps)
	}
}

func TestWhenAJumpCannotBeWrittenDownNothingIsJudgedByTheNewClock(t *testing.T) {
	c := newClocked(t)
	enqueue(t, c.Store, draft(t, 1))
	c.set(8 * time.Hour)
	fails := true
	c.failpoint = func(b boundary) error {
		if fails && b == beforeCommit {
			return fmt.Errorf("no space")
		}
		return nil
	}
	due := c.read(`SELECT due FROM segments`)
	if err := c.Update(t.Context(), func(*Tx) error { return nil }); err == nil {
		t.Fatal("it was committed")
	}
	fails = false
	c.look()
	c.look()
	if moved := time.Duration(c.read(`SELECT due FROM segments`)-due) * time.Microsecond; (moved - 8*time.Hour).Abs() > time.Second {
		t.Errorf("what was due moved by %v", moved)
	}
}
