#!/usr/bin/env bash
# Runs the tests that take minutes, and measures coverage, in the environment that scripts/test.sh
# makes:
#
#     bash scripts/test_slow.sh             # on each backend
#     bash scripts/test_slow.sh jax torch   # on these
#
# On TensorFlow all tests run, with coverage. On the others, those of their slow tests that concern
# them.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x .venv-test/bin/python ]; then
    echo "There is no .venv-test yet. Run: bash scripts/test.sh" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- tensorflow torch jax
for backend in "$@"; do
    export KERAS_BACKEND=$backend
    if [ "$backend" = tensorflow ]; then
        .venv-test/bin/python -m pytest --durations=0 --cov
    else
        .venv-test/bin/python -m pytest -m "slow and backends" --durations=0
    fi
done
