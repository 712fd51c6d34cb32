# `make` alone prints what there is. Everything runs in .venv, which is made when it is needed; no other Python
# environment is touched. The same commands for people without make stand in README.md.

PYTHON ?= python3
# Which build of PyTorch: empty for the one pip finds, or cpu, or auto (what fits this machine), found by uv.
TORCH ?=
# Further arguments for whatever the target runs: make test ARGS="-k graph", make lab ARGS="--no-browser"
ARGS ?=
BENCH ?= benchmarks/training.py benchmarks/graphs.py
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)
# A number: make teach SEED=7 makes an exam, too.
SEED ?=

VENV := .venv
PY := $(VENV)/bin/python
MINOR := $(shell sed -n 's/^requires-python = ">=3\.\([0-9]*\)"/\1/p' pyproject.toml)
export OMP_NUM_THREADS ?= 1
export IPYKERNEL_CELL_NAME ?= <cell>

# One line that installs with the pinned versions; the extras follow.
ifeq ($(TORCH),)
INSTALL = $(PY) -m pip install --constraint constraints.txt --editable
else
INSTALL = $(PY) -m pip install uv && \
	$(PY) -m uv pip install --python $(PY) --torch-backend=$(TORCH) --constraint constraints.txt --editable
endif

.DELETE_ON_ERROR:
.PHONY: help lab test test-browser test-colab notebooks site slides teach stamp lint format bench clean

help: ## Print this
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' Makefile | awk -F@ '{ printf "%-16s%s\n", $$1, $$2 }'
	@echo "The first target that needs it makes the environment in $(VENV) and says beforehand what it downloads."
	@echo "PYTHON=python3.12 picks the Python, TORCH=cpu a small PyTorch, ARGS=… is passed on."

lab: $(VENV)/.all ## Open JupyterLab on the lessons
	@echo "JupyterLab opens in your browser, on the folder notebooks/. Its address, with the token, is printed below."
	@echo "To stop it: Ctrl-C, twice."
	$(PY) -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.news_url=None --LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(ARGS)

test: $(VENV)/.all ## Run every test, and every notebook against its stored outputs
	@echo "Testing: a few minutes. The order is another one each time; the seed printed below repeats it."
	@# A file stays in one process: what it sets up, and the kernel of a notebook, is made once.
	$(PY) -m pytest --numprocesses=2 --dist=loadfile --durations=10 $(ARGS)

test-browser: $(VENV)/.all ## Run every lesson and open every page of the site in a real browser (needs Chromium)
	$(PY) -m pytest -m browser tests $(ARGS)

test-colab: $(VENV)/.all ## Run every lesson as on Colab: alone, the package installed by its first cell (needs git)
	$(PY) -m pytest -m colab tests/test_colab.py $(ARGS)

notebooks: $(VENV)/.all ## Execute all notebooks anew and store their outputs (NOTEBOOKS=… for one)
	$(PY) -m nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False $(NOTEBOOKS)
	@# What a cell prints may arrive in pieces, as the clock wants it: put them together.
	$(PY) -m nbconvert --to notebook --inplace --CoalesceStreamsPreprocessor.enabled=True $(NOTEBOOKS)

site: $(VENV)/.all ## Build the web site into build/site; then open build/site/index.html
	$(PY) tools/build.py site $(ARGS)

slides: NOTEBOOKS = $(wildcard notebooks/[0-9][0-9]_*.ipynb)
slides: $(VENV)/.all ## Make slides for a lecture; then open build/slides/index.html (NOTEBOOKS=… for one lesson)
	$(PY) tools/build.py slides $(NOTEBOOKS) $(ARGS)

teach: $(VENV)/.teach ## Make what a teacher hands out and grades, in build/teach (SEED=7 adds an exam)
	$(PY) tools/teach.py $(if $(SEED),--seed $(SEED)) $(ARGS)

stamp: ## Write address and version into the notebooks, and the table of lessons into README.md
	$(PYTHON) tools/stamp.py

lint: $(VENV)/.all ## Check style and spelling, of the notebooks too, and who imports whom
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m codespell_lib
	$(VENV)/bin/lint-imports --no-cache

format: $(VENV)/.all ## Put the code into the house style
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

bench: $(VENV)/.bench ## Measure the training loop and the graph pictures against others (BENCH=… for one)
	$(foreach file,$(BENCH),$(PY) $(file) $(ARGS) &&) true

clean: ## Remove the environment and everything else that make has made
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find lecturekit tests tools benchmarks notebooks -name __pycache__ -prune -exec rm -rf {} +

# An interrupted installation leaves no stamp behind, and the next make takes it up again.
$(VENV)/.all: EXTRAS := lab,test,site
$(VENV)/.bench: EXTRAS := lab,test,site,bench
$(VENV)/.teach: EXTRAS := lab,test,site,teach
$(VENV)/.all $(VENV)/.bench $(VENV)/.teach: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, $(MINOR)))' || { \
		echo "Python 3.$(MINOR) or newer is needed; \`$(PYTHON)\` is: $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "\`$(PYTHON)\` cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing PyTorch, JupyterLab and the tools for tests and site into $(VENV), with the versions of constraints.txt."
ifeq ($(TORCH)$(shell uname),Linux)
	@echo "Download: up to 2.8 GB, 6 GB on disk, since PyTorch for Linux brings CUDA along; 1 minute on a fast line,"
	@echo "10 on a slow one. Without an Nvidia GPU, 0.4 GB will do: press Ctrl-C, then add TORCH=cpu to the command."
else
	@echo "Download: 0.4 GB or less, 1.5 GB on disk (with CUDA 2.8 GB and 6 GB); a few minutes. Only the first time."
endif
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) '.[$(EXTRAS)]'
	@touch $@
