"""Read weights from HDF5 files of Keras 2 (the published files) and Keras 3.

Layer names have arbitrary numbers in these files. A weight is identified by its position, its kind
(kernel, bias, gamma, …) and its shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ...errors import WeightsFormatError
from .shapes import Shapes, check_shape, kinds_by_layer

KINDS = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")

MAX_NAMES_BYTES = 64 << 10
"""Largest accepted attribute with names. HDF5 itself limits attributes to 64 kB."""


class Stored(NamedTuple):
    """A weight in a file: its path in the file, its kind, and its data, not read yet."""

    place: str
    kind: str
    dataset: h5py.Dataset


def read_hdf5(image: bytes, path: Path, shapes: Shapes, network: str) -> dict[str, np.ndarray]:
    """Read weights from the content of an HDF5 file.

    Parameters
    ----------
    image : bytes
        The file's content.
    path : Path
        The file, for the messages.
    shapes : dict of tuple
        The network's ``WEIGHT_SHAPES``.
    network : str
        The name of the network, for the messages.

    Returns
    -------
    dict of np.ndarray [dtype=float32]

    Raises
    ------
    WeightsFormatError
        If the file is damaged, or a weight is missing, superfluous, or of another shape or type.
    """
    try:
        with _open_image(image) as file:
            if "layer_names" in file.attrs:
                stored = _without_front(list(_keras2_weights(file, path)))
            elif "layers" in file:
                stored = list(_keras3_weights(file["layers"], path, shapes))
            else:
                raise WeightsFormatError(
                    f"{path} is HDF5, but not written by Keras 2 or Keras 3: "
                    "it has no layer_names and no layers."
                )
            return _read_all(stored, path, shapes, network)
    except WeightsFormatError:
        raise
    except Exception as error:  # h5py raises many types on damaged files
        raise WeightsFormatError(
            f"{path} is a damaged or truncated HDF5 file ({type(error).__name__}: {error})."
        ) from error


def _open_image(image: bytes) -> h5py.File:
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(image)
    return h5py.File(h5py.h5f.open(b"image", h5py.h5f.ACC_RDONLY, access))


def _read_all(
    stored: list[Stored], path: Path, shapes: Shapes, network: str
) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
    for (name, shape), (place, kind, dataset) in zip(shapes.items(), stored, strict=False):
        expected_kind = name.rpartition("/")[2]
        if kind != expected_kind:
            raise WeightsFormatError(
                f"{path}: weight {len(weights) + 1}, {place}, is a {kind}; "
                f"{network} has the {expected_kind} of {name.rpartition('/')[0]} there."
            )
        check_shape(path, place, dataset.shape, shape, network)
        weights[name] = _read_dataset(path, place, dataset)
    if len(stored) != len(shapes):
        raise WeightsFormatError(
            f"{path} holds {len(stored)} weights; {network} has {len(shapes)}. "
            "Is it the file of another network?"
        )
    return weights


def _read_dataset(path: Path, place: str, dataset: h5py.Dataset) -> np.ndarray:
    """Read a dataset whose shape has been checked, if its values are in this file."""
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8:
        raise WeightsFormatError(f"{path}: {place} is stored as {dataset.dtype}. Expected float32.")
    if dataset.external or dataset.is_virtual:
        raise WeightsFormatError(f"{path}: {place} points to another file. Expected values.")
    if dataset.chunks and np.prod(dataset.chunks, dtype=float) > max(dataset.size, 1):
        raise WeightsFormatError(
            f"{path}: {place} has chunks of {dataset.chunks}, larger than itself."
        )
    if dataset.id.get_storage_size() == 0:
        raise WeightsFormatError(f"{path}: {place} has no values.")
    return dataset[...].astype(np.float32)


def _keras2_weights(file: h5py.File, path: Path) -> Iterator[Stored]:
    for layer in _names(file, "layer_names", path):
        group = _child(file, layer, path)
        for name in _names(group, "weight_names", path):
            place = f"{layer}: {name}"
            dataset = _child(group, name, path)
            if not isinstance(dataset, h5py.Dataset):
                raise WeightsFormatError(f"{path}: {place} is not a dataset.")
            yield Stored(place, _kind(name), dataset)


def _without_front(stored: list[Stored]) -> list[Stored]:
    """Drop the weights of the spectrogram layer, with which older OpenL3 files begin."""
    first = next((i for i, weight in enumerate(stored) if weight.kind in KINDS), 0)
    return stored[first:]


def _keras3_weights(layers: h5py.Group, path: Path, shapes: Shapes) -> Iterator[Stored]:
    """Yield the weights in the order of `shapes`.

    Keras 3 names the group of a layer by its class and its position among the layers of that
    class (``conv2d``, ``conv2d_1``, …), and numbers its weights.
    """
    counts: dict[str, int] = {}
    for layer, kinds in kinds_by_layer(shapes).items():
        keras_class = _keras_class(layer, len(shapes[f"{layer}/{kinds[0]}"]))
        number = counts.setdefault(keras_class, 0)
        counts[keras_class] += 1
        place = f"{keras_class}_{number}" if number else keras_class
        variables = _child(_child(layers, place, path), "vars", path)
        if len(variables) != len(kinds):
            raise WeightsFormatError(
                f"{path}: layers/{place} holds {len(variables)} weights; "
                f"{layer} has {len(kinds)}: {', '.join(kinds)}."
            )
        for i, kind in enumerate(kinds):
            yield Stored(f"layers/{place}/vars/{i}", kind, _child(variables, str(i), path))


def _keras_class(layer: str, rank: int) -> str:
    if layer.endswith("depthwise"):
        return "depthwise_conv2d"
    return {1: "batch_normalization", 2: "dense", 4: "conv2d"}[rank]


def _names(item: Any, attribute: str, path: Path) -> list[str]:
    """Read an attribute with a list of names of at most `MAX_NAMES_BYTES`."""
    if attribute not in item.attrs:
        raise WeightsFormatError(f"{path}: {item.name} has no {attribute}.")
    stored = item.attrs.get_id(attribute)
    if len(stored.shape) != 1 or stored.shape[0] * stored.dtype.itemsize > MAX_NAMES_BYTES:
        raise WeightsFormatError(f"{path}: {attribute} of {item.name} is not a list of names.")
    return [
        value.decode("utf-8") if isinstance(value, bytes) else str(value)
        for value in item.attrs[attribute]
    ]


def _child(group: Any, name: str, path: Path) -> Any:
    """Return the item of this name in a group. Links are refused: they may lead to other files."""
    item = group
    for step in name.strip("/").split("/"):
        if not isinstance(item, h5py.Group) or step not in item:
            raise WeightsFormatError(f"{path}: {group.name} has no {name}.")
        if not isinstance(item.get(step, getlink=True), h5py.HardLink):
            raise WeightsFormatError(f"{path}: {name} is a link. Expected values.")
        item = item[step]
    return item


def _kind(name: str) -> str:
    """Return the kind of a weight: ``kernel`` for ``conv2d_8/kernel:0`` or a depthwise kernel."""
    last = name.rpartition("/")[2].partition(":")[0]
    return re.sub(r"_\d+$", "", last).replace("depthwise_kernel", "kernel")
