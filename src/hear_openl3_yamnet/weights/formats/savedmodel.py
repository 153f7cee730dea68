"""Read YAMNet's weights from a SavedModel folder.

Only the variables are read; no graph is run. TensorFlow is imported when a folder is read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import WeightsFormatError, needing_tensorflow
from .shapes import Shapes, check_shape, check_values, kinds_by_layer

KINDS = {"kernel", "depthwise_kernel", "bias", "beta", "moving_mean", "moving_variance"}

_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


class Variable(NamedTuple):
    """A variable in a checkpoint: its full name, its key and its shape."""

    full_name: str
    key: str
    shape: tuple[int, ...]


def is_saved_model(path: Path) -> bool:
    """Return whether a path is a SavedModel folder."""
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
        If it is damaged, or is not YAMNet. The message names the first fault.
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
        except Exception as error:  # TensorFlow raises many types
            raise WeightsFormatError(
                f"{folder}: {key} cannot be read: {error}. Download the folder again."
            ) from error
        check_values(folder, name, weights[name])
    return weights


def _open_checkpoint(folder: Path) -> tuple[Any, list[Variable]]:
    """Open the checkpoint of a SavedModel and list its variables."""
    with needing_tensorflow("Reading a SavedModel"):
        import tensorflow as tf
        from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    if not is_saved_model(folder):
        raise WeightsFormatError(f"{folder} is not a SavedModel: it has no saved_model.pb.")
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        shapes = reader.get_variable_to_shape_map()
        graph = TrackableObjectGraph()
        graph.ParseFromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    except Exception as error:  # TensorFlow raises many types
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
    """Return the checkpoint key of each weight of `shapes`, matched by order, kind and shape."""
    layers = _layers(variables, by_key=by_key)
    expected = kinds_by_layer(shapes)
    if len(layers) != len(expected):
        raise WeightsFormatError(
            f"{folder} has {len(layers)} layers with weights; YAMNet has {len(expected)}."
        )
    keys = {}
    for (found_layer, variable_of), (layer, kinds) in zip(layers, expected.items(), strict=True):
        for kind in kinds:
            name = f"{layer}/{kind}"
            variable = variable_of.get(kind)
            if variable is None:
                raise WeightsFormatError(
                    f"{folder}: {found_layer} has {', '.join(variable_of)}; "
                    f"YAMNet has {name} there."
                )
            check_shape(folder, variable.key, variable.shape, shapes[name], "yamnet")
            keys[name] = variable.key
    return keys


def _layers(variables: list[Variable], *, by_key: bool) -> list[tuple[str, dict[str, Variable]]]:
    """Group variables into layers by their names without the kind.

    The layers are in the order of the numbers in their names (``layer2`` before ``layer10``). The
    dense layer, which is known by its rank, is last.
    """
    layers: dict[str, dict[str, Variable]] = {}
    for variable in variables:
        name = variable.key.removesuffix(_VALUE_SUFFIX) if by_key else variable.full_name
        layer, _, kind = name.partition(":")[0].rpartition("/")
        kind = kind.lstrip("_")  # Keras 3 tracks its variables as attributes: _kernel
        if kind in KINDS:
            layers.setdefault(layer, {})[kind.replace("depthwise_kernel", "kernel")] = variable
    return sorted(layers.items(), key=lambda item: (_is_dense(item[1]), _natural(item[0])))


def _is_dense(layer: dict[str, Variable]) -> bool:
    return "kernel" in layer and len(layer["kernel"].shape) == 2


def _natural(name: str) -> list[tuple[bool, int | str]]:
    """Return a sort key in which the numbers of a name are numbers."""
    return [
        (text.isdigit(), int(text) if text.isdigit() else text)
        for text in re.split(r"(\d+)", name)
        if text
    ]
