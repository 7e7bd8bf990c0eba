# What people run here. `make run` shows the main job, `make test` proves it.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZ    ?= 60s
# A kernel build of SQLite is compiled the first time: the first build takes a minute or two, the next ones seconds.
PREFIX  ?= /usr/local
LDFLAGS  = -s -w -X main.version=$(VERSION)

.PHONY: build install demo-svg test check lint race fuzz interleavings bench crash faults-clock run clean deps

build: ## bin/attestd
	@[ -e bin/attestd ] || echo "compiling: the first time takes a minute or two (the embedded database), later ones seconds"
	$(GO) build -v -trimpath -ldflags '$(LDFLAGS)' -o bin/attestd ./cmd/attestd

install: ## bin/attestd, made by make build, to PREFIX/bin (/usr/local/bin)
	install -d $(DESTDIR)$(PREFIX)/bin && install -m 755 bin/attestd $(DESTDIR)$(PREFIX)/bin/attestd

demo-svg: build ## docs/demo.svg, from what the program prints
	./bin/attestd demo --svg >docs/demo.svg.new && mv docs/demo.svg.new docs/demo.svg

run: build ## the main job on simulated modems: two persons, two SMS, one filing
	./bin/attestd demo

deps: ## what the tests need besides Go: installed where it can be, named where it cannot
	@./deploy/test-deps.sh

test: deps check ## everything
	$(GO) test -timeout 15m ./...

check: ## formatting and vet
	@test -z "$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || echo .))" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...

# Run as they are, without a place in go.mod: nothing of the program depends on them.
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

lint: ## staticcheck, and go.mod as it should be
	$(GO) mod tidy -diff
	$(GO) run $(STATICCHECK) ./...

race: ## every package under the race detector; random tests are shorter, and what drives other programs is left to make test
	$(GO) test -race -short -timeout 30m ./...

fuzz: ## every fuzz target for FUZZ (60s) each
	@for target in $$(grep -rhoE --include='*_test.go' 'func Fuzz[A-Za-z0-9_]*' . | awk '{print $$2}' | sort -u); do \
	  dir=$$(grep -rlE --include='*_test.go' "func $$target\(" . | head -1 | xargs dirname); \
	  echo "== $$dir $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) -fuzzminimizetime 10x "$$dir" || exit 1; \
	done

interleavings: ## a million random operations on filings that share phones, a few minutes: no cap exceeded, no end reopened
	ATTESTD_OPERATIONS=1000000 $(GO) test -timeout 60m -count=1 -v -run 'TestNoInterleavingExceedsACap' ./verify

bench: build ## the figures of docs/performance.md
	./bin/attestd bench
	$(GO) test -run '^$$' -bench . -benchmem ./...

crash: build ## 1,000 kills under load, about a quarter of an hour: nothing lost, nothing sent twice
	./bin/attestd crash --kills 1000

faults-clock: ## the rows of docs/faults.md that need a clock which can be set, and the random tests with jumps: two minutes
	$(GO) test -count=1 -v -run 'TheGatewaysClockJumps|WhenTheClockJumps' ./internal/faults

clean:
	rm -rf bin
