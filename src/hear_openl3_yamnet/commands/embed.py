"""The command ``hear-openl3-yamnet embed``: audio files in, embeddings in ``.npz`` files out."""

import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..errors import AudioFileError, HearError, OptionError

if TYPE_CHECKING:
    from ..model import HearModel


def embed(
    audio: Annotated[
        list[Path],
        typer.Argument(
            metavar="AUDIO",
            help="Audio files: WAV, FLAC, OGG, MP3, AIFF and what else libsndfile reads, "
            "of any rate and any number of channels.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder for the .npz files, made if need be; for one AUDIO also a name ending in "
            ".npz. Files that are there are replaced.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A preset (see: models), a weights file, or a .json file of options. "
            "Default: openl3-mel256-music; where its weights cannot be had, and no WEIGHTS are "
            "named, openl3-mel128-starter, with a warning.",
        ),
    ] = "",
    scene: Annotated[
        bool,
        typer.Option(
            "--scene/--timestamps",
            help="One embedding for the whole file, or one at each time step.",
        ),
    ] = False,
    hop_size: Annotated[
        str | None,
        typer.Option(metavar="MS", help="Time step in milliseconds, or native: the network's own."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="published; starter: this package's own; a file; or "
            "random[:SEED]: the untrained network. Default: the preset's.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Another option of load_model, VALUE as JSON or plain text; as often as you like.",
        ),
    ] = None,
) -> None:
    """Write the embeddings of audio files, one .npz file each.

    \b
    Each file holds:
      embeddings   float32 (n_timestamps, size); with --scene (size,)
      timestamps   float32 (n_timestamps,), milliseconds; not with --scene
      hop_size     milliseconds between timestamps, or between the windows of a scene
      model, weights_id, sample_rate, config (JSON), version, audio: where they come from

    \b
    Examples:
      hear-openl3-yamnet embed speech.wav music.mp3 -o embeddings
      hear-openl3-yamnet embed speech.wav -o speech.npz --model yamnet --hop-size 100
      hear-openl3-yamnet embed *.flac -o scenes --scene --option embedding_size=6144
      hear-openl3-yamnet embed speech.wav -o baseline --weights random:1

    A file that cannot be read is named on stderr with the cause, and the others are done.

    \b
    Exit status:
      0  all files are written
      1  at least one is not
      2  the command itself is wrong
    """  # noqa: D301
    from ..files import output_paths

    options = gather_options(option or [], weights=weights, hop_size=hop_size, scene=scene)
    paths = output_paths(audio, output)
    _make_folder(output.parent if output.suffix == ".npz" else output)
    loaded = load_quietly(model, options)
    n_failed = 0
    for file, path in _progress(list(zip(audio, paths, strict=True))):
        try:
            with _warnings_shown(f"{file}: "):
                line = _embed_file(file, path, loaded, scene)
        except AudioFileError as error:
            n_failed += 1
            _say(f"Error: {error}", sys.stderr)
        except (HearError, OSError) as error:
            n_failed += 1
            _say(f"Error: {file}: {error}", sys.stderr)
        else:
            _say(line, sys.stdout)
    if n_failed:
        typer.echo(f"{n_failed} of {len(audio)} files are not embedded (see above).", err=True)
        raise typer.Exit(1)


def gather_options(
    given: list[str], *, scene: bool, hop_size: str | None, **named: str | None
) -> dict:
    """Gather the options of `load_model`; one given twice is a mistake."""
    pairs = [_key_and_value(text) for text in given]
    if hop_size is not None:
        pairs.append(("scene_hop_size" if scene else "hop_size", _value(hop_size)))
    pairs += [(key, value) for key, value in named.items() if value is not None]
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
    """Read JSON, or else take the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        typer.echo(f"Error: cannot make the folder {folder}: {error.strerror}.", err=True)
        raise typer.Exit(1) from error


def load_quietly(model: str, options: dict[str, Any]) -> "HearModel":
    """Load a model; its warnings go to stderr without Python's lines."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's own notes are not ours
    from .. import load_model

    with _warnings_shown():
        return load_model(model, **options)


def _embed_file(file: Path, path: Path, model: "HearModel", scene: bool) -> str:
    """Embed one file, write it, and return a line that says so."""
    from keras.ops import convert_to_numpy

    from .. import get_scene_embeddings, get_timestamp_embeddings
    from ..audio.files import load_audio
    from ..files import save_npz

    waveform = load_audio(file, model.sample_rate)
    began = time.perf_counter()
    if scene:
        hop_size = model.scene_hop_size
        arrays = {"embeddings": convert_to_numpy(get_scene_embeddings(waveform[None], model)[0])}
        times = ""
    else:
        hop_size = model.hop_size
        embeddings, timestamps = get_timestamp_embeddings(waveform[None], model)
        arrays = {
            "embeddings": convert_to_numpy(embeddings[0]),
            "timestamps": convert_to_numpy(timestamps[0]),
        }
        first, last = arrays["timestamps"][[0, -1]]
        times = f", timestamps {first:.1f} to {last:.1f} ms"
    seconds = time.perf_counter() - began
    save_npz(
        path,
        **arrays,
        hop_size=hop_size,
        model=model.name,
        weights_id=model.weights_id,
        sample_rate=model.sample_rate,
        config=json.dumps(model.config),
        version=__version__,
        audio=str(file),
    )
    length = len(waveform) / model.sample_rate
    return (
        f"{path}: embeddings {arrays['embeddings'].shape}{times}; "
        f"{length:.2f} s of audio in {seconds:.2f} s"
    )


def _progress(items: list) -> Iterator:
    """Iterate with a progress bar where stderr is a terminal."""
    from tqdm import tqdm

    return iter(tqdm(items, unit="file", disable=None))


def _say(text: str, stream: Any) -> None:
    from tqdm import tqdm

    tqdm.write(text, file=stream)


@contextmanager
def _warnings_shown(subject: str = "") -> Iterator[None]:
    """Show warnings without the line of code that Python adds, after what they are about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        _say(f"Warning: {subject}{warning.message}", sys.stderr)
