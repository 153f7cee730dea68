"""YAMNet's weights from a SavedModel: a folder, or a handle that tensorflow-hub resolves.

Only the variables are read, no graph is run. TensorFlow is imported when they are.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import WeightsDownloadError, WeightsFormatError
from ..download import PATIENCE, Patience
from ..store import OFFLINE_VARIABLE, offline
from .shapes import Shapes, check_shape, check_values, weight_shapes

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


def resolve_handle(handle: str, patience: Patience = PATIENCE) -> Path:
    """Return the folder of a tensorflow-hub handle, which is downloaded if need be.

    tensorflow-hub keeps it in its own cache folder (``TFHUB_CACHE_DIR``).

    Parameters
    ----------
    handle : str
        An address, e.g. ``"https://tfhub.dev/google/yamnet/1"``.
    patience : Patience
        Timeouts and pauses between tries.

    Raises
    ------
    WeightsDownloadError
        If it cannot be had, or would have to be downloaded while the network is forbidden.
    """
    with warnings.catch_warnings():  # of tensorflow-hub's own import, no user's business
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
        import tensorflow_hub as hub

    if offline() and not _hub_folder(handle).is_dir():
        raise WeightsDownloadError(
            f"{handle} is not in tensorflow-hub's cache ({_hub_folder(handle).parent}), and "
            f"{OFFLINE_VARIABLE} forbids the network. Unset it, or pass the SavedModel's folder"
        )
    pauses = list(patience.pauses_s)
    tries = 1
    while True:
        try:
            with _socket_timeout(patience.read_s):
                return Path(hub.resolve(handle))
        except Exception as error:  # whatever urllib, tarfile and TensorFlow raise
            gone = getattr(error, "code", None) in (400, 401, 403, 404, 410)
            if gone or not pauses:
                raise WeightsDownloadError(
                    f"{handle} could not be had through tensorflow-hub (try {tries} of "
                    f"{len(patience.pauses_s) + 1}): {error}. Check the address and the network, "
                    f"or download the SavedModel elsewhere, unpack it and pass its folder"
                ) from error
        time.sleep(pauses.pop(0))
        tries += 1


def read_saved_model(folder: Path) -> dict[str, np.ndarray]:
    """Read YAMNet's weights from a SavedModel.

    Parameters
    ----------
    folder : Path
        Holds ``saved_model.pb`` and ``variables/``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as YAMNet's ``WEIGHT_SHAPES``.

    Raises
    ------
    WeightsFormatError
        If it is damaged, or is no YAMNet. The message names the first thing wrong.
    """
    shapes = weight_shapes("yamnet")
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


def _hub_folder(handle: str) -> Path:
    """Return where tensorflow-hub keeps a handle: in its cache, under the handle's sha1."""
    from tensorflow_hub.resolver import tfhub_cache_dir

    name = hashlib.sha1(handle.encode("utf-8"), usedforsecurity=False).hexdigest()
    return Path(tfhub_cache_dir(use_temp=True)) / name


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """tensorflow-hub sets no timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
