# Slipway. `make help` lists the targets.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO      ?= go
# What needs root (containers, namespaces) runs through sudo when we are not root.
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/slipway
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/slipway ./cmd/slipway

.PHONY: setup
setup: ## install what this machine lacks (containerd, runc)
	@scripts/setup

.PHONY: demo
demo: setup build ## install what is missing, build, start Slipway, run the walkthrough (KEEP=1 leaves it running)
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/demo-web ./test/web
	$(GO) build -ldflags '-s -w' -o bin/demo ./demo
	$(SUDO) bin/demo -slipway bin/slipway -web bin/demo-web $(if $(KEEP),-keep)

.PHONY: test
test: setup unit integration e2e ## everything: unit, integration and end-to-end tests

.PHONY: unit
unit: ## tests that need no root and no containers
	$(GO) test ./...

# The packages that have tests with real containers and namespaces.
INTEGRATION = $(shell grep -rl --include='*_test.go' '^//go:build integration' internal | xargs -n1 dirname | sort -u | sed 's,^,./,')

.PHONY: integration
integration: setup ## tests of single packages with real containers and namespaces
	$(GO) test -exec '$(strip env $(SUDO))' -p 1 -tags integration $(INTEGRATION)

.PHONY: e2e
e2e: setup build ## tests of the real binary through the AWS SDK
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/demo-web ./test/web
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/probe ./test/probe
	$(GO) test -exec '$(strip env $(SUDO))' -count 1 -tags e2e -timeout 10m ./test/e2e/...

.PHONY: race
race: ## unit tests under the race detector
	$(GO) test -race ./...

.PHONY: bench
bench: setup build ## benchmarks, as ratios measured side by side in one run
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/demo-web ./test/web
	$(GO) build -o bin/bench ./test/bench
	$(SUDO) bin/bench -slipway bin/slipway -web bin/demo-web

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (30s)
	scripts/fuzz $(or $(FUZZTIME),30s)

.PHONY: generate
generate: ## the API shapes, from the models in $$SLIPWAY_MODELS
	$(GO) generate ./internal/service/...

.PHONY: vet
vet: ## go vet, with every build tag
	$(GO) vet ./...
	$(GO) vet -tags integration,e2e ./...

.PHONY: lint
lint: ## golangci-lint
	$(LINT) run ./...

.PHONY: fmt
fmt: ## gofmt
	gofmt -w $$(git ls-files '*.go')

.PHONY: check
check: build vet lint test ## what CI runs

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
