# One verb, one line: `make` alone lists those that users need (##), `make help-dev` the others (#:).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
DASHBOARD_PORT ?= 8501
MODEL ?= models/credit-express/1
BUILD := build
MODELS := models
SAMPLES := models/credit-express
# Test files that run at once: twice the cores, since many tests wait.
TESTERS ?= 4

# $(call layers,ENVIRONMENT,LAYERS): make the environment, install what is not there yet.
layers = @requirements/install "$(PYTHON)" $(1) $(2)

.PHONY: help help-dev
help:
	@$(call list,##)
	@echo "  make help-dev         the other verbs: checks, measurements, releases"
help-dev:
	@$(call list,#:)
list = awk -F ':.*$(1) ' '/^[a-z0-9-]+:.*$(1) / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup-serve setup setup-dev
setup-serve: #: what serving, converting and training need, and the native engine where it can be built
	$(call layers,$(VENV),server convert)
	@$(PY) -m server.engine.native.build
setup: setup-serve ## set up .venv: to serve, convert, read the log and watch for drift
	$(call layers,$(VENV),monitoring)
setup-dev: setup #: what tests and benchmarks need too, and .venv-clients with the KServe client
	$(call layers,$(VENV),grpc bench test)
	$(call layers,$(VENV)-clients,clients)

.PHONY: serve
serve: setup-serve ## serve the committed model and score a real applicant (ONCE=1 stops then)
	$(PY) -m models.demo --model $(MODEL) --applicant models/credit-express/applicant.json \
	  --host $(HOST) --port $(PORT) $(if $(ONCE),--once)

.PHONY: test lint
test: setup-dev lint ## lint, types and all tests
	$(PY) -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder
lint: setup-dev #: ruff and mypy alone
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

.PHONY: newcomer
newcomer: #: a new clone, every command of README as it stands there (ALSO="test docker": those too)
	$(PYTHON) -m tests.long.newcomer --also $(ALSO)

.PHONY: model
model: setup-serve ## train and convert the demo model again, to the same bits
	$(PY) -m models.credit_express --out $(BUILD)/credit-express \
	  --data $(BUILD)/data --samples $(SAMPLES)
	$(PY) -m convert $(BUILD)/credit-express/model.txt --name credit-express --version 1 \
	  --out $(MODELS) --force --reference $(BUILD)/credit-express/reference.parquet --label default \
	  --cost-fn 5 --cost-fp 1 --training-info $(BUILD)/credit-express/training.json \
	  --reasons models/credit-express/reasons.csv

.PHONY: homecredit homecredit-data
homecredit-data: # before anything is installed
	@test -f "$(DATA)" || { echo "homecredit: DATA=$(DATA): no such file; say which: make homecredit DATA=application_train.csv" >&2; exit 2; }
homecredit: homecredit-data setup-serve ## DATA=application_train.csv: train and convert models/home-credit/1
	$(PY) -m models.home_credit $(DATA) --out $(BUILD)/home-credit
	$(PY) -m convert $(BUILD)/home-credit/model.txt --name home-credit --version 1 \
	  --out $(MODELS) --force --reference $(BUILD)/home-credit/reference.parquet --label TARGET \
	  --cost-fn 10 --cost-fp 1 --training-info $(BUILD)/home-credit/training.json

.PHONY: fidelity verify-models convert-long crash-test portfolio-long
fidelity: setup-dev #: train a model of every kind, prove each, render docs/fidelity.md
	$(PY) -m convert fidelity
verify-models: setup-serve #: FILES="a.txt b.pkl …": prove any LightGBM models bit for bit
	$(PY) -m convert verify $(FILES)
convert-long: setup-dev #: 2,000 small random models against LightGBM
	CONVERT_EXAMPLES=2000 $(PY) -m pytest tests/convert/prove/test_property.py
crash-test: setup-dev #: kill -9 a loaded server 100 times; kill compaction 50 times: nothing is lost
	$(PY) -m tests.long.crash_log --rounds 100
	$(PY) -m tests.long.kill_compaction --rounds 50
	$(PY) -m tests.long.grpc_long --rounds 20
portfolio-long: setup-dev #: a million rows by columns and one by one, every kind of model, 20 kills (ROWS=n FILES="a.txt …")
	$(PY) -W ignore -m tests.long.portfolio_rows $(or $(ROWS),1000000) $(FILES)
	$(PY) -m tests.long.kill_score --rounds 20

.PHONY: log-scale
log-scale: setup-dev #: every verb of the log on RECORDS=1000000: seconds and memory, into docs/record.md
	$(PY) -m tests.long.million_log --records $(or $(RECORDS),1000000) --write
	$(PY) -m tests.long.log_scale

.PHONY: drift-power drift-scale dashboard dashboard-test
drift-power: setup-dev #: false alarms and missed drift over 100 seeds, Evidently beside (about an hour)
	$(PY) -W ignore -m bench.power drift-power --out docs/drift-power.json
	$(PY) -W ignore -m bench.power drift-power --render docs
drift-scale: setup-dev #: what a verdict and a report cost at size
	$(PY) -m bench.power drift-scale --out docs/drift-scale.json
	$(PY) -W ignore -m bench.power drift-power --render docs
dashboard: setup ## look at drift, decisions and outcomes in a browser (OUT=drift LOG=log MODELS=models)
	$(PY) -m monitoring dashboard --out $(or $(OUT),drift) --log $(or $(LOG),log) --models $(MODELS) --port $(DASHBOARD_PORT)
dashboard-test: setup-dev #: drive the dashboard in headless Chromium, pictures in artifacts/
	command -v chromium chromedriver >/dev/null || apt-get install -y chromium chromium-driver
	$(PY) -m pytest -rs tests/monitoring/dashboard/test_dashboard.py

APPLICANTS := $(BUILD)/applicants.jsonl
GUIDED := $(BUILD)/guided
.PHONY: fuzz fuzz-guided audit-http load-test
fuzz: setup-dev $(APPLICANTS) #: a million broken bodies against /score and /v2 (BODIES=n)
	$(PY) -m tests.long.server_fuzz --bodies $(or $(BODIES),1000000) --model $(MODEL) --applicants $(APPLICANTS)
fuzz-guided: setup-dev $(APPLICANTS) #: the same handler in process, guided by coverage (RUNS=n)
	$(call layers,$(GUIDED),server fuzz)
	$(GUIDED)/bin/python -m tests.long.server_guided_fuzz --runs $(or $(RUNS),300000) \
	  --model $(MODEL) --applicants $(APPLICANTS) --out $(BUILD)/guided-fuzz
audit-http: setup-dev $(APPLICANTS) #: 20,000 connections of raw requests through both lanes (CONNECTIONS=n SEED=n)
	$(PY) -m tests.long.server_audit --connections $(or $(CONNECTIONS),20000) --seed $(or $(SEED),1) \
	  --model $(MODEL) --applicants $(APPLICANTS)
load-test: setup-dev $(APPLICANTS) #: swaps, restarts, SIGTERM, overload and slow clients under load
	$(PY) -m convert $(MODEL)/model.txt --name credit-express --version 2 --out $(BUILD)/models --force
	$(PY) -m tests.long.server_long --models $(MODEL) $(BUILD)/models/credit-express/2 --applicants $(APPLICANTS)
$(APPLICANTS): models/credit-express/held-out.parquet
	$(PY) -m models.applicants $< $@

.PHONY: native-long native-fuzz native-bodies groups native-batches contributions-long arm64-check runtimes-check test-engines
native-long: setup-dev #: a million rows by the native engine, LightGBM and onnxruntime (ROWS=n FILES="a.txt …")
	$(PY) -m tests.long.native_long $(or $(ROWS),1000000) $(FILES)
contributions-long: setup-dev #: a million rows whose contributions have to add up to their scores (ROWS=n)
	$(PY) -m tests.long.contributions_long $(or $(ROWS),1000000) $(MODEL)
native-fuzz: setup-dev #: 100,000 damaged models for the native engine (COUNT=n)
	$(PY) -m tests.long.native_fuzz $(or $(COUNT),100000) $(MODEL)
native-bodies: setup-dev #: five million bodies decoded in C and the long way, numbers against strtod (COUNT=n)
	$(PY) -m tests.long.native_bodies $(or $(COUNT),5000000)
	$(PY) -m tests.long.number_long $(or $(COUNT),10000000)
groups: setup-dev #: requests of every kind in groups and one at a time, over sockets (COUNT=n)
	$(PY) -m tests.long.server_groups $(or $(COUNT),100000)
native-batches: setup-dev #: batches as one block and the long way: answers, records, counters (COUNT=n)
	$(PY) -m tests.long.native_batches $(or $(COUNT),20000)
arm64-check: setup-dev #: the same bits on arm64, emulated: onnxruntime and the native engine (FILES="a.txt …")
	tests/long/arm64.sh $(BUILD)/arm64 $(FILES)
runtimes-check: setup-dev #: the same bits by onnxruntime-web under node and onnx's reference evaluator
	$(PY) -W ignore -m tests.long.runtime_cases $(BUILD)/runtimes/cases $(FILES)
	$(PY) -W ignore -m tests.long.runtime_reference $(BUILD)/runtimes/cases
	npm install --prefix $(BUILD)/runtimes --silent --no-save --ignore-scripts onnxruntime-web@$(ORT_WEB)
	cd $(BUILD)/runtimes && node $(CURDIR)/tests/long/runtime_web.mjs cases
ORT_WEB := 1.30.0
test-engines: setup-dev #: the server's whole test suite on onnxruntime and on the native engine
	CREDIT_ENGINE=onnxruntime $(PY) -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder --ignore=tests/server/engine/native tests/server
	CREDIT_ENGINE=native $(PY) -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder tests/server

BATCH := $(BUILD)/batch
.PHONY: test-engines-batch
test-engines-batch: setup-dev #: score a folder with Ray and with Spark, for real; Spark needs Java 17
	$(call layers,$(BATCH),server batch)
	CREDIT_WHEEL=native $(PY) -m pip wheel --quiet --no-deps --wheel-dir $(BATCH)/wheel .
	$(BATCH)/bin/python -m pip install --quiet --no-deps --force-reinstall $(BATCH)/wheel/*.whl
	BATCH=$(BATCH) $(PY) -m pytest -rs tests/deploy/test_batch_engines.py

.PHONY: bench bench-peers profile
bench: setup-dev #: measure again and render BENCHMARKS.md (QUICK=1: a look, into build/bench/quick)
	$(PY) -m bench $(if $(QUICK),--quick)
bench-peers: setup-dev #: build the peers' environments in build/peers and measure them beside this server
	$(PY) -m bench --peers $(if $(QUICK),--quick)
profile: setup-dev #: profile a request, into build/bench
	$(PY) -m bench.profiling

.PHONY: bench-parts bench-guard soak
bench-parts: setup-dev #: decode, fill, run, transform, record, encode under pytest-benchmark
	$(PY) -m pytest bench/benchmark_stages.py --benchmark-only --benchmark-json $(BUILD)/parts.json
bench-guard: setup-dev #: after make bench QUICK=1: its ratios against the committed results
	$(PY) -m bench.guard
soak: setup-dev #: growth over MINUTES=10 of steady load, into bench/results
	$(PY) -m bench.soak --minutes $(or $(MINUTES),10)
	$(PY) -m bench --render

.PHONY: wheel lock proto
wheel: setup-serve #: one wheel, import package credit_express, with the native engine inside, into dist/
	CREDIT_WHEEL=native $(PY) -m pip wheel --quiet --no-deps --wheel-dir dist .
lock: #: resolve requirements/*.in again (needs uv)
	cat requirements/server.in requirements/convert.in requirements/monitoring.in \
	  requirements/bench.in requirements/test.in requirements/grpc.in | grep -v '^#' | sort -u > $(BUILD)/all.in
	$(UV_COMPILE) $(BUILD)/all.in -o $(BUILD)/all.txt
	for alone in clients deploy fuzz; do \
	  $(UV_COMPILE) requirements/$$alone.in -o requirements/$$alone.txt || exit 1; \
	done
	for layer in server convert monitoring bench test batch grpc; do \
	  $(UV_COMPILE) -c $(BUILD)/all.txt requirements/$$layer.in -o requirements/$$layer.txt || exit 1; \
	done
UV_COMPILE := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header

proto: setup-dev #: server/grpc/*_pb2.py from their .proto
	$(VENV)-clients/bin/python -m grpc_tools.protoc -I server/grpc --python_out server/grpc \
	  --pyi_out server/grpc server/grpc/*.proto

TOOLS := $(BUILD)/deploy
.PHONY: release-check deploy-lint audit licences sbom bases
release-check: #: version, tag, changelog, image names and lock files agree (TAG=v0.2.0)
	$(PYTHON) deploy/release.py $(if $(TAG),--tag $(TAG))
deploy-lint: #: Dockerfile, workflows, compose file, manifests and alert rules, each by its own tool
	$(call layers,$(TOOLS),deploy)
	$(TOOLS)/bin/hadolint Dockerfile.distroless deploy/*/Dockerfile
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	$(TOOLS)/bin/kubernetes-validate --quiet --strict --kubernetes-version 1.33 \
	  deploy/kubernetes/[!k]*.yaml deploy/schedule/cronjob.yaml deploy/portfolio/job.yaml
	! command -v promtool >/dev/null || promtool check config deploy/prometheus/prometheus.yml
audit: #: known vulnerabilities of what the images hold; fails where the advisories cannot be had
	$(call layers,$(TOOLS),deploy)
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip \
	  $(foreach layer,$(IMAGE_LAYERS),--requirement requirements/$(layer).txt)
licences: #: of what the images hold: only those named here
	$(call layers,$(TOOLS),deploy)
	$(foreach layer,$(IMAGE_LAYERS),$(call licences,$(layer)))
sbom: #: a CycloneDX list of what each image holds, build/sbom-server.cdx.json and -monitoring
	$(call layers,$(TOOLS),deploy)
	$(call sbom,server,Dockerfile.distroless)
	$(call sbom,monitoring,deploy/monitoring/Dockerfile)
bases: #: look up the digests of all base images again, and write them down (needs a registry)
	$(PYTHON) deploy/image/bases.py --update
# The layers of requirements that an image holds: the server's, that of the drift job, and gRPC's.
IMAGE_LAYERS := server monitoring grpc
define licences
	$(call layers,$(BUILD)/served-$(1),$(1))
	$(TOOLS)/bin/pip-licenses --python=$(BUILD)/served-$(1)/bin/python --partial-match \
	  --allow-only="$(ALLOWED)"

endef
define sbom
	$(TOOLS)/bin/cyclonedx-py requirements requirements/$(1).txt \
	  --output-file $(BUILD)/sbom-$(1).cdx.json
	$(PYTHON) deploy/image/bases.py --into $(BUILD)/sbom-$(1).cdx.json $(2)
endef
ALLOWED := MIT;BSD;ISC;Apache;Python Software Foundation;PSF-2.0;Mozilla Public License 2.0

DOCKER ?= docker
IMAGE ?= credit-express
.PHONY: image image-grpc image-test image-suite image-run image-monitoring image-portfolio wheelhouse
image: ## build the image; from wheelhouse/ alone where there is one
	DOCKER_BUILDKIT=1 $(DOCKER) build --file Dockerfile.distroless --tag $(IMAGE) \
	  --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) $(call bases,Dockerfile.distroless) \
	  $(if $(GRPC),--build-arg GRPC=$(GRPC)) \
	  $(if $(wildcard wheelhouse/*.whl),--network none --build-arg PIP_NO_INDEX=1) .
image-grpc: #: the image with the packages of --grpc-port, tagged IMAGE:grpc
	$(MAKE) image GRPC=1 IMAGE=$(IMAGE):grpc
image-test: setup-dev #: run the image read-only, as nobody, and test what it answers and holds
	IMAGE=$(IMAGE) DOCKER=$(DOCKER) $(PY) -m pytest -rs tests/image/test_container.py tests/image/test_deployed.py tests/image/test_portfolio.py tests/image/test_grpc.py tests/image/test_platforms.py
image-suite: setup-dev #: the server's whole test suite on the files of both images (root; no pyarrow in there)
	IMAGE=$(IMAGE) $(IN_IMAGE) tests/server --ignore=tests/server/grpc --ignore=tests/server/offline
	IMAGE=$(IMAGE):grpc $(IN_IMAGE) tests/server/grpc
IN_IMAGE = DOCKER=$(DOCKER) $(PY) -m pytest -p tests.in_container -n $(TESTERS) --dist loadfile --no-loadscope-reorder
image-run: ## serve from the image on PORT
	$(DOCKER) run --rm --init=false --read-only --cap-drop ALL --security-opt no-new-privileges \
	  --publish $(HOST):$(PORT):8000 --volume credit-express-log:/log $(IMAGE)
image-monitoring: ## build the image of the drift job, the log's verbs and the dashboard
	DOCKER_BUILDKIT=1 $(DOCKER) build --file deploy/monitoring/Dockerfile \
	  --tag $(IMAGE)-monitoring --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
	  $(call bases,deploy/monitoring/Dockerfile) .
image-portfolio: #: the image of `make image` with pyarrow, for server score: deploy/portfolio
	DOCKER_BUILDKIT=1 $(DOCKER) build --file deploy/portfolio/Dockerfile --build-arg IMAGE=$(IMAGE) \
	  --tag $(IMAGE)-portfolio $(call bases,deploy/portfolio/Dockerfile) \
	  $(if $(wildcard wheelhouse/pyarrow-*.whl),--network none --build-arg PIP_NO_INDEX=1) .
wheelhouse: #: the server's and gRPC's wheels and the native engine, for a build without a network
	mkdir -p wheelhouse
	test "$(ARCH)" != "$$(uname -m)" || $(PYTHON) -m server.engine.native.build --out wheelhouse
	$(PYTHON) -m pip download --quiet --dest wheelhouse --no-deps --require-hashes \
	  --only-binary :all: --requirement requirements/server.txt --requirement requirements/grpc.txt --python-version 3.11 \
	  --implementation cp --abi cp311 --abi abi3 --abi none \
	  $(foreach tag,_2_28 _2_27 _2_17 2014 1,--platform manylinux$(tag)_$(ARCH))
ARCH ?= x86_64
# BASES=tags: whatever image stands behind the base's tag, on this machine or in the registry today.
BASES ?= digests
bases = $(if $(filter tags,$(BASES)),$(shell $(PYTHON) deploy/image/bases.py --tags $(1)))
