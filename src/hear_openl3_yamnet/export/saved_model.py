"""TensorFlow's SavedModel: a folder that TensorFlow loads without this package or Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .windows import INPUT, OUTPUT, WindowGraph

PACKAGE = "tensorflow"
"""What runs it."""

MODULES: tuple[str, ...] = ()
"""What the extra ``export`` brings for this format."""


def write(graph: WindowGraph, path: Path) -> None:
    """Write a SavedModel whose ``serving_default`` signature embeds any number of windows.

    Parameters
    ----------
    graph : WindowGraph
    path : Path
        The folder to make.
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
    """Return a ``tf.function`` of windows [shape=(n, window)], its input and output named."""
    import tensorflow as tf

    return tf.function(
        lambda samples: {OUTPUT: embed(samples)},
        input_signature=[tf.TensorSpec((None, window), tf.float32, name=INPUT)],
        autograph=False,
    )


def run(path: Path, batches: list[np.ndarray]) -> list[np.ndarray]:
    """Embed batches of windows with the SavedModel in a folder."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # keep it: a signature alone would lose its graph
    embed = loaded.signatures["serving_default"]
    return [embed(**{INPUT: tf.constant(batch)})[OUTPUT].numpy() for batch in batches]
