#!/usr/bin/env bash
# Sets up the test environment in .venv-test and runs everything that CI runs:
#
#     bash scripts/test.sh
#
# scripts/test_slow.sh runs the proofs that take longer, and measures coverage.
#
# Variables it reads:
#   PYTHON             the interpreter that makes the environment; default python3
#   TORCH_REQUIREMENT  PyTorch's requirement for pip; default torch==2.13.0
#   WORKERS            the number of processes that share the tests on TensorFlow; default 2
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
logs=$(mktemp -d)
stage=start
lanes=()

report() {
    local status=$?
    [ $status -eq 0 ] || echo "== FAILED in stage: $stage (exit status $status)" >&2
}

report_function() {
    report
    printf '== %s ended at %d s\n' "$1" "$SECONDS"
}

finish() {
    report
    local lane
    for lane in ${lanes[@]+"${lanes[@]}"}; do kill -- "-$lane" 2> /dev/null || true; done
    rm -rf "$logs"
}
trap finish EXIT

begin() {
    stage=$1
    printf '\n== %s (at %d s)\n' "$stage" "$SECONDS"
}

# Runs functions at the same time. Prints the output of each when it has ended, in the order of the
# arguments, and stops if one of them failed.
side_by_side() {
    local name number=0 failed=
    begin "side by side: $*"
    set -m                      # each function gets a process group, which `finish` can end
    for name in "$@"; do
        (trap "report_function $name" EXIT; "$name") > "$logs/$name" 2>&1 < /dev/null &
        lanes+=($!)
    done
    set +m
    for name in "$@"; do
        wait "${lanes[number]}" || failed="$failed $name"
        cat "$logs/$name"
        number=$((number + 1))
    done
    lanes=()
    stage="side by side:$failed"
    [ -z "$failed" ]
}

# The inputs of the environment. If one of them changes, the environment is made again.
fingerprint() {
    echo "$PWD $torch $("$python" --version) $(cat pyproject.toml scripts/test.sh scripts/heareval/requirements.txt | cksum)"
}

# uv is faster than pip. If uv is missing or fails, pip does the work.
install() {
    $bin/uv pip install --quiet --python $bin/python "$@" || $bin/pip install --quiet --no-compile "$@"
}

# Only pip installs PyTorch: uv does not read the settings of pip that lead to the CPU build. Once
# PyTorch is there, uv leaves it as it is.
install_torch() {
    $bin/pip install --quiet --no-compile --no-deps "$torch"
}

install_package() {
    install --editable ".[dev,jax]"
}

make_environment() {
    "$python" -m venv --clear $environment
    $bin/pip install --quiet uv || true
    side_by_side install_torch install_package
    stage=environment
    # Its metadata require Python < 3.9, and otherwise only packages that are installed already.
    $bin/pip install --quiet --no-compile --no-deps --ignore-requires-python hearvalidator==2021.0.6
    # HEAR's kit needs no other versions of these packages, and therefore no environment of its own.
    # This line also installs the packages that PyTorch needs.
    install --requirement scripts/heareval/requirements.txt
    install --no-deps heareval==2021.1.3
    fingerprint > $environment/fingerprint
}

begin "environment"
if [ "$(cat $environment/fingerprint 2>/dev/null)" = "$(fingerprint)" ]; then
    echo "reusing $environment"
else
    make_environment
fi
$bin/pip list | grep -iE '^(tensorflow|keras|torch|jax|numpy|librosa|hearvalidator) '

export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}
# Tests share two cores as processes, because threads of one process spend more time waiting.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
unset PYTHONDONTWRITEBYTECODE

static_checks() {
    begin "ruff check"
    $bin/ruff check .

    begin "ruff format"
    $bin/ruff format --check .

    begin "imports"
    $bin/lint-imports --no-cache

    begin "mypy"
    $bin/mypy
}

# The installers write no bytecode. Processes that start together would all compile TensorFlow.
bytecode() {
    begin "bytecode"
    $bin/python -c "import jax, keras, librosa, matplotlib.pyplot, ray.data, sklearn.svm, tensorflow, torch"
}

docs() {
    begin "docs"
    PYTHON=$bin/python bash scripts/release/docs.sh
}

tests_on_torch() {
    begin "pytest on torch"
    KERAS_BACKEND=torch $bin/python -m pytest -m "backends and not slow" --durations=5
}

tests_on_jax() {
    begin "pytest on jax"
    KERAS_BACKEND=jax $bin/python -m pytest -m "backends and not slow" --durations=5
}

torch_and_docs() {
    tests_on_torch
    docs
}

side_by_side static_checks bytecode
side_by_side tests_on_jax torch_and_docs

begin "pytest on TensorFlow, with hear-validator"
# worksteal: each worker runs one half of the tests in order; neighbours share fixtures. A worker that
# is done takes tests from the other.
KERAS_BACKEND=tensorflow $bin/python -m pytest -m "not slow" --durations=15 \
    --numprocesses "${WORKERS:-2}" --dist worksteal

printf '\n== all stages passed in %d s\n' "$SECONDS"
