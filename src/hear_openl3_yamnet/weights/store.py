"""Weights by name: found on this machine, else fetched, always verified.

The order is: the cache folder; an installed openl3 package; a download. The starter weights come
with this package, and are nowhere else.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import WeightsDownloadError, WeightsIntegrityError, WeightsNotFoundError
from .cache import (
    cache_path,
    content_digest,
    identify,
    in_cache,
    look_up,
    own_place,
    package_place,
)
from .digests import digest_like
from .download import PATIENCE, Patience, download, expect_answer
from .placing import part_path, place, writing_alone
from .registry import WeightFile, get_entry

OFFLINE_VARIABLE = "HEAR_OPENL3_YAMNET_OFFLINE"
"""Set to 1, it keeps this package from touching the network."""

MIRROR_VARIABLE = "HEAR_OPENL3_YAMNET_MIRROR"
"""A base address that has the same files under the same names."""


def find(name: str) -> Path | None:
    """Return where a file is on this machine; None if it is nowhere.

    Parameters
    ----------
    name : str
        A name of the registry, e.g. ``"openl3-mel256-music"``.

    Raises
    ------
    OptionError
        If the registry has no such name.
    """
    found = look_up(get_entry(name))
    return found.path if found else None


def fetch(name: str, *, mirror: str | None = None, patience: Patience = PATIENCE) -> Path:
    """Bring a published file into the cache, unless its verified copy is there already.

    The starter weights need no fetching: it is told where they are.

    Parameters
    ----------
    name : str
        A name of the registry.
    mirror : str or None
        Base address of another server that has the files under their published names. None
        takes ``HEAR_OPENL3_YAMNET_MIRROR``, else the published address.
    patience : Patience
        Timeouts and pauses between tries.

    Returns
    -------
    Path
        The unpacked file.

    Raises
    ------
    OptionError
        If the registry has no such name.
    WeightsNotFoundError
        If it is of the starter weights, and missing or damaged.
    WeightsDownloadError
        If it cannot be downloaded, or ``HEAR_OPENL3_YAMNET_OFFLINE`` is set.
    WeightsIntegrityError
        If what was downloaded has another digest than the published file. It is deleted.
    WeightsCacheError
        If the cache folder cannot take it.
    """
    entry = get_entry(name)
    if entry.is_starter:
        return locate(name)
    path = cache_path(entry)
    if _verified(entry):
        return path
    if offline():
        raise WeightsDownloadError(
            f"{name} is not in {path.parent}, and {OFFLINE_VARIABLE} forbids the network. "
            f"Unset it, or carry the file here and run `hear-openl3-yamnet weights import FILE`"
        )
    with writing_alone(path):
        if not _verified(entry):  # another process may have been first
            downloaded = part_path(path, "downloaded")
            download(address(entry, mirror), downloaded, name, patience)
            _check_digests(entry, downloaded, address(entry, mirror))
            place(entry, downloaded, path, entry.digests[0])
    return path


def locate(name: str, *, answer_s: float | None = None) -> Path:
    """Return where a file is on this machine, after a download if need be.

    Parameters
    ----------
    name : str
        A name of the registry.
    answer_s : float or None
        Seconds in which the server must answer for a download to be tried at all, and that it
        may be silent then; one more try is made. None tries with the patience of `fetch`.

    Raises
    ------
    OptionError
        If the registry has no such name.
    WeightsNotFoundError
        If it is nowhere and cannot be downloaded. The message names the places, the address,
        and the command that gets it.
    WeightsIntegrityError, WeightsCacheError
        As `fetch`.
    """
    if path := find(name):
        return path
    entry = get_entry(name)
    if entry.is_starter:
        raise WeightsNotFoundError(not_found_message(entry, ""))
    patience = PATIENCE
    try:
        if answer_s is not None and not offline():
            expect_answer(address(entry), answer_s)
            patience = Patience(answer_s, answer_s, pauses_s=(1.0,))
        return fetch(name, patience=patience)
    except WeightsDownloadError as error:
        raise WeightsNotFoundError(not_found_message(entry, str(error))) from error


def not_found_message(entry: WeightFile, cause: str) -> str:
    """Say where a file was looked for, why it was not got, and how to get it."""
    if entry.is_starter:
        return (
            f"the starter weights {entry.name} are missing or damaged.\n"
            f"  looked at: {own_place(entry)}\n"
            "They come with this package: install it again"
        )
    where = (
        f"{entry.name} is not on this machine.\n"
        f"  looked at: {cache_path(entry)}\n"
        f"             {package_place(entry)}\n"
        f"  published: {address(entry)}\n"
        f"  download:  {cause}\n"
        f"Get it with `hear-openl3-yamnet weights fetch {entry.name}`"
    )
    if entry.network is None:
        return where
    return f'{where}. The untrained network, a baseline, needs no file: weights="random"'


def weights_digest(path: Path) -> str:
    """Return the sha256, in hex, that tells which weights a file or a SavedModel folder holds.

    Of the unpacked content where the file is gzip, so that a file and its packed copy agree; of
    names and contents of all files, in the order of their names, where `path` is a folder.
    """
    return content_digest(Path(path))


def weights_id(path: Path, name: str | None = None) -> str:
    """Return the id of the weights in a file or a SavedModel folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    name : str or None
        What to call it if it is no published file: its own name by default, or the handle that
        it came from.

    Returns
    -------
    str
        ``published:<name>@<sha256>`` or ``starter:<name>@<sha256>`` where the digest is that of
        such a file, else ``file:<name>@<sha256>``.
    """
    path = Path(path)
    entry = identify(path)
    which = f"file:{name or path.name}"
    if entry:
        which = f"{'starter' if entry.is_starter else 'published'}:{entry.name}"
    return f"{which}@{content_digest(path)}"


def offline() -> bool:
    """Whether the environment forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def address(entry: WeightFile, mirror: str | None = None) -> str:
    """Return the address to download a published file from: its own, or on a mirror."""
    assert entry.url is not None, "starter weights have no address"
    base = mirror or os.environ.get(MIRROR_VARIABLE)
    return f"{base.rstrip('/')}/{entry.url.rpartition('/')[2]}" if base else entry.url


def _verified(entry: WeightFile) -> bool:
    found = in_cache(entry)
    return found is not None and found.verified


def _check_digests(entry: WeightFile, downloaded: Path, url: str) -> None:
    for expected in entry.digests:
        if (found := digest_like(expected, downloaded)) != expected:
            raise WeightsIntegrityError(
                f"{url} is not the published file {entry.name}; the download was deleted.\n"
                f"  expected: {expected}\n  found:    {found} "
                f"({downloaded.stat().st_size} bytes)\n"
                f"Try again; if it stays so, the server has another file: use another mirror"
            )
