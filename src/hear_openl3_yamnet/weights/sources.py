"""Weights from wherever a user names them: a file, a SavedModel folder, a tensorflow-hub handle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import WeightsFormatError
from .readers import read_weights
from .store import weights_id


def read_source(source: str | Path, network: str) -> tuple[dict[str, np.ndarray], str]:
    """Read weights, and tell which they are.

    Parameters
    ----------
    source : str or Path
        A file, a YAMNet SavedModel folder, or the address of one for tensorflow-hub.
    network : str
        ``"openl3"`` or ``"yamnet"``.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named, shaped and ordered as the network's ``WEIGHT_SHAPES``.
    str
        The weights' id: ``published:<name>@<sha256>`` or ``file:<name>@<sha256>``.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file or folder.
    WeightsDownloadError
        If a handle cannot be had.
    WeightsFormatError
        If the file or the SavedModel is damaged, or holds another network's weights.
    """
    path = locate_source(source)
    if not path.is_dir():
        return read_weights(path, network), weights_id(path)
    if network != "yamnet":
        raise WeightsFormatError(
            f"{source} is a folder: only YAMNet is published as a SavedModel, not {network}"
        )
    from .formats.savedmodel import read_saved_model

    return read_saved_model(path), weights_id(path, str(source) if is_handle(source) else None)


def is_handle(source: str | Path) -> bool:
    """Whether a source is an address."""
    return str(source).startswith(("https://", "http://"))


def locate_source(source: str | Path) -> Path:
    """Return where a source is on this machine; an address is downloaded by tensorflow-hub."""
    if not is_handle(source):
        return Path(source)
    from .formats.savedmodel import resolve_handle

    return resolve_handle(str(source))
