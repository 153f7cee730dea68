#!/usr/bin/env bash
# Checks that the wheel installs and works on each installed Python from 3.10 to 3.13:
#
#     bash scripts/release/check_install.sh [PYTHON…]      # for example python3.12
#
# Each Python gets a fresh environment in a temporary folder (about 2.5 GB), which is removed. The script
# checks that the package imports no deep-learning framework, and times that; that the command
# line lists the models and embeds a file, and that tensorflow-hub loads a SavedModel beside Keras 3.
# The last lines are a table of the installed versions.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
pythons=("$@")
[ $# -gt 0 ] || pythons=(python3.10 python3.11 python3.12 python3.13)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TF_CPP_MIN_LOG_LEVEL=2 CUDA_VISIBLE_DEVICES=-1

build_wheel() {
    PYTHON=$1 bash "$repository/scripts/release/build.sh" "$work/dist" > "$work/build.log" 2>&1 ||
        { cat "$work/build.log"; return 1; }
}

check() {
    local python=$1 bin=$work/$1/bin
    "$python" -m venv "$work/$python"
    "$bin/pip" install --quiet --upgrade pip
    "$bin/pip" install --quiet "$work"/dist/*.whl
    "$bin/pip" check
    cd "$work/$python"                          # outside the sources, so that the wheel is imported
    "$bin/hear-openl3-yamnet" --version
    "$bin/hear-openl3-yamnet" models
    "$bin/python" "$repository/scripts/release/check_installed.py" "$work/table"
    cd "$repository"
    rm -rf "${work:?}/$python"
}

found=0
for python in "${pythons[@]}"; do
    "$python" -c "" 2>/dev/null || { echo "== $python is not installed and is skipped"; continue; }
    [ -d "$work/dist" ] || build_wheel "$python"
    echo "== $("$python" --version)"
    began=$SECONDS
    (check "$python")
    echo "== $python: passed in $((SECONDS - began)) s"
    found=$((found + 1))
done
[ $found -gt 0 ] || { echo "None of these is installed: ${pythons[*]}" >&2; exit 1; }
cat "$work/table"
