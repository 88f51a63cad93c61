# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help build archive demo test lint bench tools clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build bin/schleuse and bin/auditverify
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/schleuse ./cmd/auditverify

archive: ## archives with both programs, and the verifier alone for auditors, with checksums, in bin/archive
	@VERSION='$(VERSION)' .ci/archive

demo: build ## build and start the demonstration on 127.0.0.1 (stop with Ctrl+C)
	@bin/schleuse demo $(if $(DATA),--data $(DATA))

test: tools ## everything: lint, Go tests with the race detector, Rego tests, PostgreSQL, Chromium, LibreOffice, Node
	@$(MAKE) --no-print-directory lint
	@.ci/with-services go test -race -timeout 30m ./...
	@SCHLEUSE_MUTATE=all go test -run NoMutation ./policies # the race detector is too slow for all of them

lint: ## format, vet, golangci-lint where it is installed
	@.ci/lint

bench: ## benchmarks, each beside its baseline in the same run
	@.ci/with-services go test -run '^$$' -bench . -benchmem -timeout 30m ./...
	@.ci/bench

tools: ## install what the tests need and is missing (Debian or Ubuntu, as root; otherwise tests say what they skip)
	@.ci/tools

clean: ## remove what was built
	rm -rf bin .cache
