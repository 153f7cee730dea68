"""The command ``hear-openl3-yamnet export``: a model for TensorFlow, onnxruntime or LiteRT."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import naming_what_cannot_be_written
from .shared import Model, Options, Weights, gather_options, load_quietly


def export(
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The file or folder to write."),
    ],
    file_format: Annotated[
        Literal["saved_model", "onnx", "tflite"],
        typer.Option("--format", help="saved_model is a folder, the others are a file."),
    ],
    model: Model = "",
    weights: Weights = None,
    option: Options = None,
) -> None:
    """Write a model for TensorFlow, onnxruntime or LiteRT.

    The file takes windows of samples, any number at once, and gives embeddings. A window has the
    length of the model's window. Its embedding is the one that embed gives for a timestamp in the
    middle of the window. OUT.json has the rest: names, shapes, rate, hop, options, weights.

    The model must be of one network. --option sets its head, window_size and normalize. The file
    is run once. It is not kept if its embeddings differ from those of the model by more than 0.001
    of their length.

    \b
    Examples:
      hear-openl3-yamnet export yamnet.onnx --format onnx --model yamnet
      hear-openl3-yamnet export openl3.tflite --format tflite --option embedding_size=6144
      hear-openl3-yamnet export openl3 --format saved_model --model openl3-mel128-env

    ONNX and TFLite need: pip install "hear-openl3-yamnet[export]"
    """  # noqa: D301
    from ..export import TOLERANCE, export_model

    loaded = load_quietly(model, gather_options(option, weights=weights))
    with naming_what_cannot_be_written(output):
        exported = export_model(loaded, output, file_format)
    typer.echo(
        f"{output}: samples (n, {exported.window}) at {loaded.sample_rate} Hz -> embeddings "
        f"(n, {loaded.timestamp_embedding_size}); {exported.n_bytes / 1e6:.1f} MB\n"
        f"{exported.configuration_path}: its configuration\n"
        f"checked with {exported.runtime} on {exported.n_windows} windows: largest relative "
        f"difference {exported.difference:.1e} (at most {TOLERANCE:.0e})"
    )
