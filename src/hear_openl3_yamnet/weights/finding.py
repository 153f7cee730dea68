"""Find weights by name: on this machine, else by a download. What is found is verified.

The places are, in order: the cache folder, an installed openl3 package, the cache of the Hugging
Face Hub's own tools, a TFLite conversion that the user imported into the cache folder, the
published address. The starter weights come with this package and are nowhere else.

A file in the cache counts only if `verifying.check_copy` accepts it. It is hashed each time it is
looked up, which takes about 20 ms.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsCacheError, WeightsDownloadError, WeightsNotFoundError
from ..files import partial_path
from .download import (
    OFFLINE_VARIABLE,
    PATIENCE,
    Patience,
    address,
    download,
    expect_answer,
    offline,
)
from .hugging_face import cached_by_the_hub
from .placing import place, writing_alone
from .receipts import content_digest, digest_like, read_receipt, sha256
from .registry import WeightFile, get_entry, load_registry, registry_path
from .verifying import check_copy, check_download, is_listed

CACHE_VARIABLE = "HEAR_OPENL3_YAMNET_CACHE"
"""Environment variable with the cache folder."""


TFLITE_SUFFIX = ".tflite"

QUANTISED = "quantised"
"""How the id of weights begins that are or were stored as integers; also a key of provenance."""


@dataclass(frozen=True)
class Found:
    """A file of weights on this machine.

    Attributes
    ----------
    path : Path
        The file.
    place : str
        ``"cache"``, ``"openl3 package"``, ``"Hugging Face's cache"``, or ``"this package"`` for
        the starter weights.
    verified : bool
        Whether its digest proves that it is the registry's file.
    """

    path: Path
    place: str
    verified: bool


def find(name: str) -> Path | None:
    """Return the path of a file on this machine, or None if it is not here.

    Parameters
    ----------
    name : str
        A name of the registry, such as ``"openl3-mel256-music"``.

    Raises
    ------
    OptionError
        If the registry has no such name.
    """
    found = look_up(get_entry(name))
    return found.path if found else None


def fetch(name: str, *, mirror: str | None = None, patience: Patience = PATIENCE) -> Path:
    """Download a published file into the cache, unless a verified copy is there already.

    The starter weights are not downloaded: their path is returned.

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
        If the name is one of the starter weights, and the file is missing or damaged.
    WeightsDownloadError
        If the download fails, or ``HEAR_OPENL3_YAMNET_OFFLINE`` is set.
    MissingExtraError
        If the file is on the Hugging Face Hub, and huggingface_hub is not installed.
    WeightsIntegrityError
        If the downloaded file has another digest than the published file. It is deleted.
    WeightsCacheError
        If the cache folder cannot be written to, or the user has no home folder to put it into.
    """
    entry = get_entry(name)
    if entry.is_starter:
        return locate(name)
    path = cache_path(entry)
    if check_copy(entry, path):
        return path
    if offline():
        raise WeightsDownloadError(
            f"{name} is not in {path.parent}, and {OFFLINE_VARIABLE} forbids the network. "
            "Unset it, or copy the file to this machine and run "
            "`hear-openl3-yamnet weights import FILE`."
        )
    with writing_alone(path):
        if not check_copy(entry, path):  # another process may have placed it meanwhile
            downloaded = partial_path(path)
            download(address(entry, mirror), downloaded, name, patience)
            check_download(entry, downloaded, address(entry, mirror))
            place(entry, downloaded, path, next(iter(entry.digests), None))
    return path


def locate(name: str, *, answer_s: float | None = None) -> Path:
    """Return the path of a file on this machine. It is downloaded if it is not here.

    Parameters
    ----------
    name : str
        A name of the registry.
    answer_s : float or None
        Longest wait for the server [s]. If it does not answer within this time, nothing is
        downloaded. If it answers, the download has two tries, each with this timeout. None
        downloads with the patience of `fetch`.

    Raises
    ------
    OptionError
        If the registry has no such name.
    WeightsNotFoundError
        If the file is not here and cannot be downloaded. The message names the places, the
        address, and the command that downloads the file.
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


def look_up(entry: WeightFile) -> Found | None:
    """Return where a file is: with this package, in a cache, or in an openl3 package."""
    place = own_place(entry)
    verified = check_copy(entry, place) if place else None
    if place and verified is not None:
        return Found(place, "this package" if entry.is_starter else "cache", verified)
    if entry.is_starter:
        return None
    return _in_openl3_package(entry) or _in_cache_of_hub(entry) or _imported_conversion(entry)


def identify(path: Path) -> WeightFile | None:
    """Return the registry's file that `path` is, by its digest, or None.

    A file is recognised by its bytes as published or shipped, by the sha256 of its unpacked
    content if the registry has it, or by the receipt of a verified copy, in the cache or beside
    `path`.
    """
    if not path.is_file():
        return None
    content = content_digest(path)
    digests = _digests(path)
    beside = read_receipt(path)
    entries = load_registry().values()
    for entry in entries:  # all of them first, because receipts in the cache are slower to look up
        if is_listed(entry, content, digests, [beside]):
            return entry
    for entry in entries:
        place = own_place(entry)
        if place and is_listed(entry, content, digests, [read_receipt(place)]):
            return entry
    return None


def _digests(path: Path) -> list[str]:
    return [digest_like(kind, path) for kind in ("sha256:", "git:")]


def weights_id(path: Path, name: str | None = None, *, quantised: bool = False) -> str:
    """Return the id of the weights in a file or a SavedModel folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    name : str or None
        The name in the id, if the file is not a published one. None takes the name of the file.
    quantised : bool
        Whether the file, or the one that it was converted from, stores weights as integers.

    Returns
    -------
    str
        ``published:<name>@<sha256>`` or ``starter:<name>@<sha256>`` if the file is one of the
        registry's, else ``quantised:<name>@<sha256>`` or ``file:<name>@<sha256>``. The sha256 is
        `receipts.content_digest`.
    """
    path = Path(path)
    entry = identify(path)
    origin = f"{QUANTISED if quantised else 'file'}:{name or path.name}"
    if entry:
        origin = f"{'starter' if entry.is_starter else 'published'}:{entry.name}"
    return f"{origin}@{content_digest(path)}"


def cache_folder() -> Path:
    """Return the folder of downloaded weights. It need not exist.

    Raises
    ------
    WeightsCacheError
        If the user has no home folder: ``HOME`` is not set, and the user is not in the list of
        users, as it is in many containers.
    """
    try:
        if override := os.environ.get(CACHE_VARIABLE):
            return Path(override).expanduser()
        import pooch

        folder = Path(pooch.os_cache("hear-openl3-yamnet")).expanduser()
    except RuntimeError as error:  # of pathlib, or of platformdirs
        raise WeightsCacheError(
            "There is no folder for downloaded weights, because this user has no home folder. Set "
            f"{CACHE_VARIABLE} to a folder. Weights of this package need none."
        ) from error
    return folder / "weights"


def cache_path(entry: WeightFile) -> Path:
    """Return the path of a file in the cache. It need not exist."""
    return cache_folder() / entry.file


def conversion_path(entry: WeightFile) -> Path:
    """Return the path in the cache of a TFLite file that was imported for a published file."""
    return cache_path(entry).with_suffix(TFLITE_SUFFIX)


def own_place(entry: WeightFile) -> Path | None:
    """Return where this package keeps a file: in the cache, or beside the registry (starters).

    None if the user has no cache folder.
    """
    if entry.is_starter:
        return registry_path().with_name(entry.file)
    try:
        return cache_path(entry)
    except WeightsCacheError:
        return None


def is_damaged(entry: WeightFile) -> bool:
    """Whether this package keeps a file under the entry's name that is not the published one."""
    place = own_place(entry)
    return place is not None and place.exists() and look_up(entry) is None


def not_found_message(entry: WeightFile, cause: str) -> str:
    """Return a message: where the file was searched, why it is missing, and how to get it."""
    if entry.is_starter:
        return (
            f"The starter weights {entry.name} are missing or damaged.\n"
            f"  looked at: {own_place(entry)}\n"
            "They come with this package: install it again."
        )
    message = (
        f"{entry.name} is not on this machine.\n"
        f"  looked at: {own_place(entry) or '(this user has no cache folder)'}\n"
        f"             {_other_place(entry)}\n"
        f"  published: {address(entry)}\n"
        f"  download:  {cause}\n"
        f"Download it with `hear-openl3-yamnet weights fetch {entry.name}`."
    )
    if entry.network is None:
        return message
    return f'{message} An untrained network, as a baseline, needs no file: weights="random".'


def _in_cache_of_hub(entry: WeightFile) -> Found | None:
    path = cached_by_the_hub(str(entry.url)) if entry.on_hugging_face else None
    if path is None or not is_listed(entry, content_digest(path), _digests(path), ()):
        return None
    return Found(path, "Hugging Face's cache", True)


def _other_place(entry: WeightFile) -> str:
    """Return where else a file could be, as text."""
    if entry.on_hugging_face:
        return "(the cache of huggingface_hub does not have it)"
    if entry.network != "openl3":
        return "(the openl3 package does not have it)"
    path = _package_path(entry)
    return str(path) if path else "(the openl3 package is not installed)"


def _in_openl3_package(entry: WeightFile) -> Found | None:
    path = _package_path(entry)
    if path is None or not path.is_file():
        return None
    verified = identify(path) == entry
    # the content's digest is known and differs: the file is of another version of openl3
    return None if entry.known_sha256 and not verified else Found(path, "openl3 package", verified)


def _imported_conversion(entry: WeightFile) -> Found | None:
    if own_place(entry) is None:
        return None
    path = conversion_path(entry)
    receipt = read_receipt(path)
    if receipt is None or receipt.name != entry.name or not path.is_file():
        return None
    return Found(path, "cache", False) if receipt.sha256 == sha256(path) else None


def _package_path(entry: WeightFile) -> Path | None:
    """Return the path of a file in an installed openl3 package. The package is not imported."""
    try:
        spec = importlib.util.find_spec("openl3")
    except (ImportError, ValueError):
        return None
    if entry.network != "openl3" or spec is None or not spec.submodule_search_locations:
        return None
    name = entry.file.partition("-v")[0].removesuffix(".h5") + ".h5"
    return Path(next(iter(spec.submodule_search_locations))) / name
