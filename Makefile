# Every target sets up what it needs: Python 3.11 or later and make are all that a machine must have.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: help setup demo test privacy-proof superset-test lint format bench dictionary pins clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

setup: $(READY) ## Set up .venv with the pinned packages

demo: $(READY) ## Read two regions from a sandbox Exchange and show their utilization
	$(BIN)/insights demo

test: $(READY) ## Run every test
	$(BIN)/pytest -n 2 --dist worksteal

privacy-proof: $(READY) ## Plant tokens in every field of Exchange, run nights, search every byte
	$(BIN)/python -m tests.privacy.proof

.venv-superset/ready: tests/superset/requirements.txt
	$(PYTHON) -m venv .venv-superset
	.venv-superset/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

superset-test: $(READY) .venv-superset/ready ## Import the dashboard into a real Superset, compare its figures (minutes)
	$(BIN)/python -m tests.superset.proof

lint: $(READY) ## Check style, types and the walls between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## Measure speed and memory (minutes to an hour; see benchmarks/)
	$(BIN)/python -m benchmarks

dictionary: $(READY) ## Write docs/dictionary.md from the contract
	$(BIN)/python -m warehouse.dictionary > docs/dictionary.md

pins: $(READY) ## Renew the pins of requirements.txt from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header \
		--upgrade --extra dev --output-file requirements.txt pyproject.toml

clean: ## Remove what make and the demo made
	rm -rf $(VENV) .venv-superset demo build .pytest_cache .mypy_cache .ruff_cache .hypothesis
