# Every target works as the very first command in a fresh clone: it needs Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: site serve test lint types unit tests clean

# In an environment of its own, which has less than a sixth of what the tests need.
EXAMPLE := .cache/example
site: $(EXAMPLE)/installed ## build the example site
	$(EXAMPLE)/bin/mkdocs build --strict -f example-site/mkdocs.yml
	@echo "Open example-site/site/index.html through: make serve"

serve: $(EXAMPLE)/installed ## serve the example site on http://localhost:8000
	$(EXAMPLE)/bin/mkdocs serve -f example-site/mkdocs.yml

# Half of what pip installs is never used here: pip itself, what Material's blog needs, and brands' logos.
$(EXAMPLE)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(EXAMPLE)
	$(EXAMPLE)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -e ".[example]"
	@rm -rf $(EXAMPLE)/lib/python3*/site-packages/material/templates/.icons/fontawesome \
	  $(EXAMPLE)/lib/python3*/site-packages/material/templates/.icons/simple
	@$(EXAMPLE)/bin/python -m pip uninstall --quiet --quiet --yes babel setuptools pip
	@touch $@

.PHONY: docs serve-docs
docs: $(VENV)/installed ## build the documentation into site/
	$(BIN)/mkdocs build --strict

serve-docs: $(VENV)/installed ## serve the documentation on http://localhost:8000
	$(BIN)/mkdocs serve

test: lint types tests ## everything that CI checks

lint: $(VENV)/installed audit
	$(AUDIT)/bin/lint-imports --no-cache --no-logo >.cache/imports || { cat .cache/imports; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/vulture

.PHONY: audit
# In an environment of its own: what these tools need would change what ours imports.
AUDIT = .cache/audit
audit: $(VENV)/installed $(AUDIT)/installed ## the code, the recipes and the dependencies, for vulnerabilities
	$(AUDIT)/bin/bandit --quiet --configfile pyproject.toml --recursive mkdocs_confluence_md
	@rm -rf .cache/recipes && $(BIN)/python tests/support/recipes.py .cache/recipes
	$(AUDIT)/bin/zizmor --offline --quiet .cache/recipes/*.yml action.yml
	$(BIN)/python tests/support/audit.py $(AUDIT)/bin/pip-audit $(CURDIR)/$(BIN)/python

$(AUDIT)/installed: Makefile
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check "bandit[toml]>=1.8,<2" \
	  "zizmor>=1.20,<2" "pip-audit>=2.7,<3" "import-linter>=2,<3"
	@touch $@

types: $(VENV)/installed
	$(BIN)/mypy

unit: $(VENV)/installed ## the tests of single packages, in less than a minute
	$(BIN)/pytest -q -n auto tests/unit

tests: $(VENV)/installed
	$(BIN)/pytest -n auto --cov --cov-report=term

.PHONY: live
# CONFLUENCE_MD_LIVE_PAGE is the address of a page with a few pages below it; the sign-in is that of
# `confluence-md login`, or of the environment. Without it, pytest runs no test, which is its exit code 5.
live: $(VENV)/installed ## a page and a tree of a real site, for who can sign in to one
	$(BIN)/pytest -q -rs -p no:cacheprovider --rootdir live -c /dev/null live || [ $$? -eq 5 ]

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

clean: ## forget the environment, the caches and what was built
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache site example-site/site example-site/.cache

.PHONY: benchmark targets

# The other tools are installed below .cache, once. QUICK=1 only shows that it works, FULL=1 takes
# hours, and ARGUMENTS are those of `python -m benchmarks --help`.
benchmark: $(VENV)/installed ## this plugin beside local files and four other ways, as a table
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(FULL),--full) $(ARGUMENTS)

targets: $(VENV)/installed ## what is promised of the speed, and whether it holds here
	@$(BIN)/python -m benchmarks.targets $(ARGUMENTS)

.PHONY: cold
cold: $(VENV)/installed ## first builds from services that answer quickly and slowly
	@$(BIN)/python -m benchmarks.cold $(ARGUMENTS)

.PHONY: machines
machines: $(VENV)/installed ## builds on many machines at once, with and without a store
	@PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.machines $(ARGUMENTS)

.PHONY: fleet
fleet: $(VENV)/installed ## a simulation: what a store saves for hundreds of runners
	@$(BIN)/python -m benchmarks.fleet $(ARGUMENTS)

.PHONY: startup
startup: $(VENV)/installed ## what a start costs: the command, and small builds that fetch nothing
	@$(BIN)/python -m benchmarks.startup $(ARGUMENTS)

.PHONY: house
house: $(VENV)/installed ## sizes, callers and imports of the package, and a page's way through it
	@$(BIN)/python -m benchmarks.house $(ARGUMENTS)

.PHONY: fidelity
fidelity: $(VENV)/installed ## how exactly pages come out as written; downloads 100 packages with pip
	PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.fidelity

.PHONY: forms
forms: $(VENV)/installed ## what becomes of each form in which exporters write Confluence's constructs
	PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.forms $(ARGUMENTS)

.PHONY: pathological
pathological: $(VENV)/installed ## how long pages take that are written to take long
	PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.pathological $(ARGUMENTS)

.PHONY: fuzz
fuzz: $(VENV)/installed ## odd inputs for all that reads what others write, for an hour
	PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.fuzzing $(ARGUMENTS)

.PHONY: gadgets
# What sites load from elsewhere, for the tests of what authors can do with it.
GADGETS = .cache/gadgets
gadgets: $(GADGETS)/mermaid ## MathJax, KaTeX and Mermaid; needs npm, which runs nothing of them
$(GADGETS)/mermaid:
	rm -rf $(GADGETS) && mkdir -p $(GADGETS)
	cd $(GADGETS) && npm pack --silent mathjax@3.2.2 katex@0.16.22 mermaid@11.6.0 >/dev/null
	cd $(GADGETS) && for each in mathjax katex mermaid; do \
	  tar xzf $$each-*.tgz && mv package $$each && rm $$each-*.tgz || exit 1; \
	done

.PHONY: zensical hosts
# In an environment of its own: it needs Python 3.11, and newer packages than the oldest that we allow.
ZENSICAL = .cache/zensical
zensical: $(ZENSICAL)/installed ## the host without plugins, which builds what `pull` writes
$(ZENSICAL)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(ZENSICAL)
	$(ZENSICAL)/bin/python -m pip install --quiet --disable-pip-version-check -e . "zensical==0.0.73"
	@touch $@

hosts: $(VENV)/installed zensical ## a pulled site in MkDocs, ProperDocs and Zensical, compared
	PYTHONPATH=tests/support:example-site $(BIN)/python -m benchmarks.hosts $(SITE)

.PHONY: screenshot words
screenshot: $(VENV)/installed gadgets ## the pictures of the documentation; needs Debian's chromium
	PYTHONPATH=tests/support $(BIN)/python -m benchmarks.screenshots

words: $(VENV)/installed ## how readable the documentation is, page by page
	@$(BIN)/python -m benchmarks.words

.PHONY: test-wheel test-all
UV := .cache/uv/bin/uv
EACH := $(CURDIR)/.cache/test-all
PYTHONS ?= 3.11 3.12 3.13 3.14
OLDEST_PYTHON := 3.11
# Those that build whole sites and run the command: what they need is what a user has.
WHEEL_TESTS := builds/test_build builds/test_commonmark_build commands/test_check commands/test_cli_cache

test-wheel: $(VENV)/installed $(UV) ## what is published, tested in an environment that has nothing else of ours
	rm -rf $(EACH)/wheel && mkdir -p $(EACH)/wheel/project
	$(BIN)/python -c "from hatchling.build import build_wheel; build_wheel('$(EACH)/wheel')"
	$(UV) venv --quiet $(EACH)/wheel/venv
	$(UV) pip install --quiet --python $(EACH)/wheel/venv $(EACH)/wheel/*.whl pytest pytest-xdist hypothesis \
	  mkdocs-material properdocs trustme
	cp -r tests example-site $(EACH)/wheel/project/
	cd $(EACH)/wheel/project && ../venv/bin/pytest -q -n auto -c /dev/null --rootdir . \
	  -o pythonpath="$(EACH)/wheel/project/tests/support $(EACH)/wheel/project/example-site" \
	  --import-mode=importlib \
	  -W error $(WHEEL_TESTS:%=tests/%.py)

test-all: test-wheel ## the tests on each Python, with the newest and with the oldest versions of what we need
	for version in $(PYTHONS); do \
	  $(UV) venv --quiet --clear --python $$version $(EACH)/$$version && \
	  $(UV) pip install --quiet --python $(EACH)/$$version -e ".[dev]" && \
	  $(EACH)/$$version/bin/pytest -q -n auto || exit 1; \
	done
	$(UV) pip compile --quiet --resolution lowest-direct --python-version $(OLDEST_PYTHON) \
	  -o $(EACH)/oldest.txt pyproject.toml
	$(UV) venv --quiet --clear --python $(OLDEST_PYTHON) $(EACH)/oldest
	$(UV) pip install --quiet --python $(EACH)/oldest -e ".[dev]" --constraint $(EACH)/oldest.txt
	$(EACH)/oldest/bin/pytest -q -n auto

$(UV):
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: ecosystem
ecosystem: $(VENV)/installed ## sites with other plugins and themes, each beside local files; takes long
	@$(BIN)/python -m benchmarks.ecosystem $(ARGUMENTS)

.PHONY: breaks
breaks: $(VENV)/installed ## break the code in a copy, in over 30 places: the tests find each
	@$(BIN)/python -m benchmarks.breaks
