# Four targets for people: demo, test, check, prove. Each makes its own .venv; ARGS="…" is handed on.
.DEFAULT_GOAL := help
.PHONY: help demo test check prove setup lock gates clean
MAKEFLAGS += --no-print-directory
BIN := .venv/bin

help:
	@echo "make demo    everything in one process, with forty virtual homes; prints its addresses"
	@echo "make test    gates and tests, on real servers where they are installed"
	@echo "make check   style, types, imports, dependencies, our own rules: under a minute"
	@echo "make prove   the long proofs: kills, sabotage, simulation over many seeds, benchmarks"

demo:
	@scripts/setup run
	@exec $(BIN)/anju demo $(ARGS)

test:
	@scripts/setup dev
	@scripts/test-servers
	@gates=0; scripts/gates || gates=1; \
	$(BIN)/python -m pytest $(ARGS) || exit 1; \
	if [ $$gates = 1 ]; then echo "test: the tests hold, but a gate does not (above)" >&2; exit 1; fi

check:
	@scripts/setup dev
	@$(MAKE) gates

prove:
	@scripts/setup dev
	@scripts/test-servers
	@scripts/prove $(ARGS)

# ---- below: what the targets above are made of
setup:
	@scripts/setup dev

lock:
	@scripts/lock $(ARGS)

gates:
	@scripts/gates

clean:
	@rm -rf .venv dist cloud/static dashboards/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
