# The two commands of the README: `make run` and `make test`. Both set up `.venv` first.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: run test test-fast test-slow check chaos clean

run: $(INSTALLED)
	$(BIN)/vaesearch run $(if $(wildcard vaesearch-workspace/study.db),--name digits-$(shell date +%Y%m%d-%H%M%S))

test: test-fast test-slow

# Minutes on two cores, a process per core; no Ray, no server.
test-fast: $(INSTALLED) check
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 8 --dist loadfile

# Real Ray, kills, servers, a browser; two at a time.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow --numprocesses auto --maxprocesses 2 --dist loadfile \
		--no-loadscope-reorder

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Exactly the versions of cluster/constraints.txt, within the ranges of pyproject.toml.
$(INSTALLED): pyproject.toml cluster/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "vaesearch needs Python 3.11 or newer; say: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint cluster/constraints.txt --editable '.[test]'
	touch $@

# Some minutes of faults on one search: kills, outages, full disks; FAULTS=200 for a longer look.
FAULTS ?= 60
chaos: $(INSTALLED)
	$(BIN)/python -m tests.chaos --faults $(FAULTS)

clean:
	rm -rf .venv build *.egg-info
