#!/usr/bin/env bash
# Builds the site from README, docs/ and the docstrings. Warnings are errors.
#
#     bash scripts/release/docs.sh [FOLDER]      # default docs/_build/site; open its index.html
#
# Variables it reads:
#   PYTHON   an interpreter with the extra `docs`; the default is that of .venv-test, or python3
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=${1:-docs/_build/site}  # MyST-NB also writes next to it
python=${PYTHON:-$([ -x .venv-test/bin/python ] && echo .venv-test/bin/python || echo python3)}
KERAS_BACKEND=tensorflow "$python" -m sphinx -W --keep-going --quiet -c docs -d "$folder/.doctrees" . "$folder"
echo "the site is in $folder"
