"""TensorFlow's SavedModel: a folder that TensorFlow loads without this package or Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .windows import INPUT, OUTPUT, WindowGraph

PACKAGE = "tensorflow"
"""The package that runs the folder."""

MODULES: tuple[str, ...] = ()
"""The modules of the extra ``export`` that this format needs."""


def write(graph: WindowGraph, path: Path) -> None:
    """Write a SavedModel whose ``serving_default`` signature embeds any number of windows.

    Parameters
    ----------
    graph : WindowGraph
    path : Path
        The folder. It is made.
    """
    import tensorflow as tf

    module = tf.Module()
    module.tensors = {
        name: tf.Variable(array, trainable=False) for name, array in graph.arrays.items()
    }
    module.embed = traced(lambda samples: graph.embed(module.tensors, samples), graph.window)
    signature = module.embed.get_concrete_function()
    tf.saved_model.save(module, str(path), signatures=signature)


def traced(embed: Callable[[Any], Any], window: int) -> Any:
    """Return a ``tf.function`` of windows [shape=(n, window)] with a named input and output."""
    import tensorflow as tf

    return tf.function(
        lambda samples: {OUTPUT: embed(samples)},
        input_signature=[tf.TensorSpec((None, window), tf.float32, name=INPUT)],
        autograph=False,
    )


def run(path: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Embed batches of windows with the SavedModel of a folder."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # a signature without its model loses the graph
    embed = loaded.signatures["serving_default"]
    return [embed(**{INPUT: tf.constant(batch)})[OUTPUT].numpy() for batch in batches]
