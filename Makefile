# Every target sets up what it needs; the second time it is quick. ARGS= passes arguments on: make test ARGS=tests/stock
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo run test check format bench bench-matching lock clean

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## create the virtual environment from the lock file

$(STAMP): requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_paths()['purelib'], 'inventory_sync_checkout.pth').write_text(str(pathlib.Path.cwd()) + '\n')"
	touch $(STAMP)

demo: setup ## the product against three marketplaces on this machine; Ctrl-C stops it
	$(BIN)/python -m inventory_sync.demo $(ARGS)

run: setup ## web, worker and beat with the settings in .env
	$(BIN)/python -m inventory_sync.demo.run $(ARGS)

test: setup ## the whole suite
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: setup ## format, lint, types, import contracts, missing migrations, deploy check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.with_test_settings $(BIN)/mypy
	$(BIN)/python -m scripts.with_test_settings --servers $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m scripts.with_test_settings --deploy $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/yamllint -s docker-compose.yml .pre-commit-config.yaml

format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## speed of the hot paths, each against its baseline in the same run
	$(BIN)/python -m scripts.with_test_settings --servers $(BIN)/python -m benchmarks $(ARGS)

bench-matching: setup ## wrong links, exact ones linked, true SKU in the first three; on a made-up catalogue of 5,000 SKUs
	$(BIN)/python -m benchmarks.matching $(ARGS)

lock: ## write the lock files anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" pyproject.toml -o requirements/prod.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" --extra dev pyproject.toml -o requirements/dev.txt

clean: ## stop the embedded servers; remove the environment and every cache
	-test -x $(BIN)/python && $(BIN)/python -m inventory_sync.embedded stop
	rm -rf $(VENV) .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
