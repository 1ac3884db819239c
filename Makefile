# Everything runs in .venv, which make sets up when a target needs it. You need Python 3.11 or later, git and make, and
# on Windows a POSIX shell such as Git's bash.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif

# The tests start many processes. If they could not write compiled modules, each of them would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: assemble test slow lint lint-ruff lint-format lint-types lint-kit format docs bench clean

assemble: .venv/installed
	$(BIN)/assemble --all

test: lint
	$(BIN)/pytest --numprocesses=auto -m "not slow"

slow: .venv/installed
	cd tests/node && npm install --silent --no-audit --no-fund || echo "npm is missing: the tests that need it are skipped"
	$(BIN)/pytest --numprocesses=auto --dist=worksteal -m "slow or hypothesis" --hypothesis-profile=thorough -rs

lint: lint-ruff lint-format lint-types lint-kit

lint-ruff: .venv/installed
	$(BIN)/ruff check

lint-format: .venv/installed
	$(BIN)/ruff format --check

lint-types: .venv/installed
	$(BIN)/mypy

lint-kit: .venv/installed
	$(BIN)/assemble --all --recursive --check

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/installed
	$(BIN)/python docs/generate.py

bench: .venv/installed
	$(BIN)/python benchmarks/run.py --markdown docs/contributing/performance.md

clean:
	rm -rf .venv dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	$(BIN)/python -m compileall -q src
	touch $@
