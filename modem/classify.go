package modem

import (
	"errors"
	"strings"
	"time"

	"attestd/modem/at"
)

// ClassKind is what a failed submit means for the message, the SIM and the modem.
type ClassKind uint8

// The classes.
const (
	Temporary     ClassKind = iota // try again after RetryAfter
	Permanent                      // this message will never go out to this recipient
	Account                        // the SIM or its account: stop this SIM, move the message to another
	Sick                           // the modem: recover it, then try again
	Doubt                          // the message may be out
	Misconfigured                  // somebody must change a setting
	Accepted                       // the SMSC has the message already (197)
)

func (k ClassKind) String() string {
	return [...]string{"temporary", "permanent", "account", "sick", "doubt", "config", "accepted"}[k]
}

// Class is one row of the table.
type Class struct {
	Kind       ClassKind
	RetryAfter time.Duration // for Temporary and Sick: wait at least this long
	MaxTries   int           // so many of these for one message count as Permanent; 0: the caller's own limit
	NoTry      bool          // the terminal's own trouble (no network, a busy or locked SIM): it never ends a message
	Code       int           // +CMS ERROR or +CME ERROR, -1 when there is none
	Meaning    string
	Clause     string // 3GPP clause
}

// Classify tells what an error of Submit means.
func Classify(err error) Class {
	if err == nil {
		return Class{Kind: Accepted, Code: -1}
	}
	c := classOf(err)
	early := errors.Is(err, errBeforePayload) || errors.Is(err, ErrNotSent)
	if early && (c.Kind == Doubt || c.Kind == Accepted) { // nothing was handed over: there is nothing to doubt
		c.Kind = Sick
		c.RetryAfter = max(c.RetryAfter, 5*time.Second)
	}
	return c
}

// Describe says for people what went wrong: the error in the modem's words, what the code means where that says more,
// and
// the clause that defines it.
func (c Class) Describe(err error) string {
	text := err.Error()
	if !strings.Contains(text, c.Meaning) {
		text += ": " + c.Meaning
	}
	if c.Clause != "" {
		text += " [" + c.Clause + "]"
	}
	return text
}

// MemoryFull says whether an error says that the memory for texts has no room: what lies in it must be taken out (TS
// 23.040
// 9.2.3.22, TS 27.005 3.2.5, TS 27.007 9.2).
func MemoryFull(err error) bool {
	var cms at.CMSError
	var cme at.CMEError
	switch {
	case errors.As(err, &cms):
		return cms.Code == 208 || cms.Code == 211 || cms.Code == 322
	case errors.As(err, &cme):
		return cme.Code == 20
	}
	return false
}

func classOf(err error) Class {
	var cms at.CMSError
	var cme at.CMEError
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return Class{Kind: Doubt, Code: -1, Meaning: "no final result was read"}
	case errors.As(err, &cms):
		return lookUp(cmsClasses, cms.Code, cms.Text, Class{Kind: Doubt, RetryAfter: 5 * time.Second, Clause: "TS 27.005 3.2.5"})
	case errors.As(err, &cme):
		return lookUp(cmeClasses, cme.Code, cme.Text, Class{Kind: Sick, RetryAfter: 5 * time.Second, Clause: "TS 27.007 9.2"})
	case errors.Is(err, at.ErrError): // says no more than +CMS ERROR: 500
		c := cmsClasses[500]
		c.Code = -1
		return c
	case errors.Is(err, ErrNotSent):
		return Class{Kind: Sick, Code: -1, RetryAfter: time.Second, NoTry: true, Meaning: "nothing was handed to the modem"}
	}
	return Class{Kind: Doubt, Code: -1, Meaning: "unforeseen"}
}

func lookUp(table map[int]Class, code int, text string, unknown Class) Class {
	c, ok := table[code]
	if !ok {
		c = unknown
		if code >= 224 && code <= 254 { // TP-FCS reserved for the SC's own use: its word on this message
			c = Class{Kind: Permanent, Meaning: "application specific", Clause: "TS 23.040 9.2.3.22"}
		}
	}
	c.Code = code
	if c.Meaning == "" {
		c.Meaning = text
	}
	return c
}

// Clauses of the rows below.
const (
	rp  = "TS 24.011 8.2.5.4, E.2"  // RP cause, 1 to 127
	fcs = "TS 23.040 9.2.3.22"      // TP failure cause, 128 to 255
	cmt = "TS 27.005 3.2.5"         // the terminal's own, 300 to 511
	ven = "vendor, TS 27.005 3.2.5" // 512 and above: the numbers mean other things elsewhere
	cmc = "TS 27.007 9.2"
)

const (
	soon = 2 * time.Second
	mins = 2 * time.Minute
	hour = time.Hour
)

// cmsClasses is what each +CMS ERROR means for a submit.
var cmsClasses = map[int]Class{
	1:   {Kind: Permanent, Meaning: "unassigned number", Clause: rp},
	8:   {Kind: Account, Meaning: "operator determined barring", Clause: rp},
	10:  {Kind: Account, Meaning: "call barred", Clause: rp},
	11:  {Kind: Temporary, RetryAfter: mins, MaxTries: 2, Meaning: "reserved", Clause: rp},
	17:  {Kind: Temporary, RetryAfter: 10 * time.Second, Meaning: "network failure", Clause: "TS 24.011 8.1.4.2"},
	21:  {Kind: Temporary, RetryAfter: mins, MaxTries: 2, Meaning: "short message transfer rejected: no credit, a filter, or the wrong SMSC", Clause: rp},
	22:  {Kind: Temporary, RetryAfter: 30 * time.Second, Meaning: "congestion", Clause: "TS 24.011 8.1.4.2"},
	27:  {Kind: Temporary, RetryAfter: hour, Meaning: "destination out of service", Clause: rp},
	28:  {Kind: Account, NoTry: true, Meaning: "unidentified subscriber: this SIM", Clause: rp},
	29:  {Kind: Account, Meaning: "facility rejected", Clause: rp},
	30:  {Kind: Permanent, Meaning: "unknown subscriber", Clause: rp},
	38:  {Kind: Temporary, RetryAfter: 5 * time.Minute, Meaning: "network out of order; often the wrong SMSC or no credit", Clause: rp},
	41:  {Kind: Temporary, RetryAfter: soon, Meaning: "temporary failure", Clause: rp},
	42:  {Kind: Temporary, RetryAfter: 30 * time.Second, Meaning: "congestion", Clause: rp},
	47:  {Kind: Temporary, RetryAfter: 30 * time.Second, Meaning: "resources unavailable", Clause: rp},
	50:  {Kind: Account, Meaning: "requested facility not subscribed: no SMS in the plan, or no credit", Clause: rp},
	69:  {Kind: Misconfigured, RetryAfter: 10 * time.Second, MaxTries: 2, Meaning: "requested facility not implemented; look at the SMSC and AT+CGSMS", Clause: rp},
	81:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "invalid short message transfer reference", Clause: rp},
	95:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "semantically incorrect message", Clause: rp},
	96:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "invalid mandatory information; often the number or the SMSC", Clause: rp},
	97:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "message type non-existent or not implemented", Clause: rp},
	98:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "message not compatible with protocol state", Clause: rp},
	99:  {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "information element non-existent or not implemented", Clause: rp},
	111: {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "protocol error, unspecified", Clause: rp},
	127: {Kind: Temporary, RetryAfter: mins, MaxTries: 2, Meaning: "interworking, unspecified", Clause: rp},

	128: {Kind: Permanent, Meaning: "telematic interworking not supported", Clause: fcs},
	129: {Kind: Permanent, Meaning: "short message type 0 not supported", Clause: fcs},
	130: {Kind: Permanent, Meaning: "cannot replace short message", Clause: fcs},
	143: {Kind: Permanent, Meaning: "unspecified TP-PID error", Clause: fcs},
	144: {Kind: Permanent, Meaning: "alphabet not supported", Clause: fcs},
	145: {Kind: Permanent, Meaning: "message class not supported", Clause: fcs},
	159: {Kind: Permanent, Meaning: "unspecified TP-DCS error", Clause: fcs},
	160: {Kind: Permanent, Meaning: "command cannot be actioned", Clause: fcs},
	161: {Kind: Permanent, Meaning: "command unsupported", Clause: fcs},
	175: {Kind: Permanent, Meaning: "unspecified TP-command error", Clause: fcs},
	176: {Kind: Permanent, Meaning: "TPDU not supported", Clause: fcs},
	192: {Kind: Temporary, RetryAfter: 30 * time.Second, Meaning: "SC busy", Clause: fcs},
	193: {Kind: Account, NoTry: true, Meaning: "no SC subscription", Clause: fcs},
	194: {Kind: Temporary, RetryAfter: mins, Meaning: "SC system failure", Clause: fcs},
	195: {Kind: Permanent, Meaning: "invalid SME address", Clause: fcs},
	196: {Kind: Permanent, Meaning: "destination SME barred", Clause: fcs},
	197: {Kind: Accepted, Meaning: "duplicate: the SMSC has it already", Clause: fcs},
	198: {Kind: Permanent, Meaning: "TP-VPF not supported", Clause: fcs},
	199: {Kind: Permanent, Meaning: "TP-VP not supported", Clause: fcs},
	208: {Kind: Temporary, RetryAfter: soon, NoTry: true, Meaning: "SIM storage full: it must be drained", Clause: fcs},
	209: {Kind: Account, NoTry: true, Meaning: "no SMS storage capability in SIM", Clause: fcs},
	210: {Kind: Sick, RetryAfter: soon, Meaning: "error in MS", Clause: fcs},
	211: {Kind: Temporary, RetryAfter: soon, NoTry: true, Meaning: "memory capacity exceeded: it must be drained", Clause: fcs},
	212: {Kind: Temporary, RetryAfter: 5 * time.Second, NoTry: true, Meaning: "SIM application toolkit busy", Clause: fcs},
	213: {Kind: Temporary, RetryAfter: 5 * time.Second, Meaning: "SIM data download error", Clause: fcs},
	255: {Kind: Temporary, RetryAfter: mins, MaxTries: 2, Meaning: "unspecified error cause", Clause: fcs},

	300: {Kind: Doubt, RetryAfter: 5 * time.Second, Meaning: "ME failure", Clause: cmt},
	301: {Kind: Temporary, RetryAfter: 5 * time.Second, NoTry: true, Meaning: "SMS service of ME reserved", Clause: cmt},
	302: {Kind: Sick, RetryAfter: 5 * time.Second, NoTry: true, Meaning: "operation not allowed: not ready, or the wrong mode", Clause: cmt},
	303: {Kind: Misconfigured, NoTry: true, Meaning: "operation not supported", Clause: cmt},
	304: {Kind: Temporary, RetryAfter: soon, MaxTries: 2, Meaning: "invalid PDU mode parameter", Clause: cmt},
	305: {Kind: Sick, RetryAfter: soon, MaxTries: 2, Meaning: "invalid text mode parameter: it left PDU mode", Clause: cmt},
	310: {Kind: Account, NoTry: true, Meaning: "SIM not inserted", Clause: cmt},
	311: {Kind: Account, NoTry: true, Meaning: "SIM PIN required", Clause: cmt},
	312: {Kind: Account, NoTry: true, Meaning: "PH-SIM PIN required", Clause: cmt},
	313: {Kind: Sick, RetryAfter: 5 * time.Second, NoTry: true, Meaning: "SIM failure", Clause: cmt},
	314: {Kind: Temporary, RetryAfter: soon, NoTry: true, Meaning: "SIM busy", Clause: cmt},
	315: {Kind: Account, NoTry: true, Meaning: "SIM wrong", Clause: cmt},
	316: {Kind: Account, NoTry: true, Meaning: "SIM PUK required", Clause: cmt},
	317: {Kind: Misconfigured, NoTry: true, Meaning: "SIM PIN2 required", Clause: cmt},
	318: {Kind: Misconfigured, NoTry: true, Meaning: "SIM PUK2 required", Clause: cmt},
	320: {Kind: Sick, RetryAfter: 5 * time.Second, Meaning: "memory failure", Clause: cmt},
	321: {Kind: Temporary, RetryAfter: soon, Meaning: "invalid memory index", Clause: cmt},
	322: {Kind: Temporary, RetryAfter: soon, NoTry: true, Meaning: "memory full: it must be drained", Clause: cmt},
	330: {Kind: Misconfigured, NoTry: true, Meaning: "SMSC address unknown; set the SMSC of this modem", Clause: cmt},
	331: {Kind: Temporary, RetryAfter: soon, NoTry: true, Meaning: "no network service", Clause: cmt},
	332: {Kind: Doubt, RetryAfter: 30 * time.Second, Meaning: "network timeout", Clause: cmt},
	340: {Kind: Temporary, RetryAfter: soon, Meaning: "no acknowledgement expected", Clause: cmt},
	350: {Kind: Doubt, RetryAfter: 10 * time.Second, Meaning: "unknown (Quectel)", Clause: ven},
	500: {Kind: Doubt, RetryAfter: 5 * time.Second, Meaning: "unknown error", Clause: cmt},

	512: {Kind: Doubt, RetryAfter: 5 * time.Second, Meaning: "MM establishment failure, or another message is being received", Clause: ven},
	513: {Kind: Doubt, RetryAfter: 10 * time.Second, Meaning: "lower layer failure", Clause: ven},
	514: {Kind: Doubt, RetryAfter: 30 * time.Second, Meaning: "CP congestion", Clause: ven},
	515: {Kind: Temporary, RetryAfter: 5 * time.Second, NoTry: true, Meaning: "busy: initialising, or waiting", Clause: ven},
}

// cmeClasses is what each +CME ERROR means for a submit.
var cmeClasses = map[int]Class{
	3:   {Kind: Sick, RetryAfter: 5 * time.Second, NoTry: true, Clause: cmc},
	4:   {Kind: Misconfigured, NoTry: true, Clause: cmc},
	5:   {Kind: Account, NoTry: true, Clause: cmc},
	10:  {Kind: Account, NoTry: true, Clause: cmc},
	11:  {Kind: Account, NoTry: true, Clause: cmc},
	12:  {Kind: Account, NoTry: true, Clause: cmc},
	13:  {Kind: Sick, RetryAfter: 5 * time.Second, NoTry: true, Clause: cmc},
	14:  {Kind: Temporary, RetryAfter: soon, NoTry: true, Clause: cmc},
	15:  {Kind: Account, NoTry: true, Clause: cmc},
	16:  {Kind: Account, NoTry: true, Clause: cmc},
	17:  {Kind: Misconfigured, NoTry: true, Clause: cmc},
	18:  {Kind: Misconfigured, NoTry: true, Clause: cmc},
	20:  {Kind: Temporary, RetryAfter: soon, NoTry: true, Clause: cmc},
	30:  {Kind: Temporary, RetryAfter: soon, NoTry: true, Clause: cmc},
	31:  {Kind: Doubt, RetryAfter: 30 * time.Second, Clause: cmc},
	32:  {Kind: Account, NoTry: true, Clause: cmc},
	100: {Kind: Doubt, RetryAfter: 5 * time.Second, Clause: cmc},
	515: {Kind: Temporary, RetryAfter: 5 * time.Second, NoTry: true, Clause: cmc},
}
