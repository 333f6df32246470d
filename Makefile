# Florin's commands. "make help" lists them.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s
SEED ?= 1
MASK ?=
KILLS ?= 50
RUNS ?= 5
DURATION ?= 60s
GO_TEST = go test -count=1

.DEFAULT_GOAL := build
.PHONY: build setup test lint fuzz simulate crash proof generate bench clean help

build: ## build the one binary, bin/florin
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/florin ./cmd/florin

setup: ## check what the tests need and install what is missing
	@scripts/setup

test: setup ## everything that must pass: format, vet, house rules, all tests on SQLite and PostgreSQL, clients
	@scripts/test

lint: ## the quick part of test: format, vet, house rules
	@scripts/test lint

fuzz: ## run every fuzz target for FUZZTIME (30s) each
	@scripts/fuzz $(FUZZTIME)

simulate: ## run the simulated world with SEED (and MASK, of what is left out), to see one history again
	FLORIN_SEED=$(SEED) FLORIN_MASK=$(MASK) $(GO_TEST) -v -timeout 30m -run 'TestWorld$$' ./test/world

crash: setup ## kill the real binary KILLS times at random and at every kill point, on both engines, trace its syncs, and verify what is left
	FLORIN_KILLS=$(KILLS) $(GO_TEST) -v -timeout 60m ./test/crash
	$(GO_TEST) -v -timeout 30m -tags probe ./test/crash
	FLORIN_KILLS=$(KILLS) go run ./test/postgres/with -- $(GO_TEST) -v -timeout 60m ./test/crash
	go run ./test/postgres/with -- $(GO_TEST) -v -timeout 30m -tags probe ./test/crash

proof: setup ## the full counts that make test runs reduced; can be interrupted and gone on with
	@scripts/proof

generate: ## make generated files anew
	go generate ./...

bench: build setup ## measure RUNS runs (5) of DURATION (60s) on SQLite and PostgreSQL, at full load and at 500 a second, into docs/benchmarks.md
	@RUNS=$(RUNS) DURATION=$(DURATION) scripts/bench

clean: ## remove what was built or fetched here
	rm -rf bin .cache test/clients/node/node_modules

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile
