"""The errors and warnings of this package. A message says what is wrong and what to do.

`hear_openl3_yamnet` itself has those that a caller may handle one by one: `AudioError`,
`AudioFileError`, `OptionError`, `StarterWeightsWarning`, `WeightsFormatError`,
`WeightsNotFoundError`, and `HearError` for all others.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = [
    "AudioError",
    "AudioFileError",
    "AudioTypeError",
    "BackendError",
    "CorpusError",
    "ExportError",
    "HearError",
    "MachineError",
    "ManifestError",
    "MissingExtraError",
    "MissingFrameworkError",
    "ModelTypeError",
    "OptionError",
    "SilentDownmixWarning",
    "StarterWeightsWarning",
    "StreamError",
    "WeightsCacheError",
    "WeightsDownloadError",
    "WeightsFormatError",
    "WeightsIntegrityError",
    "WeightsNotFoundError",
]


class HearError(Exception):
    """Base class of the errors that this package raises on purpose."""


class AudioError(HearError, ValueError):
    """The samples are not a non-empty, finite, 2-D array."""


class AudioTypeError(HearError, TypeError):
    """The samples are not real floating-point numbers, or audio is given as another type."""


class AudioFileError(HearError, OSError):
    """An audio file is missing, cannot be read, or has no audio."""


class BackendError(HearError):
    """Keras's backend cannot compute here: for example in a forked process, or inside a graph.

    It has no second base class: TensorFlow replaces such an error, if it comes out of a graph.
    """


class CorpusError(HearError, OSError):
    """A corpus on disk is damaged or cannot be written, or another run is writing to it."""


class ExportError(HearError, RuntimeError):
    """In its runtime, an exported file does not give the embeddings of its model."""


class MachineError(HearError, OSError):
    """The machine is at fault and not one input, so that all others would fail, too."""


class ManifestError(HearError, ValueError):
    """A manifest cannot be read as one: a column is missing, twice, or of another type."""


class MissingExtraError(HearError, ModuleNotFoundError):
    """A package that belongs to an extra of this package is not installed."""


class MissingFrameworkError(HearError, ModuleNotFoundError):
    """TensorFlow, or the framework that Keras is told to compute with, is not installed."""


class ModelTypeError(HearError, TypeError):
    """The model was not made by this package's ``load_model``."""


class OptionError(HearError, ValueError):
    """An option, a preset or a value does not exist, or cannot be combined with the others."""


class StreamError(HearError, RuntimeError):
    """A stream was used after its end."""


class WeightsNotFoundError(HearError, FileNotFoundError):
    """The weights are not on this machine and cannot be downloaded."""


class WeightsFormatError(HearError, ValueError):
    """A weights file is damaged, or holds another network's weights."""


class WeightsIntegrityError(HearError, OSError):
    """A file has another digest than the published one."""


class WeightsDownloadError(HearError, OSError):
    """A download failed: no network, a wrong address, or a server that does not answer."""


class WeightsCacheError(HearError, OSError):
    """A folder for weights cannot be written to: it is read-only, full, or not a folder."""


class SilentDownmixWarning(UserWarning):
    """The channels of an audio file cancel each other out, so that their mean is silent."""


class StarterWeightsWarning(UserWarning):
    """No model was named, and weights of this package are loaded instead of published ones."""


_OF_THE_MACHINE = {
    getattr(errno, name)
    for name in ("EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EROFS")
    if hasattr(errno, name)
}


def is_of_the_machine(error: BaseException) -> bool:
    """Return whether every file would meet this error: the disk is full or read-only, and such."""
    return isinstance(error, OSError) and error.errno in _OF_THE_MACHINE


@contextmanager
def naming_what_cannot_be_written(path: Path) -> Iterator[None]:
    """Convert an `OSError` of the block to a `HearError` that names the output.

    Parameters
    ----------
    path : Path
        The file or folder that the block writes.

    Raises
    ------
    HearError
        Instead of an `OSError`: a `MachineError` if every output would meet it. The errors of this
        package pass unchanged.
    """
    try:
        yield
    except HearError:
        raise
    except OSError as error:
        kind = MachineError if is_of_the_machine(error) else HearError
        raise kind(f"cannot write {path}: {error.strerror or error}.") from error


def require(module: str, *, extra: str) -> ModuleType:
    """Import a module that an extra of this package installs.

    Parameters
    ----------
    module : str
        Name of the module, such as ``pyarrow``.
    extra : str
        Name of the extra that installs it.

    Returns
    -------
    ModuleType

    Raises
    ------
    MissingExtraError
        If the module is not installed. The message says which command installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingExtraError(
            f"{missing} is not installed. "
            f'Install it with: pip install "hear-openl3-yamnet[{extra}]"',
            name=missing,
        ) from error


@contextmanager
def needing_tensorflow(purpose: str) -> Iterator[None]:
    """Convert a failed import of TensorFlow or tensorflow-hub to a `MissingFrameworkError`.

    Parameters
    ----------
    purpose : str
        What needs it, at the beginning of a sentence.

    Raises
    ------
    MissingFrameworkError
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingFrameworkError(
            f"{purpose} needs TensorFlow, and {error.name} is not installed. Install this package "
            "with all its dependencies: pip install hear-openl3-yamnet",
            name=error.name,
        ) from error
