#!/usr/bin/env bash
# Builds the sdist, and the wheel from the sdist, and checks both as PyPI does:
#
#     bash scripts/release/build.sh FOLDER
#
# Variables it reads:
#   PYTHON   the interpreter that builds; default python3. Its packages are not used.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${PYTHON:-python3} -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet build twine
"$work/tools/bin/python" -m build --outdir "$folder" .
"$work/tools/bin/twine" check --strict "$folder"/*

# The tests of an sdist need whatever git tracks.
if tracked=$(git ls-files 2> /dev/null); then
    tar --list --gzip --file "$folder"/*.tar.gz | sed "s#^[^/]*/##" | sort > "$work/packed"
    missing=$(comm -23 <(sort <<< "$tracked") "$work/packed")
    [ -z "$missing" ] || { printf 'The sdist lacks:\n%s\n' "$missing" >&2; exit 1; }
fi
