#!/usr/bin/env bash
# Sets up the test environment in .venv-test and runs everything that CI runs:
#
#     bash scripts/test.sh
#
# The environment takes 5.3 GB of disk, with PyTorch's CPU build.
#
# Variables it reads:
#   PYTHON             the interpreter that makes the environment; default python3
#   TORCH_REQUIREMENT  PyTorch's requirement for pip; default torch==2.13.0
#
# On Linux, pip installs PyTorch with several GB of CUDA libraries. The tests need only the CPU
# build: set pip's variable PIP_EXTRA_INDEX_URL to the CPU index that PyTorch's page "Start Locally"
# names.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
torch=${TORCH_REQUIREMENT:-torch==2.13.0}
environment=.venv-test
bin=$environment/bin
stage=start
trap 'status=$?; [ $status -eq 0 ] || echo "== FAILED in stage: $stage (exit status $status)" >&2' EXIT

begin() {
    stage=$1
    printf '\n== %s (at %d s)\n' "$stage" "$SECONDS"
}

# The inputs of the environment. If one of them changes, the environment is made again.
fingerprint() {
    echo "$PWD $torch $("$python" --version) $(cat pyproject.toml scripts/test.sh scripts/heareval/requirements.txt | cksum)"
}

begin "environment"
if [ "$(cat $environment/fingerprint 2>/dev/null)" = "$(fingerprint)" ]; then
    echo "reusing $environment"
else
    "$python" -m venv --clear $environment
    $bin/pip install --quiet --upgrade pip
    $bin/pip install --quiet --editable ".[dev,torch,jax]" "$torch"
    # Its metadata require Python < 3.9, and otherwise only packages that are installed already.
    $bin/pip install --quiet --no-deps --ignore-requires-python hearvalidator==2021.0.6
    # HEAR's kit needs no other versions of these packages, and therefore no environment of its own.
    $bin/pip install --quiet --requirement scripts/heareval/requirements.txt
    $bin/pip install --quiet --no-deps heareval==2021.1.3
    fingerprint > $environment/fingerprint
fi
$bin/pip list | grep -iE '^(tensorflow|keras|torch|jax|numpy|librosa|hearvalidator) '

begin "ruff check"
$bin/ruff check .

begin "ruff format"
$bin/ruff format --check .

begin "mypy"
$bin/mypy

begin "imports"
$bin/lint-imports --no-cache

export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

begin "pytest on TensorFlow, with hear-validator and coverage"
KERAS_BACKEND=tensorflow $bin/python -m pytest -m "not slow and not heareval" --durations=15 --cov

begin "docs"
PYTHON=$bin/python bash scripts/release/docs.sh

for backend in torch jax; do
    begin "pytest on $backend"
    KERAS_BACKEND=$backend $bin/python -m pytest -m "backends and not slow" --durations=5
done

begin "heareval, two small tasks"
KERAS_BACKEND=tensorflow $bin/python -m pytest -m heareval

printf '\n== all stages passed in %d s\n' "$SECONDS"
