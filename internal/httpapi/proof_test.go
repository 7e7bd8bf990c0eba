package httpapi

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"attestd/internal/proof"
	"attestd/verify"
)

// solved is a number that shows the work.
func solved(task *ProofTask) int64 {
	for n := int64(0); ; n++ {
		if proof.Work(task.Challenge, strconv.FormatInt(n, 10)) >= task.ZeroBits {
			return n
		}
	}
}

func guarded(w *world) *API {
	o := options()
	o.Limits = defaultLimits
	return New(w.services(), o)
}

const anybody = "Authorization: "

func TestThePublicEndpointsAskWhoComesWithoutATokenForAProof(t *testing.T) {
	w := &world{answer: verify.Answer{Result: verify.ResultVerified, OK: true}}
	h := guarded(w)
	for path, fields := range map[string]string{
		"/v1/public/verify": `"code":"048213","mobile":"13800138000","certificate_tail":"31002X"`,
		"/v1/public/resend": `"mobile":"13800138000","certificate_tail":"31002X"`,
	} {
		right := map[string]int{"/v1/public/verify": 31, "/v1/public/resend": 101}[path]
		ask := func(proof string) (a Answer) {
			t.Helper()
			g := do(h, "POST", path, "{"+fields+proof+"}", anybody)
			if g.status != 200 {
				t.Fatal(g)
			}
			g.decode(t, &a)
			return a
		}
		first := ask("")
		if first.Result != 903 || first.Proof == nil || first.Proof.ZeroBits != proof.Bits || first.Proof.ExpiresIn != 7200 {
			t.Fatalf("%s: %+v", path, first)
		}
		shown := fmt.Sprintf(`,"proof":{"challenge":%q,"number":%d}`, first.Proof.Challenge, solved(first.Proof))
		if a := ask(shown); a.Result != right || a.Proof != nil {
			t.Errorf("%s: with its proof: %+v", path, a)
		}
		if a := ask(shown); a.Result != right {
			t.Errorf("%s: a second click: %+v", path, a)
		}
		if g := do(h, "POST", path, `{"mobile":"13900139000"`+shown+"}", anybody); !g.has(t, 903) {
			t.Errorf("%s: another submission with the same proof: %v", path, g)
		}
		if a := ask(fmt.Sprintf(`,"proof":{"challenge":%q,"number":1}`, first.Proof.Challenge)); a.Result != right {
			t.Errorf("%s: it was shown already: %+v", path, a)
		}
		other := ask("")
		if a := ask(fmt.Sprintf(`,"proof":{"challenge":%q,"number":%d}`, other.Proof.Challenge, solved(other.Proof)+1)); a.Result != 903 && a.Result != right {
			t.Errorf("%s: a wrong number: %+v", path, a)
		}
		if a := ask(`,"proof":{"challenge":"forged","number":1}`); a.Result != 903 || a.Proof == nil {
			t.Errorf("%s: forged: %+v", path, a)
		}
		if g := do(h, "POST", path, "{"+fields+"}"); !g.has(t, right) {
			t.Errorf("%s: a token needs none: %v", path, g)
		}
		if g := do(h, "POST", path, "{"+fields+"}", "Authorization: Bearer "+goodToken+"_read"); g.status != 403 {
			t.Errorf("%s: a token without the scope: %v", path, g)
		}
		if g := do(h, "POST", path, "{"+fields+"}", "Authorization: Bearer nonsense"); g.status != 401 {
			t.Errorf("%s: a token that is none: %v", path, g)
		}
	}
	h.SetLimits(Limits{})
	if g := do(h, "POST", "/v1/public/verify", `{"code":"048213"}`, anybody); !g.has(t, 31) {
		t.Errorf("turned off: %v", g)
	}
}

func (g got) has(t *testing.T, result int) bool {
	t.Helper()
	var a Answer
	g.decode(t, &a)
	return g.status == 200 && a.Result == result
}

func TestAPhoneThatNeedsMoreWorkIsToldSoWithAChallengeForIt(t *testing.T) {
	w := &world{answer: verify.Answer{Result: verify.ResultWait, Wait: time.Minute, Work: 20}}
	h := guarded(w)
	var a Answer
	do(h, "POST", "/v1/public/verify", `{"code":"048213"}`, anybody).decode(t, &a)
	do(h, "POST", "/v1/public/verify", fmt.Sprintf(`{"code":"048213","proof":{"challenge":%q,"number":%d}}`, a.Proof.Challenge, solved(a.Proof)), anybody).decode(t, &a)
	if a.Result != 901 || a.WaitSeconds != 60 || a.Proof == nil || a.Proof.ZeroBits != 20 {
		t.Errorf("%+v", a)
	}
	if q := w.checks[0]; q.Work < proof.Bits || q.Trusted {
		t.Errorf("verify was told of %d bits, trusted %t", q.Work, q.Trusted)
	}
	do(h, "POST", "/v1/public/verify", `{"code":"048213"}`).decode(t, &a)
	if q := w.checks[1]; !q.Trusted {
		t.Error("a token is not told of")
	}
}

func TestATokenAtThePublicEndpointsHasNoLimitOfAnAddress(t *testing.T) {
	w := &world{answer: verify.Answer{Result: verify.ResultNoRecord}}
	h := guarded(w)
	for range 30 {
		if g := do(h, "POST", "/v1/public/verify", `{"code":"048213"}`); !g.has(t, 4) {
			t.Fatal(g)
		}
	}
}
