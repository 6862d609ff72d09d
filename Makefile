# make run    the dashboard; the first time it makes .venv and installs, after that it starts at once
# make test   everything that is checked, for people and for CI: ruff, pyright, pytest
# make nightly  10,000 hostile texts, links and files instead of the 500 of make test (tests/test_hostile.py)
# make bench  measures the page in a real browser (benchmarks/README.md), and what a trace costs (benchmarks/trace.md)
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: help run test nightly bench readme screenshots
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

run: $(BIN)/.installed
	$(BIN)/streamlit run dashboard/app.py --server.showEmailPrompt=false

test: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest

nightly: $(BIN)/.installed-dev
	NIGHTLY=1 $(BIN)/python -m pytest tests/test_hostile.py

bench: $(BIN)/.installed-dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.trace

# The generated blocks of README.md (table of cells, figures of the shipped models).
readme: $(BIN)/.installed-dev
	$(BIN)/python -m benchmarks.readme

screenshots: $(BIN)/.installed-dev
	$(BIN)/python -m benchmarks.screenshots

# The stamps say which requirements are installed; an edited file is installed again.
$(BIN)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Gatescope needs Python 3.11 or newer: make PYTHON=/path/to/python3.11'; exit 1; }
	@test -x $(BIN)/python -a -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv || \
	  { echo 'Could not make .venv. On Debian and Ubuntu: apt install python3-venv'; exit 1; }
	$(PIP) -r requirements.txt
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	$(PIP) -r requirements-dev.txt
	@touch $@
