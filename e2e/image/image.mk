# What is shipped: image, bill of materials, kubectl plugin. Included by the Makefile; run from there.

# What is shipped: a static program, for an empty image has no linker. Its own folder, for other flags would compile every
# dependency of the usual one again; no path of this machine gets in.
TRIPLE             = $(shell rustc -vV | sed -n 's/^host: //p')
ARCH               = $(if $(findstring aarch64,$(TRIPLE)),arm64,amd64)
DIST               = $(TARGET)/static/$(TRIPLE)/dist/headroom
STATIC_FLAGS       = -C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom" --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/headroom
IMAGE             ?= ghcr.io/headroom-dev/headroom
VERSION            = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# The commit and its time; the Containerfile, which has no .git, is told both.
REVISION          ?= $(shell git rev-parse HEAD)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
# Texts of the libraries' licences, which who passes a program on must pass on too; made by `make licences`, for releases.
NOTICES            = $(REPORTS)/image/THIRD-PARTY.txt
LABEL              = --label org.opencontainers.image

.PHONY: static image sbom licences image-tar plugin krew

static:
	CARGO_TARGET_DIR='$(TARGET)/static' RUSTFLAGS='$(STATIC_FLAGS)' \
	  cargo build --profile dist --locked --target $(TRIPLE) --package headroom --bin headroom

image: static
	rm -rf -- '$(REPORTS)/image/rootfs'
	cargo run --quiet --locked --package headroom-image -- --binary '$(DIST)' --cmd run --authorities \
	  --name '$(IMAGE):$(VERSION)' --out '$(REPORTS)/image/headroom.tar' --rootfs '$(REPORTS)/image/rootfs' \
	  --file LICENSE=/licenses/LICENSE \
	  $$([ ! -f '$(NOTICES)' ] || echo '--file $(NOTICES)=/licenses/THIRD-PARTY.txt') --created $(SOURCE_DATE_EPOCH) \
	  $(LABEL).title=headroom $(LABEL).licenses=Apache-2.0 $(LABEL).version=$(VERSION) $(LABEL).revision=$(REVISION) \
	  $(LABEL).source=https://github.com/headroom-dev/headroom \
	  $(LABEL).description='A Kubernetes operator that has replicas ready before the load arrives'

sbom:
	@[ "$$(cargo cyclonedx --version 2>/dev/null)" = 'cargo-cyclonedx-cyclonedx 0.5.9' ] || \
	  cargo install --locked --quiet cargo-cyclonedx@0.5.9
	mkdir -p '$(REPORTS)/image'
	@# It writes beside every package of the workspace; the first is the one that is shipped.
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) cargo cyclonedx --format json --describe binaries --target $(TRIPLE) \
	  --no-build-deps --spec-version 1.5 -qq
	rm -f -- e2e/*/*_bin.cdx.json
	cargo run --quiet --locked --package headroom-image --bin headroom-sbom -- --bom headroom_bin.cdx.json \
	  --package headroom --target $(TRIPLE) --linked "rust-lang:rust:$$(rustc --version | cut -d' ' -f2):MIT OR Apache-2.0" \
	  --linked "gnu:glibc:$$(getconf GNU_LIBC_VERSION | cut -d' ' -f2):LGPL-2.1-or-later" --out '$(REPORTS)/image/headroom.cdx.json'

licences: ## The texts of the libraries' licences, which image-tar and plugin then take along: two minutes
	@[ "$$(cargo about --version 2>/dev/null)" = 'cargo-about 0.9.3' ] || \
	  cargo install --locked --quiet cargo-about@0.9.3 --features cli
	mkdir -p '$(REPORTS)/image'
	cargo fetch --quiet --locked
	cargo about generate --frozen --fail --config e2e/image/licences/about.toml --output-file '$(NOTICES)' \
	  e2e/image/licences/third-party.hbs

image-tar: image sbom ## The image as an OCI tar, without a container engine, and its bill of materials: out/image

plugin: static ## The kubectl plugin of this machine's kind, as krew installs it: out/release
	mkdir -p '$(REPORTS)/release/plugin'
	cp '$(DIST)' LICENSE $$([ ! -f '$(NOTICES)' ] || echo '$(NOTICES)') '$(REPORTS)/release/plugin/'
	tar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	  -C '$(REPORTS)/release/plugin' -cf - . | gzip -9n > '$(REPORTS)/release/headroom-linux-$(ARCH).tar.gz'
	rm -rf -- '$(REPORTS)/release/plugin'

krew: ## The krew manifest of the plugins in out/release, with their sums
	@sum() { sha256sum "$(REPORTS)/release/headroom-linux-$$1.tar.gz" | cut -d' ' -f1; }; \
	amd64=$$(sum amd64); arm64=$$(sum arm64); \
	[ "$${#amd64}$${#arm64}" = 6464 ] || { echo 'krew: run `make plugin` on both kinds of machine first' >&2; exit 1; }; \
	sed -e '/^#/d' -e 's/@VERSION@/$(VERSION)/' -e "s/@SHA256_AMD64@/$$amd64/" -e "s/@SHA256_ARM64@/$$arm64/" \
	  deploy/krew/headroom.yaml > '$(REPORTS)/release/headroom.yaml'
	@echo '$(REPORTS)/release/headroom.yaml'
