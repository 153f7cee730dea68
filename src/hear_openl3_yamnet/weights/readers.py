"""Weight files → arrays under the networks' own names.

What a file is, is told by its first bytes, not by its name: Keras-2 HDF5 (the published files),
Keras-3 HDF5, safetensors, each of them also packed with gzip. Whatever is wrong with a file ends
in a `WeightsFormatError` that names the first thing wrong. Shapes are checked before values are
read, so that a file cannot claim more memory than its network has.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import WeightsFormatError, WeightsNotFoundError
from .cache import identify
from .formats.guard import read_hdf5_guarded
from .formats.gzip import content_chunks
from .formats.hdf5 import read_hdf5
from .formats.safetensors import read_safetensors
from .formats.shapes import check_values, weight_shapes

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_weights(path: Path, network: str) -> dict[str, np.ndarray]:
    """Read a file of weights.

    Parameters
    ----------
    path : Path
        Keras-2 HDF5 (bare, or with the spectrogram's own weights in front), Keras-3
        ``.weights.h5`` or safetensors; each also as ``.gz``.
    network : str
        ``"openl3"`` or ``"yamnet"``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as the network's ``WEIGHT_SHAPES``.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If the file is damaged, is of another kind, or holds another network's weights.
    """
    path = Path(path)
    image = _read_image(path)
    shapes = weight_shapes(network)
    if image.startswith(HDF5_MAGIC):
        read = read_hdf5 if identify(path) else read_hdf5_guarded
        weights = read(image, path, shapes, network)
    elif image[8:9] == b"{":
        weights = read_safetensors(image, path, shapes, network)
    else:
        raise WeightsFormatError(
            f"{path} is neither HDF5 nor safetensors: it begins with {image[:16]!r}. "
            f"Expected a published file, or one written by `hear-openl3-yamnet weights convert`"
        )
    for name, value in weights.items():
        check_values(path, name, value)
    return weights


def _read_image(path: Path) -> bytes:
    try:
        return b"".join(content_chunks(path))
    except FileNotFoundError as error:
        raise WeightsNotFoundError(f"There is no weights file {path}. Check the path.") from error
    except OSError as error:
        raise WeightsFormatError(f"{path} cannot be read: {error}") from error
