# KenDFS: `make run` starts a drive, `make test` proves it. `make help` lists the rest.
SHELL   := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
DIR     ?= $(CURDIR)/.cache/drive
WEBDAV  ?= 127.0.0.1:8080
ADMIN   ?= 127.0.0.1:8090
FUZZ    ?= 20s

.PHONY: run build test tools ui ui-test ui-looks ui-soak race fuzz soak bench lint cover generate clean help

# Without Node the binary is built without the desktop, and says so where it would be.
UI      := $(if $(shell command -v npm 2>/dev/null),ui)

run: build ## build and start a drive on this machine, ready to mount; DIR=folder WEBDAV=IP:PORT ADMIN=IP:PORT
	@exec bin/ken dev --dir '$(DIR)' --webdav '$(WEBDAV)' --admin '$(ADMIN)'

build: $(UI) ## build bin/ken
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ken ./cmd/ken

# test calls npm itself: a make of its own would run under make -n too.
test: tools lint build ## install the test tools that are missing and run every test
	@go test -timeout 25m ./...; status=$$?; \
		$(if $(UI),(cd admin/ui && npm run --silent test) || status=1;) exit $$status

ui-test: ui ## the desktop: types, unit tests, size, and the browser; ends in "N passed, N failed"
	@cd admin/ui && npm run --silent test

ui-looks: build ## every state of every app as a picture in admin/ui/e2e/output, checked by axe
	@cd admin/ui && KEN_LOOKS=1 npm run --silent e2e -- shots

ui-soak: build ## the desktop open on the demo for an hour: it must not grow; KEN_SOAK_FOR=minutes
	@cd admin/ui && KEN_SOAK=1 npm run --silent e2e -- soak

ui: admin/ui/dist/stamp ## build the admin desktop (needs Node 20)

admin/ui/dist/stamp: $(shell find admin/ui -path '*/node_modules' -prune -o -path '*/dist' -prune -o -path '*/e2e' -prune -o \
		-type f ! -name '*.go' ! -name '*.md' ! -name '*.test.ts' ! -name schema.d.ts ! -name roles.ts -print 2>/dev/null) admin/openapi.yaml
	cd admin/ui && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
		npm ci --ignore-scripts --no-audit --no-fund; } && npm run build
	@touch $@

tools: ## install what the tests need from Debian
	@./.ci/tools

race: ## every test under the race detector
	go test -race -short -timeout 40m ./...

fuzz: ## each fuzz target for a while; FUZZ=20s
	@./.ci/fuzz $(FUZZ)

soak: build ## the long loops: thousands of kills and power cuts
	KEN_SOAK=1 go test -timeout 170m -run 'Soak|Crash|Kill|PowerCut' ./...

bench: build ## measure beside Apache on this machine and print the ratios
	go run ./cmd/ken/internal/bench

lint: ## gofmt, vet, staticcheck and, with KEN_VULNDB=file:///folder or https://vuln.go.dev, govulncheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...
	@# The database of vulnerabilities is elsewhere, and the tests need no network.
	$(if $(KEN_VULNDB),go tool govulncheck -db '$(KEN_VULNDB)' ./...)

cover: ## coverage by package
	go test -short -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

generate: ## protobuf code (needs protoc from Debian)
	mkdir -p .cache/bin && go build -o .cache/bin/ google.golang.org/protobuf/cmd/protoc-gen-go
	PATH=$(CURDIR)/.cache/bin:$$PATH go generate ./...

clean: ## remove what was built
	rm -rf bin cover.out admin/ui/dist/app admin/ui/dist/stamp

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12
