#!/usr/bin/env bash
# Runs the tests of clients: programs of others from PyPI, at a stated version, each in an environment
# of its own:
#
#     bash scripts/test_clients.sh [mteb] [xares] [perch-hoplite]          # default: all three
#
# torchcodec, which mteb and xares need to decode audio, is pinned: since 0.14, PyPI's builds need CUDA.
# Environments are kept in .venv-clients. mteb and xares need the libraries of FFmpeg (apt install ffmpeg).
# Variables: PYTHON (3.11 or later; default python3) and TORCH_REQUIREMENT, as in scripts/test.sh,
# which also says how to get PyTorch without CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
torch=${TORCH_REQUIREMENT:-torch==2.13.0}
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

# Sets the extra of this package, the requirement, Keras's backend and the tests of a client.
describe() {
    case $1 in
        mteb) extra=mteb; client="mteb[audio]==2.26.24 torchcodec==0.13.0"; backend=torch
            tests="tests/clients/test_mteb.py tests/clients/test_datasets.py" ;;
        xares) extra=torch; client="xares==0.1.3 torchcodec==0.13.0"; backend=torch
            tests=tests/clients/test_xares.py ;;
        perch-hoplite) extra=hoplite; client=perch-hoplite==1.0.2; backend=tensorflow
            tests=tests/clients/test_hoplite.py ;;
        *) echo "There is no client $1. Clients: mteb xares perch-hoplite" >&2; exit 2 ;;
    esac
}

make_environment() {
    printf '\n== %s: environment (at %d s)\n' "$1" "$SECONDS"
    "$python" -m venv --clear "$environment"
    if [ $backend = torch ]; then
        "$environment/bin/pip" install --quiet --no-compile "$torch"
    fi
    # shellcheck disable=SC2086 # several requirements
    "$environment/bin/pip" install --quiet --no-compile --editable ".[$extra]" $client pytest hypothesis
    without_cuda
    fingerprint > "$environment/fingerprint"
}

# PyPI's torchaudio has libraries that load only beside PyTorch with CUDA. Without them it works in Python.
without_cuda() {
    "$environment/bin/python" -c "
import importlib.util, pathlib
if (found := importlib.util.find_spec('torchaudio')) and not __import__('torch').version.cuda:
    for library in pathlib.Path(found.origin).parent.glob('lib/*.so'):
        library.unlink()"
}

fingerprint() {
    echo "$PWD $torch $client $("$python" --version) $(cksum < pyproject.toml)"
}

[ $# -gt 0 ] || set -- mteb xares perch-hoplite
for name in "$@"; do
    describe "$name"
    environment=.venv-clients/$name
    if [ "$(cat "$environment/fingerprint" 2> /dev/null)" != "$(fingerprint)" ]; then
        make_environment "$name"
    fi
    printf '\n== %s: tests (at %d s)\n' "$name" "$SECONDS"
    # a client that is absent would only skip its tests
    "$environment/bin/python" -c "import importlib.metadata as m; print('$name', m.version('$name'))"
    KERAS_BACKEND=$backend "$environment/bin/python" -m pytest -m clients --durations=5 $tests
done
