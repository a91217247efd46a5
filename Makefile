# The two commands of the README do all the set-up: `make run`, `make test`.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
VLLM_VENV := .venv-vllm
VLLM_READY := $(VLLM_VENV)/.ready

.PHONY: run test lint bench vllm vllm-if-possible clean

run: $(READY) ## the whole job on the embedded default; the last line is the report's path
	@$(VENV)/bin/evalkit run

test: lint vllm-if-possible ## lint, types, tests
	@$(VENV)/bin/python -m pytest

lint: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench: $(READY) ## ratios measured in one run; slow, by hand
	@$(VENV)/bin/python -m tests.bench $(ONLY)

vllm: $(VLLM_READY) ## vLLM in an environment of its own: the CPU build, or plain vLLM where there is an NVIDIA GPU

vllm-if-possible: | $(READY)
	@$(MAKE) --no-print-directory vllm || echo "no $(VLLM_VENV): the tests that need vLLM are skipped"

$(READY): pyproject.toml constraints.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[diffusers,vllm,dev]'
	@touch $@

$(VLLM_READY): constraints-vllm.txt judges/vlm/serving/install.py | $(READY)
	@$(VENV)/bin/python -m evalkit.judges.vlm.serving.install $(VLLM_VENV)
	@touch $@

clean:
	rm -rf $(VENV) $(VLLM_VENV) runs build *.egg-info
