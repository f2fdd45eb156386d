# Needs Python 3.11, 3.12 or 3.13 with its own pip, nothing else; all set-up happens in .venv of this folder.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -eu -c

VENV := .venv
STAMP := $(VENV)/ready
PLUGINS := $(sort $(wildcard plugins/paraphina-*))
EDITABLES := -e . $(PLUGINS:%=-e ./%)
DISTRIBUTIONS := paraphina $(notdir $(PLUGINS))
RUN := $(VENV)/bin/paraphina run --trade-mode paper --twin --dashboard 127.0.0.1:9898 --browser
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
LOCK_TOOLS := build/lock-tools

# A virtual environment holds absolute paths: one that was moved here from elsewhere is made anew.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help setup run test test-slow bench report lint lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(STAMP) ## make .venv ready, if it is not; PYTHON=... chooses what it is made with
	@echo '$(VENV) is ready'

# Third-party packages come hash-checked from the lock file. Our own six are folders, which pip cannot hash, so
# they are installed in a second step that fetches nothing; pip check then proves that the two steps agree.
# An environment that was completed once is brought up to date in place; any other is made from nothing.
$(STAMP): Makefile pyproject.toml $(PLUGINS:%=%/pyproject.toml) requirements.lock
	@test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" || { \
	  python=$$(sh .ci/find-python $(PYTHON)); \
	  echo "Making $(VENV) with $$python"; \
	  "$$python" -m venv --clear $(VENV); }
	@rm -f $@
	@echo "Installing what requirements.lock names and the six distributions of this folder"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation $(EDITABLES)
	@$(PIP) check
	@printf '%s\n' "$(CURDIR)" > $@

# Ctrl-C reaches the program, which closes its orders and says how it ended; the shell only waits for it.
run: $(STAMP) ## paper session on twins of the venues, with live view and dashboard; more options in ARGS="..."
	@trap : INT; status=0; $(RUN) $(ARGS) || status=$$?; test $$status -eq 130 || exit $$status

test: $(STAMP) ## all tests but the slow ones; more options in ARGS="..."
	@$(VENV)/bin/python -m pytest -n auto -m "not slow" $(ARGS)

test-slow: $(STAMP) ## the slow tests, among them the install matrix
	@$(VENV)/bin/python -m pytest -n auto --dist worksteal -m slow $(ARGS)

bench: $(STAMP) ## measure beside other libraries and write docs/performance.md; only show with ARGS=--quick
	@$(VENV)/bin/python benchmarks/run.py $(ARGS)

report: $(STAMP) ## run what the evidence lacks and write docs/readiness-report.md; less with ARGS="--hours 0.1"
	@$(VENV)/bin/paraphina report readiness --run --out docs/readiness-report.md $(ARGS)

lint: $(STAMP) ## lint, format and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

# Not after $(STAMP), which cannot be reached while the lock file lacks a package.
lock: ## bring requirements.lock up to what is required; newest versions of all with ARGS=--upgrade
	@python=$$(sh .ci/find-python $(PYTHON)); "$$python" -m venv $(LOCK_TOOLS)
	@$(LOCK_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@cp requirements.lock build/requirements.lock
	@$(LOCK_TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  $(DISTRIBUTIONS:%=--no-emit-package %) requirements-dev.txt --output-file build/requirements.lock $(ARGS) >/dev/null
	@{ echo '# Every third-party package with its hashes, for Python 3.11 to 3.13.'; \
	  echo '# Written by `make lock` from requirements-dev.txt and the six pyproject.toml; do not edit.'; \
	  sed '/^$$/,$$d' build/requirements.lock; } > requirements.lock

clean: ## remove .venv and everything that was built or cached
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find paraphina_core plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +
