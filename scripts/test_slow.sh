#!/usr/bin/env bash
# Runs the tests that take minutes, in the environment that scripts/test.sh makes:
#
#     bash scripts/test_slow.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x .venv-test/bin/python ]; then
    echo "There is no .venv-test yet. Run: bash scripts/test.sh" >&2
    exit 1
fi
KERAS_BACKEND=${KERAS_BACKEND:-tensorflow} exec .venv-test/bin/python -m pytest -m slow --durations=0
