# Every target works from a fresh clone: the environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUICK := .venv-quick
OLDEST := .venv-oldest
CORE := $(addprefix condlab/,__init__.py scaling.py bounds.py comparison.py norms.py types.py \
	condition optimal lanczos gallery io)
OTHER := $(addprefix --ignore=tests/,audit curvature gpu nn report spectra studies theory)
EXTRAS := theory,torch,figures,studies,docs,dev
# Two BLAS threads on two busy cores cost far more than they bring.
export OMP_NUM_THREADS ?= 1

.PHONY: help report figures studies docs quick oldest test test-gpu check lint wheel bench audit lock clean
.DEFAULT_GOAL := help

help:  ## Show this list.
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

report: $(VENV)/installed  ## Verify the catalogue, scale the matrices, write report/report.html.
	$(BIN)/condlab report --out report --sections figures

figures: $(VENV)/installed  ## Refresh the committed figures/ and the tables of README and docs/results.md.
	$(BIN)/condlab report --out figures --pages README.md docs/results.md
	$(BIN)/python -m studies analyse

studies: $(VENV)/installed  ## Run every study's smoke preset, a minute each at most.
	$(BIN)/python -m studies all --preset smoke

docs: $(VENV)/installed  ## Build the site, docs/_build/index.html; a warning is an error.
	rm -rf docs/_build docs/api/generated
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build

$(QUICK)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(QUICK)
	$(QUICK)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pytest -e .
	@touch $@

quick: $(QUICK)/installed  ## Test the core with NumPy, SciPy and pytest alone: a minute, installs included.
	$(QUICK)/bin/python -m pytest -q -m "not slow" tests $(OTHER) $(CORE)

oldest:  ## Test the core with the oldest NumPy and SciPy that pyproject.toml allows.
	rm -rf $(OLDEST) && $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check pytest \
		$$($(PYTHON) -c "import tomllib; print(*(d.replace('>=', '==') for d in \
		tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))") -e .
	$(OLDEST)/bin/python -m pytest -q -m "not slow" tests $(OTHER) $(CORE)

test: $(VENV)/installed  ## Run the tests and the documentation's examples.
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not gpu"

test-gpu: $(VENV)/installed  ## Compare a CUDA device with the CPU; skips without one.
	$(BIN)/python -m pytest -q -m gpu tests

check: lint test  ## Lint, then test.

lint: $(VENV)/installed  ## Run ruff and mypy.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel:  ## Build sdist and wheel, install the wheel in an empty environment, use it.
	PYTHON=$(PYTHON) .ci/wheel

bench: $(VENV)/installed  ## Install the peers that benchmarks/ compares with.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),bench]'

audit: $(VENV)/installed  ## Install other libraries, put them on trial and write docs/audit/.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS),audit]'
	$(BIN)/python -m benchmarks.audit

lock:  ## Rewrite constraints.txt from a fresh environment with every extra.
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0' -e '.[$(EXTRAS),bench,audit]'
	.lock/bin/python -m pip freeze --exclude-editable | sed 's/^\(torch==[0-9.]*\)+.*/\1/' > constraints.txt
	rm -rf .lock

clean:  ## Remove the environment and everything generated.
	rm -rf $(VENV) $(QUICK) $(OLDEST) .lock report build dist docs/_build docs/api/generated docs/findings.md *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
