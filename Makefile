# Fresh machine: `make demo` or `make test`. Both need Python 3.11+ with venv, and nothing else.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# A worker for each core; a file's tests stay together, for the fixtures that they share.
WORKERS := -n auto --dist loadfile
INPUTS ?= 100000

.PHONY: demo test nightly check lint unit docs tpm js lock lambda image clean help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

demo: .venv/.demo  ## run the main job on the embedded emulator, every step checked
	$(BIN)/sidecar demo

test: .venv/.test  ## all tests; those with containers skip where no Docker engine answers
	$(PYTEST) $(WORKERS)

nightly: .venv/.test  ## attacks with INPUTS made-up inputs (100000), rotations and templates in full; an hour
	CRASH_TRIPLES=5000 ROTATING_APPS=20 ROTATIONS=10 $(PYTEST) tests/rotation
	EVERY_TEMPLATE=yes $(PYTEST) tests/provision
	FUZZ_INPUTS=$(INPUTS) $(PYTEST) tests/attacks

check: lint unit  ## the one gate: ruff, mypy strict, tests with branch coverage, docs tests

lint: .venv/.dev  ## ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: .venv/.dev  ## every test but those with containers, with branch coverage
	$(PYTEST) $(WORKERS) -m "not world" --cov --cov-report=term --cov-fail-under=90

docs: .venv/.dev  ## write the option tables of docs/configuration.md
	$(BIN)/python -m sidecar.config.reference

tpm: .venv/.tpm  ## what the tests of TPM keys need; compiled against libtss2-dev (.ci/hardware-keys)

js:  ## the JavaScript SDK, for the tests of the doors with it; needs npm
	.ci/js-clients

lambda:  ## build the zip of the rotation function; needs Python only
	$(PYTHON) deploy/lambda/build_zip.py dist/rotation-lambda.zip

image:  ## build the container image
	docker build --tag credential-sidecar .

# One environment; the larger sets hold the smaller ones. Every file is pinned with its hashes.
.venv/.demo: requirements/demo.txt
.venv/.test: requirements/test.txt
.venv/.dev: requirements/dev.txt
.venv/.%: requirements/build.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes \
	  -r requirements/build.txt -r requirements/$*.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Without build isolation, which would fetch build tools that no hash pins.
.venv/.tpm: requirements/tpm-build.txt requirements/tpm.txt | .venv/.dev
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tpm-build.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation -r requirements/tpm.txt
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# Resolves anew, largest set first: the others take its versions. No index's address is written.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-strip-extras --upgrade
# Every extra but tpm, which not every machine can compile.
TESTED = --extra demo --extra pkcs11
lock: .venv/.dev  ## renew requirements/*.txt
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml $(TESTED) --group test --group lint -o requirements/dev.txt
	$(COMPILE) pyproject.toml $(TESTED) --group test -c requirements/dev.txt -o requirements/test.txt
	$(COMPILE) pyproject.toml --extra demo -c requirements/dev.txt -o requirements/demo.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	$(COMPILE) --group build -c requirements/dev.txt -o requirements/build.txt
	$(COMPILE) pyproject.toml --extra tpm -c requirements/dev.txt -o requirements/tpm.txt
	$(COMPILE) --group tpm-build -c requirements/dev.txt -o requirements/tpm-build.txt

clean:  ## remove the environment and what tools left
	rm -rf .venv dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
