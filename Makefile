# `make` lists the targets. A machine needs Python 3.11 or later and make; everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PEERS := bench/peers/.venv
KILLS ?= 1000

.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE  # what many processes load is compiled once
.PHONY: help setup demo test check accept bench bench-peers fuzz chaos wheel

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY)  ## create .venv with orch and what its tests need

demo: $(READY)  ## audit the source of an installed package, offline
	@cd examples/audit && PATH="$(CURDIR)/$(BIN):$$PATH" orch run audit
	@echo
	@echo "A second make demo takes an instant: the answers are stored, and none is asked for twice."

test: $(READY)  ## run all tests
	@$(BIN)/pytest --numprocesses auto --dist worksteal

check: $(READY)  ## format, lint, types, layers and sizes
	@$(BIN)/ruff format --check --output-format concise
	@$(BIN)/ruff check --output-format concise
	@$(BIN)/mypy
	@$(BIN)/pytest tests/test_layers.py tests/test_size.py

accept: $(READY)  ## rewrite what a case expects: make accept CASE=area/name
	@$(BIN)/python tests/accept.py $(CASE)

bench: $(READY)  ## measure speed as ratios, beside a reference timed in the same run
	@$(BIN)/python bench/run.py

bench-peers: $(READY) $(PEERS)/.ready  ## the same fan-out with LangGraph, DBOS and Prefect, about four minutes
	@$(BIN)/python bench/peers/run.py $(PEERS)/bin/python

fuzz: $(READY)  ## a minute of random programs that must not break anything
	@$(BIN)/python tests/fuzz.py --seconds 60

chaos: $(READY)  ## a thousand kills, spread over the examples; nothing may be lost or repeated
	@$(BIN)/python tests/chaos.py --kills $(KILLS)

wheel: $(READY)  ## build dist/*.whl
	@$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "orch needs Python 3.11 or later")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,js,code]'
	@touch $@

$(PEERS)/.ready: bench/peers/requirements.txt
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@echo "installing into $(PEERS)"
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
