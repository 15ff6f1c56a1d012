# Two commands do everything: `make run` and `make test`. `make help` lists the rest.

SHELL    := /bin/bash
GO       ?= go
BIN      := build/vaultpam
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -X github.com/vaultpam/vaultpam/internal/app.Version=$(VERSION)
WEB_SRC  := $(shell find web/src web/public web/index.html web/vite.config.ts web/package.json web/package-lock.json docs/reference/openapi.json -type f 2>/dev/null)
SQLC     := v1.31.1

.PHONY: help run build console test check event-coverage bench generate clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

run: build ## build what is stale and start the product with a demo organization
	@exec $(BIN) dev

build: console ## build the one binary, console included
	@mkdir -p build
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/vaultpam

console: web/dist/index.html ## build the web console when it is stale

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SRC)
	cd web && npm run --silent build
	@touch $@

test: ## install what the tests need (when allowed) and run everything
	@scripts/test/all.sh

check: ## the static checks of `make test` alone
	@scripts/test/static.sh

event-coverage: ## drive the product from outside and write build/event-coverage.json
	@scripts/test/needs.sh
	@mkdir -p build
	VAULTPAM_TEST_EVENT_COVERAGE=$(CURDIR)/build/event-coverage.json $(GO) test -count=1 -timeout 20m ./test
	@$(GO) run ./test/coverage build/event-coverage.json

bench: console ## measure against named peers; writes build/bench.json
	@scripts/test/needs.sh
	@mkdir -p build
	$(GO) run ./bench -o build/bench.json

generate: ## write all generated files again: queries, catalog, API description
	@mkdir -p build/bin
	@[ -x build/bin/sqlc ] || GOBIN=$(CURDIR)/build/bin $(GO) install github.com/sqlc-dev/sqlc/cmd/sqlc@$(SQLC)
	build/bin/sqlc generate
	scripts/docs/generate_audit_event_catalog.sh
	scripts/docs/generate_openapi.sh

clean: ## remove what was built and stop the tests' PostgreSQL
	rm -rf build web/dist/assets web/dist/index.html
	@scripts/test/stop_postgres.sh
