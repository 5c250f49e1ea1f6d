# One word for each thing a developer does. Each target sets up what it needs (own .venv, build, install)
# and then is a thin call; CI uses the same ones. Stamp files in .venv keep later runs quick.

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet

PYTHON_VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
# Processes that run tests side by side: most tests wait for something.
WORKERS ?= 2
# Stamps of another version do not count: its .venv is replaced.
STAMPS := $(VENV)/.stamps-$(PYTHON_VERSION)
NATIVE_SOURCES := $(shell find csrc -name '*.pyx' -o -name '*.pxd' -o -name '*.h')
WITH_TEST := $(STAMPS)/with-test
WITH_DEV := $(STAMPS)/with-dev
WITH_DOCS := $(STAMPS)/with-docs

.DELETE_ON_ERROR:
.PHONY: help demo test test-real soak dev build lint types stubs cover asan yellow bench bench-wire bench-broker bench-flaxfile bench-peers wheel docs workflows clean

help:  ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(STAMPS)/installed  ## an embedded broker and clients at work, and the core on its own; says what was proved
	@$(PY) tools/demo.py

test: $(WITH_TEST)  ## run the whole test suite; WORKERS=4 on a larger machine
	@$(PY) -m pytest --numprocesses $(WORKERS) --dist worksteal

test-real: $(WITH_TEST)  ## the suite on real brokers, released clients on ours; needs a JDK 11+, Maven and Go
	@for version in 5.5.0 4.9.7; do $(PY) tools/rocketmq/rocketmq-server resolve --version $$version || exit 1; done
	@$(PY) -m pytest tests/conformance --server 5.5.0 --server 4.9.7
	@$(PY) -m pytest tests/promises/test_real_brokers.py --server 5.5.0 --server 4.9.7
	@$(PY) -m pytest tests/interop

soak: $(WITH_TEST)  ## the long fault programs, one to two hours; SOAK="vanish storm" for some of them
	@$(PY) -m tests.soak $(SOAK)

dev: $(WITH_DEV) $(WITH_DOCS)  ## install everything a developer needs into .venv, editable

build: $(STAMPS)/native  ## compile what changed in csrc

lint: $(WITH_DEV)  ## ruff, cython-lint, import contracts, generated files, content of the sdist
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@PATH=$(abspath $(VENV)/bin):$$PATH cython-lint --max-line-length 120 csrc
	@$(PY) tools/check_csrc.py
	@$(PY) tools/make_sync.py --check
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/check-manifest

types: $(WITH_DEV)  ## mypy --strict and pyright
	@$(PY) -m mypy
	@$(PY) -m pyright

stubs: $(WITH_DEV)  ## the .pyi files against the compiled modules
	@$(PY) tools/check_stubs.py
	@$(PY) -m mypy.stubtest pyrocketmq._native flaxfile._core

cover: $(WITH_DEV)  ## line coverage of Python and Cython, in a copy of its own
	@$(PY) tools/cover.py

asan: $(WITH_DEV)  ## the suite under AddressSanitizer and UBSan, in a copy of its own
	@$(PY) tools/asan.py

yellow: $(WITH_DEV)  ## annotate report; fails where a hot region calls Python more than it may
	@$(PY) tools/yellow.py

bench: $(WITH_DEV)  ## the native core against plain Python; BENCH="--rows batch" and the like
	@mkdir -p build/bench
	@$(PY) -m benchmarks --json build/bench/figures.json --svg build/bench/ratios.svg $(BENCH)

bench-wire: $(WITH_DEV)  ## the client on the wire against raw C; needs go; WIRE="--rounds 21" and the like
	@mkdir -p build/bench
	@$(PY) -m benchmarks.wire --json build/bench/wire.json $(WIRE)

bench-broker: $(WITH_DEV)  ## the embedded broker beside Apache RocketMQ; needs Java; BROKER="--works single" and the like
	@$(PY) -m benchmarks.broker $(BROKER)

bench-flaxfile: $(WITH_DEV)  ## flaxfile beside 1.7.1, raw ZeroMQ, sendfile, rsync, cp; FLAXFILE="--rounds 9"
	@$(PY) -m benchmarks.flaxfile $(FLAXFILE)

bench-peers: $(WITH_DEV)  ## our producer beside the Java and Go clients; needs both; PEERS="--on real" and the like
	@$(PY) -m benchmarks.peers $(PEERS)

wheel: $(WITH_DEV)  ## sdist, wheel from the sdist, repaired and tried in an empty environment
	@$(PY) tools/wheel.py

docs: $(WITH_DOCS)  ## build the site, strictly, into build/site
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --site-dir build/site

workflows: $(WITH_DEV)  ## check the hosted workflows (needs go)
	@$(PY) tools/check_workflows.py

clean:  ## remove everything that was built or installed
	rm -rf $(VENV) build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src csrc \( -name '*.so' -o -name '*.pyd' -o -name '*.c' -o -name '*.html' \) -delete
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf src/*.egg-info

$(STAMPS)/made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "missing: the interpreter '$(PYTHON)'; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) tools/host.py
	@echo "making $(VENV) with Python $(PYTHON_VERSION)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/build-deps: pyproject.toml | $(STAMPS)/made
	@$(PIP) install --upgrade 'pip>=24' 'setuptools>=80' 'cython>=3.1,<4'
	@touch $@

$(STAMPS)/native: $(NATIVE_SOURCES) setup.py $(STAMPS)/build-deps
	@echo "compiling csrc"
	@$(PY) setup.py --quiet build_ext --inplace
	@touch $@

# The modules are in src by then; without a word an editable install would compile them all once more.
$(STAMPS)/installed: pyproject.toml | $(STAMPS)/native
	@PYROCKETMQ_COMPILED=1 $(PIP) install --no-build-isolation --editable .
	@touch $@

$(STAMPS)/with-%: pyproject.toml | $(STAMPS)/native
	@echo "installing the package with its '$*' requirements"
	@PYROCKETMQ_COMPILED=1 $(PIP) install --no-build-isolation --editable '.[$*]'
	@touch $@ $(STAMPS)/installed
