"""What must be decided before Keras and TensorFlow are imported: the backend, and what is printed.

Keras takes its backend from ``KERAS_BACKEND``, else from ``keras.json``, else TensorFlow. It does
not look at what is installed.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import json
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from . import lazy_tensorflow
from .errors import BackendError, MissingFrameworkError

BACKENDS = {
    "tensorflow": "pip install tensorflow",
    "torch": 'pip install "hear-openl3-yamnet[torch]"',
    "jax": 'pip install "hear-openl3-yamnet[jax]"',
}
"""The backends that networks run on, in the order in which an installed one is taken, and the
command that installs each."""

_GPU_DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg", "/dev/kfd")
"""What a driver of NVIDIA, of Windows (for its Linux) or of AMD brings."""

UNUSED = (
    *("jax", "matplotlib", "pandas", "sklearn"),
    *("IPython", "PIL", "huggingface_hub", "psutil", "pydot", "pydot_ng", "pydotplus"),
)
"""Packages that Keras and TensorFlow do not require. They import them if they are installed, for
what no command uses."""

_NOTICE = b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR"
_LOG_LINE = re.compile(rb"([IWE])\d{4} [\d:.]+ +\d+ [\w./-]+:\d+\] ")
"""What TensorFlow prints: severity, month and day, time, thread, file and line."""

_fewest_imports = False


def set_defaults() -> None:
    """Set environment variables that the user has not set. Nothing is imported.

    ``KERAS_BACKEND`` becomes the first of `BACKENDS` that is installed, if the user has chosen none
    and Keras's own choice, TensorFlow, is not installed.
    ``TF_CPP_MIN_LOG_LEVEL`` becomes 2: TensorFlow prints errors, and no notes on how it was built.
    Without a driver of a GPU it becomes 3, because TensorFlow calls the missing driver an error.
    What is wrong raises an exception at every level.
    """
    level = "2" if any(map(os.path.exists, _GPU_DRIVERS)) else "3"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    if "keras" in sys.modules or _chosen()[0]:
        return
    found = next(filter(_is_installed, BACKENDS), None)
    if found not in (None, "tensorflow"):
        os.environ["KERAS_BACKEND"] = found


def prepare_command() -> None:
    """Prepare a process that runs one command of this package. Call it before the command runs.

    Keras and TensorFlow will not import packages that no command needs of them, and TensorFlow's
    public names will load when they are used, to start sooner. Commands can import these packages
    themselves. A user who has no home folder to write to is spared a warning of matplotlib and an
    error of numba, which would have their caches there.
    """
    global _fewest_imports
    _fewest_imports = True
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it says that it takes another folder
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(os.path.expanduser("~"), os.W_OK):
        folder = tempfile.mkdtemp(prefix="numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["NUMBA_CACHE_DIR"] = folder


@contextmanager
def importing_keras() -> Iterator[None]:
    """Check the backend, and prepare the import of Keras in the block.

    Raises
    ------
    MissingFrameworkError, BackendError
        As `check_backend`.
    """
    check_backend()
    is_first = "keras" not in sys.modules
    with (
        _importing_less() if _fewest_imports and is_first else nullcontext(),
        _obeying_the_log_level(),
    ):
        yield


@contextmanager
def _importing_less() -> Iterator[None]:
    """Make an import of Keras in the block as short as it can be."""
    hidden = [name for name in UNUSED if name not in sys.modules and name != _chosen()[0]]
    for name in hidden:  # importing it raises ModuleNotFoundError, as if it were not installed
        sys.modules[name] = None  # type: ignore[assignment]
    lazy_tensorflow.install()
    collects = gc.isenabled()
    gc.disable()  # it would look again and again at modules, which stay
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        if collects:
            gc.enable()


@contextmanager
def _obeying_the_log_level() -> Iterator[None]:
    """Keep lines from the terminal that ``TF_CPP_MIN_LOG_LEVEL`` hides.

    While TensorFlow 2.21 is imported, it prints them at every level. So what is printed meanwhile
    goes to a file, and all but these lines goes to the terminal afterwards.
    """
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "")
    hidden = b"IWE"[: int(level)] if level.isdecimal() else b""
    if not hidden or "tensorflow" in sys.modules or _chosen()[0] not in ("", "tensorflow"):
        yield
        return
    try:
        terminal = os.dup(2)
    except OSError:  # closed
        yield
        return
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            printed.seek(0)
            with os.fdopen(os.dup(2), "wb") as error:
                error.writelines(line for line in printed if not _is_hidden(line, hidden))


def _is_hidden(line: bytes, severities: bytes) -> bool:
    found = _LOG_LINE.match(line)
    return found[1] in severities if found else line.startswith(_NOTICE)


def check_backend() -> None:
    """Check that Keras will find its backend. Call it before Keras is imported.

    Raises
    ------
    MissingFrameworkError
        If the backend that the user has chosen is not installed, or if none is.
    BackendError
        If the networks do not run on the backend that the user has chosen.
    """
    if "keras" in sys.modules:
        return
    backend, place = _chosen()
    installed = [name for name in BACKENDS if _is_installed(name)]
    if not backend and not installed:
        ways = "; ".join(f"{name}: {command}" for name, command in BACKENDS.items())
        raise MissingFrameworkError(
            f"Keras needs a backend, and none is installed. Install one of these. {ways}",
            name="tensorflow",
        )
    if backend and backend not in BACKENDS:
        raise BackendError(
            f"The networks run on {', '.join(BACKENDS)}. Received: {backend!r}, from {place}"
        )
    if backend and backend not in installed:
        others = f", or choose one that is installed: {', '.join(installed)}" if installed else ""
        raise MissingFrameworkError(
            f"{place} names the backend {backend}, which is not installed. Install it with: "
            f"{BACKENDS[backend]}{others}.",
            name=backend,
        )


def _chosen() -> tuple[str, str]:
    """Return the backend that the user has chosen, and where; two empty texts without a choice."""
    if backend := os.environ.get("KERAS_BACKEND", ""):
        return backend, "KERAS_BACKEND"
    path = _keras_home() / "keras.json"
    try:
        backend = str(json.loads(path.read_text(encoding="utf-8")).get("backend", ""))
    except (OSError, ValueError, AttributeError):
        return "", ""
    # Keras itself writes "tensorflow" into a new file, whatever its backend is
    if backend == "tensorflow" and not _is_installed(backend):
        return "", ""
    return backend, str(path)


def _keras_home() -> Path:
    """Return the folder in which Keras looks for ``keras.json``."""
    if home := os.environ.get("KERAS_HOME"):
        return Path(home).expanduser()
    user = os.path.expanduser("~")
    return Path(user if os.access(user, os.W_OK) else "/tmp") / ".keras"


def _is_installed(module: str) -> bool:
    """Return whether a package is installed. It is not imported."""
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None  # no folder that only has this name
