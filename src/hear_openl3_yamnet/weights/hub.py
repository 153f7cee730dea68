"""Download SavedModels through tensorflow-hub, with timeouts and tries, which it lacks."""

from __future__ import annotations

import hashlib
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import WeightsDownloadError
from .download import OFFLINE_VARIABLE, PATIENCE, Patience, offline


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
