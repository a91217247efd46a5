# The README's two commands do all the set-up: `make run`, `make test`.
PYTHON ?= python3
# test processes: `auto` is one per core; at most eight, because each may load torch
JOBS ?= auto
VENV := .venv
READY := $(VENV)/.ready
EXTRAS := diffusers,fidelity,leaderboard,vllm,dev
VLLM_VENV := .venv-vllm
VLLM_READY := $(VLLM_VENV)/.ready
# a file's tests stay in one process, so that what they share is made once and two vLLM servers never run at the same time
# (tests/conftest.py puts the long files first, so that no core is idle at the end)
PYTEST := $(VENV)/bin/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: run test nightly check lint docs bench vllm vllm-if-possible help clean

run: $(READY) ## the whole job on the embedded default; the last line is the path of the report
	@$(VENV)/bin/evalkit run

test: $(READY) ## lint, types, and every test that can run on this machine but for the nightly ones
	@$(MAKE) --no-print-directory -j2 lint vllm-if-possible
	@$(PYTEST) -m "not nightly"

nightly: lint vllm-if-possible ## all tests, with more kills and much more fuzzing; about an hour
	@EVALKIT_KILLS=10 HYPOTHESIS_PROFILE=nightly $(PYTEST)

check: lint ## the fast layer, for every commit: lint, types, the tests without a mark
	@$(PYTEST) -m "not slow and not nightly and not gpu and not vllm and not browser"

lint: $(READY) ## style, types, dependencies, docs
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/deptry evalkit benchmarks judges reports student
	@$(if $(wildcard mkdocs.yml),$(MAKE) --no-print-directory docs)

docs: $(READY) ## the documentation site, in build/site; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict --quiet --site-dir build/site

bench: $(READY) ## ratios measured in one run; slow, by hand
	@$(VENV)/bin/python -m tests.bench $(ONLY)

vllm: $(VLLM_READY) ## vLLM in an environment of its own: the CPU build, or plain vLLM where there is an NVIDIA GPU

vllm-if-possible: | $(READY)
	@$(MAKE) --no-print-directory vllm || echo "no $(VLLM_VENV): the tests that need vLLM are skipped"

# twice quiet: the environment's pip settings may name folders that are not there, and pip warns of each
$(READY): pyproject.toml constraints.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing evalkit into $(VENV); the first time takes a few minutes"
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

$(VLLM_READY): constraints-vllm.txt judges/vlm/serving/install.py | $(READY)
	@$(VENV)/bin/python -m evalkit.judges.vlm.serving.install $(VLLM_VENV)
	@touch $@

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1: /p' Makefile

clean: ## remove the environments, the runs and what was built
	rm -rf $(VENV) $(VLLM_VENV) runs build dist *.egg-info
