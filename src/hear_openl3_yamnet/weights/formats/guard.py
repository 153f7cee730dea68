"""Read HDF5 files of unknown origin in a separate process.

The HDF5 library can loop forever, or crash, on damaged files (scripts/stress/fuzz_weights.py finds
such files within some hundred mutations). A process with limits of time and memory turns that into
an error. Files with a published digest do not need it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError
from .hdf5 import read_hdf5
from .shapes import Shapes

CPU_SECONDS = 10
"""Limit of processor time [s]. The published files take far less than 1 s."""

WALL_SECONDS = 120
"""Limit of wall time [s], for systems that do not limit processor time. It allows for load."""

MEMORY_BYTES = 2 << 30
"""Limit of the address space."""

_REFUSED = 3
"""Exit status for a `WeightsFormatError`."""

_COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hear_openl3_yamnet.weights.formats.guard import _read_in_child; "
    "_read_in_child(*sys.argv[2:])"
)


def read_hdf5_guarded(
    image: bytes, path: Path, shapes: Shapes, network: str
) -> dict[str, np.ndarray]:
    """Read weights as `hdf5.read_hdf5` does, in a separate process with limits.

    Raises
    ------
    WeightsFormatError
        If the file is damaged or holds other weights, if reading it takes more than `CPU_SECONDS`
        or `MEMORY_BYTES`, or if the process crashes.
    """
    command = [sys.executable, "-c", _COMMAND, json.dumps(sys.path)]
    command += [str(path), json.dumps(shapes), network, str(CPU_SECONDS)]
    # one thread: NumPy's libraries reserve address space for each thread
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            command, input=image, capture_output=True, timeout=WALL_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsFormatError(
            f"{path} is a damaged HDF5 file: reading it did not end within {WALL_SECONDS} s."
        ) from error
    if child.returncode == _REFUSED:
        raise WeightsFormatError(child.stderr.decode("utf-8"))
    if child.returncode or len(child.stdout) != 4 * sum(map(_size, shapes.values())):
        raise WeightsFormatError(
            f"{path} is a damaged HDF5 file: the process that read it ended with "
            f"{_describe_status(child.returncode)} "
            f"{child.stderr.decode('utf-8', 'replace')[-500:].strip()}"
        )
    return _split(child.stdout, shapes)


def _describe_status(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    name = signal.Signals(-status).name
    return f"{name} after {CPU_SECONDS} s" if name == "SIGXCPU" else name


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _split(values: bytes, shapes: Shapes) -> dict[str, np.ndarray]:
    flat = np.frombuffer(values, np.float32)
    ends = np.cumsum([_size(shape) for shape in shapes.values()])
    return {
        name: weight.reshape(shape).copy()
        for (name, shape), weight in zip(shapes.items(), np.split(flat, ends[:-1]), strict=True)
    }


def _read_in_child(path: str, shapes: str, network: str, cpu_seconds: str) -> None:
    """Read a file's content from standard input, write the values or the error, and exit."""
    image = sys.stdin.buffer.read()
    _limit_resources(int(cpu_seconds))
    try:
        weights = read_hdf5(image, Path(path), json.loads(shapes), network)
    except WeightsFormatError as error:
        sys.stderr.write(str(error))
        sys.stderr.flush()
        os._exit(_REFUSED)  # at once: closing a damaged file can crash too
    for value in weights.values():
        sys.stdout.buffer.write(np.ascontiguousarray(value, np.float32).tobytes())
    sys.stdout.buffer.flush()
    os._exit(0)


def _limit_resources(cpu_seconds: int) -> None:
    """Limit this process. A limit that the system does not have is left out."""
    try:
        import resource
    except ImportError:  # Windows: WALL_SECONDS remains
        return
    for which, limit in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            hard = resource.getrlimit(which)[1]
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(which, (limit, hard))
