"""ONNX: a file for onnxruntime and other readers of the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .saved_model import traced
from .windows import INPUT, OUTPUT, WindowGraph

PACKAGE = "onnxruntime"
"""The package that runs the file."""

MODULES = ("onnx", "tf2onnx", "onnxruntime")
"""The modules of the extra ``export`` that this format needs."""

OPSET = 17
"""Of 2022; onnxruntime reads it from version 1.12. These graphs need no later one."""


def write(graph: WindowGraph, path: Path) -> None:
    """Write an ONNX file that embeds any number of windows.

    Parameters
    ----------
    graph : WindowGraph
    path : Path
        The file to write.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    def embed(samples: Any) -> Any:
        # tensors that are made during tracing are constants of the graph, not inputs
        tensors = {name: tf.constant(array) for name, array in graph.arrays.items()}
        return graph.embed(tensors, samples)

    function = traced(embed, graph.window)
    model, _ = tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=OPSET
    )
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n_windows"
    onnx.checker.check_model(model)
    onnx.save(model, path)


def run(path: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Embed batches of windows with onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [session.run([OUTPUT], {INPUT: batch})[0] for batch in batches]
