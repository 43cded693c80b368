# Each target is a line or two that call the real tool. `make run` needs Rust and Node.js only.

PROFILE ?= quick
ARGS ?=

.PHONY: run test check web web-check rust-test journeys bench golden clean

run: web
	@scripts/need cargo
	cargo build --locked --profile $(PROFILE)
	exec target/$(PROFILE)/plaza serve $(ARGS)

test: web web-check rust-test journeys

check: web/node_modules/.installed
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd web && npm run --silent lint && npm run --silent types

web: web/node_modules/.installed
	cd web && npm run --silent build

web-check: web/node_modules/.installed
	cd web && npm run --silent lint && npm test --silent

rust-test:
	@scripts/need cargo
	cargo test --locked

journeys: web/node_modules/.installed
	@scripts/need browser-tests
	cargo build --locked
	cd web && npm run --silent journeys

bench:
	cargo bench --locked

# Rewrites the files that tests compare with, after a wanted change.
golden:
	PLAZA_WRITE_GOLDEN=1 cargo test --locked

clean:
	rm -rf target web/dist web/node_modules web/public/atlas artefacts

web/node_modules/.installed: web/package-lock.json
	@scripts/need node
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
