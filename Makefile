# make demo and make test do all set-up themselves, into .venv.
# make env PYTHON=/path/to/python3.12 chooses the interpreter.

BIN := .venv/bin
PY := $(BIN)/python
PYTEST_ARGS ?=

# Without compiled modules every process that a test starts compiles all of them anew.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env demo test lint docs bench

help:
	@echo "make demo    a synthetic stack, segmented and measured, into demo_output/"
	@echo "make test    the tests; PYTEST_ARGS=\"-m slow\" for the long ones"
	@echo "make lint    ruff, mypy, import contracts, napari manifest, documentation"
	@echo "make docs    the documentation into site/"
	@echo "make bench   speed and memory, measured, as JSON into bench_output/; takes an hour or so"
	@echo "make env     only the virtual environment, .venv"

env:
	@PYTHON="$(PYTHON)" sh scripts/setup_env.sh

demo: env
	$(BIN)/amseg demo -o demo_output

test: env
	@sh scripts/run_tests.sh $(PYTEST_ARGS)

lint: env
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_amseg/napari.yaml
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

docs: env
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

bench: env
	@if command -v xvfb-run >/dev/null; then \
		xvfb-run -a -s "-screen 0 1920x1080x24" $(PY) benchmarks/all.py -o bench_output; \
	else $(PY) benchmarks/all.py -o bench_output; fi
