# The verbs of this project. `make help` lists them.
.PHONY: help setup setup-dev run test check fix bench torture clean
.DEFAULT_GOAL := help

PYTHON_IN_VENV := .venv/bin/python
BENCHES ?= suggest capture account idle swap train loop gate

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'
	@echo
	@echo "  make run PORT=8080 DATA_DIR=var BASE_MODEL=Qwen/Qwen3-0.6B CONFIG=rejoinder.toml   (each optional)"

setup: ## make .venv from the version lock (a second call does nothing)
	@requirements/setup.sh

setup-dev: ## the same and what tests and checks need
	@requirements/setup.sh dev

run: setup ## start everything and print the addresses; Ctrl-C stops it
	@exec .venv/bin/rejoinder up $(if $(PORT),--port $(PORT)) $(if $(DATA_DIR),--data-dir $(DATA_DIR)) \
	  $(if $(CONFIG),--config $(CONFIG)) $(if $(BASE_MODEL),--base-model $(BASE_MODEL))

test: setup-dev ## set up, then checks and the whole suite with vLLM, PostgreSQL and Chromium
	@requirements/system.sh
	@$(MAKE) --no-print-directory check
	@echo "the numerical tests with the sums of another processor"
	ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE $(PYTHON_IN_VENV) -m pytest -m rounding tests/trainer
	@echo "the tests of service and pages, two files at a time, then those that need the machine for themselves"
	$(PYTHON_IN_VENV) -m pytest -n 2 --dist loadfile tests/browser tests/feedback; code=$$?; \
	  $(PYTHON_IN_VENV) -m pytest --ignore tests/browser --ignore tests/feedback && exit $$code

check: setup-dev ## ruff and mypy
	$(PYTHON_IN_VENV) -m ruff check .
	$(PYTHON_IN_VENV) -m ruff format --check .
	$(PYTHON_IN_VENV) -m mypy

fix: setup-dev ## let ruff repair and format, and renew the generated documentation pages
	$(PYTHON_IN_VENV) -m ruff check --fix .
	$(PYTHON_IN_VENV) -m ruff format .
	$(PYTHON_IN_VENV) -m commands.docs

bench: setup-dev ## run the benchmarks (BENCHES="suggest capture" for some of them)
	@for name in $(BENCHES); do $(PYTHON_IN_VENV) -m bench.$$name || exit 1; done

torture: setup-dev ## attack the running service on loopback with a thousand clients and print what others noticed
	$(PYTHON_IN_VENV) -m bench.torture

clean: ## remove caches and the environment, never the data directory
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
