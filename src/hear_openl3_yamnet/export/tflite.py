"""TFLite: a file for LiteRT on phones and small machines."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from . import saved_model
from .windows import INPUT, OUTPUT, WindowGraph

PACKAGE = "ai-edge-litert"
"""The package that runs the file."""

MODULES = ("ai_edge_litert",)
"""The modules of the extra ``export`` that this format needs."""


def write(graph: WindowGraph, path: Path) -> None:
    """Write a TFLite file with float32 tensors and built-in operations only.

    It embeds one window, or more if its input is resized.

    Parameters
    ----------
    graph : WindowGraph
    path : Path
        The file to write.
    """
    import tensorflow as tf

    # the signature of a SavedModel gives the input and output their names
    with TemporaryDirectory() as folder:
        saved_model.write(graph, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        path.write_bytes(converter.convert())


def run(path: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Embed batches of windows with LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()
    return [runner(**{INPUT: batch})[OUTPUT] for batch in batches]
