# Everything runs in .venv, which is made at first need; Python 3.11 or later, git and make are all it takes.

PYTHON ?= python3
BIN := .venv/bin

# Without compiled modules each of the processes that the tests start would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: assemble test slow lint format docs bench clean

assemble: .venv/installed
	$(BIN)/assemble --all

test: lint
	$(BIN)/pytest -m "not slow"

slow: .venv/installed
	cd tests/node && npm install --silent --no-audit --no-fund || echo "npm is not here: what needs it is skipped"
	$(BIN)/pytest -m "slow or hypothesis" --hypothesis-profile=thorough -rs

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/assemble --all --check

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/installed
	$(BIN)/python docs/generate.py

bench: .venv/installed
	$(BIN)/python benchmarks/run.py --markdown docs/performance.md

clean:
	rm -rf .venv dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	$(BIN)/python -m compileall -q src
	touch $@
