# Run from the root of the repository. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Targets share the environment, and most keep both cores of a small machine busy.
.NOTPARALLEL:
export PYTHON
# Many an image sets it. Each of the hundreds of processes of the tests would compile all that it
# imports: Django and boto3 took 1.2 s then, and not 0.4.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml scripts/venv.sh $(wildcard constraints/*.txt)
# Needs a browser, node, a database server, the package index or minutes: make check runs these.
# pytest-playwright is not loaded: it would give each test a fixture.
PYTHON_ONLY := -p no:playwright -m "not e2e and not js and not postgres and not package and not simulation and not processes"

headline = @printf '\n== %s ==\n' "$(1)"

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: demo
demo: $(VENV)/.demo ## Start the demo site with S3 and a CloudFront edge on this machine
	$(BIN)/python -m demo_project.run

.PHONY: test
test: $(VENV)/.test ## Run all tests that need only Python packages
	$(call headline,tests)
	@# Three, also on two cores: some wait for servers.
	$(BIN)/python -m pytest -n 3 -p tests.plugins_shares $(PYTHON_ONLY)

.PHONY: check
check: export INSTALL ?= 0
check: ## Run every check, as continuous integration does: what must pass before a merge
	@# With INSTALL=1, and where CI runs .ci/run, root installs what the machine lacks.
	@[[ $$INSTALL == 1 ]] || scripts/packages.sh
	.ci/run
	$(call headline,all checks passed)

.PHONY: install
install: $(VENV)/.dev ## Make .venv with all that the checks need

.PHONY: lint
lint: style types imports english ## Check style, types, the import rule and the English

.PHONY: format
format: $(VENV)/.dev ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: style
style: $(VENV)/.dev
	$(call headline,ruff and other linters)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/zizmor --offline --quiet .github
	@# Not by what shellcheck or pyflakes of the machine say of a script.
	$(BIN)/jactionlint --profile correctness --shellcheck= --pyflakes=
	$(BIN)/validate-pyproject pyproject.toml

.PHONY: types
types: $(VENV)/.dev
	$(call headline,mypy)
	$(BIN)/mypy
	$(BIN)/python scripts/known_types.py

.PHONY: imports
imports: $(VENV)/.dev
	$(call headline,import rule)
	$(BIN)/lint-imports --no-cache

.PHONY: english
english: $(VENV)/.dev
	$(call headline,English)
	$(BIN)/python scripts/english.py

.PHONY: simulation
simulation: $(VENV)/.test ## Let 150 random schedules happen to simulated rotations
	$(call headline,simulated rotations)
	$(call simulate,150,-n 0)

.PHONY: nightly
nightly: $(VENV)/.test ## Let 10,000 happen, and search anew for what shows each lost guard
	$(call headline,simulated rotations of a night)
	SIMULATION_ANEW=1 $(call simulate,10000,-n 2 --dist worksteal)

# What make test leaves out. The seed of the day, unless one is given; it is printed with the command.
simulate = SIMULATION_SEED=$(or $(SIMULATION_SEED),$(shell date -u +%Y%m%d)) \
	SIMULATION_SCHEDULES=$(or $(SIMULATION_SCHEDULES),$(1)) \
	$(BIN)/python -m pytest $(2) -m simulation tests/simulation tests/tools/model

.PHONY: fuzz
fuzz: targets := $(notdir $(wildcard fuzz/corpus/*))
fuzz: $(VENV)/.fuzz ## Fuzz each target for a minute, or for FUZZ_SECONDS; .cache/fuzz keeps what is found
	$(call headline,fuzzing)
	@for target in $(targets); do \
		$(BIN)/python -m fuzz $$target -max_total_time=$(or $(FUZZ_SECONDS),60) || failed=1; \
	done; $(BIN)/python -m fuzz.doctor || failed=1; [[ -z $${failed:-} ]]

.PHONY: matrix
matrix: $(VENV)/.dev ## Run what a release of Python, Django, boto3 or cryptography may change on other versions
	$(call headline,Python and Django versions)
	scripts/matrix.sh $(addprefix -e ,$(ENVIRONMENT))

.PHONY: libraries
libraries: $(VENV)/.dev ## Run tests/libraries with what sites use beside: Wagtail, thumbnails, APIs
	$(call headline,libraries)
	scripts/matrix.sh -e py311-libraries,py313-libraries

.PHONY: postgres
postgres: $(VENV)/.dev ## Run the tests of the database on PostgreSQL
	$(call headline,PostgreSQL)
	scripts/postgres.sh

.PHONY: mariadb
mariadb: $(VENV)/.dev ## Run the tests of the database on MariaDB
	$(call headline,MariaDB)
	scripts/mariadb.sh

.PHONY: processes
processes: $(VENV)/.dev ## Rotate keys under load with real processes that are killed
	$(call headline,rotation under load)
	@# On the server that the script starts; of the options that it gives as well, the last count.
	scripts/postgres.sh -m processes tests/processes

.PHONY: drop-in
drop-in: $(VENV)/.dev ## Run django-storages' own S3 tests with the class of this project
	$(call headline,django-storages' own tests)
	scripts/django_storages.sh

.PHONY: upstream
upstream: newest := .cache/django-storages-newest/environment
upstream: $(VENV)/.dev ## The same, and the tests of make test, with the newest commit of django-storages
	$(call headline,django-storages' main branch)
	@# Its own tests may fail because they changed: this project's run all the same.
	DJANGO_STORAGES=$${DJANGO_STORAGES:-https://github.com/jschneier/django-storages} \
		scripts/django_storages.sh || failed=1; \
	touch $(newest)/.test; \
	$(MAKE) test VENV=$(newest) && [[ -z $${failed:-} ]]

.PHONY: downstream
downstream: $(VENV)/.dev ## Run the tests of two thumbnail libraries with django-storages' class and with ours
	$(call headline,tests of libraries with either class)
	$(BIN)/python scripts/downstream.py

.PHONY: browser
browser: docs ## Build the documentation, and run the browser tests (Chromium, Firefox, WebKit)
	$(call headline,browser tests)
	scripts/browser.sh

.PHONY: javascript
javascript: $(VENV)/.dev ## Compare with AWS's JavaScript signer (node)
	$(call headline,AWS JavaScript signer)
	scripts/javascript.sh

.PHONY: vectors
vectors: $(VENV)/.dev ## Sign new rows of tests/vectors, ask all who sign and verify, and write the page
	$(call headline,vectors)
	scripts/npm.sh
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.vectors

.PHONY: translations
translations: $(VENV)/.dev ## Compare the Korean catalog with the texts of the code (GNU gettext)
	$(call headline,translations)
	scripts/translations.sh

.PHONY: stack
stack: $(VENV)/.dev ## Judge the template and the Terraform example by checkov and the newest provider
	$(call headline,checkov and the Terraform provider)
	scripts/checkov.sh || failed=1; \
	$(BIN)/python scripts/provider_schema.py; \
	$(BIN)/python -m pytest tests/tools/stack/test_terraform.py -m package && [[ -z $${failed:-} ]]

.PHONY: package
package: $(VENV)/.dev ## Test the built wheel, the demo and the template, and follow the tutorial and the page of the demo
	$(call headline,wheel)
	@# In one process: each one would start a demo. The tutorial comes before the test that stops it.
	$(BIN)/python -m pytest -m package tests/test_tutorial.py tests/test_package.py tests/test_benchmarks.py tests/demo_project/test_running.py tests/tools/stack tests/test_docs_iam.py

.PHONY: docs
docs: $(VENV)/.dev ## Build the documentation into docs/_build/html
	$(call headline,documentation)
	$(BIN)/python -m sphinx -W --keep-going --fresh-env --write-all --quiet -b html docs docs/_build/html

.PHONY: coverage
coverage: $(VENV)/.test ## Show which lines and branches no test of make test reaches; htmlcov/ has them marked
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile $(PYTHON_ONLY)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report

.PHONY: bench
bench: $(VENV)/.demo ## Measure beside django-storages, by kind of name; writes docs/benchmarks.md
	$(BIN)/python -m pip install --quiet --constraint constraints/default.txt \
		"cloudfront-signed-cookies>=1.2" "djangorestframework>=3.16" --editable .
	$(BIN)/python -m benchmarks

.PHONY: acceptance
acceptance: $(VENV)/.demo ## Ask AWS itself, in an account of yours (ACCOUNT=...); removes what it made
	$(BIN)/python -m acceptance --account "$(ACCOUNT)" --role "$(ROLE)" --kms-key "$(KMS_KEY)"

.PHONY: acceptance-clean
acceptance-clean: $(VENV)/.demo ## Remove what an interrupted run of it left in the account (RUN=...)
	$(BIN)/python -m acceptance --clean "$(RUN)"

.PHONY: constraints
constraints: $(VENV)/.dev ## Pin the newest versions that fit pyproject.toml
	scripts/constraints.sh

.PHONY: addresses
addresses: $(VENV)/.dev ## Write the address of the repository into pyproject.toml; scripts/addresses.py has it
	$(BIN)/python scripts/addresses.py

.PHONY: release
release: $(VENV)/.dev ## Build a release into dist/ and test it; RELEASING.md has the rest
	scripts/release.sh

.PHONY: clean
clean: ## Remove environments, caches and builds; the demo's data stays
	rm -rf $(VENV) .tox .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf build dist docs/_build htmlcov test-results tests/js/node_modules .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is one install; it is repeated only when the pins change.
$(VENV)/.demo: $(PINS)
	scripts/venv.sh
	touch $@

$(VENV)/.test: $(PINS)
	scripts/venv.sh --group test
	touch $@ $(VENV)/.demo

$(VENV)/.fuzz: $(PINS)
	scripts/venv.sh --group test --group fuzz
	touch $@ $(VENV)/.test $(VENV)/.demo

$(VENV)/.dev: $(PINS)
	scripts/venv.sh --group dev
	touch $@ $(VENV)/.test $(VENV)/.demo
