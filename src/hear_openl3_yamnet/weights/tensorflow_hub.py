"""Download SavedModels through tensorflow-hub, which has no timeouts and tries of its own."""

from __future__ import annotations

import hashlib
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import WeightsDownloadError, needing_tensorflow
from .download import OFFLINE_VARIABLE, PATIENCE, Patience, offline


def resolve_handle(handle: str, patience: Patience = PATIENCE) -> Path:
    """Return the folder of a tensorflow-hub handle. It is downloaded if it is not here.

    tensorflow-hub keeps it in its cache folder (``TFHUB_CACHE_DIR``).

    Parameters
    ----------
    handle : str
        An address, such as ``"https://tfhub.dev/google/yamnet/1"``.
    patience : Patience
        Timeouts and pauses between tries.

    Raises
    ------
    WeightsDownloadError
        If the download fails, or the environment forbids it.
    MissingFrameworkError
        If tensorflow-hub is not installed.
    """
    # tensorflow-hub imports pkg_resources
    with needing_tensorflow(f"The address {handle}"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
        import tensorflow_hub as hub

    if offline() and not _hub_folder(handle).is_dir():
        raise WeightsDownloadError(
            f"{handle} is not in tensorflow-hub's cache ({_hub_folder(handle).parent}), and "
            f"{OFFLINE_VARIABLE} forbids the network. Unset it, or pass the SavedModel's folder."
        )
    pauses = list(patience.pauses_s)
    tries = 1
    while True:
        try:
            with _socket_timeout(patience.read_s):
                return Path(hub.resolve(handle))
        except Exception as error:  # urllib, tarfile and TensorFlow raise many types
            gone = getattr(error, "code", None) in (400, 401, 403, 404, 410)
            if gone or not pauses:
                raise WeightsDownloadError(
                    f"tensorflow-hub could not download {handle} (try {tries} of "
                    f"{len(patience.pauses_s) + 1}): {error}. Check the address and the network, "
                    "or download the SavedModel on another machine, unpack it and pass its folder."
                ) from error
        time.sleep(pauses.pop(0))
        tries += 1


def _hub_folder(handle: str) -> Path:
    """Return the folder of a handle in tensorflow-hub's cache. It is named by the handle's sha1."""
    from tensorflow_hub.resolver import tfhub_cache_dir

    name = hashlib.sha1(handle.encode("utf-8"), usedforsecurity=False).hexdigest()
    return Path(tfhub_cache_dir(use_temp=True)) / name


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Set the timeout of new sockets. tensorflow-hub sets none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
