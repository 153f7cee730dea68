"""TFLite: a file for LiteRT, on telephones and small machines."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from . import saved_model
from .windows import INPUT, OUTPUT, WindowGraph

PACKAGE = "ai-edge-litert"
"""What runs it."""

MODULES = ("ai_edge_litert",)
"""What the extra ``export`` brings for this format."""


def write(graph: WindowGraph, path: Path) -> None:
    """Write a TFLite file of float32 and built-in operations alone.

    It embeds one window, or as many as the input is resized to.

    Parameters
    ----------
    graph : WindowGraph
    path : Path
        The file to write.
    """
    import tensorflow as tf

    # by way of a SavedModel, whose signature names the input and the output
    with TemporaryDirectory() as folder:
        saved_model.write(graph, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        path.write_bytes(converter.convert())


def run(path: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Embed batches of windows with LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()
    return [runner(**{INPUT: batch})[OUTPUT] for batch in batches]
