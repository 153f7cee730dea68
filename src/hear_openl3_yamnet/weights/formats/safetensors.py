"""Read weights from safetensors files. Their names are those of the network's weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError
from .shapes import Shapes, check_shape

DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def read_safetensors(
    image: bytes, path: Path, shapes: Shapes, network: str
) -> dict[str, np.ndarray]:
    """Read weights from the content of a safetensors file.

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
        If the header is damaged, or a weight is missing or of another shape or type.
    """
    from safetensors import SafetensorError, deserialize

    try:
        # the library compares the header with the content before it returns anything
        tensors = dict(deserialize(image))
    except (SafetensorError, ValueError) as error:
        raise WeightsFormatError(f"{path} is a damaged safetensors file: {error}.") from error
    return {name: _tensor(tensors, name, shapes[name], path, network) for name in shapes}


def read_metadata(image: bytes) -> dict[str, str]:
    """Return the metadata of a complete safetensors file: its provenance."""
    length = int.from_bytes(image[:8], "little")
    return json.loads(image[8 : 8 + length]).get("__metadata__", {})


def _tensor(
    tensors: dict, name: str, shape: tuple[int, ...], path: Path, network: str
) -> np.ndarray:
    if name not in tensors:
        raise WeightsFormatError(
            f"{path} has no weight {name}, which {network} has. It holds "
            f"{len(tensors)} tensors: {', '.join(sorted(tensors)[:5])}, …"
        )
    tensor = tensors[name]
    check_shape(path, name, tensor["shape"], shape, network)
    if tensor["dtype"] not in DTYPES:
        raise WeightsFormatError(
            f"{path}: {name} is stored as {tensor['dtype']}. Expected {', '.join(DTYPES)}."
        )
    dtype = np.dtype(DTYPES[tensor["dtype"]]).newbyteorder("<")
    return np.frombuffer(tensor["data"], dtype).reshape(shape).astype(np.float32)
