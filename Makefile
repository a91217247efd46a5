# The two commands of the README do all the set-up: `make run`, `make test`.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: run test lint bench clean

run: $(READY) ## the whole job on the embedded default; the last line is the report's path
	@$(VENV)/bin/evalkit run

test: lint ## lint, types, tests
	@$(VENV)/bin/python -m pytest

lint: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench: $(READY) ## ratios measured in one run; slow, by hand
	@$(VENV)/bin/python -m tests.bench $(ONLY)

$(READY): pyproject.toml constraints.txt
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[diffusers,vllm,dev]'
	@touch $@

clean:
	rm -rf $(VENV) runs build *.egg-info
