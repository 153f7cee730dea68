"""The command ``hear-openl3-yamnet export``: a model for TensorFlow, onnxruntime or LiteRT."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import naming_what_cannot_be_written
from .embed import gather_options, load_quietly


class Format(str, Enum):
    """Names of the formats, as the command line takes them."""

    saved_model = "saved_model"
    onnx = "onnx"
    tflite = "tflite"


def export(
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The file, or the SavedModel's folder, to write."),
    ],
    file_format: Annotated[
        Format, typer.Option("--format", help="saved_model is a folder, the others are a file.")
    ],
    model: Annotated[str, typer.Option(metavar="MODEL", help="As for embed; one network.")] = "",
    weights: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="As for embed. Default: the preset's.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="As for embed: the head, window_size, normalize."),
    ] = None,
) -> None:
    """Write a model for another runtime: windows of samples in, embeddings out.

    The file takes as many windows at once as it is given, each of the model's length, and gives
    what embed gives for a timestamp in the window's middle. OUT.json beside it says the rest:
    names, shapes, rate, hop, options, weights. It is run once, and refused if its embeddings
    differ from the model's by more than 0.001 of their length.

    \b
    Examples:
      hear-openl3-yamnet export yamnet.onnx --format onnx --model yamnet
      hear-openl3-yamnet export openl3.tflite --format tflite --option embedding_size=6144
      hear-openl3-yamnet export openl3 --format saved_model --model openl3-mel128-env

    It needs: pip install "hear-openl3-yamnet[export]"
    """  # noqa: D301
    options = gather_options(option or [], scene=False, hop_size=None, weights=weights)
    loaded = load_quietly(model, options)
    from ..export import TOLERANCE, export_model

    with naming_what_cannot_be_written(output):
        exported = export_model(loaded, output, file_format.value)
    window = loaded.embedders[0].config.front_end.window
    typer.echo(
        f"{output}: samples (n, {window}) at {loaded.sample_rate} Hz -> "
        f"embeddings (n, {loaded.timestamp_embedding_size}); {_size(output) / 1e6:.1f} MB\n"
        f"{exported.configuration_path}: its configuration\n"
        f"checked with {exported.runtime} on {exported.n_windows} windows: largest relative "
        f"difference {exported.difference:.1e} (at most {TOLERANCE:.0e})"
    )


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
