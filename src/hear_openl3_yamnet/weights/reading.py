"""Read weights from a file, a SavedModel folder or a tensorflow-hub address, as named arrays.

The file type is detected from the first bytes: Keras-2 HDF5 (the published files), Keras-3 HDF5,
safetensors or TFLite, each also packed with gzip. Every fault of a file raises a
`WeightsFormatError` that names the first fault found. Shapes are checked before values are read, so
that a file cannot use more memory than its network needs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..backbones import get_backbone
from ..errors import WeightsFormatError, WeightsNotFoundError
from .finding import QUANTISED, identify, weights_id
from .formats import tflite
from .formats.guard import read_hdf5_guarded
from .formats.gzip import content_blocks
from .formats.hdf5 import read_hdf5
from .formats.safetensors import read_metadata, read_safetensors
from .formats.shapes import Shapes, check_values

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def weight_shapes(network: str) -> Shapes:
    """Return the names and shapes of a network's weights, in the order of the published files."""
    return get_backbone(network).WEIGHT_SHAPES


def read_source(source: str | Path, network: str) -> tuple[dict[str, np.ndarray], str]:
    """Read weights from any source, and return them with their id.

    Parameters
    ----------
    source : str or Path
        A file, a YAMNet SavedModel folder, or the address of one for tensorflow-hub.
    network : str
        ``"openl3"``, ``"openl3_lite"`` or ``"yamnet"``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as the network's ``WEIGHT_SHAPES``.
    str
        The weights' id (`finding.weights_id`).

    Raises
    ------
    WeightsNotFoundError
        If there is no such file or folder.
    WeightsDownloadError
        If an address cannot be downloaded.
    WeightsFormatError
        If the file or the SavedModel is damaged, or holds another network's weights.
    """
    path = locate_source(source)
    if not path.is_dir():
        weights, quantised = _read_file(path, network)
        return weights, weights_id(path, quantised=quantised)
    if network != "yamnet":
        raise WeightsFormatError(
            f"{source} is a folder: only YAMNet is published as a SavedModel, not {network}."
        )
    from .formats.savedmodel import read_saved_model

    weights = read_saved_model(path, weight_shapes(network))
    return weights, weights_id(path, str(source) if is_handle(source) else None)


def is_handle(source: str | Path) -> bool:
    """Return whether a source is an address."""
    return str(source).startswith(("https://", "http://"))


def locate_source(source: str | Path) -> Path:
    """Return the path of a source on this machine. tensorflow-hub downloads an address."""
    if not is_handle(source):
        return Path(source)
    from .tensorflow_hub import resolve_handle

    return resolve_handle(str(source))


def read_weights(path: Path, network: str) -> dict[str, np.ndarray]:
    """Read a file of weights.

    Parameters
    ----------
    path : Path
        Keras-2 HDF5 (with or without the weights of a spectrogram layer at its beginning), Keras-3
        ``.weights.h5``, safetensors or TFLite; each also as ``.gz``.
    network : str
        ``"openl3"``, ``"openl3_lite"`` or ``"yamnet"``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as the network's ``WEIGHT_SHAPES``.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If the file is damaged, is of another type, or holds another network's weights.
    """
    return _read_file(Path(path), network)[0]


def read_labels(path: Path, count: int) -> tuple[str, ...] | None:
    """Return the class names in a TFLite file's metadata. None if the file has no list of names.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If the metadata are damaged, or have a list of another length than `count`.
    """
    image = _read_image(path)
    return tflite.read_labels(image, path, count) if tflite.is_tflite(image) else None


@np.errstate(over="ignore", invalid="ignore")  # what is no finite float32 is refused by its name
def _read_file(path: Path, network: str) -> tuple[dict[str, np.ndarray], bool]:
    """Return a file's weights, and whether they are or were stored as integers.

    For a converted file, only safetensors' metadata say so: HDF5 attributes are not read here,
    because the HDF5 library may never finish with those of a damaged file.
    """
    image = _read_image(path)
    shapes = weight_shapes(network)
    quantised = False
    if image.startswith(HDF5_MAGIC):
        read = read_hdf5 if identify(path) else read_hdf5_guarded
        weights = read(image, path, shapes, network)
    elif tflite.is_tflite(image):
        epsilon = get_backbone(network).EPSILON
        weights, quantised = tflite.read_tflite(image, path, shapes, network, epsilon)
    elif image[8:9] == b"{":
        weights = read_safetensors(image, path, shapes, network)
        quantised = QUANTISED in read_metadata(image)
    else:
        raise WeightsFormatError(
            f"{path} is neither HDF5 nor safetensors nor TFLite: it begins with {image[:16]!r}. "
            "Expected a published file, or one that `hear-openl3-yamnet weights convert` wrote."
        )
    for name, value in weights.items():
        check_values(path, name, value)
    return weights, quantised


def _read_image(path: Path) -> bytes:
    try:
        return b"".join(content_blocks(path))
    except FileNotFoundError as error:
        raise WeightsNotFoundError(f"There is no weights file {path}. Check the path.") from error
    except OSError as error:
        raise WeightsFormatError(f"{path} cannot be read: {error}") from error
