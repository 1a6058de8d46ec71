# Every target sets up what it needs: a machine only has to have make and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
DEV := $(VENV)/ready-dev
# Packages are not compiled on installation: that doubles the time, and Python compiles what it uses,
# once. PYTHONDONTWRITEBYTECODE, which some images set, would make every process compile it all again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate

.PHONY: fuzz help setup setup-all hooks demo test test-deep odcs-test privacy-proof spark-test superset-test lint format bench dictionary pins clean deploy-test

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.txt
	$(INSTALL) --no-deps --editable .
	touch $@

$(DEV): $(READY) requirements-dev.txt
	$(INSTALL) -r requirements-dev.txt
	touch $@

setup: $(DEV) ## Set up .venv with all that tests, linters and `dagster dev` need

setup-all: $(DEV) .venv-azurite/ready .venv-deploy/ready .venv-odcs/ready .venv-spark/ready .venv-superset/ready ## Set up also what no test then has to skip (Debian or Ubuntu, as root)
	DEBIAN_FRONTEND=noninteractive apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium libreoffice-calc-nogui openjdk-17-jre-headless postgresql

.venv-azurite/ready:
	command -v npm > /dev/null || { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends npm; }
	npm install --silent --no-audit --no-fund --prefix .venv-azurite azurite@3.35.0
	touch $@

hooks: $(DEV) ## Let git run the linters before each commit
	$(BIN)/pre-commit install

demo: $(READY) ## Read two regions from a sandbox Exchange and show their utilization
	$(BIN)/insights demo

test: $(DEV) ## Run every test
	$(BIN)/pytest -n 3 --dist worksteal

test-deep: $(DEV) ## Run the tests of random examples, the heaviest with ten times as many (some 10 minutes)
	DEPTH=10 $(BIN)/pytest -n 3 --dist worksteal -m hypothesis

privacy-proof: $(DEV) ## Plant tokens in every field of Exchange, run nights, search every byte
	$(BIN)/python -m tests.privacy.proof

.venv-superset/ready: tests/superset/requirements.txt
	$(PYTHON) -m venv .venv-superset
	.venv-superset/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

superset-test: $(DEV) .venv-superset/ready ## Import the dashboard into a real Superset, compare its figures (minutes)
	$(BIN)/python -m tests.superset.proof

.venv-spark/ready: tests/spark/requirements.txt requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r $<
	.venv-spark/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

spark-test: .venv-spark/ready ## Build with a real Spark of two executors, compare every row, kill one (minutes; Java 17)
	.venv-spark/bin/python -m tests.spark.proof

.venv-deploy/ready: tests/deploy/requirements.txt deploy/requirements.txt
	$(PYTHON) -m venv .venv-deploy
	.venv-deploy/bin/pip install --quiet --disable-pip-version-check --no-compile -r $<
	touch $@

deploy-test: $(DEV) .venv-deploy/ready ## Build the image and run nights in it, validate manifests (minutes; Debian, root, debootstrap, buildah)
	$(BIN)/python -m tests.deploy.proof

.venv-odcs/ready: tests/odcs/requirements.txt
	$(PYTHON) -m venv .venv-odcs
	.venv-odcs/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

odcs-test: $(DEV) .venv-odcs/ready ## Test published files against the data contract with datacontract-cli (minutes)
	$(BIN)/python -m tests.odcs.proof

lint: $(DEV) ## Check style, types and the walls between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(DEV) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(DEV) ## Read 10,000 mutated answers of EWS and Graph (minutes)
	$(BIN)/python -m tests.sources.fuzz

bench: $(DEV) ## Measure speed and memory (minutes to an hour; see benchmarks/)
	$(BIN)/python -m benchmarks

dictionary: $(READY) ## Write docs/dictionary.md and the Superset dashboard from the contract
	$(BIN)/python -m warehouse.dictionary > docs/dictionary.md
	$(BIN)/python -m warehouse.superset

pins: $(DEV) ## Renew the files of pins from pyproject.toml
	$(INSTALL) uv
	$(COMPILE) --upgrade --extra dev --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --extra demo --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra kubernetes --extra object-storage --extra postgres --constraint requirements-dev.txt --output-file deploy/requirements.txt pyproject.toml

clean: ## Remove what make and the demo made
	rm -rf $(VENV) .venv-azurite .venv-deploy .venv-odcs .venv-spark .venv-superset demo build .pytest_cache .mypy_cache .ruff_cache .hypothesis
