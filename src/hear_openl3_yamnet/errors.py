"""The typed errors, and a warning. Each says what was wrong, what was expected, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = [
    "AudioError",
    "AudioFileError",
    "AudioTypeError",
    "CorpusError",
    "ExportError",
    "HearError",
    "MissingExtraError",
    "ModelTypeError",
    "OptionError",
    "StarterWeightsWarning",
    "StreamError",
    "WeightsCacheError",
    "WeightsDownloadError",
    "WeightsFormatError",
    "WeightsIntegrityError",
    "WeightsNotFoundError",
    "naming_what_cannot_be_written",
    "require",
]


class HearError(Exception):
    """Base of all errors that this package raises on purpose."""


class AudioError(HearError, ValueError):
    """The samples are not a non-empty, finite, 2-D array."""


class AudioTypeError(HearError, TypeError):
    """The samples are of a type that is no real floating-point number."""


class AudioFileError(HearError, OSError):
    """An audio file is missing, unreadable, or holds no audio."""


class CorpusError(HearError, OSError):
    """A corpus on disk is damaged, or another run is writing to it."""


class ExportError(HearError, RuntimeError):
    """An exported file does not give the model's embeddings in the runtime that it is for."""


class MissingExtraError(HearError, ModuleNotFoundError):
    """A package that an extra of this one brings is not installed."""


class ModelTypeError(HearError, TypeError):
    """The model did not come from this package's ``load_model``."""


class OptionError(HearError, ValueError):
    """An option, a preset or a value that does not exist, or that does not go with the others."""


class StreamError(HearError, RuntimeError):
    """A stream that has ended was pushed to or flushed again."""


class WeightsNotFoundError(HearError, FileNotFoundError):
    """The weights asked for are in none of the places that were looked at."""


class WeightsFormatError(HearError, ValueError):
    """A weights file is damaged, or holds another network's weights."""


class WeightsIntegrityError(HearError, OSError):
    """A downloaded file's digest is not the published one."""


class WeightsDownloadError(HearError, OSError):
    """A download failed: no network, no such address, or a server that does not answer."""


class WeightsCacheError(HearError, OSError):
    """The cache folder cannot take a file: read-only, full, or no folder."""


class StarterWeightsWarning(UserWarning):
    """No model was named, and starter weights stand in for published ones that cannot be had."""


@contextmanager
def naming_what_cannot_be_written(path: Path) -> Iterator[None]:
    """Raise the system's errors of writing a file or folder as a `HearError` that names it.

    Parameters
    ----------
    path : Path
        What is written inside the ``with``.

    Raises
    ------
    HearError
        In place of an OSError; this package's own errors pass unchanged.
    """
    try:
        yield
    except HearError:
        raise
    except OSError as error:
        raise HearError(f"cannot write {path}: {error.strerror or error}.") from error


def require(module: str, *, extra: str) -> ModuleType:
    """Import a module that an extra of this package brings.

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
