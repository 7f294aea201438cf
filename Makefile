# Needs Go, a C compiler and Python with pip; `make deps` installs the rest.
export GOFLAGS := -tags=duckdb_arrow -buildvcs=false $(EXTRA_GOFLAGS)
export CGO_ENABLED := 1
TOOLS   := $(CURDIR)/.tools
export PATH := $(TOOLS)/bin:$(TOOLS)/postgres/bin:$(TOOLS)/venv/bin:$(PATH)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PKG     ?= ./...
RUN     ?= .

# Real data for the tests that want it; they say so where it is absent.
ifneq ($(wildcard $(CURDIR)/../shared/data),)
export LEADLAKE_TESTDATA ?= $(CURDIR)/../shared/data
endif

.DEFAULT_GOAL := help
.PHONY: help deps test-deps lint-deps setup build run test conformance check lint fmt bench bench-ingest bench-resolve bench-score bench-deliver eval chaos chaos-deliver rehearse clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: setup test-deps lint-deps ## install everything for use, tests and linters

setup: build ## build, and install the DuckDB extensions
	@bin/leadlake setup

build: ## build bin/leadlake
	@scripts/deps.sh build
	@mkdir -p bin
	go build -ldflags "-X github.com/leadlake/leadlake.Version=$(VERSION)" -o bin/leadlake ./cmd/leadlake

run: setup ## run the offline demo: a city of leads, and the service to look at them
	@bin/leadlake demo

test-deps: ; @scripts/deps.sh test
lint-deps: ; @scripts/deps.sh lint

test: setup test-deps ## run all tests (PKG=./lake RUN=TestName narrow it)
	@gotestsum --format pkgname-and-test-fails --hide-summary=output -- -timeout 25m -run '$(RUN)' $(PKG)

conformance: build ## the providers' own clients and documents judge the sandbox
	@scripts/conformance.sh

check: setup test-deps lint-deps lint test conformance ## what CI runs: linters, tests, conformance

lint: ## run the linters alone
	@scripts/lint.sh

fmt: lint-deps ## format Go and SQL
	golangci-lint fmt
	sqlfluff fix --quiet sql

bench: setup ## measure the whole job against its limits, on the data in LEADLAKE_TESTDATA
	@scripts/bench.sh

bench-ingest: setup ## measure landing, and the import of a list beside Sling
	@scripts/bench_ingest.sh

eval: setup ## resolution on labelled sets, as shipped and by the others (PEERS=1: beside Splink)
	@scripts/eval.sh

bench-resolve: setup ## resolution beside Splink: ARGS="wof|synthetic N|growth N"
	@scripts/bench_resolve.sh $(ARGS)

bench-score: test-deps ## scoring by boosted trees beside XGBoost itself
	@scripts/bench_score.sh

bench-deliver: setup ## deliveries a second against the limits of the CRMs
	go run ./internal/chaosdeliver bench $(ARGS)

rehearse: setup ## campaigns against the truth: ARGS="tiling|estimates|budgets|kills|learning [-n N]"
	go run ./internal/rehearse $(ARGS)

chaos: setup ## kill the program at random moments and compare what it leaves
	go run ./internal/chaos $(ARGS)

chaos-deliver: setup ## deliver through failing destinations by senders that are killed: ARGS="-rows N -kills N"
	go run ./internal/chaosdeliver chaos $(ARGS)

clean: ## remove what make made, but not the tools
	rm -rf bin .leadlake
