package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Times are rows, written by the wall clock; while the process runs, how long something lasts is known from the monotonic one. When the
// two part by more than a jump, somebody has set the clock, and before anything else is read or written by the new one, what stands in
// the database moves by the jump (clock_move.go): no transaction ever judges rows of one clock by another. docs/operating.md tells
// people what that means.

const (
	// leastJump is what counts as a jump: less is a step that NTP makes now and then, and no window is so narrow.
	leastJump = 2 * time.Second
	// lookAtClock is how often one looks when there are no transactions, each of which looks.
	lookAtClock = time.Second
)

// clock is a moment by both clocks; the zero clock is that of a store which does not follow (a command beside the gateway).
type clock struct {
	wall   time.Time     // without a monotonic reading
	mono   time.Time     // whose monotonic reading counts
	asleep time.Duration // that the machine was suspended until then: the monotonic clock does not count it, but it has passed
}

func clockAt(now time.Time) clock { return clock{now.Round(0), now, asleep()} }

// jump is by how much the wall clock was set since; woken says that the machine slept meanwhile.
func (c clock) jump(now time.Time) (by time.Duration, woken bool) {
	if c.mono.IsZero() {
		return 0, false
	}
	by = now.Round(0).Sub(c.wall) - now.Sub(c.mono)
	if by.Abs() < leastJump {
		return 0, false
	}
	if slept := asleep() - c.asleep; slept >= leastJump {
		by, woken = by-slept, true
	}
	if by.Abs() < leastJump {
		by = 0
	}
	return by, woken
}

// asleep is how long the machine was suspended since it booted.
func asleep() time.Duration {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - mono.Nano())
}

// beginClock begins to follow the clock. One that is behind the newest row was set back while nobody ran (or never set: a machine
// without a clock of its own): the first transaction finds that it jumped from that row's time.
func (s *Store) beginClock(ctx context.Context) error {
	for _, t := range written {
		var last int64
		if err := s.writer.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM `+t).Scan(&last); err != nil {
			return err
		}
		s.before[t] = last
	}
	var newest int64
	err := s.writer.QueryRowContext(ctx, `SELECT coalesce(max(t), 0) FROM (
 SELECT * FROM (SELECT at AS t FROM events ORDER BY seq DESC LIMIT 1) AS e
 UNION ALL SELECT * FROM (SELECT started AS t FROM attempts ORDER BY rowid DESC LIMIT 1) AS a) AS newest`).Scan(&newest)
	s.clock = clockAt(time.Now())
	if last := time.UnixMicro(newest); newest > 0 && last.Sub(s.clock.wall) >= leastJump {
		s.clock.wall = last
	}
	return err
}

// Clock has f told of each jump when the rows have followed. It is called once, before the store is used.
func (s *Store) Clock(f func(by time.Duration)) { s.jumped = f }

// FollowClock looks at the clock until ctx ends.
func (s *Store) FollowClock(ctx context.Context) error {
	look := time.NewTicker(lookAtClock)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		_ = s.Update(ctx, func(*Tx) error { return nil }) // what fails now is tried at the next look
	}
}

// keepTime moves the rows when the clock was set. It is a member of the group of its own, and stands or falls with the COMMIT: until
// that, the old clock is the one to compare with.
func (s *Store) keepTime(ctx context.Context) error {
	c := s.clock
	if s.group != nil && !s.group.clock.mono.IsZero() {
		c = s.group.clock
	}
	now := time.Now()
	by, woken := c.jump(now)
	if by == 0 && !woken {
		return nil
	}
	g, err := s.join(ctx, func(tx *Tx) error {
		for t := range topicCount { // whoever sleeps until a time counts anew
			tx.touch(t)
		}
		if by == 0 {
			return nil
		}
		return tx.move(ctx, by, now)
	})
	if err != nil {
		return err
	}
	g.clock, g.by = clockAt(now), g.by+by
	return nil
}

const behindMark = "clock.behind"

// behind is by how much jumps back have moved the deadlines of earlier processes' codes; give takes a jump in and says by how much they
// move with it: back with it, forward no further than they were moved back.
func (tx *Tx) behind(ctx context.Context, by time.Duration) (move time.Duration, err error) {
	var value string
	err = tx.row(ctx, `SELECT value FROM meta WHERE name = $1`, behindMark).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	us, _ := strconv.ParseInt(value, 10, 64)
	owed := time.Duration(us) * time.Microsecond
	move = min(by, owed)
	_, err = tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		behindMark, strconv.FormatInt((owed-move).Microseconds(), 10))
	return move, err
}
