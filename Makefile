# Each of these sets up everything it needs; nothing else has to be installed beforehand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PEERS := .venv-peers
MONAI := .venv-peers-monai

.PHONY: setup peers peers-monai page page-check browser demo test check lint types contracts format lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Foveal needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Packages that benchmarks and tests compare with, in an environment of their own: their pins
# would hold back ours, and submodlib has no build for every Python.
peers: $(PEERS)/.installed

$(PEERS)/.installed: peers-requirements.txt pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade "pip>=24"
	$(PEERS)/bin/python -m pip install --quiet -e . -r peers-requirements.txt
	@touch $@

# The MONAI Label adapter inside the real package; not part of `make test`, for it brings PyTorch again.
peers-monai: $(MONAI)/.installed
	$(MONAI)/bin/python -m pytest tests/peers/test_peers_monai_label.py

$(MONAI)/.installed: peers-monai-requirements.txt pyproject.toml
	$(PYTHON) -m venv $(MONAI)
	$(MONAI)/bin/python -m pip install --quiet --upgrade "pip>=24"
	$(MONAI)/bin/python -m pip install --quiet -e . -r peers-monai-requirements.txt
	$(MONAI)/bin/python -m pip install --quiet --no-deps monailabel==0.8.5 pydicom-seg==0.4.1
	@touch $@

# The browser page is committed as built, so that nobody needs Node to run Foveal.
page: frontend/node_modules/.installed
	cd frontend && npm run --silent build

# Types, unit tests, and whether what is committed is what the source builds; without Node it is said.
page-check:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory frontend/node_modules/.installed && cd frontend && npm run --silent check; \
	else echo "Node is not installed, so whether the page is up to date was not checked."; fi

# Not `npm ci`: it refuses a lock file without addresses of the registry.
frontend/node_modules/.installed: frontend/package-lock.json
	cd frontend && npm install --silent --no-audit --no-fund
	@touch $@

# Finds a Chromium for the browser tests, or installs the system's package; they skip without one.
browser:
	@sh tests/browser/chromium.sh > /dev/null || true

demo: setup
	$(BIN)/foveal demo

test: setup peers browser page-check
	$(PEERS)/bin/python -m pytest tests/peers
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

check: lint types contracts test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Writes the versions and hashes only; index addresses never enter the file.
lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra all --extra dev --generate-hashes \
		--no-emit-index-url --no-header --no-annotate -c constraints.txt pyproject.toml build-requirements.txt -o requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
