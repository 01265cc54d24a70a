# Thin verbs over scripts/, each of which first sets up what is missing. See CONTRIBUTING.md.
PYTHON ?= python3

.PHONY: demo test bench lint format build clean distclean

demo: ## the main job, from contracts to verified counts: make demo ARGS="--help"
	@$(PYTHON) scripts/demo.py $(ARGS)

test: ## every check: lint, forge, Slither, Brownie, pytest
	@$(PYTHON) scripts/check.py $(ARGS)

bench: ## every measurement in tests/benchmarks/
	@$(PYTHON) scripts/bench.py $(ARGS)

bench-%: ## one of them
	@$(PYTHON) scripts/bench.py $*

lint: ## the checks that run nothing
	@$(PYTHON) scripts/check.py --only ruff --only format --only slither

format: ## rewrite Python as the checks want it
	@$(PYTHON) scripts/bootstrap.py ruff format .
	@$(PYTHON) scripts/bootstrap.py ruff check --fix .

build: ## compile the contracts, write qcrs/abi, make a wheel in dist/
	@$(PYTHON) scripts/bootstrap.py python -m qcrs.chain.artifacts export
	@rm -rf build/wheel
	@$(PYTHON) scripts/bootstrap.py pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## what builds and runs left; keeps .venv and node_modules
	@rm -rf build dist reports crytic-export .pytest_cache .hypothesis .ruff_cache
	@find qcrs scripts tests -name node_modules -prune -o -name __pycache__ -type d -print 2>/dev/null | xargs rm -rf

distclean: clean ## and what the set-up made
	@rm -rf .venv qcrs/toolchain/node_modules qcrs/toolchain/solcx foundry.toml qcrs.egg-info
