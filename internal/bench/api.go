package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"attestd/internal/config"
	"attestd/internal/rig"
	"attestd/modem/simulator"
)

// apiConnections is how many clients ask at once: platforms and persons, each waiting for his answer.
const apiConnections = 24

// api measures filings taken in and codes checked over HTTP. No modem takes part, for none of this waits for one; limits are off, or
// a few would stop it all.
func api(ctx context.Context, b *bench) error {
	r, err := start(ctx, simulator.Config{Modems: 1}, func(cfg *config.Config) {
		cfg.Modem, cfg.Verify.Limits = nil, config.VerifyLimits{}
	})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	stop, err := profile()
	if err != nil {
		return err
	}
	defer stop()
	n := b.size(6000)
	phone := func(i int) string { return fmt.Sprintf("139%08d", i) }

	create := make([][]byte, n)
	for i := range create {
		create[i] = request(r, "/v1/filings", fmt.Sprintf(`{"type":"first","reference":"order-%d","sites":[{"name":"example.cn","kind":"website"}],"persons":[`+
			`{"role":"entity_head","mobile":%[2]q,"certificate_tail":"31002X"},{"role":"website_head","site":"example.cn","mobile":%[2]q,"certificate_tail":"31002X"}]}`, i, phone(i)))
	}
	created, err := load(ctx, r, create, `"state":"verifying"`)
	if err != nil {
		return fmt.Errorf("filings: %w", err)
	}
	texts, err := r.Texts(ctx)
	if err != nil {
		return err
	}
	first, right := checks(r, n, phone, texts)
	wrong, err := load(ctx, r, first, `"result":`)
	if err != nil {
		return fmt.Errorf("checks: %w", err)
	}
	passed, err := load(ctx, r, right, `"result":3`)
	if err != nil {
		return fmt.Errorf("checks of right codes: %w", err)
	}
	all := run{took: wrong.took + passed.took, cpu: wrong.cpu + passed.cpu, latencies: append(wrong.latencies, passed.latencies...)}
	slices.Sort(all.latencies)
	b.atLeast("filings/s over HTTP, each durable", created.rate(), "1/s", 1000, "")
	b.atMost("the same, p99", percentile(created.latencies, .99), "ms", 50, "")
	b.atLeast("checks/s over HTTP, each durable", all.rate(), "1/s", 1500, "")
	b.atMost("the same, p99", percentile(all.latencies, .99), "ms", 50, "")
	b.just("processor time of a filing / clients included", created.each(), "ms", "")
	b.just("processor time of a check / clients included", all.each(), "ms", "")
	b.just("of these, refused (wrong code, unknown phone)", wrong.rate(), "1/s", "")
	b.just("of these, right, and the filing passed", passed.rate(), "1/s", "")
	return nil
}

// checks are a first round (of each four phones two wrong codes, and one phone that nobody waits for) and a second with
// the code that each phone got.
func checks(r *rig.Rig, n int, phone func(int) string, texts map[string]string) (first, right [][]byte) {
	six := regexp.MustCompile(`[0-9]{6}`)
	check := func(code, mobile string) []byte {
		return request(r, "/v1/public/verify", fmt.Sprintf(`{"code":%q,"mobile":%q,"certificate_tail":"31002X"}`, code, mobile))
	}
	for i := range n {
		code := six.FindString(texts["+86"+phone(i)])
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		switch i % 4 {
		case 0, 1:
			first = append(first, check(wrong, phone(i)))
		case 2:
			first = append(first, check(wrong, fmt.Sprintf("150%08d", i)))
		}
		right = append(right, check(code, phone(i)))
	}
	return first, right
}

// request is a whole HTTP request, made before the clock runs.
func request(r *rig.Rig, path, body string) []byte {
	u, _ := url.Parse(r.URL)
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, u.Host, r.Token, len(body), body)
}

// run is what came of a load.
type run struct {
	took      time.Duration
	cpu       time.Duration // of the gateway and of the clients
	latencies []float64     // ms, sorted
}

// each is the processor time of one request in ms.
func (r run) each() float64 { return float64(r.cpu.Microseconds()) / 1000 / float64(len(r.latencies)) }

func (r run) rate() float64 { return float64(len(r.latencies)) / r.took.Seconds() }

// load sends all requests over a few connections, each of which waits for its answer before it asks again. An answer
// must be of the 200s and hold what is wanted.
func load(ctx context.Context, r *rig.Rig, all [][]byte, want string) (run, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return run{}, err
	}
	var next atomic.Int64
	latencies := make([]float64, len(all))
	errs := make([]error, apiConnections)
	var clients sync.WaitGroup
	began, used := time.Now(), cpu()
	for c := range apiConnections {
		clients.Go(func() {
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				errs[c] = err
				return
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReader(conn)
			for i := next.Add(1) - 1; i < int64(len(all)) && errs[c] == nil && ctx.Err() == nil; i = next.Add(1) - 1 {
				from := time.Now()
				errs[c] = ask(conn, in, all[i], want)
				latencies[i] = float64(time.Since(from).Microseconds()) / 1000
			}
		})
	}
	clients.Wait()
	took, used := time.Since(began), cpu()-used
	slices.Sort(latencies)
	return run{took, used, latencies}, errors.Join(append(errs, context.Cause(ctx))...)
}

func ask(conn net.Conn, in *bufio.Reader, request []byte, want string) error {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode/100 != 2 || !bytes.Contains(body, []byte(want))) {
		err = fmt.Errorf("answered %s: %s", strconv.Itoa(resp.StatusCode), body)
	}
	return err
}

// profile writes a CPU profile of the scenario where the environment names a file for it.
func profile() (stop func(), err error) {
	name := os.Getenv("ATTESTD_BENCH_PROFILE")
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
