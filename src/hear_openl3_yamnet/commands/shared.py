"""What several commands share: options, loading a model, and messages beside a progress bar."""

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..errors import HearError, MachineError, MissingExtraError, OptionError, WeightsCacheError

if TYPE_CHECKING:
    from ..model import HearModel
    from ..plotting.sounds import Sounds

Input = TypeVar("Input")

_OF_ALL_INPUTS = (MachineError, MissingExtraError, WeightsCacheError)
"""Errors that all further inputs would meet, too."""

PICTURES = (".png", ".svg", ".pdf")
"""The endings of pictures' names."""

MOST_NAMED = 20
"""Files without a sound that are named one by one."""

MODEL = "A preset (see: models), a weights file, or a .json file of options."

Model = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        help=f"{MODEL} Default: openl3-mel256-music. If its weights are unavailable and no WEIGHTS "
        "are named, holistic, with a warning.",
    ),
]

Weights = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="published; starter: the weights of this package; a file; or random[:SEED]: the "
        "untrained network. Default: those of the preset.",
    ),
]

HopSize = Annotated[
    str | None,
    typer.Option(
        metavar="MS",
        help="Time step in milliseconds, or native: the time step of the network.",
    ),
]

Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help="Another option of load_model, VALUE as JSON or as plain text. Can be repeated.",
    ),
]


def gather_options(
    given: list[str] | None,
    *,
    weights: str | None,
    hop_size: str | None = None,
    scene: bool = False,
) -> dict[str, Any]:
    """Gather the options of `load_model` from those of a command.

    Parameters
    ----------
    given : list of str, optional
        ``KEY=VALUE``, one for each ``--option``.
    weights, hop_size : str, optional
        The options of these names.
    scene : bool
        Whether `hop_size` is that of a scene's windows.

    Returns
    -------
    dict

    Raises
    ------
    OptionError
        If an option is not KEY=VALUE, or is given twice.
    """
    pairs = [_key_and_value(text) for text in given or []]
    if hop_size is not None:
        pairs.append(("scene_hop_size" if scene else "hop_size", _value(hop_size)))
    if weights is not None:
        pairs.append(("weights", weights))
    options: dict[str, Any] = {}
    for key, value in pairs:
        if key in options:
            raise OptionError(f"{key} is given twice: {options[key]!r} and {value!r}.")
        options[key] = value
    return options


def _key_and_value(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (equals and key.isidentifier()):
        raise OptionError(f"--option expects KEY=VALUE, for example batch_size=8. Received: {text}")
    return key, _value(value)


def _value(text: str) -> Any:
    """Return the value of a JSON text, or a text that is not JSON as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def check_ending(path: Path, endings: tuple[str, ...]) -> None:
    """Raise an `OptionError` if the name of an output file has another ending."""
    if path.suffix.lower() not in endings:
        raise OptionError(f"-o takes names in {', '.join(endings)}. Received: {path}")


def load_quietly(model: str, options: dict[str, Any]) -> "HearModel":
    """Load a model, with warnings as `warnings_shown` has them.

    Parameters
    ----------
    model : str
        As `load_model` takes it.
    options : dict
        From `gather_options`.

    Returns
    -------
    HearModel

    Raises
    ------
    OptionError, WeightsNotFoundError, WeightsFormatError
        As `load_model`.
    """
    from .. import load_model

    with loading_quietly():
        return load_model(model, **options)


@contextmanager
def loading_quietly() -> Iterator[None]:
    """Load a model in the block, with warnings as `warnings_shown` has them."""
    with warnings_shown():
        yield


@contextmanager
def warnings_shown(subject: str = "") -> Iterator[None]:
    """Print each warning to stderr as one line, without the line of code that Python adds.

    They are printed at the end of the block, also if it ends with an error.

    Parameters
    ----------
    subject : str
        Is printed before the message, unless this begins with it.
    """
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield
    finally:
        for warning in caught:
            message = str(warning.message)
            say(f"Warning: {subject}{message.removeprefix(subject)}", sys.stderr)


def each_input(
    inputs: Iterable[Input],
    do: Callable[[Input], str | None],
    name: Callable[[Input], object] = str,
) -> int:
    """Do something with each input. Whatever happens to one costs that one alone.

    What is done is printed to stdout, and an input that fails to stderr, with its cause.

    Parameters
    ----------
    inputs : iterable
    do : callable
        Takes an input, and returns the line to print, or None.
    name : callable
        Takes an input, and returns what names it in messages.

    Returns
    -------
    int
        How many inputs failed. The exit status must say so.

    Raises
    ------
    MachineError, MissingExtraError, WeightsCacheError
        Because all further inputs would meet it, too.
    """
    n_failed = 0
    for item in inputs:
        try:
            with warnings_shown(f"{name(item)}: "), errors_of(name(item)):
                line = do(item)
        except _OF_ALL_INPUTS:
            raise
        except HearError as error:
            n_failed += 1
            say(f"Error: {error}", sys.stderr)
        else:
            if line is not None:
                say(line, sys.stdout)
    return n_failed


@contextmanager
def errors_of(item: object) -> Iterator[None]:
    """Raise every exception of the block as a `HearError` that names an input.

    Parameters
    ----------
    item : object
        The file that the block reads or writes, or the name of another input.

    Raises
    ------
    HearError
        In place of any exception, also of an unexpected one. An `OptionError`, what all inputs
        would meet, and an error of this package that already names the input pass unchanged.
    """
    try:
        yield
    except (*_OF_ALL_INPUTS, OptionError):
        raise
    except HearError as error:
        if str(item) in str(error):
            raise
        raise HearError(f"{item}: {error}") from error
    except Exception as error:
        raise HearError(f"{item}: {type(error).__name__}: {error}") from error


def report_sounds(page: Path, sounds: "Sounds", what: str) -> None:
    """Print how many sounds a page has, and name the files that it cannot play.

    Parameters
    ----------
    page : Path
    sounds : Sounds
    what : str
        What has a sound in the page, in the plural.

    Raises
    ------
    typer.Exit
        With status 1, if there are such files.
    """
    n, n_silent = len(sounds.of), sounds.of.count(None)
    how = "in the page" if sounds.embedded else "linked"
    typer.echo(f"{page} ({n - n_silent} sounds, {how})")
    for cause in list(sounds.missing.values())[:MOST_NAMED]:
        typer.echo(f"Error: {cause}", err=True)
    if n_silent:
        typer.echo(
            f"{n_silent} of {n} {what} have no sound. The paths of their files are those "
            "that corpus embed was given. Run this command in the same folder as corpus embed.",
            err=True,
        )
        raise typer.Exit(1)


def say(text: str, stream: IO[str]) -> None:
    """Print a line above a progress bar, if there is one."""
    from tqdm import tqdm

    tqdm.write(text, file=stream)
