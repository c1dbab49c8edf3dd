# f1-forecast: `make` alone lists what there is. Needs make and Python 3.11, 3.12 or 3.13, nothing else.

UV_VERSION := 0.13.9
UV         := .tools/bin/uv
PYTHON     := .venv/bin/python
INSTALLED  := .venv/.installed
ARGS       ?=

# Only what is installed already: uv would otherwise download a Python of its own.
export UV_PYTHON_DOWNLOADS := never
# Images for containers ask Python to keep no bytecode. Here every server and every process of a test would compile the same
# 5,000 modules for itself: the servers were ready after 28 s instead of 11. `make clean` removes what is written.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test lint audit sbom clean clean-state

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Options of a command go into ARGS: make test ARGS='-k elo'"

install: $(INSTALLED) ## Create .venv with the locked versions (others do it when needed)

run: $(INSTALLED) ## Fetch what is new, forecast, and serve it until Ctrl-C
	@.venv/bin/f1 run $(ARGS)

# A thread of arithmetic for each worker: those of the libraries wait for each other by spinning, a fifth of all computing.
test: $(INSTALLED) ## Run the tests
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(INSTALLED) ## Style, types and layers
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy benchmarks/soak.py benchmarks/soak_parts.py
	.venv/bin/lint-imports

audit: $(UV) ## Look the locked packages up among known vulnerabilities (AUDIT=required fails without a network)
	@said="$$($(UV) audit --locked --no-dev --preview-features audit-command 2>&1)" && { echo "$$said"; exit 0; }; \
	echo "$$said"; \
	case "$$said" in *"error sending request"*) \
	  echo "NOT AUDITED: the service of known vulnerabilities cannot be reached from here."; test "$$AUDIT" != required ;; \
	  *) exit 1 ;; esac

sbom: $(UV) ## Write dist/sbom.json: every package of the product with version and hash (CycloneDX)
	@mkdir -p dist
	@$(UV) export --locked --no-dev --extra kubernetes --format cyclonedx1.5 --quiet --preview-features sbom-export --output-file dist/sbom.json
	@echo "dist/sbom.json"

clean: ## Remove environment and caches; data and history stay
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist .tmp_dagster_home_*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-state: $(INSTALLED) ## Remove data, models and history as well (asks; YES=1 does not)
	@$(PYTHON) -m f1_pipeline.clean_state $(if $(filter 1,$(YES)),yes)

# Offline first: with everything in place or in uv's cache, no network is needed.
$(INSTALLED): pyproject.toml uv.lock $(UV)
	@echo "Installing the locked packages into .venv (about 20 s with a warm cache; 1.1 GB on disk) ..."
	@$(UV) sync --locked --offline --quiet 2>/dev/null || $(UV) sync --locked
	@touch $@

# uv comes from pip, in an environment of its own: the versions of the product do not depend on what the
# machine has. The marker file carries the version, so that a new one is installed when it changes here.
$(UV): .tools/.uv-$(UV_VERSION)

.tools/.uv-$(UV_VERSION):
	@python=; for name in python3 python3.13 python3.12 python3.11; do \
	  if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
	    python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "f1-forecast needs Python 3.11, 3.12 or 3.13; found: $$(python3 --version 2>/dev/null || echo none)." >&2; exit 1; fi; \
	echo "Preparing the installer (uv $(UV_VERSION)) with $$($$python --version) ..."; \
	rm -rf .tools; \
	$$python -m venv .tools || { echo "$$python cannot make environments; on Debian and Ubuntu: apt install python3-venv" >&2; rm -rf .tools; exit 1; }; \
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" || { rm -rf .tools; exit 1; }
	@touch $@
