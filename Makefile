# Every target sets up what it needs, and can be run again at any time.

.POSIX:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

setup: ## install the servers that are missing: RabbitMQ and MariaDB, as root or with sudo
	@deploy/install-servers.sh

uninstall: ## remove the packages that setup has installed, and nothing else
	@deploy/uninstall-servers.sh

demo: cargo setup ## show the whole promise in half a minute: 10,000 updates, a worker killed on the way
	cargo build --profile demo -p queryfleet-cli
	@"$${CARGO_TARGET_DIR:-target}/demo/queryfleet" demo

test: rustfmt clippy setup ## formatting, clippy without a warning, and all tests against real servers
	@command -v python3 >/dev/null || .ci/packages python3-minimal
	@.ci/timed cargo fmt --all --check
	@.ci/timed cargo clippy --workspace --all-targets -- -D warnings
	@.ci/timed .ci/cargo-test --workspace

features: cargo ## check that the program compiles as in its image, without what starts private servers
	@.ci/timed cargo check -p queryfleet-cli --no-default-features

doc: cargo ## build the documentation of all crates, with their private items: target/doc; a warning is an error
	@RUSTDOCFLAGS='-D warnings' .ci/timed cargo doc --workspace --no-deps --document-private-items

deny: cargo ## check licences, sources and bans of all dependencies against deny.toml, with cargo-deny
	@.ci/timed .ci/deny

msrv: cargo ## check that the code compiles with the oldest Rust that Cargo.toml promises
	@.ci/timed .ci/msrv

wheel: cargo ## build the Python package: target/wheels; PROFILE=dev in a tenth of the time, for trying
	@.ci/timed .ci/wheel $(PROFILE)

python-test: cargo setup ## the Python package's tests, on its wheel in a fresh virtual environment, against real servers
	@PROFILE="$(PROFILE)" .ci/timed .ci/python-test

package: cargo ## build the crate queryfleet, and all that it is made of, from their packages, as crates.io would have them
	@.ci/timed .ci/package

fuzz: cargo ## fuzz the splitter, the inspection and the envelope: SECONDS=… for each of the three, 10 unless set
	@SECONDS_EACH="$(SECONDS)" .ci/timed .ci/fuzz

faults: cargo setup ## the tests that take long, root or a package: those that `make test` leaves out
	@.ci/packages libfaketime
	@.ci/timed .ci/cargo-test --workspace --test e2e -- --ignored --skip cluster:: --skip lag:: --skip side_by_side:: --skip ten_minutes
	@# Three nodes boot for each of them, and what takes both cores keeps them from it.
	@RUST_TEST_THREADS=2 .ci/timed .ci/cargo-test --workspace --test e2e -- --ignored cluster::
	@# Their bound is a time.
	@RUST_TEST_THREADS=2 .ci/timed .ci/cargo-test --workspace --test e2e -- --ignored lag:: --skip ten_minutes

storm: cargo setup ## a long storm of faults, after those of tests/storm-seeds.txt; one alone: SEED=… JOBS=… FAULTS=…
	@cargo test --workspace --test e2e --no-run
	@SEED="$(SEED)" JOBS="$(JOBS)" FAULTS="$(FAULTS)" "$${CARGO_TARGET_DIR:-target}/debug/storm"

mutants: cargo setup ## break the code in some twenty ways, and show that a test notices each: SOME=8 for so many of them
	@.ci/mutants $(if $(SOME),--some $(SOME))

ci: test features doc deny msrv fuzz instructions chart-test python-test faults ## all that has to pass before a change is taken: tests, fuzzing, faults, a storm, mutants; under an hour
	@PROGRAM="$${CARGO_TARGET_DIR:-target}/debug/queryfleet-under-test" .ci/timed .ci/dashboards-test
	@.ci/timed .ci/package --no-verify
	@.ci/timed $(MAKE) --no-print-directory storm JOBS=20000
	@.ci/timed $(MAKE) --no-print-directory mutants SOME=4

compat: cargo setup ## the end-to-end tests on the servers of three Debian releases, as root; a table of the versions; RELEASES=… TESTS='limit:: …'
	@TESTS="$(TESTS)" .ci/compat $(RELEASES)

long-test: cargo setup ## ten minutes each: a limit of lag on a replica with one applier and with four, and a thousand holds
	@RUST_TEST_THREADS=1 .ci/timed .ci/cargo-test --workspace --test e2e -- --ignored --nocapture ten_minutes

upgrade-test: cargo setup ## a rollout and a rollback with an older program, which is built from the history; REVISIONS=…
	@.ci/timed .ci/upgrade-test $(REVISIONS)

build: cargo ## build the program: target/release/queryfleet
	cargo build --release -p queryfleet-cli

bench-quick: cargo setup build ## 4 and 16 slots, chunks of 1 and 32: statements/s and CPU per job, in under a minute
	cargo build --release -p queryfleet-cli -p queryfleet-bench
	"$${CARGO_TARGET_DIR:-target}/release/quick" bench/QUICK.md

bench: cargo setup bench-peers ## side by side with peers: bench/RESULTS.md; half an hour; ROUNDS=… and ONLY=words, both optional
	cargo build --release -p queryfleet-cli -p queryfleet-bench
	@ROUNDS="$(ROUNDS)" ONLY="$(ONLY)" "$${CARGO_TARGET_DIR:-target}/release/bench" bench

bench-peers: cargo
	@.ci/packages percona-toolkit python3-mysqldb python3-venv
	@bench/peers/install "$${CARGO_TARGET_DIR:-target}/bench-venv"

python-bench: cargo setup bench-peers ## the Python package beside multiprocessing.Pool and Celery; ROUNDS=…
	@wheel=$$(.ci/wheel) && "$${CARGO_TARGET_DIR:-target}/bench-venv/bin/pip" install --quiet --force-reinstall --no-deps "$$wheel"
	@"$${CARGO_TARGET_DIR:-target}/bench-venv/bin/python" -B bench/peers/python_sides.py $(ROUNDS)

bench-micro: cargo ## single stages on one core: splitting, checks, envelope, packet, settling; in a minute
	cargo bench -q -p queryfleet-bench --bench micro

instructions: cargo ## what a job costs in instructions, with and without chunks, against its bounds: bench/instructions
	@.ci/timed .ci/instructions

instructions-bless: cargo ## accept what a job costs now as the new bounds: look at the difference
	@.ci/instructions --bless

chart-test: ## the chart and all that is deployed: needs npm and Python, no Rust and no cluster
	@.ci/timed .ci/chart-test

chart-bless: ## accept what the chart renders now: look at the difference
	@.ci/chart-test --bless

chart-docs: ## write the chart's table of values, and copy rules and dashboards into the chart
	@.ci/chart-docs

metrics-docs: cargo ## write the tables of docs/metrics.md from the code's own texts
	@BLESS=1 cargo test -q -p queryfleet-metrics --test page

dashboards-test: cargo setup build ## ask a real Prometheus, which watches a real run, every query of every dashboard
	@.ci/timed .ci/dashboards-test

image-test: ## build the image with Podman, from Debian's packages, and run it: needs root; PROGRAM=… compiles nothing
	@PROGRAM="$(PROGRAM)" .ci/timed .ci/image-test

clean: ## delete what was built
	cargo clean

cargo:
	@command -v cargo >/dev/null || { echo 'make: cargo is not in PATH: install Rust from https://rustup.rs' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'make: there is no C compiler: apt-get install gcc libc6-dev' >&2; exit 1; }

rustfmt clippy: cargo
	@cargo $(@:rustfmt=fmt) --version >/dev/null 2>&1 || \
		{ echo 'make: $@ is not installed: rustup component add $@' >&2; exit 1; }

.PHONY: help setup uninstall demo test features doc deny msrv fuzz wheel python-test package faults storm mutants ci compat long-test upgrade-test build bench bench-peers bench-quick python-bench bench-micro instructions instructions-bless chart-test chart-bless chart-docs metrics-docs dashboards-test image-test clean cargo rustfmt clippy
