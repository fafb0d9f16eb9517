# Every task of a working day. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage lint fmt docs peers bench

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# compileall: where PYTHONDONTWRITEBYTECODE is set, nothing else would, and each start would compile anew.
setup: .venv/installed ## install secretsync and the tools of the trade into .venv
	@$(BIN)/python -m compileall -q secretsync

# compat: a plain path in .venv; the default's import hook would cost every start ten milliseconds.
.venv/installed: pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "secretsync needs Python 3.11 or later: make setup PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	rm -rf secretsync.egg-info  # the old name of the distribution: two owners of one package break each other
	$(BIN)/python -m pip uninstall --yes -qq --disable-pip-version-check secretsync
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt --config-settings editable_mode=compat -e .
	@touch $@

demo: setup ## see encrypted manifests rendered to Secrets and to SealedSecrets, and back
	@examples/demo.sh $(BIN)

test: setup ## run the tests; those of the real tools need `make peers` first
	$(BIN)/pytest $(ARGS)

COVERED := tests/unit tests/vectors tests/cli
WHOLE := secretsync/crypto/*,secretsync/age/*,secretsync/sops/*,secretsync/sealed/*

coverage: setup ## run the tests that run our code in their own process, in random order; hold what they cover to its floors
	$(BIN)/pytest -n 2 --cov --cov-report= $(COVERED) $(ARGS)
	$(BIN)/coverage report --include='$(WHOLE)' --fail-under=100
	$(BIN)/coverage report

proof-%: setup ## all of one body of evidence, of which `make test` runs a sample: proof-NAME for tests/proofs/test_NAME.py
	SECRETSYNC_PROOF=full SECRETSYNC_REQUIRE_PEERS=1 $(BIN)/pytest tests/proofs/test_$(subst -,_,$*).py $(ARGS)

lint: setup ## style, types, import contract, spelling, docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/interrogate --quiet secretsync

fmt: setup ## format the code, and mend what can be mended without thought
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: setup ## write the generated pages of docs/reference anew
	$(BIN)/python docs/generate.py

peers: ## install the real tools that the tests run against, once for this user
	.ci/peers

bench: setup ## measure against the real tools (needs `make peers`)
	$(BIN)/python -m benchmarks $(ARGS)
