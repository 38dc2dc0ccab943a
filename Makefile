# The four targets a person needs: demo, test, check, prove. Each does its own set-up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check prove
.DEFAULT_GOAL := test

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	ANJU_NO_WEB=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

demo: .venv/ready
	$(BIN)/anju demo

test: .venv/ready check
	$(BIN)/python -m pytest tests

check: .venv/ready
	$(BIN)/python -m ruff check contract

prove: .venv/ready
	$(BIN)/python -m pytest tests --hypothesis-seed=random
