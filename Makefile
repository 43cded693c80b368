# Each target calls the real tool in a line or two. `make run` needs only Rust, Node.js and a C
# compiler.

PROFILE ?= quick
ARGS ?=

# Sources of the web client: it is built again when one of these changed, and then so is the binary,
# which contains it.
WEB_SOURCES := $(shell find web/src web/scripts web/public assets/art -path web/public/atlas -prune -o -type f -print) \
	web/index.html web/package.json web/vite.config.ts web/tsconfig.json

.PHONY: run dev cluster test check web web-check rust-test journeys fuzz bench bench-churn golden clean

run: web
	@scripts/need cargo
	cargo build --locked --profile $(PROFILE)
	exec target/$(PROFILE)/plaza serve $(ARGS)

# Server and page of the sources as they change, until Ctrl-C: http://localhost:5173.
dev: web/node_modules/.installed
	@scripts/need cargo
	cd web && npm run --silent atlas
	exec node scripts/dev.mjs $(ARGS)

# Three processes behind a balancer, with PostgreSQL and Redis, on this machine until Ctrl-C.
cluster: web
	@scripts/need cargo
	@scripts/need services
	@scripts/need balancer
	cargo build --locked --profile $(PROFILE)
	exec node scripts/cluster.mjs --binary target/$(PROFILE)/plaza $(ARGS)

test: web web-check rust-test journeys fuzz

# A known vulnerability fails; a network without the list of them does not.
check: web/node_modules/.installed
	@scripts/need cargo-deny
	@scripts/need typos
	node scripts/tidy.mjs
	typos
	cd web/generate && node lint.mjs
	cargo deny --locked check bans licenses sources
	scripts/advisories
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd web && npm run --silent lint && npm run --silent types

web: web/dist/index.html

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run --silent build

web-check: web/node_modules/.installed
	node scripts/tidy.mjs
	cd web/generate && node lint.mjs
	cd web && npm run --silent lint && npm test --silent

# Tests mostly wait for sockets and databases, so more of them run at once than there are cores.
RUST_TEST_THREADS ?= 6
rust-test:
	@scripts/need cargo
	@scripts/need services
	RUST_TEST_THREADS=$(RUST_TEST_THREADS) PLAZA_SEEDS=1000 cargo test --locked

journeys: web/node_modules/.installed
	@scripts/need browser-tests
	@scripts/need services
	@scripts/need balancer
	cargo build --locked
	cd web && npm run --silent journeys

# Runs the fuzzer of every decoder, for FUZZ_SECONDS each. RUSTC_BOOTSTRAP lets the stable compiler
# accept the flags of the fuzzer's instrumentation.
FUZZ_SECONDS ?= 30
FUZZ := RUSTC_BOOTSTRAP=1 cargo fuzz
FUZZ_BUILD := --codegen-units 16 --sanitizer none
fuzz:
	@scripts/need cargo-fuzz
	$(FUZZ) build $(FUZZ_BUILD)
	$(FUZZ) list | xargs -P 2 -I {} env $(FUZZ) run $(FUZZ_BUILD) {} -- \
		-max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -print_final_stats=1 -verbosity=0

# Benchmarks of parts, then of crowds; writes tables and a chart to docs/BENCHMARKS.md. An hour of
# churn is a separate target.
bench: web benches/reference/node_modules/.installed
	cargo bench --locked
	cargo build --locked --release
	node scripts/bench.mjs room spread spaces storm sockets reference

bench-churn: web
	cargo build --locked --release
	node scripts/bench.mjs churn

# Rewrites the files that tests compare with, after an intended change. A test that fails because a
# sentence is still missing stops nothing else.
golden: web/node_modules/.installed
	-PLAZA_WRITE_GOLDEN=1 cargo test --locked --no-fail-fast
	cd web && npm run --silent generate

clean:
	rm -rf target fuzz/target artefacts benches/reference/node_modules
	rm -rf web/dist web/node_modules web/generate/node_modules web/public/atlas

web/node_modules/.installed: web/package-lock.json
	@scripts/need node
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The servers that Plaza is compared with, and their runtimes; nothing else needs them.
benches/reference/node_modules/.installed: benches/reference/package-lock.json
	@scripts/need node
	cd benches/reference && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
