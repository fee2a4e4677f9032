# `make help` lists the targets. Everything runs in .venv, which `make setup` creates.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
# Empty is off. Images set it, and every process then compiles anew all that it imports: seconds.
export PYTHONDONTWRITEBYTECODE :=
dataset = $(shell sed -n 's/^dataset: *\([^ ]*\).*/\1/p' params.yaml)

.PHONY: help setup demo apt lint test test-full lab ui environment.yml docs peers leaderboard graph-ranker

help:  ## list the targets
	@grep -E '^[a-z.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:  ## create .venv from requirements.lock (seconds when nothing changed)
	@bash scripts/setup.sh

apt:  ## install the Debian packages that some tests need
	@bash scripts/apt.sh --install

demo: setup  ## the main job: pull the bundled data, run the pipeline, print its scores
	@dvc pull --quiet
	@test -d "datasets/$(dataset)/recordings" || { echo "params.yaml: dataset must name a folder" \
	    "below datasets/ with recordings. Got '$(dataset)', there are: $(notdir $(wildcard datasets/*))." >&2; exit 1; }
	@dvc repro
	@aiops pipeline register datasets/$(dataset) experiments/$(dataset)
	@aiops register-ranker --metrics experiments/$(dataset)/metrics
	@aiops pipeline summary datasets/$(dataset) experiments/$(dataset)

lint: setup  ## style, types, import contracts
	ruff check .
	mypy
	lint-imports

test: setup  ## the suite, under 20 minutes on 2 cores
	@bash scripts/apt.sh
	@dvc pull --quiet
	@$(MAKE) --no-print-directory lint
	pytest

test-full: setup  ## the suite with the tests that take minutes each
	@bash scripts/quiet.sh
	@bash scripts/apt.sh
	@dvc pull --quiet
	@$(MAKE) --no-print-directory lint
	pytest -m "" --timeout 3600

environment.yml: setup  ## write environment.yml from the lock
	@python scripts/environment.py

docs: setup  ## write docs/cli.md from the program
	@python scripts/cli_docs.py

peers: setup  ## environments of the published peers, for benchmarks/peers.py
	@bash scripts/peers.sh

leaderboard: setup  ## every ranker on every set ($AIOPS_DATA): docs/leaderboards/rca.md, hours at first
	@dvc pull --quiet
	@aiops bench leaderboard

graph-ranker: setup  ## train the graph ranker anew on made systems: 20 minutes on two cores
	@dvc pull --quiet
	@dvc repro datasets/simulated/dvc.yaml
	@python scripts/bundle_network.py experiments/graph-ranker/network.onnx

lab: setup  ## JupyterLab on the notebooks
	jupyter lab --notebook-dir=notebooks --LabApp.news_url= \
	    --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
	    --LabApp.app_settings_dir=scripts/lab $(if $(filter 0,$(shell id -u)),--allow-root)

ui: setup  ## the MLflow user interface
	mkdir -p experiments/mlflow
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 \
	    --artifacts-destination experiments/mlflow/artifacts \
	    --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///experiments/mlflow/mlflow.db}"
