package verify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// openVault hashes for real and seals in name only, so that tests can look inside.
type openVault struct{}

func (openVault) Seal(plain []byte, context string) []byte {
	return append([]byte(context+"|"), plain...)
}

func (openVault) Open(sealed []byte, context string) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(context+"|"))
	if !ok {
		return nil, errors.New("sealed for another context")
	}
	return plain, nil
}

func (openVault) MAC(purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte("test"))
	for _, p := range append([][]byte{[]byte(purpose)}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

func (v openVault) MACs(purpose string, parts ...[]byte) [][]byte {
	return [][]byte{v.MAC(purpose, parts...)}
}

type text struct {
	Outgoing
	id, state string
	cancelled bool
	settled   bool
}

type event struct {
	typ, subject, owner string
	data                map[string]any
	raw                 []byte
}

type storedAnswer struct {
	a         Answer
	at, until time.Time
}

type sent struct {
	mac, kind string
	at        time.Time
}

// rows are a database; memory is a store over one, with transactions that roll back.
type rows struct {
	keys       map[string]challengeKey
	filings    map[string]Filing
	challenges map[string]Challenge
	answers    map[string]storedAnswer
	sent       []sent
	texts      []text
	events     []event
}

type challengeKey struct {
	id  string
	mac []byte
}

type memory struct {
	mu   sync.Mutex
	rows rows
	// fail is returned by the next transaction instead of a commit.
	fail error
	// broken gathers what a database would have refused.
	broken []string
}

func newMemory() *memory {
	return &memory{rows: rows{filings: map[string]Filing{}, challenges: map[string]Challenge{}, answers: map[string]storedAnswer{}, keys: map[string]challengeKey{}}}
}

func (m *memory) Update(_ context.Context, fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := rows{
		filings: maps.Clone(m.rows.filings), challenges: maps.Clone(m.rows.challenges), answers: maps.Clone(m.rows.answers), keys: maps.Clone(m.rows.keys),
		sent: slices.Clone(m.rows.sent), texts: slices.Clone(m.rows.texts), events: slices.Clone(m.rows.events),
	}
	err := fn(memoryTx{m})
	if err == nil && m.fail != nil {
		err, m.fail = m.fail, nil
	}
	if err != nil {
		m.rows = before
	}
	return err
}

func (m *memory) Filing(ctx context.Context, id string) (f Filing, err error) {
	err = m.Update(ctx, func(tx Tx) error {
		if f, err = tx.Filing(ctx, id); err != nil {
			return err
		}
		f.Challenges, err = tx.ChallengesOfFiling(ctx, id)
		return err
	})
	return f, err
}

func (m *memory) Filings(context.Context, FilingQuery) ([]Filing, string, error) {
	return nil, "", errors.ErrUnsupported
}

func (m *memory) Story(_ context.Context, f Filing, after int64, limit int) (all []Recorded, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range m.rows.events {
		if seq := int64(i + 1); e.subject == f.ID && seq > after && len(all) < limit {
			all = append(all, Recorded{Seq: seq, Type: e.typ, Subject: e.subject, Data: e.raw})
		}
	}
	return all, nil
}

type memoryTx struct{ m *memory }

func (t memoryTx) InsertFiling(_ context.Context, f Filing) error {
	f.Persons, f.Challenges = slices.Clone(f.Persons), nil
	t.m.rows.filings[f.ID] = f
	return nil
}

func (t memoryTx) UpdateFiling(_ context.Context, f Filing) error {
	old, ok := t.m.rows.filings[f.ID]
	if !ok {
		return ErrNotFound
	}
	if old.State.Terminal() && old.State != f.State {
		t.m.broken = append(t.m.broken, fmt.Sprintf("filing went from %s to %s", old.State, f.State))
	}
	old.State, old.Reason, old.Note, old.By, old.Updated, old.Ended = f.State, f.Reason, f.Note, f.By, f.Updated, f.Ended
	old.ResubmitDue = f.ResubmitDue
	t.m.rows.filings[f.ID] = old
	return nil
}

func (t memoryTx) UpdatePerson(_ context.Context, p Person) error {
	f := t.m.rows.filings[p.FilingID]
	f.Persons = slices.Clone(f.Persons)
	f.Persons[p.Index] = p
	t.m.rows.filings[f.ID] = f
	return nil
}

func (t memoryTx) Filing(_ context.Context, id string) (Filing, error) {
	f, ok := t.m.rows.filings[id]
	if !ok {
		return Filing{}, ErrNotFound
	}
	f.Persons = slices.Clone(f.Persons)
	return f, nil
}

func (t memoryTx) FilingByReference(ctx context.Context, owner, reference string) (Filing, error) {
	for id, f := range t.m.rows.filings {
		if f.Owner == owner && f.Reference == reference {
			return t.Filing(ctx, id)
		}
	}
	return Filing{}, ErrNotFound
}

func (t memoryTx) DueFilings(_ context.Context, now time.Time, limit int) (ids []string, err error) {
	for id, f := range t.m.rows.filings {
		if !f.ResubmitDue.IsZero() && !f.ResubmitDue.After(now) && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (t memoryTx) NextDueFiling(context.Context) (next time.Time, err error) {
	for _, f := range t.m.rows.filings {
		if !f.ResubmitDue.IsZero() && (next.IsZero() || f.ResubmitDue.Before(next)) {
			next = f.ResubmitDue
		}
	}
	return next, nil
}

func (t memoryTx) EntitiesOfNumber(_ context.Context, owner string, numberMACs [][]byte) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, c := range t.m.rows.challenges {
		if f := t.m.rows.filings[c.FilingID]; f.Owner == owner && f.Entity != nil && anyEqual([][]byte{c.NumberMAC}, numberMACs) {
			all[f.ID] = f.Entity
		}
	}
	return all, nil
}

func (t memoryTx) InsertChallenge(_ context.Context, c Challenge) error {
	t.m.rows.challenges[c.ID] = c
	return nil
}

func (t memoryTx) UpdateChallenge(_ context.Context, c Challenge) error {
	old, ok := t.m.rows.challenges[c.ID]
	if !ok {
		return ErrNotFound
	}
	if old.State.Terminal() && old.State != c.State || c.Wrong < old.Wrong || c.Sends < old.Sends {
		t.m.broken = append(t.m.broken, fmt.Sprintf("challenge went from %s %d %d to %s %d %d", old.State, old.Wrong, old.Sends, c.State, c.Wrong, c.Sends))
	}
	t.m.rows.challenges[c.ID] = c
	return nil
}

func (t memoryTx) Challenge(_ context.Context, id string) (Challenge, error) {
	c, ok := t.m.rows.challenges[id]
	if !ok {
		return c, ErrNotFound
	}
	return c, nil
}

func (t memoryTx) pick(want func(Challenge) bool) (all []Challenge) {
	for _, c := range t.m.rows.challenges {
		if want(c) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Challenge) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (t memoryTx) ChallengesOfFiling(_ context.Context, id string) ([]Challenge, error) {
	return t.pick(func(c Challenge) bool { return c.FilingID == id }), nil
}

func (t memoryTx) ChallengesOfNumber(_ context.Context, macs [][]byte, since time.Time) ([]Challenge, error) {
	return t.pick(func(c Challenge) bool {
		return anyEqual([][]byte{c.NumberMAC}, macs) && (c.Ended.IsZero() || !since.IsZero() && !c.Ended.Before(since))
	}), nil
}

func (t memoryTx) DueChallenges(_ context.Context, now time.Time, limit int) ([]Challenge, error) {
	all := t.pick(func(c Challenge) bool { return !c.Due.IsZero() && !c.Due.After(now) })
	return all[:min(limit, len(all))], nil
}

func (t memoryTx) NextDueChallenge(context.Context) (next time.Time, err error) {
	for _, c := range t.m.rows.challenges {
		if !c.Due.IsZero() && (next.IsZero() || c.Due.Before(next)) {
			next = c.Due
		}
	}
	return next, nil
}

func (t memoryTx) ChallengeKey(_ context.Context, owner, key string) (string, []byte, error) {
	k, ok := t.m.rows.keys[owner+" "+key]
	if !ok {
		return "", nil, ErrNotFound
	}
	return k.id, k.mac, nil
}

func (t memoryTx) InsertChallengeKey(_ context.Context, owner, key string, mac []byte, id string, _ time.Time) error {
	t.m.rows.keys[owner+" "+key] = challengeKey{id, mac}
	return nil
}

func (t memoryTx) StoredAnswer(_ context.Context, key []byte) (Answer, time.Time, time.Time, error) {
	s, ok := t.m.rows.answers[string(key)]
	if !ok {
		return Answer{}, time.Time{}, time.Time{}, ErrNotFound
	}
	return s.a, s.at, s.until, nil
}

func (t memoryTx) StoreAnswer(_ context.Context, key []byte, a Answer, at, until time.Time) error {
	t.m.rows.answers[string(key)] = storedAnswer{a, at, until}
	return nil
}

func (t memoryTx) ForgetAnswers(_ context.Context, until time.Time) (bool, error) {
	maps.DeleteFunc(t.m.rows.answers, func(_ string, s storedAnswer) bool { return !s.until.After(until) })
	return len(t.m.rows.answers) > 0, nil
}

func (t memoryTx) NotePast(context.Context, time.Time) error { return nil }

func (t memoryTx) NoteCheck(context.Context, bool, time.Time) error { return nil }

func (t memoryTx) NoteSent(_ context.Context, mac []byte, kind string, at time.Time) error {
	t.m.rows.sent = append(t.m.rows.sent, sent{string(mac), kind, at})
	return nil
}

func (t memoryTx) SentSince(_ context.Context, macs [][]byte, kind string, after time.Time) (all []time.Time, err error) {
	for _, s := range t.m.rows.sent {
		if s.kind == kind && s.at.After(after) && anyEqual([][]byte{[]byte(s.mac)}, macs) {
			all = append(all, s.at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all, nil
}

func (t memoryTx) ForgetSent(_ context.Context, before time.Time) error {
	t.m.rows.sent = slices.DeleteFunc(t.m.rows.sent, func(s sent) bool { return s.at.Before(before) })
	return nil
}

func (t memoryTx) Send(_ context.Context, o Outgoing) (string, error) {
	id := fmt.Sprintf("sms-%d", len(t.m.rows.texts))
	t.m.rows.texts = append(t.m.rows.texts, text{Outgoing: o, id: id, state: smsQueued})
	return id, nil
}

func (t memoryTx) CancelSMS(_ context.Context, id string) error {
	for i, s := range t.m.rows.texts {
		if s.ChallengeID == id && s.state == smsQueued && !s.Answer {
			t.m.rows.texts[i].cancelled, t.m.rows.texts[i].state = true, "cancelled"
		}
	}
	return nil
}

func (t memoryTx) Settle(_ context.Context, id string) error {
	for i, s := range t.m.rows.texts {
		if s.ChallengeID == id && !s.Answer {
			t.m.rows.texts[i].settled = true
		}
	}
	return nil
}

func (t memoryTx) Emit(_ context.Context, typ, subject, owner string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	e := event{typ: typ, subject: subject, owner: owner, raw: b}
	t.m.rows.events = append(t.m.rows.events, e)
	return json.Unmarshal(b, &t.m.rows.events[len(t.m.rows.events)-1].data)
}

// counted says how many events of a type a subject has.
func (m *memory) counted(typ, subject string) (n int) {
	for _, e := range m.rows.events {
		if e.typ == typ && (subject == "" || e.subject == subject) {
			n++
		}
	}
	return n
}
