# What a newcomer needs: `make run`, `make test`. The work is in scripts/, which also run alone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: build run test test-package deb tarball chaos bench clean format lint help

# Where the service listens, and where images are kept.
PORT ?= 3000
STATE_DIR ?= /var/lib/bulkhead
export PORT STATE_DIR

build: ## Install what compiling needs, then build both programs, optimised
	@scripts/preflight.sh --no-port
	@scripts/packages.sh build
	@scripts/build.sh

run: ## Check, install, build, make the image, serve on PORT (3000), and send the sample through
	@scripts/run.sh

test: ## Everything: lint, builds, images, all tests, the virtual machine
	@scripts/test.sh

chaos: build ## Kill and harm workers, launchers and Redis at random under load, and check every job (CHAOS_JOBS=20000 by hand)
	@scripts/packages.sh test
	@. scripts/common.sh && as_root .build/release/bulkhead rootfs build default --state-dir "$$STATE_DIR"
	@. scripts/common.sh && as_root env $$(env | grep ^CHAOS_ || true) STATE_DIR="$$STATE_DIR" scripts/chaos.sh

deb: build ## Make the Debian package in .build/packages
	@scripts/packages.sh package
	@scripts/deb.sh

tarball: build ## Make the tarball for other distributions in .build/packages
	@scripts/packages.sh package
	@scripts/tarball.sh

test-package: build ## Install, use, upgrade, remove and purge the package in a virtual machine under systemd
	@scripts/packages.sh package
	@scripts/packages.sh test
	@. scripts/common.sh && as_root env STATE_DIR="$$STATE_DIR" scripts/test-package.sh

bench: build ## Measure the engine, its layers, HTTP and other sandboxes on this machine into docs/benchmarks.md (some minutes)
	@scripts/packages.sh bench
	@. scripts/common.sh && as_root .build/release/bulkhead rootfs build default --state-dir "$$STATE_DIR"
	@. scripts/common.sh && as_root env STATE_DIR="$$STATE_DIR" scripts/bench.sh

format: ## Write the sources in the project's format
	@scripts/swift.sh format -i -r Sources Tests Package.swift

lint: ## Say where the sources are not in the project's format
	@scripts/swift.sh format lint --strict -r Sources Tests Package.swift

clean: ## Remove what was built here; images stay
	@rm -rf .build

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
