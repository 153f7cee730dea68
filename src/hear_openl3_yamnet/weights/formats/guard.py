"""Reading HDF5 of unknown origin in a process of its own.

The HDF5 library can loop for ever, or crash, on damaged files (scripts/stress/fuzz_weights.py finds
such files within some hundred mutations). A process of its own, limited in time and memory, turns
that into an error. Files that are known by a published digest do not need it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError
from .hdf5 import read_hdf5
from .shapes import Shapes

CPU_SECONDS = 10
"""The published files take well below one second."""

WALL_SECONDS = 120
"""For machines that have no limit of processor time, and that are busy."""

MEMORY_BYTES = 2 << 30

_REFUSED = 3

_COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from hear_openl3_yamnet.weights.formats.guard import _read_in_child; "
    "_read_in_child(*sys.argv[2:])"
)


def read_hdf5_guarded(
    image: bytes, path: Path, shapes: Shapes, network: str
) -> dict[str, np.ndarray]:
    """Read weights as `hdf5.read_hdf5` does, safe from what the HDF5 library may do.

    Raises
    ------
    WeightsFormatError
        If the file is damaged or holds other weights; also if reading it takes more than
        `CPU_SECONDS`, more than `MEMORY_BYTES`, or ends the process.
    """
    command = [sys.executable, "-c", _COMMAND, json.dumps(sys.path)]
    command += [str(path), json.dumps(shapes), network, str(CPU_SECONDS)]
    # one thread: with more, numpy's libraries reserve address space for each
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            command, input=image, capture_output=True, timeout=WALL_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsFormatError(f"{path} is a damaged HDF5 file: reading it never ends") from error
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
    parts = np.split(flat, ends[:-1])
    return {
        name: part.reshape(shape).copy()
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
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
        os._exit(_REFUSED)  # at once: closing a damaged file can crash as reading it can
    for value in weights.values():
        sys.stdout.buffer.write(np.ascontiguousarray(value, np.float32).tobytes())
    sys.stdout.buffer.flush()
    os._exit(0)


def _limit_resources(cpu_seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: WALL_SECONDS alone
        return
    for which, limit in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(which, (limit, hard))
