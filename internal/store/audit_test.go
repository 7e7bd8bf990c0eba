package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"attestd/internal/access"
)

func auditLog(t *testing.T, s *Store, f AuditFilter) (words []string) {
	t.Helper()
	f.Limit = 1000
	items, _, err := s.AuditLog(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range items {
		words = append(words, strings.Trim(e.By.Kind+":"+e.By.Name, ":")+" "+e.Action+" "+e.Subject)
	}
	return words
}

func TestAnActHasItsAuditRowOrIsNotDone(t *testing.T) {
	s := open(t)
	ctx := access.As(t.Context(), access.Actor{Kind: access.ByToken, Name: "platform"})
	undone := errors.New("undone")
	for _, result := range []error{nil, undone} {
		err := s.Update(ctx, func(tx *Tx) error {
			return errors.Join(tx.Emit(ctx, "filing.cancelled", "f1", "", map[string]string{"state": "cancelled"}), result)
		})
		if !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	if got := auditLog(t, s, AuditFilter{}); !slices.Equal(got, []string{"token:platform filing.cancelled f1"}) {
		t.Error(got)
	}
}

func TestTheAuditLogHasActsAndWhoDidThemAndNothingPersonal(t *testing.T) {
	s := open(t)
	person := access.As(t.Context(), access.Actor{Kind: access.ByPerson, Name: "page"})
	for _, e := range []struct {
		ctx  context.Context
		typ  string
		data map[string]string
	}{
		{t.Context(), "filing.rejected", nil}, // nobody's act: its time came
		{person, "filing.passed", map[string]string{"reference": "Mr-Zhang-13800138000", "state": "passed"}},
		{person, "person.verified", map[string]string{"mobile": "138****8000", "role": "entity_head"}},
		{person, "challenge.verified", map[string]string{"filing": "x", "mobile": "138****8000"}}, // told by its person
		{person, "challenge.verified", map[string]string{"challenge": "x"}},
		{person, "check.refused", map[string]string{"filing": "x"}},
		{t.Context(), "filing.verifying", nil},
		{t.Context(), "message.queued", map[string]string{"to": "+86138****8000"}},
		{t.Context(), "message.cancelled", map[string]string{"to": "+86138****8000", "state": "cancelled"}},
		{t.Context(), "inbox.received", nil},
	} {
		if err := s.Update(e.ctx, func(tx *Tx) error { return tx.Emit(e.ctx, e.typ, "x", "", e.data) }); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"gateway message.cancelled x", "person:page challenge.verified x", "person:page person.verified x", "person:page filing.passed x", "gateway filing.rejected x"}
	if got := auditLog(t, s, AuditFilter{}); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	items, _, err := s.AuditLog(t.Context(), AuditFilter{Limit: 10})
	for _, e := range items {
		if strings.Contains(string(e.Data), "138") || strings.Contains(string(e.Data), "Zhang") {
			t.Errorf("%s: %s, %v", e.Action, e.Data, err)
		}
	}
}

func TestTheAuditLogIsFilteredPagedAndWiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		began := time.Now()
		if err := s.Update(t.Context(), func(tx *Tx) (err error) { // one COMMIT: the disk has better to do
			for i := range 2500 {
				ctx := access.As(t.Context(), access.Actor{Kind: access.ByUser, Name: []string{"root", "anna"}[i%2]})
				action := []string{"keys.rotated", "keys.retired", "keysmith.hired", "token.created"}[i%4]
				err = errors.Join(err, tx.Audit(ctx, action, "", nil))
				time.Sleep(time.Minute)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			f    AuditFilter
			want int
		}{
			{AuditFilter{}, 1000},
			{AuditFilter{Name: "anna", Action: "keys.rotated"}, 0},
			{AuditFilter{Name: "anna", Action: "keys.*", Since: began.Add(2400 * time.Minute)}, 25},
			{AuditFilter{Kind: access.ByToken}, 0},
			{AuditFilter{Action: "keys.*", Since: began.Add(2400 * time.Minute)}, 50},
			{AuditFilter{Action: "keysmith.hired", Since: began.Add(2400 * time.Minute)}, 25},
		} {
			if got := auditLog(t, s, c.f); len(got) != c.want {
				t.Errorf("%+v: %d rows, want %d", c.f, len(got), c.want)
			}
		}
		seen := 0
		for next := ""; ; seen++ {
			page, more, err := s.AuditLog(t.Context(), AuditFilter{Before: next, Limit: 1})
			if err != nil || len(page) != 1 || seen > 20 {
				break
			}
			next = more
		}
		if seen != 21 {
			t.Errorf("%d pages", seen)
		}
		if n, err := s.WipeAudit(t.Context(), began.Add(2300*time.Minute)); n != 2300 || err != nil {
			t.Errorf("%d wiped: %v", n, err)
		}
		if got := auditLog(t, s, AuditFilter{}); len(got) != 200 {
			t.Errorf("%d are left", len(got))
		}
	})
}
