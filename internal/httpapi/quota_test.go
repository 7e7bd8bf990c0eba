package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"attestd/queue"
)

func TestAUsedUpQuotaSaysWhichHowMuchAndUntilWhen(t *testing.T) {
	for _, one := range []struct {
		quota     queue.QuotaError
		status    int
		typ, says string
		field     string
	}{
		{queue.QuotaError{Quota: queue.TokenHour, Most: 2000, Used: 1999, Needs: 2}, 429, "quota", "1999 of its 2000 texts in this clock hour (abuse.texts_per_token_per_hour", ""},
		{queue.QuotaError{Quota: queue.TokenDay, Most: 20, Used: 20, Needs: 1}, 429, "quota", "20 of its 20 texts in this clock day (abuse.texts_per_token_per_day", ""},
		{queue.QuotaError{Quota: queue.PhoneHour, Most: 10, Used: 10, Needs: 1}, 429, "quota", "this phone has had 10 of its 10 texts in this clock hour (abuse.texts_per_phone_per_hour)", "to"},
		{queue.QuotaError{Quota: queue.PhoneDay, Most: 30, Used: 0, Needs: 31}, 422, "refused", "30 texts in a clock day (abuse.texts_per_phone_per_day), and this alone needs 31", "to"},
	} {
		one.quota.Until = time.Now().Add(90 * time.Second)
		h := New((&world{fail: &one.quota}).services(), options())
		for path, body := range map[string]string{
			"/v1/messages": `{"to":"13800138000","text":"x"}`,
			"/v1/filings":  `{"type":"entity_cancellation","persons":[{"role":"entity_head","mobile":"13800138000","certificate_tail":"31002X"}]}`,
		} {
			g := do(h, http.MethodPost, path, body)
			p := g.problem(t)
			if g.status != one.status || p.Type != typePrefix+one.typ || !strings.Contains(p.Detail, one.says) {
				t.Errorf("%s %s: %d %s %s", one.quota.Quota, path, g.status, p.Type, p.Detail)
			}
			if (len(p.Errors) > 0) != (one.field != "") || one.field != "" && p.Errors[0].Field != one.field {
				t.Errorf("%s: %+v", one.quota.Quota, p.Errors)
			}
			wait, _ := strconv.Atoi(g.header.Get("Retry-After"))
			if one.status == 429 && (wait < 80 || wait > 90) || one.status == 422 && wait != 0 {
				t.Errorf("%s: Retry-After %q", one.quota.Quota, g.header.Get("Retry-After"))
			}
		}
	}
}
