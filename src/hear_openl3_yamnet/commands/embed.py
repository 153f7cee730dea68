"""The command ``hear-openl3-yamnet embed``: audio files in, embeddings in ``.npz`` files out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import naming_what_cannot_be_written
from .shared import (
    HopSize,
    Model,
    Options,
    Weights,
    each_input,
    gather_options,
    load_quietly,
)

if TYPE_CHECKING:
    from ..npz import Embedded


def embed(
    audio: Annotated[
        list[Path],
        typer.Argument(
            metavar="AUDIO",
            help="Audio files: WAV, FLAC, OGG, MP3, AIFF and other formats that libsndfile reads, "
            "of any rate and any number of channels. With the extra ffmpeg also M4A, MP4, MOV, "
            "3GP, WebM, WMA, AMR, AAC and AC-3.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder for the .npz files, made if it does not exist. For one AUDIO also a name "
            "that ends in .npz. Existing files are replaced.",
        ),
    ],
    model: Model = "",
    scene: Annotated[
        bool,
        typer.Option(
            "--scene/--timestamps",
            help="One embedding for the whole file, or one at each time step.",
        ),
    ] = False,
    hop_size: HopSize = None,
    weights: Weights = None,
    option: Options = None,
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

    A file that cannot be embedded is named on stderr with the cause. The others are embedded.

    \b
    Exit status:
      0  all files are written
      1  at least one is not
      2  the command itself is wrong
    """  # noqa: D301
    from tqdm import tqdm

    from ..npz import embed_file, output_paths

    options = gather_options(option, weights=weights, hop_size=hop_size, scene=scene)
    paths = output_paths(audio, output)
    folder = output.parent if output.suffix == ".npz" else output
    with naming_what_cannot_be_written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    loaded = load_quietly(model, options)
    path_of = dict(zip(audio, paths, strict=True))
    n_failed = each_input(
        tqdm(audio, unit="file", disable=None),  # shown if stderr is a terminal
        lambda file: _line(embed_file(file, path_of[file], loaded, scene=scene)),
    )
    if n_failed:
        typer.echo(f"{n_failed} of {len(audio)} files are not embedded (see above).", err=True)
        raise typer.Exit(1)


def _line(embedded: "Embedded") -> str:
    """Return what is printed of one file."""
    times = ""
    if embedded.timestamps:
        first, last = embedded.timestamps
        times = f", timestamps {first:.1f} to {last:.1f} ms"
    return (
        f"{embedded.path}: embeddings {embedded.shape}{times}; "
        f"{embedded.duration:.2f} s of audio in {embedded.seconds:.2f} s"
    )
