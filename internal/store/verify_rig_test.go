package store

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"attestd/internal/seal"
	"attestd/pdu"
	"attestd/queue"
	"attestd/verify"
)

// rig is rules, queue and store as the daemon joins them, with a modem that does as a test says.
type rig struct {
	t      testing.TB
	path   string
	keys   *seal.Keyring
	policy verify.Policy
	modem  *pretendModem
	submit func(ctx context.Context, s queue.Submission) queue.Outcome // nil for the modem's
	fail   func(boundary) error                                        // nil for never

	s    *Store
	q    *queue.Queue
	v    *verify.Service
	stop func()
}

// pretendModem takes submits; outcome nil accepts all.
type pretendModem struct {
	mu      sync.Mutex
	mr      byte
	texts   map[string][]string // by number, in the order of going on air
	last    map[string]byte     // the reference of the last text to a number
	outcome func() queue.Outcome
}

func (m *pretendModem) submit(_ context.Context, s queue.Submission) queue.Outcome {
	tpdu := s.TPDU
	p, err := pdu.Decode(tpdu, pdu.MO)
	if err != nil || p.Submit == nil {
		return queue.Outcome{Kind: queue.OutcomeRefused, Detail: "no SUBMIT"}
	}
	o := queue.Outcome{Kind: queue.OutcomeAccepted}
	if m.outcome != nil {
		o = m.outcome()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mr++
	o.MR = m.mr
	to := strings.TrimPrefix(p.Submit.To.Digits, "86")
	m.texts[to] = append(m.texts[to], p.Submit.Text)
	m.last[to] = m.mr
	return o
}

func (m *pretendModem) sent(number string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.texts[number]
}

func newRig(t testing.TB, change func(*verify.Policy)) *rig {
	return beginRig(t, seal.Random(), change)
}

func newKeyedRig(t testing.TB, keys *seal.Keyring) *rig { return beginRig(t, keys, nil) }

func beginRig(t testing.TB, keys *seal.Keyring, change func(*verify.Policy)) *rig {
	r := &rig{
		t: t, path: filepath.Join(t.TempDir(), "t.db"), keys: keys, policy: verify.DefaultPolicy(),
		modem: &pretendModem{texts: map[string][]string{}, last: map[string]byte{}},
	}
	r.policy.SMSPerDay, r.policy.SMSGap = 0, 0
	if change != nil {
		change(&r.policy)
	}
	r.start(true)
	t.Cleanup(func() { r.stop() })
	return r
}

// start opens the database and joins everything over it; with sends, a modem is attached.
func (r *rig) start(sends bool) {
	r.t.Helper()
	must := func(err error) {
		if err != nil {
			r.t.Helper()
			r.t.Fatal(err)
		}
	}
	var err error
	r.s, err = Open(context.Background(), Options{URL: "sqlite://" + r.path, Keys: r.keys, failpoint: r.fail, Exclusive: jump != nil})
	must(err)
	r.q = queue.New(r.s.Queue(), queue.DefaultPolicy(), func(ctx context.Context, tx queue.Tx, m queue.Message) error {
		id, ok := strings.CutPrefix(m.Origin, "challenge:")
		if !ok {
			return nil
		}
		_, err := r.v.MessageChanged(ctx, tx.(verify.Tx), id, verify.SMS{MessageID: m.ID, State: string(m.State), Accepted: m.Accepted, Delivered: m.Delivered})
		return err
	})
	r.v, err = verify.New(r.s.Verify(queue.DefaultPolicy), r.keys, r.policy, verify.Templates{})
	must(err)
	must(r.q.Recover(context.Background()))
	wake, unwatch := r.s.Watch(TopicWork)
	d := queue.NewDispatcher(r.q, wake, nil)
	if r.submit == nil {
		r.submit = r.modem.submit
	}
	if sends {
		d.Attach(queue.Line{Station: "m0", SIM: "sim0", Submit: r.submit})
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := d.Run(ctx); err != nil {
			r.t.Error(err)
		}
	}()
	r.stop = func() {
		cancel()
		<-ended
		unwatch()
		if err := r.s.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// restart is the end of the process and a new one.
func (r *rig) restart(sends bool) {
	r.t.Helper()
	r.stop()
	r.start(sends)
}

var codeIn = regexp.MustCompile(`\d{6,}`)

// code reads the newest code where a person does.
func (r *rig) code(number string) string {
	r.t.Helper()
	texts := r.modem.sent(number)
	if len(texts) == 0 {
		r.t.Fatal("no SMS went out")
	}
	return codeIn.FindString(texts[len(texts)-1])
}

// report brings the status report of the newest SMS to a number.
func (r *rig) report(number string) {
	r.t.Helper()
	r.modem.mu.Lock()
	mr := r.modem.last[number]
	r.modem.mu.Unlock()
	matched, err := r.q.Report(context.Background(), queue.Report{
		SIM: "sim0", Station: "m0", MR: mr, Recipient: "+86" + number, SCTS: time.Now(), Discharge: time.Now(), Received: time.Now(),
	})
	if err != nil || !matched {
		r.t.Fatal("the report was not matched", err)
	}
}

func (r *rig) file(f verify.FilingRequest) verify.Filing {
	r.t.Helper()
	made, _, err := r.v.CreateFiling(context.Background(), f)
	if err != nil {
		r.t.Fatal(err)
	}
	return made
}

func (r *rig) filing(id string) verify.Filing {
	r.t.Helper()
	f, err := r.v.Filing(context.Background(), verify.Everyone, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (r *rig) check(code, mobile, tail string) verify.Result {
	r.t.Helper()
	a, err := r.v.Check(context.Background(), verify.CheckRequest{Code: code, Mobile: mobile, Tail: tail})
	if err != nil {
		r.t.Error(err)
	}
	return a.Result
}

func (r *rig) resend(mobile, tail string) verify.Result {
	r.t.Helper()
	a, err := r.v.Resend(context.Background(), verify.ResendRequest{Mobile: mobile, Tail: tail})
	if err != nil {
		r.t.Error(err)
	}
	return a.Result
}

func (r *rig) events(typ, subject string) (n int) {
	r.t.Helper()
	all, err := r.s.Events(context.Background(), 0, subject, 10000)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range all {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// other is a code that is not this one.
func other(code string, i int) string {
	n := 0
	for _, r := range code {
		n = n*10 + int(r-'0')
	}
	return pad((n + 1 + i) % 1000000)
}

func pad(n int) string {
	digits := []byte("000000")
	for i := 5; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return string(digits)
}

const (
	phoneA, tailA = "13800138000", "01123X"
	phoneB, tailB = "13900139000", "456(7)"
)

func onePerson() verify.FilingRequest {
	return verify.FilingRequest{Owner: "platform", Origin: "platform", Type: "change", Changes: []verify.Change{{Part: verify.PartEntity}}, Persons: []verify.PersonRequest{
		{Role: "entity_head", Name: "王五", Mobile: phoneA, CertificateTail: tailA},
	}}
}

func twoPersons() verify.FilingRequest {
	return verify.FilingRequest{Owner: "platform", Origin: "platform", Type: "first", Persons: []verify.PersonRequest{
		{Role: "entity_head", Name: "王五", Mobile: phoneA, CertificateTail: tailA},
		{Role: "website_head", Name: "赵六", Mobile: phoneB, CertificateTail: tailB, Site: "a.example"},
	}}
}

// sealWith makes a key ring of generations, each from one repeated byte.
func sealWith(generations map[byte]byte) (*seal.Keyring, error) {
	masters := map[byte][]byte{}
	for g, b := range generations {
		masters[g] = bytes.Repeat([]byte{b}, 32)
	}
	return seal.New(masters)
}
