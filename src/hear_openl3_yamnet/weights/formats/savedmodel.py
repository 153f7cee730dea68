"""Read YAMNet's weights from a SavedModel folder.

Only the variables are read; no graph is run. TensorFlow is imported when a folder is read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import WeightsFormatError
from .shapes import Shapes, check_shape, check_values

KINDS = {"kernel", "depthwise_kernel", "bias", "beta", "moving_mean", "moving_variance"}

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


class Variable(NamedTuple):
    """A variable in a checkpoint: its two names, and its key."""

    full_name: str
    key: str
    shape: tuple[int, ...]


def is_saved_model(path: Path) -> bool:
    """Whether a path is a SavedModel folder."""
    return (path / "saved_model.pb").is_file()


def read_saved_model(folder: Path, shapes: Shapes) -> dict[str, np.ndarray]:
    """Read YAMNet's weights from a SavedModel.

    Parameters
    ----------
    folder : Path
        It holds ``saved_model.pb`` and ``variables/``.
    shapes : dict of tuple
        YAMNet's ``WEIGHT_SHAPES``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as `shapes`.

    Raises
    ------
    WeightsFormatError
        If it is damaged, or is no YAMNet. The message names the first thing wrong.
    """
    reader, variables = _open_checkpoint(folder)
    try:
        keys = _match(folder, variables, shapes, by_key=False)
    except WeightsFormatError as first:
        try:
            keys = _match(folder, variables, shapes, by_key=True)
        except WeightsFormatError:
            raise first from None
    weights = {}
    for name, key in keys.items():
        try:
            weights[name] = np.asarray(reader.get_tensor(key), np.float32)
        except Exception as error:  # TensorFlow's own errors, of many kinds
            raise WeightsFormatError(
                f"{folder}: {key} cannot be read: {error}. Delete the folder and get it again"
            ) from error
        check_values(folder, name, weights[name])
    return weights


def _open_checkpoint(folder: Path) -> tuple[Any, list[Variable]]:
    """Open a SavedModel's checkpoint, and list its variables by both their names."""
    import tensorflow as tf
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    if not is_saved_model(folder):
        raise WeightsFormatError(f"{folder} is no SavedModel: it has no saved_model.pb")
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        shapes = reader.get_variable_to_shape_map()
        graph = TrackableObjectGraph()
        graph.ParseFromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    except Exception as error:  # TensorFlow's own errors, of many kinds
        raise WeightsFormatError(f"{folder}: its variables cannot be read: {error}") from error
    return reader, [
        Variable(
            attribute.full_name, attribute.checkpoint_key, tuple(shapes[attribute.checkpoint_key])
        )
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.name == "VARIABLE_VALUE" and attribute.checkpoint_key in shapes
    ]


def _match(
    folder: Path, variables: list[Variable], shapes: Shapes, *, by_key: bool
) -> dict[str, str]:
    """Return the checkpoint key of each weight, found by order, kind and shape.

    Variables are grouped into layers by the part of their name before the kind; layers come in
    the order of the numbers in their names (``layer2`` before ``layer10``), the dense layer,
    known by its rank, at the end.
    """
    layers: dict[str, dict[str, Variable]] = {}
    for variable in variables:
        name = variable.key.removesuffix(_VALUE_SUFFIX) if by_key else variable.full_name
        layer, _, kind = name.partition(":")[0].rpartition("/")
        kind = kind.lstrip("_")  # Keras 3 tracks its variables as attributes: _kernel
        if kind in KINDS:
            layers.setdefault(layer, {})[kind.replace("depthwise_kernel", "kernel")] = variable
    ordered = sorted(layers, key=lambda layer: (_is_dense(layers[layer]), _natural(layer)))

    expected: dict[str, list[str]] = {}
    for name in shapes:
        expected.setdefault(name.rpartition("/")[0], []).append(name)
    if len(ordered) != len(expected):
        raise WeightsFormatError(
            f"{folder} has {len(ordered)} layers with weights, YAMNet has {len(expected)}"
        )
    keys = {}
    for layer, names in zip(ordered, expected.values(), strict=True):
        for name in names:
            found = layers[layer].get(name.rpartition("/")[2])
            if found is None:
                raise WeightsFormatError(
                    f"{folder}: {layer} has {', '.join(layers[layer])}, but YAMNet's {name} "
                    f"would be there"
                )
            check_shape(folder, found.key, found.shape, shapes[name], "yamnet")
            keys[name] = found.key
    return keys


def _is_dense(layer: dict[str, Variable]) -> bool:
    return "kernel" in layer and len(layer["kernel"].shape) == 2


def _natural(name: str) -> list[tuple[bool, int | str]]:
    """Sort key: numbers in a name count as numbers."""
    return [
        (part.isdigit(), int(part) if part.isdigit() else part)
        for part in re.split(r"(\d+)", name)
        if part
    ]
