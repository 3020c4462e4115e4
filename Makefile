# The two commands are `make run` and `make test`; `make help` lists the others.
SHELL := /bin/bash
PYTHON := python3.11
PORT ?= 8000
MONTHS ?= 0
SCHEDULES := 10000
SEED := 1
DATABASE := sqlite postgresql
REPLAY :=
MUTANT :=
BIN := .venv/bin
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
PURE := paywall/access/copies.py,paywall/access/crawlers/engines.py,paywall/access/crawlers/ranges.py,paywall/access/decision.py,paywall/access/gift_links/rules.py,paywall/access/institutions/domains.py,paywall/access/institutions/ranges.py,paywall/access/institutions/table.py,paywall/access/journey/steps.py,paywall/access/journey/touches.py,paywall/access/marked.py,paywall/access/meter.py,paywall/access/nesting.py,paywall/access/patterns.py,paywall/access/teaser.py,paywall/access/tokens.py,paywall/articles/agents.py,paywall/articles/terms.py,paywall/articles/words.py,paywall/billing/cashbook/rules.py,paywall/billing/cashbook/sums.py,paywall/billing/gifts/rules.py,paywall/billing/groups/rules.py,paywall/billing/reconcile/drift.py,paywall/billing/repricing/rules.py,paywall/billing/selfcare/rules.py,paywall/membership/discounts.py,paywall/membership/notices.py,paywall/membership/policy.py,paywall/membership/policy_words.py,paywall/membership/rules.py,paywall/membership/seats.py,paywall/money.py,paywall/office/newsroom/differences.py,paywall/office/simulator.py,paywall/reports/asked.py,paywall/reports/fold.py,paywall/reports/measures.py,paywall/reports/partings.py,paywall/reports/stretch.py,paywall/reports/tally.py
PIP := $(BIN)/pip --disable-pip-version-check -qq install --no-deps --require-hashes

.PHONY: help run test sure torture bench lint lock messages pictures clean system wrk postgresql caches

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: .venv/run.stamp ## Start the demo: web server and worker; PORT=8001 for another port, MONTHS=12 for a past
	@$(BIN)/python -m paywall.demo --port "$(PORT)" --months "$(MONTHS)"

test: system .venv/test.stamp ## Check everything: style, types, layers, then all tests on SQLite and PostgreSQL
	@$(MAKE) --no-print-directory lint
	@mkdir -p build && rm -f .coverage .coverage.*
	@set -o pipefail; $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10 --cov --cov-report= | tee build/pytest.txt; \
	  tests=$$?; $(BIN)/coverage report --fail-under 95; all=$$?; \
	  $(BIN)/coverage report --fail-under 100 --include '$(PURE)'; pure=$$?; \
	  [ $$all = 0 ] || echo 'Coverage is below 95 %.'; \
	  [ $$pure = 0 ] || echo 'A pure file is not covered wholly.'; \
	  tail -n 1 build/pytest.txt; [ $$tests$$all$$pure = 000 ]

sure: .venv/test.stamp ## Check quickly before a push: no PostgreSQL, browser, processes, long stories or tests of the stand-in
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -n 2 --dist loadfile -q --sqlite-only -m 'not browser and not server and not story' \
	  --ignore tests/test_start.py --ignore tests/sandbox

torture: postgresql .venv/test.stamp ## Play random lives until the books differ (SCHEDULES SEED DATABASE REPLAY MUTANT: docs/torture.md)
	@for database in $(DATABASE); do \
	  $(BIN)/python -m tests.torture --database $$database --schedules $(SCHEDULES) --seed $(SEED) \
	    $(if $(REPLAY),--replay '$(REPLAY)') $(if $(MUTANT),--mutant $(MUTANT)) & pids="$$pids $$!"; done; \
	  failed=0; for pid in $$pids; do wait $$pid || failed=1; done; exit $$failed

bench: postgresql wrk .venv/test.stamp ## Measure: gate, Stripe's events and staff's pages on both databases, and a reconcile; figures in build/bench
	@$(BIN)/python -m bench gate
	@echo && $(BIN)/python -m bench intake
	@echo && $(BIN)/python -m bench reconcile --subscriptions 20000
	@echo && $(BIN)/python -m bench staff

lint: .venv/test.stamp ## Check style, types and layers
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet .; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

lock: ## Write the lock files anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo 'make lock needs uv: pipx install uv'; exit 1; }
	@for group in '' '-dev'; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header $${group:+--group dev} pyproject.toml -o requirements$$group.lock || exit 1; done

pictures: system .venv/test.stamp ## Take the pictures of README and docs from a demo with a past of a year
	@$(BIN)/python -m tests.browser.pictures docs/pictures

messages: .venv/test.stamp ## Collect the texts to translate into paywall/translations/messages.pot
	@mkdir -p paywall/translations
	@$(BIN)/pybabel --quiet extract -F pyproject.toml -k lazy_gettext --omit-header --sort-by-file \
	  -o paywall/translations/messages.pot paywall templates

clean: ## Remove the demo's data and all caches; .venv stays
	@rm -rf data build htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find paywall tests migrations -name __pycache__ -prune -exec rm -rf {} +

.venv/run.stamp: requirements.lock .venv/bin/pip
	@echo 'Installing what the paywall needs ...'
	@$(PIP) -r requirements.lock && touch $@

.venv/test.stamp: requirements-dev.lock .venv/bin/pip
	@echo 'Installing what the tests need ...'
	@$(PIP) -r requirements-dev.lock && touch $@ .venv/run.stamp

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo 'python3.11 is missing: install the package python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call install,python3.11-venv)
	@$(PYTHON) -m venv --clear .venv

system: postgresql caches wrk
	@command -v chromium >/dev/null || $(call install,chromium)
	@ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 || $(call install,libatomic1) # Playwright's driver needs it

wrk:
	@command -v wrk >/dev/null || $(call install,wrk)

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || $(call install,postgresql)

caches:
	@ls /usr/sbin/nginx >/dev/null 2>&1 || $(call install,nginx)
	@ls /usr/sbin/varnishd >/dev/null 2>&1 || $(call install,varnish)

# What a machine lacks comes from its own packages; only root can install them. No service of theirs is started:
# Debian asks policy-rc.d, and 101 means no.
define install
{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
  || { echo 'The package $(1) is missing: apt-get install $(1)'; exit 1; }; \
  echo 'Installing the package $(1) ...'; mkdir -p build; \
  ( policy=/usr/sbin/policy-rc.d; [ -e $$policy ] \
    || { trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod 755 $$policy; }; \
    $(APT) update; $(APT) install -y --no-install-recommends $(1) ) >build/install.log 2>&1 </dev/null \
  || { tail -n 5 build/install.log; echo 'The package $(1) could not be installed.'; exit 1; }; }
endef
