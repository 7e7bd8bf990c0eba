package store

import (
	"context"
	"strconv"
	"strings"

	"attestd/queue"
)

const defaultList, longestList = 100, 1000

// Message gives an owner's message with its parts, or queue.ErrNotFound.
func (s *Store) Message(ctx context.Context, owner, id string) (queue.Message, error) {
	m, err := one(s.scanWithParts(s.readQuery(ctx, selectWithParts+`WHERE m.id = $1 ORDER BY s.seq`, id)))
	if err == nil && owner != queue.Everyone && (owner == "" || owner != m.Owner) {
		return queue.Message{}, queue.ErrNotFound
	}
	return m, err
}

// Messages lists an owner's messages, newest first and without their parts; next is the cursor of the rest, "" at the
// end.
func (s *Store) Messages(ctx context.Context, f queue.Filter) (items []queue.Message, next string, err error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultList
	}
	limit = min(limit, longestList)
	var where []string
	var args []any
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, condition+placeholder(len(args)))
	}
	switch f.Owner {
	case queue.Everyone:
	case "":
		return nil, "", nil
	default:
		add("m.owner = ", f.Owner)
	}
	if f.State != "" {
		add("m.state = ", string(f.State))
	}
	if !f.To.IsZero() {
		var macs []string
		for _, mac := range s.keys.MACs(numberPurpose, []byte(f.To.E164())) {
			args = append(args, mac)
			macs = append(macs, placeholder(len(args)))
		}
		where = append(where, `m.recipient_mac IN (`+strings.Join(macs, ", ")+`)`)
	}
	if f.Cursor != "" {
		add("m.id < ", f.Cursor)
	}
	text := `SELECT ` + messageColumns + ` FROM messages m`
	if len(where) > 0 {
		text += ` WHERE ` + strings.Join(where, ` AND `)
	}
	args = append(args, limit+1)
	rows, err := s.readQuery(ctx, text+` ORDER BY m.id DESC LIMIT `+placeholder(len(args)), args...)
	items, err = collect(rows, err, func(r scanner) (queue.Message, error) { return s.scanMessage(r, nil) })
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	return items, next, err
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// Attempts lists what was tried for a message, in order.
func (s *Store) Attempts(ctx context.Context, messageID string) ([]queue.Attempt, error) {
	rows, err := s.readQuery(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE message_id = $1 ORDER BY seq, n`, messageID)
	return collect(rows, err, scanAttempt)
}

// MessageCounts counts messages by state.
func (s *Store) MessageCounts(ctx context.Context) (map[queue.State]int, error) {
	found, err := s.counted(ctx, "messages")
	counts := map[queue.State]int{}
	for _, state := range queue.States {
		counts[state] = found[string(state)]
	}
	return counts, err
}
