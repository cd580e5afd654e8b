# make demo and make test need nothing but python3 (3.11 or newer, with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
FREE_PIP = $(ENV)/bin/python -m pip install --quiet --disable-pip-version-check
# files of tests side by side: a process more than there are cores, since many tests wait for processes of their
# own, and at most four, since each may hold models; in the order that tests/conftest.py gives them
PROCESSES := $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
TOGETHER := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: demo check test test-newest test-lowest lint types bench docs pictures wheel clean
.DEFAULT_GOAL := demo

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "backtune needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

# compiled once: where Python may write no bytecode, every start would compile the sources again
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	$(BIN)/python -m compileall -q src
	touch $@

# torch first and by itself: asked for by another package, pip may choose a build with CUDA
$(VENV)/.test: $(VENV)/.core
	$(PIP) torch==2.13.0
	$(PIP) -e '.[test]'
	touch $@

$(VENV)/.lint: $(VENV)/.core
	$(PIP) -e '.[lint]'
	touch $@

demo: $(VENV)/.core
	$(BIN)/backtune run --demo

test: $(VENV)/.test
	$(BIN)/python -m pytest $(TOGETHER)

# what to run while at work: no torch, no optional library, nothing slow
check: lint types
	$(BIN)/python -m pytest $(TOGETHER) -m 'core and not slow'

# the core's tests with what pip installs today, and with the lowest versions that pyproject.toml declares;
# each in an environment of its own
test-newest: ENV := .venv-newest
test-newest:
	$(PYTHON) -m venv $(ENV)
	$(FREE_PIP) --upgrade --upgrade-strategy eager -e . pytest pytest-xdist hypothesis
	$(ENV)/bin/python -m pytest $(TOGETHER) -m core -W error::DeprecationWarning -W error::FutureWarning

test-lowest: ENV := .venv-lowest
test-lowest:
	$(PYTHON) -m venv $(ENV)
	mkdir -p build
	sed -n '/^dependencies/,/^]/s/^ *"\(.*\)>=\([0-9.]*\)".*/\1==\2/p' pyproject.toml > build/lowest.txt
	$(FREE_PIP) -c build/lowest.txt -e . pytest pytest-xdist hypothesis
	$(ENV)/bin/python -m pytest $(TOGETHER) -m core

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.lint
	$(BIN)/mypy

bench: $(VENV)/.core
	$(PIP) torch==2.13.0
	$(PIP) -e '.[peers,chronos,toto,cma,optuna]'
	$(BIN)/python benchmarks/performance.py

# the site, into build/site, which opens from disk; a link that leads nowhere is an error
docs: $(VENV)/.core
	$(PIP) -e '.[docs]'
	$(BIN)/mkdocs build --strict

# the pictures of README and site, again: Chromium and its driver draw the page
pictures: $(VENV)/.core
	$(PIP) -e '.[pictures]'
	$(BIN)/python docs/pictures.py --page

# a wheel into dist/, installed into an empty environment where it runs the demo;
# BACKTUNE_MACHINE_CODE=1 make wheel: one for this platform, whose first run compiles nothing
wheel: ENV := .venv-wheel
wheel:
	rm -rf dist build/wheel $(ENV)
	$(PYTHON) -m venv $(ENV)
	$(FREE_PIP) build
	$(ENV)/bin/python -m build --outdir dist .
	$(PYTHON) -m venv --clear $(ENV)
	$(FREE_PIP) -c constraints.txt dist/*.whl
	mkdir -p build/wheel
	cd build/wheel && ../../$(ENV)/bin/backtune run --demo

clean:
	rm -rf $(VENV) .venv-newest .venv-lowest .venv-wheel build dist .pytest_cache .mypy_cache .ruff_cache
