# `make demo` and `make test` need only Python 3.11 or newer, make and git: each creates the environment it uses.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt

# a module is compiled once, not at every start of the many processes that the tests start
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test lint slow coverage clean

demo: $(VENV)/.for-use
	$(BIN)/skeltext demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

slow: $(VENV)/.for-development
	$(BIN)/python -m pytest -m slow

coverage: $(VENV)/.for-development
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --cov skeltext --cov-report term:skip-covered

lint: $(VENV)/.for-development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.for-use: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable ".[all]"
	touch $@

$(VENV)/.for-development: $(VENV)/.for-use
	$(INSTALL) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) runs prepared build dist
