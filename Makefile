# Every target works as the very first command in a fresh clone: it needs Python 3.10 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: site serve test lint types unit clean

site: $(VENV)/installed ## build the example site
	$(BIN)/mkdocs build --strict -f example-site/mkdocs.yml
	@echo "Open example-site/site/index.html through: make serve"

serve: $(VENV)/installed ## serve the example site on http://localhost:8000
	$(BIN)/mkdocs serve -f example-site/mkdocs.yml

test: lint types unit ## everything that CI checks

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

unit: $(VENV)/installed
	$(BIN)/pytest -n auto --cov --cov-report=term

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

clean: ## forget the environment, the caches and what was built
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache example-site/site example-site/.cache

.PHONY: benchmark targets

# The other tools are installed below .cache, once. QUICK=1 only shows that it works, FULL=1 takes
# hours, and ARGUMENTS are those of `python -m benchmarks --help`.
benchmark: $(VENV)/installed ## this plugin beside local files and four other ways, as a table
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(FULL),--full) $(ARGUMENTS)

targets: $(VENV)/installed ## what is promised of the speed, and whether it holds here
	@$(BIN)/python -m benchmarks.targets $(ARGUMENTS)

.PHONY: fidelity
fidelity: $(VENV)/installed ## how exactly pages come out as written; downloads 100 packages with pip
	PYTHONPATH=tests $(BIN)/python -m benchmarks.fidelity

.PHONY: screenshot
SHOOT = chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir=$$(mktemp -d) \
  --virtual-time-budget=3000
screenshot: site ## the pictures in the README; needs Debian's chromium, and the web for Mermaid
	cd example-site/site && ../../$(BIN)/python -m http.server 8777 --bind 127.0.0.1 & \
	server=$$!; trap "kill $$server" EXIT; sleep 1; \
	$(SHOOT) --window-size=1280,680 --screenshot=docs/images/example-site.png \
	  http://127.0.0.1:8777/runbooks/database-failover/ && \
	$(SHOOT) --window-size=1280,3680 --screenshot=docs/images/everything.png \
	  http://127.0.0.1:8777/runbooks/everything-a-page-can-have/
