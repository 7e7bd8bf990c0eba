package queue

import (
	"context"
	"time"

	"attestd/internal/msisdn"
)

// Store runs one transaction.
type Store interface {
	Update(ctx context.Context, fn func(Tx) error) error
	// Ahead is Update for what a modem waits for. It does not wait for those that wait in Update: what comes in must
	// not keep
	// what came in before from being sent.
	Ahead(ctx context.Context, fn func(Tx) error) error
}

// Tx is what the queue needs of a transaction. Every method is one statement, or two.
type Tx interface {
	// InsertMessage adds the message and its parts. MessageByKey finds what was enqueued under d's owner and key, and
	// says whether it was the same draft (its deadline apart).
	InsertMessage(ctx context.Context, m Message) error
	MessageByKey(ctx context.Context, d Draft) (m Message, same, found bool, err error)
	// Message gives the message with its parts, or ErrNotFound. MessagesOf gives those of an origin that have not ended.
	Message(ctx context.Context, id string) (Message, error)
	MessagesOf(ctx context.Context, origin string) ([]Message, error)
	// SaveMessage writes what can change in a message, without its parts; with wipe its text goes for good.
	SaveMessage(ctx context.Context, m Message, wipe bool) error
	SaveSegment(ctx context.Context, s Segment) error
	// NextRef counts concatenation references, across restarts.
	NextRef(ctx context.Context) (uint16, error)

	// Head gives the id and part that a line with these lanes should take next: the highest priority that has anything
	// due, then the earliest due, then id and part. NextDue is when the lanes next have something due; zero for never.
	Head(ctx context.Context, lanes Lanes, now time.Time) (id string, seq int, found bool, err error)
	NextDue(ctx context.Context, lanes Lanes, now time.Time) (time.Time, error)

	InsertAttempt(ctx context.Context, a Attempt) error
	SaveAttempt(ctx context.Context, a Attempt) error
	// Attempt gives one attempt, or ErrNotFound.
	Attempt(ctx context.Context, id string) (Attempt, error)
	// OpenAttempts lists attempts that have no result, oldest first, at most limit.
	OpenAttempts(ctx context.Context, limit int) ([]Attempt, error)
	// AttemptsWithMR lists what the SIM sent under this reference since then, newest first, at most limit;
	// DoubtfulAttempts what it sent without a known outcome.
	AttemptsWithMR(ctx context.Context, sim string, mr byte, since time.Time, limit int) ([]Attempt, error)
	DoubtfulAttempts(ctx context.Context, sim string, since time.Time, limit int) ([]Attempt, error)
	// Neighbours lists what the SIM sent just before (newest first) and just after (oldest first), at most limit each.
	Neighbours(ctx context.Context, a Attempt, limit int) (before, after []Attempt, err error)
	// AttemptsWithCode counts the attempts of a part that ended with this +CMS ERROR or +CME ERROR.
	AttemptsWithCode(ctx context.Context, messageID string, seq, code int) (int, error)
	// LastStart is when the SIM's latest attempt began; zero for none.
	LastStart(ctx context.Context, sim string) (time.Time, error)
	// Starts lists when the SIM's attempts since then began, oldest first, leaving out those that sent nothing.
	Starts(ctx context.Context, sim string, since time.Time) ([]time.Time, error)

	// HoldReport keeps a report that nothing fits yet. HeldReports lists those of a SIM, oldest first, of one reference
	// unless mr is negative. DropHeld drops those received at or before then, and says how old the oldest left is.
	HoldReport(ctx context.Context, id string, r Report) error
	HeldReports(ctx context.Context, sim string, mr int) ([]HeldReport, error)
	DropReport(ctx context.Context, id string) error
	DropHeld(ctx context.Context, before time.Time) (n int, oldest time.Time, err error)

	// DueSegments lists parts whose time has come (queued past the deadline, submitted or unknown past Due), by message
	// and seq alone; at most limit.
	// NextTimer is when the next one's comes, after all those: of what is under way its deadline, because an outcome wakes
	// nobody; zero for never.
	DueSegments(ctx context.Context, now time.Time, limit int) ([]Segment, error)
	NextTimer(ctx context.Context, now time.Time) (time.Time, error)
	// WipeTexts takes the texts of messages that ended at or before then, WipeNumbers their recipients; at most limit.
	WipeTexts(ctx context.Context, before time.Time, limit int) (n int, err error)
	WipeNumbers(ctx context.Context, before time.Time, limit int) (n int, err error)
	// NextWipe is the end of the earliest message whose text (numbers) still stand; zero for none.
	NextWipe(ctx context.Context) (text, numbers time.Time, err error)

	// Emit writes an event; its data has no text and no whole number in it. Only its owner is told of it; of
	// Everyone's,
	// everybody.
	Emit(ctx context.Context, typ, subject, owner string, data any) error
	// Wake has the dispatchers look for work after COMMIT.
	Wake()
}

// Lanes are who a line is to the queue: a part may be for anyone, for a modem by name, or for a SIM.
type Lanes struct{ Station, SIM string }

// HeldReport is a report that waits for the attempt that it is about.
type HeldReport struct {
	ID string
	Report
}

// laneOf names a lane as it stands in a Segment.
func stationLane(name string) string { return "modem:" + name }
func simLane(sim string) string      { return "sim:" + sim }

// Names gives the lanes as they stand in Segment.Lane.
func (l Lanes) Names() [3]string {
	return [3]string{"", stationLane(l.Station), simLane(l.SIM)}
}

// Filter narrows a list of messages; newest first.
type Filter struct {
	Owner  string        // whose: see Everyone
	State  State         // "" for any
	To     msisdn.Number // zero for anyone
	Cursor string        // what the list before gave as next
	Limit  int           // 1 to 1000; 0 for 100
}
