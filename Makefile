# Everything a person or a machine does with this repository. `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check format schema bench soak build picture servers clean

VENV ?= .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; say PYTHON=/path/to/python3 to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TASK ?= Should a team of four start with a monolith or with services?
ARGS ?=
# Set where every test must run: the servers that nobody here wrote are then installed first.
SERVERS := $(if $(CI),servers)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runs ## Set up and run the quickstart council (TASK="..." to ask something else)
	$(BIN)/konseho run quickstart "$(TASK)" $(ARGS)

test: $(VENV)/.develops $(SERVERS) ## Set up and run the tests (ARGS="-k vote" for some of them)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: $(VENV)/.develops ## Format, lint, types, floors and sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

format: $(VENV)/.develops ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: $(VENV)/.runs ## Write docs/council.schema.json again, which editors read
	$(BIN)/konseho schema > docs/council.schema.json.new
	mv docs/council.schema.json.new docs/council.schema.json

bench: $(VENV)/.runs ## Measure the stated targets (ARGS="--quick" for a first look)
	$(BIN)/konseho bench $(ARGS)

soak: $(VENV)/.runs ## 50,000 calls through a flaky server, all accounted for (ARGS="--calls 5000")
	$(BIN)/python -m konseho_cli.bench.soak $(ARGS)

build: $(VENV)/.develops ## Build the wheel and the source archive into dist/
	rm -rf dist
	$(BIN)/python -m build

picture: $(VENV)/.develops ## Draw the pictures of docs/ again, from real runs (the last one needs Chromium)
	$(BIN)/python docs/picture.py docs/run.svg
	$(BIN)/python docs/memory_picture.py docs/memory.svg
	$(BIN)/python docs/report_picture.py docs/report.png

servers: $(VENV)/.serves ## Install the independent servers that the client tests drive

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) dist build tests/servers/node_modules .konseho
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second call installs nothing, a change of pyproject.toml does.

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Konseho needs Python 3.11 or newer, and found none." >&2; \
	  echo "Install it, or name it: make run PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.develops: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.runs

$(VENV)/.serves: pyproject.toml $(wildcard tests/servers/package.json) | $(VENV)/.develops
	$(BIN)/python -m pip install --quiet --editable '.[dev,servers]'
	@if command -v npm >/dev/null; then \
	  npm ci --prefix tests/servers --no-audit --no-fund --loglevel error; \
	else echo "npm is not here: the tests of the Node server are skipped" >&2; fi
	@touch $@
