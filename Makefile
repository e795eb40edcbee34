# Every target sets up what it needs; `make` alone lists them. Valid for GNU make 3.81.

PYTHON ?= python3
NB ?=
LAB_ARGS ?=
TORCH_INDEX ?=
SUBMISSIONS ?=
GRADES ?= grades
GRADE_ARGS ?=
BENCH ?=
BENCH_ARGS ?=

VENV_PYTHON := .venv/bin/python
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

export TORCH_INDEX
# A learner's own PYTHONPATH must not shadow the course's packages.
unexport PYTHONPATH PYTHONHOME

define install
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "No '$(PYTHON)' was found: install Python 3.11 to 3.13, or name yours with PYTHON=..."; exit 1; }
	@"$(PYTHON)" requirements/install.py $(1)
endef

.DEFAULT_GOAL := help
.PHONY: help lab test check execute exercises grade release bench clean

help: ## List the targets
	@echo "make lab    install, then open the course in JupyterLab"
	@echo "make test   install, then verify everything"
	@echo
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  \1	/'

lab: ## Open the course in JupyterLab (LAB_ARGS="--no-browser --port 9999" passes arguments on)
	$(call install,lab)
	@$(VENV_PYTHON) -m ropelib.course.workspace
	@cd work && ../.venv/bin/python -m jupyter lab $(AS_ROOT) \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

test: ## Verify everything: lint, tests, strict nbval on every notebook (NB=03 verifies one chapter)
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.course.verify $(if $(NB),--chapter "$(NB)")

check: ## Lint and the fast tests, in under a minute
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.course.verify --fast

execute: ## Run notebooks in place, restart-and-run-all (NB=03 runs one chapter)
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.course.notebooks $(if $(NB),--chapter "$(NB)")

exercises: ## Write exercises/ from solutions/ (then `make test` compares)
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.course.exercises

grade: ## Grade SUBMISSIONS=folder, locked away, into GRADES=grades (GRADE_ARGS="--help" lists more; "Error 1": report.html says what was not graded)
	@test -n "$(SUBMISSIONS)" || { echo "Name the folder of the submissions: make grade SUBMISSIONS=folder"; exit 1; }
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.grading "$(SUBMISSIONS)" --out "$(GRADES)" $(GRADE_ARGS)

release: ## Build the students' bundle, without solutions, tests and the grader, into release/
	$(call install,test)
	@$(VENV_PYTHON) -m ropelib.grading.release

bench: ## Measure the kernels on an NVIDIA GPU, elsewhere RoPE on the CPU (BENCH=grading or widgets; BENCH_ARGS="--help")
	$(call install,test)
	@$(VENV_PYTHON) -m benchmarks $(BENCH) $(BENCH_ARGS)

clean: ## Remove .venv and caches; your work/ folder stays
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis ropelib.egg-info
	@find ropelib tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed .venv and caches. work/ was left alone."
