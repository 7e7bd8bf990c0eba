// Package at speaks the AT wire (ITU-T V.250, 3GPP TS 27.007 and 27.005 2): bytes to lines, one command in
// flight, final result codes, prompts, and unsolicited result codes (URCs) set apart. It knows no SMS.
//
// Three goroutines serve a Conn. The reader owns the port's Read and hands bytes on; it ends when Read fails. The writer owns the
// port's Write, and makes exactly one Write for each request of the loop. The loop owns everything else: the line
// splitter, the command in flight, its deadline, what an earlier command may still be owed, and the queue of events.
// Nothing here is guarded by a mutex.
//
// A command whose final result was not read in time is answered with ErrTimeout, and nothing else is said on the wire until the
// conversation is re-established: a silent grace in which the late result may come, then a bare AT that is answered once, and
// once more. A result that comes late is an event with the tag of its own command; it is never credited to the next one.
package at

import "time"

// Options tell a Conn what its modem may say. The zero value works.
type Options struct {
	// URC says what kind of unsolicited line this is. It is asked for every line that the command in flight does not
	// claim; nil means that no line has a body or announces a restart.
	URC func(line string) Kind
	// WriteTimeout is how long one write may take before the port is given up (default 10 s).
	WriteTimeout time.Duration
	// LateResultWait is how long a payload command's late final result is waited for in silence (default 30 s).
	LateResultWait time.Duration
	// Quiet is how long the line must be silent to count as settled (default 200 ms).
	Quiet time.Duration
	// ProbeTimeout is how long a bare AT of a resynchronisation waits for its answer (default 3 s).
	ProbeTimeout time.Duration
	// Heard is called from the loop for each unsolicited line with its body, at once: the event may have to wait behind others.
	// It must not block.
	Heard func(Event)
	// Trace is called from the loop for each line read and each write. Payloads are masked.
	Trace func(Trace)
}

// Kind is what the owner of a Conn knows of an unsolicited line.
type Kind uint8

// The kinds of unsolicited lines.
const (
	Unknown  Kind = iota // claimed by a Bare command, else an event
	Known                // never part of a Bare command's answer
	WithBody             // the next line, if it is hexadecimal, belongs to it (+CMT, +CDS)
	Quoted               // Known, and its quoted text may go on over several lines (+CUSD)
	Texted               // a message in text mode: the lines that follow are its text. The modem has left PDU mode; ends a command as Banner does
	Banner               // the modem has restarted: a running command ends with ErrRestarted
	Settled              // said by us: a conversation that had broken stands again; what was said meanwhile may be lost
)

// Trace is one line read or one write made.
type Trace struct {
	At   time.Time
	Sent bool
	Line string // payloads and PDU lines are masked: "<46 hex digits>"
}

// Command is one line to the modem and how to read its answer.
type Command struct {
	Line string // with AT, without CR
	// Shown stands for Line in traces, when Line holds a secret.
	Shown string
	Tag   string // names the command when its result comes late
	// Match tells which lines are this command's information text; nil: none are (Prefix and Bare aside).
	Match func(line string) bool
	// Prefix claims lines that begin with it, as "+CSQ:".
	Prefix string
	// Body: each claimed line is followed by one hexadecimal line, which belongs to it (+CMGL, +CMGR).
	Body bool
	// Bare claims lines of no known kind, for answers that carry no prefix (AT+CGMI).
	Bare bool
	// Call: NO CARRIER, BUSY, NO ANSWER, NO DIALTONE and CONNECT end this command (V.250 6.3). For any other command they
	// tell of somebody else's call.
	Call bool
	// Payload is written after the prompt; it holds its own Ctrl-Z.
	Payload []byte
	// Timeout runs from the write of the line, or from the write of the payload when there is one (default 10 s).
	Timeout time.Duration
	// AskAfter is how long the final result of a payload is awaited in silence; then the modem is asked AT, and one that answers has lost
	// it: ErrResultLost, a few seconds later. 0: it is not asked.
	AskAfter time.Duration
	// PromptTimeout is how long the prompt may take (default 10 s).
	PromptTimeout time.Duration
	// Linger ends a command well that has an information line but no final result for this long (some answer
	// "+CPIN: READY" without OK); 0: wait for the final result.
	Linger time.Duration
	// Urgent goes before commands that wait (AT+CNMA).
	Urgent bool
	// Doubt is asked, when a payload was written, whether this final result may be that of an earlier command, given up long ago.
	// If so, another is waited for, for DoubtWait (default LateResultWait). nil: no earlier one is owed a result.
	Doubt     func(lines []string, err error) bool
	DoubtWait time.Duration
}

// Result is the answer to a command that ended with OK.
type Result struct {
	Lines []string // information text, bodies on their own
	// Missing: there was no final result, but an information line and then silence, or the end of the port.
	Missing bool
	// Paid: the payload was written with its Ctrl-Z, or may have been. It is set beside an error too.
	Paid bool
	// Earlier is a final result that was read before this one and can only be an earlier command's. Its Tag is empty: whose it is,
	// the caller knows.
	Earlier *Late
	// Unresolved: Earlier may be this command's own, for the wait for another was cut short (restart, end of the port).
	Unresolved bool
	// Alone: Command.Doubt was raised, and no other final result came.
	Alone bool
}

// Event is what the modem said unasked, in its order.
type Event struct {
	At   time.Time
	Line string // the unsolicited line; empty for a late result
	Body string // the hexadecimal line that followed it
	Kind Kind
	Late *Late
}

// Late is the final result of a command that had been answered with ErrTimeout.
type Late struct {
	Tag    string
	Result Result
	Err    error // nil when it ended with OK
}
