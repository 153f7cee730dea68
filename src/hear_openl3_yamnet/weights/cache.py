"""Where weight files are on this machine, and which of the registry's files a file is.

A file in the cache counts only if its sha256 is the published one, or the one its receipt
carries over from a download whose digest was the published one. It is hashed each time it is
looked up: about 20 ms, for never being wrong about it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsNotFoundError
from .digests import digest_like, sha256
from .formats.gzip import content_chunks
from .receipts import read_receipt
from .registry import WeightFile, load_registry, registry_path

CACHE_VARIABLE = "HEAR_OPENL3_YAMNET_CACHE"
"""Environment variable with the cache folder."""


@dataclass(frozen=True)
class Found:
    """A file of weights on this machine.

    Attributes
    ----------
    path : Path
        Where it lies.
    place : str
        ``"cache"``, ``"openl3 package"``, or ``"this package"`` for the starter weights.
    verified : bool
        Whether it is known to be the registry's file, by its digest.
    """

    path: Path
    place: str
    verified: bool


def cache_folder() -> Path:
    """Return the folder that fetched weights are kept in; it need not exist."""
    if override := os.environ.get(CACHE_VARIABLE):
        return Path(override).expanduser()
    import pooch

    return Path(pooch.os_cache("hear-openl3-yamnet")) / "weights"


def cache_path(entry: WeightFile) -> Path:
    """Return where a file's place in the cache is, whether it is there or not."""
    return cache_folder() / entry.file


def own_place(entry: WeightFile) -> Path:
    """Return where this package keeps a file: the cache, or the starter weights' own folder."""
    return registry_path().with_name(entry.file) if entry.is_starter else cache_path(entry)


def look_up(entry: WeightFile) -> Found | None:
    """Return where a file is: with this package, in the cache, or in an openl3 package."""
    if entry.is_starter:
        return _shipped(entry)
    return in_cache(entry) or _in_openl3_package(entry)


def in_cache(entry: WeightFile) -> Found | None:
    """Return a published file's copy in the cache, if there is one that is whole."""
    path = cache_path(entry)
    if not path.is_file():
        return None
    if entry.known_sha256:
        return Found(path, "cache", True) if sha256(path) == entry.known_sha256 else None
    receipt = read_receipt(path)
    if receipt is None or receipt.name != entry.name or receipt.sha256 != sha256(path):
        return None
    if receipt.source_digest is not None and not receipt.proves(entry):
        return None  # from a file that the registry no longer lists
    return Found(path, "cache", receipt.proves(entry))


def content_digest(path: Path) -> str:
    """Return the sha256, in hex, that tells which weights a file or a folder holds.

    Of the unpacked content where the file is gzip, so that a file and its packed copy agree; of
    the names and contents of all files, in the order of their names, where `path` is a folder.
    """
    state = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    try:
        for file in files:
            if path.is_dir():
                state.update(file.relative_to(path).as_posix().encode() + b"\0")
            for chunk in content_chunks(file):
                state.update(chunk)
    except FileNotFoundError as error:
        raise WeightsNotFoundError(f"There is no weights file {path}. Check the path.") from error
    return state.hexdigest()


def identify(path: Path) -> WeightFile | None:
    """Return the registry's file that `path` is, by its digest; None if it is none of them.

    Recognised are the bytes as published or shipped, their unpacked content where its sha256 is
    known, and copies of files that this package has verified: in the cache, or carried with their
    receipt.
    """
    if not path.is_file():
        return None
    content = content_digest(path)
    digests = {digest_like(kind, path) for kind in ("sha256:", "git:")}
    for entry in load_registry().values():
        if content == entry.known_sha256 or digests.intersection(entry.digests):
            return entry
        for receipt in (read_receipt(path), read_receipt(cache_path(entry))):
            if receipt and receipt.sha256 == content and receipt.proves(entry):
                return entry
    return None


def package_place(entry: WeightFile) -> str:
    """Say where an installed openl3 package would have a file."""
    if entry.network != "openl3":
        return "(the openl3 package does not carry them)"
    path = _package_path(entry)
    return str(path) if path else "(the openl3 package is not installed)"


def _shipped(entry: WeightFile) -> Found | None:
    path = own_place(entry)
    whole = path.is_file() and sha256(path) == entry.known_sha256
    return Found(path, "this package", True) if whole else None


def _in_openl3_package(entry: WeightFile) -> Found | None:
    path = _package_path(entry)
    if path is None or not path.is_file():
        return None
    verified = identify(path) == entry
    # a file that is known not to be the published one is an older version's
    return None if entry.known_sha256 and not verified else Found(path, "openl3 package", verified)


def _package_path(entry: WeightFile) -> Path | None:
    """Return a file's place in an installed openl3 package, which is not imported for it."""
    try:
        spec = importlib.util.find_spec("openl3")
    except (ImportError, ValueError):
        return None
    if entry.network != "openl3" or spec is None or not spec.submodule_search_locations:
        return None
    name = entry.file.partition("-v")[0].removesuffix(".h5") + ".h5"
    return Path(next(iter(spec.submodule_search_locations))) / name
