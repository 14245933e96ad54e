# `make` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CARGO   ?= cargo
# The configuration that collect-metrics, collect-metrics-email and view-metrics use; empty: the usual places.
CONFIG  ?=
DAYBOOK := $(CARGO) run --quiet --release -- $(if $(CONFIG),--config $(CONFIG))

# PostgreSQL's servers are not in PATH on Debian: /usr/lib/postgresql/15/bin.
POSTGRES_BIN := $(lastword $(sort $(dir $(wildcard /usr/lib/postgresql/*/bin/postgres))))

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | column -t -s $$'\t'

.PHONY: demo
demo: ## Make an example in daybook-demo/ with a year of nights, show the last day and write its report
	$(CARGO) run --release -- demo

# What touches the book: run with books in files, on PostgreSQL and on MariaDB.
BOOK_TESTS := backtest beryl_catalog book book_copy delivering delivery_kills detail_pages exports faults hard_tables \
	histories hostile imports kills mutes original pages pairs prometheus prune recipients refreshing renames running \
	sending server_book serving top verifying worlds

# Most tests wait for servers, timers and disks.
THREADS = --test-threads=$(shell echo $$((4 * $$(nproc))))

.PHONY: test
test: needed target/judges ## Run all tests; installs PostgreSQL, MariaDB, Redis, Postfix, Chromium, Prometheus, VictoriaMetrics, curl, Python, DuckDB, Node.js, faketime and sqlite3 when they are missing
	$(CARGO) test --locked -- $(THREADS)
	$(CARGO) test --locked --test servers -- $(THREADS)
	for engine in postgres mariadb; do \
	  DAYBOOK_TEST_ENGINE=$$engine $(CARGO) test --locked --test it -- $(THREADS) --include-ignored --skip a_thousand_deliveries $(BOOK_TESTS:=::) || exit; \
	done

.PHONY: soak
soak: ## Kill deliveries at every step in a thousand worlds recorders at 500 moments and migrations at 200, and count what arrived
	$(CARGO) test --locked --test it a_thousand_deliveries -- --ignored --nocapture
	$(CARGO) test --locked --test it five_hundred_kills -- --ignored
	$(CARGO) test --locked --test it two_hundred_kills -- --ignored
	$(CARGO) test --locked --test servers five_hundred_random_histories -- --ignored

.PHONY: preview
preview: needed ## Show reports as mail programs do: pages and pictures in target/preview/
	$(CARGO) test --locked --test servers previews -- --ignored
	@ls target/preview/*.png

# The program that draws the pictures; another build: make pictures PROGRAM=/usr/local/bin/daybook
PROGRAM ?= target/release/daybook

target/release/daybook:
	$(CARGO) build --release --locked

.PHONY: pictures
pictures: needed $(PROGRAM) ## Render the README's pictures from the demo into docs/img/
	docs/img/render.sh $(PROGRAM) docs/img

.PHONY: needed
needed: # What the tests need besides cargo. Root installs it, anybody else by sudo.
	@missing=(); \
	{ [ -n "$(POSTGRES_BIN)" ] || { command -v initdb && command -v postgres; } >/dev/null; } || missing+=(postgresql); \
	[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server); \
	command -v chromium >/dev/null || missing+=(chromium); \
	command -v tmux >/dev/null || missing+=(tmux); \
	command -v faketime >/dev/null || missing+=(faketime); \
	command -v sqlite3 >/dev/null || missing+=(sqlite3); \
	command -v redis-server >/dev/null || missing+=(redis-server); \
	[ -x /usr/sbin/postfix ] || missing+=(postfix); \
	[ -x /usr/sbin/saslpasswd2 ] || missing+=(sasl2-bin); \
	ls /usr/lib/*/sasl2/libplain.so* >/dev/null 2>&1 || missing+=(libsasl2-modules); \
	command -v systemd-analyze >/dev/null || missing+=(systemd); \
	command -v mandoc >/dev/null || missing+=(mandoc); \
	command -v cc >/dev/null || missing+=(gcc libc6-dev); \
	command -v curl >/dev/null || missing+=(curl); \
	python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv); \
	command -v node >/dev/null || missing+=(nodejs); \
	command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus); \
	command -v victoria-metrics >/dev/null || missing+=(victoria-metrics); \
	if [ $${#missing[@]} -gt 0 ]; then \
	  sudo=; [ "$$(id -u)" -eq 0 ] || sudo=sudo; \
	  echo "installing $${missing[*]}"; \
	  $$sudo apt-get update -qq && \
	  { echo "postfix postfix/main_mailer_type select No configuration" | $$sudo debconf-set-selections; } && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}"; \
	fi

# What reads exports; the tests use the machine's Python where this is not.
target/judges:
	python3 -c 'import duckdb' 2>/dev/null || { python3 -m venv $@ && $@/bin/pip install --quiet 'duckdb==2.0.1'; } || { rm -rf $@; exit 1; }

target/fuzz:
	{ python3 -m venv $@ && $@/bin/pip install --quiet 'schemathesis==4.32.5'; } || { rm -rf $@; exit 1; }

.PHONY: fuzz
fuzz: needed target/fuzz ## Send the API requests that its description allows, and others (EXAMPLES=500: more of them)
	$(CARGO) build --locked
	target/fuzz/bin/python tests/fuzz.py target/debug/daybook $(or $(EXAMPLES),100)

.PHONY: lint
lint: ## Check the layout, the lints, the pages of the code and the licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --test servers -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; \
	else echo "cargo-deny is not installed: licences, bans and sources are not checked"; fi

.PHONY: bench
bench: needed ## Measure the night and a year against hand-written SQL, and what the report costs (BENCH=letter: only that)
	$(CARGO) bench --locked $(if $(BENCH),--bench $(BENCH))

.PHONY: collect-metrics
collect-metrics: ## Count today as of now, with the local configuration (CONFIG=FILE for another)
	$(DAYBOOK) collect --verbose

.PHONY: collect-metrics-email
collect-metrics-email: ## Count yesterday and send its report; without a mail server to the outbox
	$(DAYBOOK) collect --date yesterday --send-email --verbose

.PHONY: view-metrics
view-metrics: ## Show the newest complete day
	$(DAYBOOK) show

.PHONY: docs
docs: ## Make docs/METRICS.md, docs/daybook.schema.json and Grafana's example anew from the catalog and the types
	$(CARGO) run --quiet -- --config examples/beryl/daybook.toml config metrics > docs/METRICS.md.new
	mv docs/METRICS.md.new docs/METRICS.md
	$(CARGO) run --quiet -- config schema > docs/daybook.schema.json.new
	mv docs/daybook.schema.json.new docs/daybook.schema.json
	$(CARGO) run --quiet -- --config examples/beryl/daybook.toml grafana > deploy/grafana/dashboards/beryl.json.new
	mv deploy/grafana/dashboards/beryl.json.new deploy/grafana/dashboards/beryl.json
