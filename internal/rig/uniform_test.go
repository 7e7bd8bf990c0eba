package rig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"attestd/internal/config"
	"attestd/modem/simulator"
)

// told is all that an answer tells to who asked.
type told struct {
	status  int
	headers string
	body    string
	took    time.Duration
}

func ask(t *testing.T, r *Rig, path, body string) told {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(path, "/v1/public/") {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) told {
	t.Helper()
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	resp.Header.Del("X-Request-Id") // random
	resp.Header.Del("Date")
	var headers bytes.Buffer
	_ = resp.Header.Write(&headers) // sorted
	return told{resp.StatusCode, headers.String(), string(text), took}
}

// separation is how far two samples can be told apart by their order (Mann-Whitney U): chance is that one of a is greater than one of
// b, 0.5 when nothing tells them apart; z is how many standard deviations that is from 0.5 if nothing did.
func separation(a, b []float64) (chance, z float64) {
	type one struct {
		v   float64
		ofA bool
	}
	all := make([]one, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, one{v, true})
	}
	for _, v := range b {
		all = append(all, one{v, false})
	}
	slices.SortFunc(all, func(x, y one) int {
		switch {
		case x.v < y.v:
			return -1
		case x.v > y.v:
			return 1
		}
		return 0
	})
	ranks := 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		for k := i; k < j; k++ {
			if all[k].ofA {
				ranks += float64(i+j+1) / 2 // equal values share their ranks
			}
		}
		i = j
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	return u / (n * m), (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// tooFar is beyond what chance does: it is exceeded once in 500,000 runs where nothing tells two samples apart.
const tooFar = 4.9

func TestTheRankTestTellsAShiftAndNothingElse(t *testing.T) {
	draw := func(shift float64) (all []float64) {
		for range 150 {
			all = append(all, rand.ExpFloat64()+shift)
		}
		return all
	}
	for range 200 {
		if _, z := separation(draw(0), draw(0)); math.Abs(z) > tooFar {
			t.Errorf("two samples of the same are %.1f apart", z)
		}
	}
	if chance, z := separation(draw(0.7), draw(0)); z < tooFar || chance < 0.6 {
		t.Errorf("a shift was not seen: %.2f, %.1f", chance, z)
	}
}

func TestKnownAndUnknownPhonesCannotBeToldApartByTextStatusHeadersOrTime(t *testing.T) {
	// A machine that is busy with other tests stretches some answers over the next mark of the grid; a leak shows in every round.
	const samples, phones, rounds = 150, 100, 3
	r, err := Start(t.Context(), Options{Simulator: simulator.Config{Modems: 1}, Edit: func(cfg *config.Config) {
		cfg.Modem, cfg.Verify.Limits = nil, config.VerifyLimits{} // a caller with many addresses
		cfg.Abuse.APIProof = "off"
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	round := 0
	known := func(i int) string { return fmt.Sprintf("139%08d", round*phones+i%phones) }
	for i := range phones * rounds {
		round = i / phones
		a := ask(t, r, "/v1/filings", fmt.Sprintf(`{"type":"entity_cancellation","persons":[{"role":"entity_head","mobile":%q,"certificate_tail":"31002X"}]}`, known(i)))
		if a.status != http.StatusCreated {
			t.Fatal(a.status, a.body)
		}
	}
	for _, door := range []struct{ path, body string }{
		{"/v1/public/verify", `{"code":"%06[2]d","mobile":%[1]q,"certificate_tail":"%06[2]d"}`},
		{"/v1/public/resend", `{"mobile":%[1]q,"certificate_tail":"%06[2]d"}`},
	} {
		for round = 0; round < rounds; round++ {
			if _, z := compareTimes(t, r, door.path, door.body, samples, known); math.Abs(z) <= tooFar {
				break
			}
		}
		if round == rounds {
			t.Errorf("%s tells by its time whether a phone is known, in each of %d rounds", door.path, rounds)
		}
	}
}

// compareTimes asks about known and unknown phones in turn, holds their answers to be the same, and says how far their times are apart.
func compareTimes(t *testing.T, r *Rig, path, body string, samples int, known func(i int) string) (chance, z float64) {
	t.Helper()
	var times [2][]float64
	var first told
	for i := range samples + 10 {
		// A phone that waits for a code, with a wrong tail, and one that does not; which is asked first is drawn.
		mobiles := [2]string{known(i), fmt.Sprintf("150%08d", i)}
		for _, which := range rand.Perm(2) {
			a := ask(t, r, path, fmt.Sprintf(body, mobiles[which], 100000+i))
			if first.status == 0 {
				first = a
			}
			if a.status != first.status || a.headers != first.headers || a.body != first.body {
				t.Fatalf("%s: an answer differs:\n%d %s%s\n%d %s%s", path, first.status, first.headers, first.body, a.status, a.headers, a.body)
			}
			if i >= 10 { // what was made on the way is warm now
				times[which] = append(times[which], float64(a.took))
			}
		}
	}
	if !strings.Contains(first.body, `"result":4`) {
		t.Fatal(first.body)
	}
	chance, z = separation(times[0], times[1])
	t.Logf("%s: a known phone takes longer with chance %.3f (z %.1f)", path, chance, z)
	return chance, z
}
