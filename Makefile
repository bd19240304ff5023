# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1

.PHONY: install check test test-slow test-all demo bench calibrate catalogue clean

install: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

check: install
	$(BIN)/ruff format --check src tests studies benchmarks
	$(BIN)/ruff check src tests studies benchmarks
	$(BIN)/mypy

test: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# What starts many processes, or trains for seconds.
test-slow: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m slow

# The long tests too, and 100 kills of a study at random points: within half an hour.
test-all: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m '' --cov=layover --cov-report=term
	$(BIN)/python tests/kills.py

demo: install
	$(BIN)/layover run studies/demo.py
	$(BIN)/layover report studies/demo.py

# Against what one would use instead, on 2 threads: prints a table, writes benchmarks/RESULTS.md.
# LAYOVER_DATA names the real text.
bench: install
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks

# Whether the statistics hold what they promise: simulates studies, writes docs/how-we-measure.md.
calibrate: install
	$(BIN)/python -m benchmarks.calibration

# The page about the tasks, from the tasks.
catalogue: install
	$(BIN)/layover tasks --markdown > docs/tasks.md

clean:
	rm -rf .venv runs
