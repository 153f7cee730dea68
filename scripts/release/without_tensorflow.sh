#!/usr/bin/env bash
# Proves that the package works on PyTorch alone, or on JAX alone, in a fresh environment:
#
#     bash scripts/release/without_tensorflow.sh torch|jax [PYTHON]
#
# The environment (about 1.2 GB with PyTorch's CPU build, 0.8 GB with JAX) is made as docs/installation.md
# says, in a temporary folder, which is removed. TESTS names other tests than the default ones.
set -euo pipefail
cd "$(dirname "$0")/../.."
backend=$1
python=${2:-python3}
tests=${TESTS:-tests/test_without_tensorflow.py tests/road/test_lite.py tests/engine/test_backend.py}
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT

"$python" -m venv "$environment"
"$environment/bin/pip" install --quiet -r "scripts/requirements/$backend.txt"
"$environment/bin/pip" install --quiet --no-deps .
"$environment/bin/pip" install --quiet pytest hypothesis packaging
"$environment/bin/pip" list | grep -iE "^(keras|numpy|$backend|tensorflow) "
"$environment/bin/python" -c "
from importlib.util import find_spec
assert not find_spec('tensorflow') and find_spec('$backend')"
export KERAS_BACKEND=$backend
"$environment/bin/hear-openl3-yamnet" models
# shellcheck disable=SC2086 # several words
"$environment/bin/python" -m pytest -m "backends and not slow" -W default $tests
