#!/usr/bin/env bash
# Embeds a recording: yours, or the example of this project.
#
#     bash scripts/quickstart.sh [AUDIO]
#
# The script makes a virtual environment in .venv (once; about 2.5 GB), installs this package into it,
# writes embeddings/NAME.npz and shows its content. It uses the published weights if they can be
# fetched. If not, it uses weights of the package, and says so.
#
# Variables it reads:
#   PYTHON  the interpreter that makes the environment; the default is the first found of 3.10 to 3.13
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=$repository/.venv
audio=${1:-$repository/docs/recordings/speech-and-notes.flac}
name=$(basename "$audio")
embeddings=$repository/embeddings/${name%.*}.npz

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
        2>/dev/null
}

find_python() {
    local candidate candidates=(python3 python3.12 python3.11 python3.13 python3.10 python)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "None of these is a usable Python: ${candidates[*]}" >&2
    echo "Install Python 3.10, 3.11, 3.12 or 3.13 with its venv module (on Debian and Ubuntu:" >&2
    echo "apt install python3-venv), or name one: PYTHON=/path/to/python3 bash $0" >&2
    return 1
}

install() {
    # The mark is written last and says what was installed. The next run therefore repairs an
    # interrupted or outdated installation.
    local mark=$environment/quickstart wanted python
    wanted="$repository $(cksum < "$repository/pyproject.toml")"
    if [ "$(cat "$mark" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if ! usable "$environment/bin/python"; then
        if [ -e "$environment" ]; then
            echo "$environment exists, but has no usable Python 3.10 to 3.13. Remove it." >&2
            return 1
        fi
        python=$(find_python)
        echo "Making $environment with $("$python" --version)"
        "$python" -m venv "$environment"
    fi
    echo "Installing the package: TensorFlow is large, this can take some minutes"
    "$environment/bin/python" -m ensurepip --default-pip > /dev/null
    "$environment/bin/python" -m pip install --quiet --editable "$repository"
    echo "$wanted" > "$mark"
}

show() {
    "$environment/bin/python" - "$1" <<'PROGRAM'
import sys

import numpy as np

with np.load(sys.argv[1]) as file:
    print(f"\n{sys.argv[1]} holds")
    for name, array in file.items():
        print(f"  {name:<12} {f'{array.dtype} {array.shape}' if array.ndim else array}")
    print("\ntimestamps [ms]:", *(f"{t:.2f}" for t in file["timestamps"][:4]), "…")
PROGRAM
}

if [ ! -f "$audio" ]; then
    echo "There is no audio file $audio" >&2
    exit 1
fi
install
"$environment/bin/hear-openl3-yamnet" embed "$audio" --output "$embeddings"
show "$embeddings"
