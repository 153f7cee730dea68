"""Download one file over HTTP, with timeouts and tries."""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import WeightsDownloadError
from . import hugging_face
from .formats.gzip import MAX_WEIGHTS_BYTES
from .registry import WeightFile

if TYPE_CHECKING:
    import requests

OFFLINE_VARIABLE = "HEAR_OPENL3_YAMNET_OFFLINE"
"""Environment variable. Set to 1, it keeps this package from using the network."""

MIRROR_VARIABLE = "HEAR_OPENL3_YAMNET_MIRROR"
"""Environment variable with a base address that has the published files under their names."""

_BLOCK_BYTES = 1 << 18
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses after which another try may succeed."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes
    ----------
    connect_s, read_s : float
        Longest wait for a connection, and for the next bytes [s].
    pauses_s : tuple of float
        Pauses before the second try, the third, … [s].
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    pauses_s: tuple[float, ...] = (1.0, 4.0)


PATIENCE = Patience()


def offline() -> bool:
    """Return whether the environment forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def address(entry: WeightFile, mirror: str | None = None) -> str:
    """Return the address of a published file: its own, or the one on a mirror."""
    assert entry.url is not None, "starter weights have no address"
    base = mirror or os.environ.get(MIRROR_VARIABLE)
    served = f"{entry.file}.gz" if entry.packed else entry.file
    return f"{base.rstrip('/')}/{served}" if base else entry.url


def download(url: str, path: Path, name: str, patience: Patience = PATIENCE) -> None:
    """Download an address into a file. A terminal shows a progress bar.

    Parameters
    ----------
    url : str
        The address. It may be one on the Hugging Face Hub.
    path : Path
        Where to write the bytes, as the server has them. The file is complete only if this
        function returns.
    name : str
        Name of the file for the progress bar and the messages.
    patience : Patience
        Timeouts and pauses.

    Raises
    ------
    WeightsDownloadError
        If the download fails: after the last try, or at once if another try would fail too (404).
    MissingExtraError
        If the address is on the Hugging Face Hub, and huggingface_hub is not installed.
    OSError
        If the file cannot be written.
    """
    import requests

    web, headers = _web_address(url)
    tries = len(patience.pauses_s) + 1
    for number in range(1, tries + 1):
        try:
            return _download_once(web, headers, path, name, patience)
        except requests.RequestException as error:
            cause = _describe(error, patience)
            if number == tries or not _is_temporary(error):
                raise WeightsDownloadError(
                    f"{name} could not be downloaded from {url} (try {number} of {tries}): "
                    f"{cause}. Check the address and the network, or name another server with "
                    f"--mirror or {MIRROR_VARIABLE}, or download the file on another machine, "
                    "copy it to this one and run `hear-openl3-yamnet weights import FILE`."
                ) from error
        time.sleep(patience.pauses_s[number - 1])


def expect_answer(url: str, seconds: float) -> None:
    """Return when a server has answered for an address, with whatever status.

    The timeout of a connection holds for each network address of a server, one after another, and
    looking up a name has no timeout. So a thread does all of it, with the redirections, and this
    function stops waiting for the thread after `seconds`.

    Parameters
    ----------
    url : str
        The address.
    seconds : float
        Longest wait.

    Raises
    ------
    WeightsDownloadError
        If there is no answer within this time.
    """
    import requests

    web, headers = _web_address(url)
    failures: queue.Queue[str | None] = queue.Queue()

    def ask() -> None:
        try:
            # not HEAD, which some servers answer differently; the content is not downloaded
            requests.get(web, headers=headers, timeout=seconds, stream=True).close()
            failures.put(None)
        except requests.RequestException as error:
            failures.put(_describe(error, Patience(seconds, seconds)))

    threading.Thread(target=ask, daemon=True).start()
    try:
        failure = failures.get(timeout=seconds)
    except queue.Empty:
        failure = f"no answer within {seconds:g} s"
    if failure:
        raise WeightsDownloadError(f"{url}: {failure}")


class _Bounded:
    """A file that raises an error when it grows beyond the size of any weights."""

    def __init__(self, file: BinaryIO, url: str) -> None:
        self._file, self._url, self._size = file, url, 0
        self.flush = file.flush

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_WEIGHTS_BYTES:
            raise WeightsDownloadError(
                f"{self._url} sends more than {MAX_WEIGHTS_BYTES >> 20} MB: these are not weights."
            )
        self._file.write(data)


def _web_address(url: str) -> tuple[str, dict[str, str]]:
    """Return an address of HTTP, and the headers to send."""
    return hugging_face.web_address(url) if url.startswith(hugging_face.SCHEME) else (url, {})


def _download_once(
    url: str, headers: dict[str, str], path: Path, name: str, patience: Patience
) -> None:
    import pooch
    from tqdm import tqdm

    with (
        path.open("wb") as file,
        # disable=None: no bar unless standard error is a terminal; the downloader sets the total
        tqdm(desc=name, total=1, unit="B", unit_scale=True, disable=None, leave=False) as progress,
    ):
        downloader = pooch.HTTPDownloader(
            progressbar=progress,
            chunk_size=_BLOCK_BYTES,
            timeout=(patience.connect_s, patience.read_s),
            # the digests are those of the bytes as stored: the server must not compress them
            headers={**headers, "Accept-Encoding": "identity"},
        )
        downloader(url, _Bounded(file, url), None)


def _is_temporary(error: requests.RequestException) -> bool:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return error.response.status_code in _TEMPORARY
    temporary = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError)
    return isinstance(error, temporary)


def _describe(error: requests.RequestException, patience: Patience) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        response = error.response
        # the Hub says here whether a repository, a revision or a file is missing, or is private
        told = response.headers.get("X-Error-Message")
        answer = f"the server answers {response.status_code} {response.reason}"
        return f"{answer}: {told}" if told else answer
    if isinstance(error, exceptions.ConnectTimeout):
        return f"no connection within {patience.connect_s:g} s"
    if isinstance(error, exceptions.ReadTimeout) or "Read timed out" in str(error):
        return f"the server was silent for {patience.read_s:g} s"
    if isinstance(error, exceptions.ChunkedEncodingError) or "IncompleteRead" in str(error):
        return "the connection ended before the file did"
    if isinstance(error, exceptions.ConnectionError):
        # urllib3 wraps the reason in a report of its tries
        return f"no connection ({getattr(error.args[0], 'reason', error) if error.args else error})"
    return str(error)
