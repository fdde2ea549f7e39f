# Everything that a developer and CI do, one target each. `make` prints them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The commit that `pinsvc version` shows; empty outside of a git work tree.
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
# And the version: the tag of the commit, or the last one and the number of commits since;
# empty where there is no tag (docs/releasing.md).
RELEASE := $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null)
# DEBUG=1 builds with symbols for a debugger, which takes a third more time and disk;
# stack traces and profiles need none. pebblegozstd takes a compressor in Go that is
# there anyway, in place of one in C that takes a sixth of a build by itself.
DEBUG ?=
SYMBOLS := $(if $(DEBUG),,-s -w)
GOBUILD := go build -buildvcs=false -tags pebblegozstd -ldflags "$(SYMBOLS) -X main.commit=$(COMMIT) -X main.release=$(RELEASE)" \
	$(if $(DEBUG),,-gcflags=all=-dwarf=false)

PREFIX ?= /usr/local
# How long each fuzz target runs.
FUZZTIME ?= 60s
SCRIPTS := .ci/run $(wildcard tools/*.sh findings/*.sh sharness/*.sh sharness/*/*.sh sharness/*/*/*.sh) \
	$(wildcard tools/docblocks/sandbox/*.sh tools/docblocks/sandbox/*/*)

.PHONY: help
help: ## Print this help
	@echo "pinsvc: an IPFS Cluster peer with a Pinning Service API"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/pinsvc (DEBUG=1: with symbols for a debugger)
	@tools/gobuild.sh ./cmd/pinsvc $(GOBUILD) -o bin/pinsvc

.PHONY: install
install: build ## Install bin/pinsvc to PREFIX/bin (default /usr/local)
	install -D -m 0755 bin/pinsvc $(DESTDIR)$(PREFIX)/bin/pinsvc

.PHONY: systemd
systemd: ## As root, after make build: install the program, its user and its systemd unit
	install -D -m 0755 bin/pinsvc $(DESTDIR)/usr/local/bin/pinsvc
	install -D -m 0644 docs/systemd/pinsvc.service $(DESTDIR)/etc/systemd/system/pinsvc.service
	@id pinsvc >/dev/null 2>&1 || useradd --system --home-dir /var/lib/pinsvc --shell /usr/sbin/nologin pinsvc

.PHONY: run
run: export IPFS_CLUSTER_PATH ?= $(CURDIR)/.pinsvc
run: build ## Run a peer in $IPFS_CLUSTER_PATH (default ./.pinsvc)
	@tools/run.sh bin/pinsvc

.PHONY: kubo
kubo: ## Run a Kubo on its default ports, in $IPFS_PATH (default ./.kubo)
	@tools/kubo.sh

.PHONY: test
test: unit fuzz sharness ## Run every test, after installing what it needs

.PHONY: unit
unit: packages ## Run the Go tests only
	go test -race -timeout 20m ./...

.PHONY: sharness
sharness: packages build ## Run the tests from the outside only (TESTS="t0010-init.sh ...")
	sharness/run.sh $(TESTS)

.PHONY: mutants
mutants: ## Break one line at a time and see that the tests notice (half an hour)
	go run ./tools/mutants

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 60s)
	tools/fuzz.sh $(FUZZTIME)

# What is passed to it (go run ./tools/faults -h).
FAULTFLAGS ?=

.PHONY: faults
faults: packages ## Kill, freeze, wipe, cut off and flood real peers (FAULTFLAGS="-short -only kill")
	@go run ./tools/faults $(FAULTFLAGS)

# Pins of the benchmark, and what else is passed to it (go run ./bench -h).
N ?= 10000
BENCHFLAGS ?=

.PHONY: bench
bench: ## Measure lists and writes (N=10000 pins, BENCHFLAGS="-against bin/old -only rates")
	@go run ./bench -pins $(N) -ipfs "$$(tools/build.sh ipfs)" $(BENCHFLAGS)

.PHONY: docs
docs: ## Write docs/configuration.md and pinsvcapi/api.html from the code
	go run ./tools/configdoc
	go run ./tools/apidoc

.PHONY: check
check: packages ## Run every static check
	go vet ./...
	go tool staticcheck ./...
	@unformatted=$$(gofmt -l .); \
		if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	shellcheck -x $(SCRIPTS)
	tools/modules.sh
	@echo && go run ./tools/house

.PHONY: packages
packages: ## Install the Debian packages that test and check need
	@tools/packages.sh

.PHONY: clean
clean: ## Remove what was built (never a peer's folder)
	rm -rf bin sharness/results
