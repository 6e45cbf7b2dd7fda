# The verbs of this project. `make help` lists them.
.PHONY: help setup setup-dev run test check fix bench families torture clean
.DEFAULT_GOAL := help

PYTHON_IN_VENV := .venv/bin/python
# To collect every other test as well takes as long as to start an engine.
WITH_VLLM = $(sort $(shell grep -rlF mark.alone tests))
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

# One after the other these took half an hour on two cores, most of it with a core idle. Three files at a time,
# because tests wait: for processes, pages and databases.
test: ## set up, then checks and the whole suite with vLLM, PostgreSQL and Chromium
	@$(MAKE) --no-print-directory --jobs 2 setup-dev system
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check test-rounding
	@$(MAKE) --no-print-directory --jobs 2 --keep-going test-vllm test-others

.PHONY: system test-rounding test-vllm test-others
system: # PostgreSQL, Chromium and the like, where apt may install them
	@requirements/system.sh

test-rounding: setup-dev # the sums of another processor
	ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE $(PYTHON_IN_VENV) -m pytest -m rounding tests/trainer

test-vllm: setup-dev # printed in one piece, since the others print beside it
	@log=$$(mktemp); OMP_NUM_THREADS=1 $(PYTHON_IN_VENV) -m pytest -m alone $(WITH_VLLM) >$$log 2>&1; code=$$?; \
	  echo; cat $$log; rm $$log; exit $$code

test-others: setup-dev
	OMP_NUM_THREADS=1 $(PYTHON_IN_VENV) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not alone"

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

families: setup-dev ## try every family of bases with the real engine, a minute or two each, and write docs/models.md (FAMILIES="qwen3 glm4" for some)
	$(PYTHON_IN_VENV) -m tests.families.report $(FAMILIES)

torture: setup-dev ## attack the running service on loopback with a thousand clients and print what others noticed
	$(PYTHON_IN_VENV) -m bench.torture

clean: ## remove caches and the environment, never the data directory
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
