# Everything runs in .venv, which `make install` makes. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/pytest
TESTS := lakehouse_pipeline_tests
SYSTEM := e2e browser
MODULE := lakehouse_pipeline.orchestration.definitions

# Without bytecode files every process would take a second longer to start.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo up check test test-fast test-system test-properties test-storage oracle wheel constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## make .venv with the pinned packages and .venv/bin/lakehouse
	@echo "The command is $(BIN)/lakehouse"

$(STAMP): pyproject.toml constraints.txt
	@found=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none); \
	case $$found in 3.11|3.12|3.13) ;; *) \
	  echo "lakehouse_pipeline needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$found." >&2; \
	  echo "Name another one: make $(or $(MAKECMDGOALS),install) PYTHON=python3.12" >&2; exit 1;; esac
	@test -x $(BIN)/python || echo "Making .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@echo "Installing the pinned packages; the first time takes a minute or two …"
	@$(BIN)/python -m pip install -qq --editable '.[api,demo,dev]' --constraint constraints.txt
	@touch $@

demo: $(STAMP) ## three datasets from landing folder to published tables, with live progress
	@$(BIN)/lakehouse demo

up: $(STAMP) ## start the UI, the daemon and the sensor on data/ and stay; Ctrl-C stops all
	@$(BIN)/lakehouse up

check: $(STAMP) ## lint, format, types, import rules, definitions
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== import-linter"
	@$(BIN)/lint-imports --no-logo
	@echo "== dagster definitions"
	@PYTHONWARNINGS=ignore LAKEHOUSE_HOME=build/validate \
	  $(BIN)/dagster definitions validate -m $(MODULE) --log-level warning

test: check ## check, then every test but those of the next three targets
	@echo "== pytest"
	@$(PYTEST) -n logical --maxprocesses 4 --dist loadfile \
	  $(addprefix --ignore=$(TESTS)/,$(SYSTEM) properties storage)

test-fast: $(STAMP) ## the tests that start no processes and no browser
	@$(PYTEST) -m "not slow and not browser and not storage"

test-system: $(STAMP) ## the whole product: killed, stopped and started again, and in a browser
	@timeout --kill-after=30 1500 $(PYTEST) $(addprefix $(TESTS)/,$(SYSTEM))

test-properties: $(STAMP) ## invariants and oracle, over drawn contracts, files and calls
	@timeout --kill-after=30 900 $(PYTEST) $(TESTS)/properties

AZURITE := build/azurite/node_modules/.bin/azurite-blob
SPARK := build/spark

test-storage: $(STAMP) $(AZURITE) $(SPARK)/.installed ## the tests on S3, Azure and GCS, emulated, and of Spark
	@LAKEHOUSE_AZURITE="$(CURDIR)/$(AZURITE)" LAKEHOUSE_SPARK="$(CURDIR)/$(SPARK)/bin/python" \
	  timeout --kill-after=30 2400 $(PYTEST) -m storage $(TESTS)/storage $(TESTS)/cli/test_where.py

$(AZURITE): # an emulator of Azure Blob Storage, the one version that is known to work
	@command -v npm >/dev/null || { \
	  echo "test-storage needs npm and Node.js 18 or later; on Debian: apt-get install npm" >&2; exit 1; }
	@timeout 600 npm install --silent --no-audit --no-fund --prefix build/azurite azurite@3.37.0

$(SPARK)/.installed: constraints.txt # Sail, which speaks Spark Connect, and its client
	@$(PYTHON) -m venv $(SPARK)
	@timeout 600 $(SPARK)/bin/python -m pip install -qq --constraint constraints.txt \
	  pysail pyspark-client
	@touch $@

oracle: $(STAMP) ## judge 10,000 contracts drawn at random by SQL and by pandera (25 minutes)
	@LAKEHOUSE_ORACLE_CONTRACTS=$${LAKEHOUSE_ORACLE_CONTRACTS:-10000} \
	  $(PYTEST) $(TESTS)/properties/test_oracle.py

wheel: $(STAMP) ## build the wheel into dist/ and use it from outside the clone
	@rm -rf build/wheel dist
	@$(BIN)/python -m build --wheel --outdir dist . >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
	@$(BIN)/python -m pip install -qq --no-deps --target build/wheel dist/*.whl
	@cd / && PYTHONPATH="$(CURDIR)/build/wheel" "$(CURDIR)/$(BIN)/python" -P -c \
	  'import lakehouse_pipeline.cli.main as cli; assert "build/wheel" in cli.__file__; cli.main()' \
	  --help >/dev/null
	@ls dist

constraints: ## resolve the newest allowed versions again and write constraints.txt
	@rm -rf build/constraints && mkdir -p build && $(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install -qq '.[api,demo,dev,spark]'
	@{ sed -n '/^#/p' constraints.txt; build/constraints/bin/python -m pip freeze \
	  | sed -n '/^lakehouse/d; /^[A-Za-z0-9._-]*==/p'; } >build/constraints.txt
	@mv build/constraints.txt constraints.txt
	@git diff --stat constraints.txt

clean: ## remove .venv, caches and builds; data/ stays
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find lakehouse_pipeline lakehouse_pipeline_tests -name __pycache__ -prune -exec rm -rf {} +
