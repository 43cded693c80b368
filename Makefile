# Each target is a line or two that call the real tool. `make run` needs Rust and Node.js only.

PROFILE ?= quick
ARGS ?=

# What the client is made of: it is built again only when one of these changed, and so is the binary around it.
WEB_SOURCES := $(shell find web/src web/scripts web/public assets/art -path web/public/atlas -prune -o -type f -print) \
	web/index.html web/package.json web/vite.config.ts web/tsconfig.json

.PHONY: run cluster test check web web-check rust-test journeys faults fuzz bench bench-churn golden clean

run: web
	@scripts/need cargo
	cargo build --locked --profile $(PROFILE)
	exec target/$(PROFILE)/plaza serve $(ARGS)

# Three processes behind a balancer, with PostgreSQL and Redis, all of them on this machine until Ctrl-C.
cluster: web
	@scripts/need cargo
	@scripts/need services
	@scripts/need balancer
	cargo build --locked --profile $(PROFILE)
	exec node scripts/cluster.mjs --binary target/$(PROFILE)/plaza $(ARGS)

test: web web-check rust-test journeys fuzz

check: web/node_modules/.installed
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd web && npm run --silent lint && npm run --silent types

web: web/dist/index.html

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run --silent build

web-check: web/node_modules/.installed
	cd web && npm run --silent lint && npm test --silent

rust-test:
	@scripts/need cargo
	@scripts/need services
	PLAZA_SEEDS=1000 cargo test --locked

journeys: web/node_modules/.installed
	@scripts/need browser-tests
	@scripts/need services
	@scripts/need balancer
	cargo build --locked
	cd web && npm run --silent journeys

# Walks behind a proxy that delays and stalls: a target of its own while a slow machine's own stalls can break it.
faults: web
	@scripts/need browser-tests
	cargo build --locked
	cd web && npm run --silent faults

# Feeds every decoder with bytes that look for its weak spots, for so many seconds each. The compiler is a stable one: RUSTC_BOOTSTRAP
# lets it take the flags of the fuzzer's instrumentation.
FUZZ_SECONDS ?= 60
fuzz:
	@scripts/need cargo-fuzz
	for target in client_frame json_message checkpoint map_import; do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run --codegen-units 16 --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -print_final_stats=1 -verbosity=0 || exit 1; \
	done

# What parts cost, then what crowds cost; tables and a chart go into docs/BENCHMARKS.md. An hour of churn is a target of its own.
bench: web
	cargo bench --locked
	cargo build --locked --release
	node scripts/bench.mjs room spread spaces storm sockets

bench-churn: web
	cargo build --locked --release
	node scripts/bench.mjs churn

# Rewrites the files that tests compare with, after a wanted change.
golden:
	PLAZA_WRITE_GOLDEN=1 cargo test --locked

clean:
	rm -rf target fuzz/target web/dist web/node_modules web/public/atlas artefacts

web/node_modules/.installed: web/package-lock.json
	@scripts/need node
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
