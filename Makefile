# Works with GNU make 4 and with the make 3.81 of macOS. `make` alone shows the help.

PORT ?= 8000
SIMULATORS_PORT ?= 8900
ARGS ?=
export PORT SIMULATORS_PORT

# The first Python that is new enough; say PYTHON=... for another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$name"; break; }; done)
UV := $(shell command -v uv || echo var/uv/bin/uv)
BIN := .venv/bin
DEV := $(BIN)/python -m channable.dev
READY := .venv/setup.stamp

.DEFAULT_GOAL := help
.PHONY: help setup run test chaos lint format migrate shell stop clean bench

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make the virtual environment (once; done by the others when needed)

run: $(READY) ## Start everything with a demo; PORT=8000 SIMULATORS_PORT=8900
	@$(DEV) run

test: $(READY) ## Run the tests; ARGS="tests/orders -k cancel" for some of them
	@$(DEV) test $(ARGS)

chaos: $(READY) ## Prove that nothing is lost or doubled, whatever dies (up to an hour); ARGS="kills cuts"
	@$(DEV) chaos $(ARGS)

lint: $(READY) ## Check style, types, imports, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy channable connections orders billing
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	@$(DEV) check makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=channable.dev.lint_settings $(DEV) check lintmigrations --include-apps tenants connections orders --quiet ignore ok

format: $(READY) ## Put the code in the project's style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

migrate: $(READY) ## Bring the database of the demo up to date
	@$(DEV) manage migrate

shell: $(READY) ## Open a Python shell on the data of the demo
	@$(DEV) manage shell

bench: $(READY) ## Measure speed and write docs/performance.md (half an hour); ARGS="ingest list" for some
	@"$(UV)" sync --locked --quiet --group bench
	@$(DEV) bench $(BIN)/python -m benchmarks $(ARGS)

stop: ## Stop a run of this folder and its servers
	@if [ -x $(BIN)/python ]; then $(DEV) stop; else echo "Nothing is running."; fi

clean: ## Stop, then delete the data of demo and tests, the environment and caches
	@if [ -x $(BIN)/python ]; then $(DEV) clean; fi
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml uv.lock
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3."; exit 2; fi
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Python 3.11 or newer is needed, $(PYTHON) is older or missing."; exit 2; fi
	@if ! command -v "$(UV)" >/dev/null; then $(MAKE) --no-print-directory var/uv/bin/uv; fi
	"$(UV)" sync --locked --compile-bytecode --python "$(PYTHON)"
	@touch $(READY)

# uv, privately: in a virtual environment, or by pip alone where Debian left out python3-venv.
var/uv/bin/uv:
	@mkdir -p var
	@"$(PYTHON)" -m venv var/uv >/dev/null 2>&1 && var/uv/bin/python -m pip install --quiet uv \
		|| { rm -rf var/uv; "$(PYTHON)" -m pip --version >/dev/null 2>&1 \
			&& "$(PYTHON)" -m pip install --quiet --target var/uv uv; } \
		|| { rm -rf var/uv; echo "Can't install uv: check the network and \`apt install python3-venv\`," \
			"or install uv yourself (https://docs.astral.sh/uv/)."; exit 2; }
