# `make` alone prints what there is. Everything runs in .venv, which is made when it is needed; no other Python
# environment is touched. The same commands for people without make stand in README.md.

# Further arguments for whatever the target runs: make test ARGS="-k graph", make lab ARGS="--no-browser"
ARGS ?=
BENCH ?= benchmarks/training.py benchmarks/graphs.py
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb)
# A long secret number: make teach SEED=… makes an exam, too.
SEED ?=

VENV := .venv
PY := $(VENV)/bin/python
MINORS := $(shell sed -n 's/.*"Programming Language :: Python :: 3\.\([0-9]*\)".*/\1/p' pyproject.toml)
FITS := import sys; assert (3, $(firstword $(MINORS))) <= sys.version_info[:2] <= (3, $(lastword $(MINORS)))
# The first Python that fits; python3 if none does, for the message.
ifndef PYTHON
PYTHON := $(or $(shell for python in $(PY) python3 $(MINORS:%=python3.%); do \
	$$python -c '$(FITS)' 2>/dev/null && echo $$python && break; done),python3)
endif
export OMP_NUM_THREADS ?= 1
export IPYKERNEL_CELL_NAME ?= <cell>

# Which build of PyTorch: empty for the one pip finds, or cpu, or auto (what fits this machine), found by uv. On Linux
# pip's brings CUDA along. Without an Nvidia GPU the small one will do; where uv cannot have it, pip's is taken.
ifeq ($(origin TORCH)$(shell uname),undefinedLinux)
ifeq ($(shell command -v nvidia-smi),)
TORCH := cpu
OR_PIP = || $(PIP)
endif
endif
PIP = $(PY) -m pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
INSTALL = $(PIP)
ifneq ($(TORCH),)
INSTALL = { $(PY) -m pip install --quiet --constraint constraints.txt uv && $(PY) -m uv pip install --python $(PY) \
	--torch-backend=$(TORCH) --constraint constraints.txt --editable '.[$(EXTRAS)]'; } $(OR_PIP)
endif

.DELETE_ON_ERROR:
.PHONY: help lab lessons doctor test test-browser test-colab notebooks site pdf slides teach stamp lint format bench clean

help: ## Print this
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' Makefile | awk -F@ '{ printf "%-16s%s\n", $$1, $$2 }'
	@echo "The first target that needs it makes the environment in $(VENV) and says beforehand what it downloads."
	@echo "PYTHON=python3.12 picks the Python, TORCH=cpu the small PyTorch, ARGS=… is passed on."

lab: $(VENV)/.all ## Open JupyterLab on your own copies of the lessons, in my_lessons/
	@$(PY) tools/lab.py $(ARGS)

lessons: $(VENV)/.all ## After an update: put the lessons that are new beside your copies
	@$(PY) tools/lab.py --new

doctor: ## Say what keeps the course from starting, and the line that helps; nothing need be installed
	@for python in $(PYTHON) python3 python py; do \
		$$python -c '' 2>/dev/null && exec $$python tools/doctor.py; done; $(NO_PYTHON)

test: $(VENV)/.all ## Run every test, and every notebook against its stored outputs
	@echo "Testing: a few minutes. The order is another one each time; the seed printed below repeats it."
	@# A file stays in one process: what it sets up, and the kernel of a notebook, is made once. conftest.py orders them.
	$(PY) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=10 $(ARGS)

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

pdf: site ## Put the whole site into one PDF, build/course.pdf (needs Chromium)
	$(PY) tools/pdf.py

slides: NOTEBOOKS = $(wildcard notebooks/[0-9][0-9]_*.ipynb)
slides: $(VENV)/.all ## Make slides for a lecture; then open build/slides/index.html (NOTEBOOKS=… for one lesson)
	$(PY) tools/build.py slides $(NOTEBOOKS) $(ARGS)

teach: $(VENV)/.teach ## Make what a teacher hands out and grades, in build/teach (a long secret SEED=… adds an exam)
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

define NO_PYTHON
{ \
echo "The course needs Python 3.$(firstword $(MINORS)) to 3.$(lastword $(MINORS)). Here \`$(PYTHON)\` is: $$($(PYTHON) --version 2>&1 | head -n 1)."; \
echo "Get one from https://www.python.org/downloads/ and type:     make $(or $(MAKECMDGOALS),lab)"; \
echo "Or let uv fetch one, see https://docs.astral.sh/uv/:         uv venv --clear --python 3.$(firstword $(MINORS)) && make $(or $(MAKECMDGOALS),lab)"; \
echo "If you have one, where nobody finds it:                      make $(or $(MAKECMDGOALS),lab) PYTHON=/where/it/is"; \
exit 1; }
endef

# An interrupted installation leaves no stamp behind, and the next make takes it up again.
$(VENV)/.all: EXTRAS := lab,test,site
$(VENV)/.bench: EXTRAS := lab,test,site,bench
$(VENV)/.teach: EXTRAS := lab,test,site,teach
$(VENV)/.all $(VENV)/.bench $(VENV)/.teach: pyproject.toml constraints.txt
	@$(PYTHON) -c '$(FITS)' 2>/dev/null || $(NO_PYTHON)
	@$(PYTHON) -c 'import ensurepip, venv' || { \
		echo "\`$(PYTHON)\` cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing PyTorch, JupyterLab and the tools for tests and site into $(VENV), with the versions of constraints.txt."
ifeq ($(TORCH)$(shell uname),Linux)
	@echo "Download: up to 2.8 GB, 6 GB on disk, since PyTorch brings CUDA along for your Nvidia GPU; 1 minute on a fast"
	@echo "line, 10 on a slow one. With the small PyTorch, 0.4 GB will do: press Ctrl-C, then add TORCH=cpu to the command."
else
	@echo "Download: 0.4 GB or less, 1.4 GB on disk (with CUDA 2.8 GB and 6 GB); a few minutes. Only the first time."
endif
	@$(PY) -c '$(FITS); import pip' 2>/dev/null || $(PY) -c '$(FITS); import ensurepip; ensurepip.bootstrap()' 2>/dev/null \
		|| $(PYTHON) -m venv --clear $(VENV)
	$(INSTALL)
	@touch $@
