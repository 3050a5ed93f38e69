# Paths are relative, and programs of the environment are called as `$(PYTHON) -m …`, so that the folder's name may be
# long or have spaces.
PYTHON := .venv/bin/python
STAMP := .venv/.installed
HARNESSES := chaos isolation hostile intrusion consistency tampering secrets fuzz api connections offline reading redteam streams webhooks
BENCHMARKS := embedder quality relevance ingest memory peers pipeline search rest answers workflows
# Checks that need no database use the settings of an embedded instance, even if the tests use servers.
ALONE := env -u DATABASE_URL -u DATABASE_OWNER_URL
LOCK := $(PYTHON) -m uv pip compile --quiet --generate-hashes --overrides requirements-overrides.txt --no-emit-index-url \
  --no-emit-find-links --python-version 3.11 --custom-compile-command "make lock"
# Environments of their own, for the tests of clients.
CLIENTS := tests/contracts/clients/python

.PHONY: up test test-one lint types bench docs sbom review lock digests format install accessibility $(HARNESSES)

up: $(STAMP)
	@exec $(PYTHON) manage.py up

# One process more than there are processors: tests wait for services a third of their time.
test: $(STAMP)
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types
	$(PYTHON) -m pytest -n $$(($$(nproc) + 1)) --dist worksteal

# One test, or a few: make test-one T=tests/core/test_scope.py, or T="tests/core -k scope". The services and the
# database are kept in var/tests, so that the next run takes seconds.
test-one: $(STAMP)
	@KEEP_TEST_DATABASE=1 $(PYTHON) -m pytest $(T)

lint: $(STAMP)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	$(ALONE) DATABASE_URL=postgresql://oyl_app@localhost/oyl SECRET_KEY=$$($(PYTHON) -c "import secrets; print(secrets.token_urlsafe(64))") \
	  OYL_ENCRYPTION_KEYS=k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= OYL_AUDIT_KEY=check ALLOWED_HOSTS=oyl.example \
	  $(PYTHON) manage.py check --deploy --fail-level WARNING

types: $(STAMP)
	$(ALONE) $(PYTHON) -m mypy .

# The long versions of the test harnesses (docs/reliability.md); each writes its figures to benchmarks/reports.
$(HARNESSES): $(STAMP)
	$(PYTHON) -m pytest tests/proof/$@ --long -n 0

# Every page of the admin with axe-core, at two widths and in both themes. Needs Debian's Chromium.
accessibility: $(STAMP)
	$(PYTHON) -m pytest tests/browser/test_axe.py --long -n 0

# The pictures of the console in docs/images, with documents that are really read. Needs Debian's Chromium.
screenshots: $(STAMP)
	$(PYTHON) -m pytest tests/browser/screenshots.py -n 0

# All benchmarks (docs/benchmarks.md), one after another, even if one misses a target.
bench: $(STAMP)
	@missed=; for name in $(BENCHMARKS); do \
	  echo "benchmarks.$$name"; $(PYTHON) -m benchmarks.$$name || missed="$$missed $$name"; \
	done; $(PYTHON) -m benchmarks.reports; test -z "$$missed" || { echo "Not as it should be:$$missed"; exit 1; }

# The parts of docs/ that are generated from the code.
docs: $(STAMP)
	$(ALONE) $(PYTHON) -m tests.contracts.generated_docs

# The SBOM of what requirements.txt installs, with the native libraries inside of wheels, as var/oyl.cdx.json (CycloneDX).
sbom: $(STAMP)
	$(ALONE) $(PYTHON) -m tests.contracts.supply_chain.sbom var/oyl.cdx.json

# Search new versions of packages for telemetry, update checks and other connections; a new finding needs a reason in
# tests/contracts/supply_chain/connections.py.
review: $(STAMP)
	$(ALONE) $(PYTHON) -m tests.contracts.supply_chain.review

# The requirements for running; then those for a model file and for development, with the same versions; then the clients'.
lock: $(STAMP)
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-model.in --constraints requirements.txt -o requirements-model.txt
	$(LOCK) requirements-dev.in --constraints requirements.txt --constraints requirements-model.txt -o requirements-dev.txt
	for name in lowest frameworks; do $(LOCK) $(CLIENTS)/$$name.in -o $(CLIENTS)/$$name.txt; done

# The digests that the tags of the images have now, to be written to Dockerfile and docker-compose.yml. Needs Docker.
digests:
	@grep -ohE '(FROM|image:) [a-z/]+:[a-z0-9.-]*[0-9.][a-z0-9.-]*' Dockerfile docker-compose.yml | cut -d' ' -f2 | sort -u | \
	  while read -r image; do \
	    echo "$$image@$$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$$image")"; \
	  done

format: $(STAMP)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

install: $(STAMP)

$(STAMP): requirements-dev.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "OYL needs Python 3.11 or newer as python3; this one is: $$(python3 --version 2>&1)"; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python3 -m venv --clear .venv
	@echo "Installing the locked requirements into .venv (a few minutes the first time)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $(STAMP)
