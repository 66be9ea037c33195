# Headroom's tasks. `make help` explains every one.
# Always --workspace: another set of packages has other features, and every dependency would be compiled again.
# CARGO_TARGET_DIR and HEADROOM_CACHE (control-plane binaries) may point outside the checkout.

TARGET  := $(or $(CARGO_TARGET_DIR),target)
# An empty OUT would be the root of the disk.
REPORTS := $(or $(OUT),out)
# Where `make e2e` runs: local, kind or existing.
ON      ?= local
E2E_APP  = $(TARGET)/static/$(TRIPLE)/release/headroom-e2e-app
# Every test but those that need Go (of the control plane; chart: helm; observability: promtool), so that a new file is not
# forgotten: tests/NAME.rs and tests/NAME/main.rs.
TESTS   := $(filter-out cluster chart observability,$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

.DEFAULT_GOAL := help
.PHONY: help build look demo binaries test test-unit test-cluster bench bench-operator bench-traces bench-failover parity e2e e2e-kind e2e-app generate check fmt clippy deny clean

include e2e/image/image.mk

help: ## Explain every target
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the operator and the demo, optimised
	cargo build --release --locked --workspace --bins

look: build ## Three minutes without a cluster: replay an example policy, print where the report is
	$(TARGET)/release/headroom simulate --example --out '$(REPORTS)/look'

demo: build ## The main job on an embedded control plane. DURATION=5m, CLUSTER=existing (KUBECONFIG), OUT=out
	@HEADROOM=$(TARGET)/release/headroom OUT='$(REPORTS)/demo' $(TARGET)/release/headroom-demo

binaries: ## Build and cache etcd, the control plane, kwok, Prometheus, metrics-server and Helm (needs Go; once)
	cargo build --workspace --bins --locked
	$(TARGET)/debug/headroom-cluster build --metrics-server --helm

test: binaries ## Pass every test: unit, table, property, scenario, and against a real control plane
	cargo test --workspace --locked --no-fail-fast

test-unit: ## Only what needs no control plane
	cargo test --workspace --locked --exclude headroom-cluster --lib --bins
	cargo test --workspace --locked $(addprefix --test ,$(TESTS))

test-cluster: binaries ## Only what needs a control plane
	cargo test --workspace --locked --test cluster

bench: ## Criterion benchmarks of decide and the forecast
	cargo bench --workspace --locked --bench decide --bench forecast

bench-operator: ## Memory and processor time of the operator with POLICIES=100 on a control plane
	cargo bench --workspace --locked --bench operator

bench-traces: ## Benchmark protocol on TRACES=../shared/traces; writes docs/benchmarks.md and .svg. TRACE=name, L=180, OUT=dir
	cargo bench --workspace --locked --bench traces

bench-failover: ## Time from a leader's end to the next decision: 20 kills of one of three operators on a control plane
	cargo bench --workspace --locked --bench failover

parity: ## Headroom beside Kubernetes' own HPA under the same load; writes docs/parity.md. SCENARIO=name, AGAINST=hpa
	cargo build --workspace --bins --locked
	HEADROOM=$(TARGET)/debug/headroom OUT='$(REPORTS)/parity' $(TARGET)/debug/headroom-parity

e2e: image e2e-app ## The chart and image on a real node of this machine, under load (root, runc). BEHAVIOURS=names, ON=existing
	cargo build --workspace --bins --locked
	[ '$(ON)' != local ] || cargo test --workspace --locked --test real_node
	$(TARGET)/debug/headroom-e2e --on '$(ON)' --operator-image '$(REPORTS)/image/headroom.tar' --app '$(E2E_APP)' \
	  --out '$(REPORTS)/e2e' $(BEHAVIOURS)

e2e-kind: ## The same on a kind cluster, which is made and removed (docker, kind)
	$(MAKE) e2e ON=kind

e2e-app:
	CARGO_TARGET_DIR='$(TARGET)/static' RUSTFLAGS='$(STATIC_FLAGS)' \
	  cargo build --release --locked --target $(TRIPLE) --package headroom-e2e-app

generate: binaries ## Write what is generated from the code: CRD, reference pages, precedence table, chart's README, deploy/
	UPDATE=1 cargo test --workspace --locked --test crd --test precedence --test reference --test schedules --test chart

check: fmt clippy deny ## Format, lints, licences

fmt: ## Check the format
	cargo fmt --all --check

clippy: ## Lints, warnings denied
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace --locked --bench operator --bench traces --bench failover -- -D warnings
	cargo clippy --workspace --locked --test real_node -- -D warnings

deny: ## Licences, bans and sources of dependencies
	cargo deny --locked --workspace check licenses bans sources

clean: ## Remove reports and build output of this checkout; the cache stays
	rm -rf -- '$(REPORTS)/look' '$(REPORTS)/demo' '$(REPORTS)/parity' '$(REPORTS)/image' '$(REPORTS)/release' \
	  '$(REPORTS)/e2e' target
