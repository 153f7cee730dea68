"""Weights for machines without a network: import files, export a folder to carry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import WeightsFormatError, WeightsNotFoundError
from ..files import written_whole
from .finding import Found, cache_path, identify, look_up
from .placing import place, writing, writing_alone
from .reading import read_weights
from .receipts import content_digest, receipt_path
from .registry import WeightFile, load_registry, registry_path
from .verifying import check_content, check_copy

LICENCES_FILE = "LICENCES.txt"

BY_DIGEST = "by its digest"
BY_NAME = "by its name and shapes, not verified"


def import_file(path: Path) -> tuple[WeightFile, str]:
    """Copy a file into the cache.

    Parameters
    ----------
    path : Path
        A published file, packed or not, under any name; a file from an exported folder; or an
        OpenL3 file known by its name (``openl3_audio_mel128_env.h5``) and its shapes alone, as
        an openl3 package has them, since digests of most unpacked files are not published.

    Returns
    -------
    WeightFile
        Which file it is.
    str
        How it was recognised: `BY_DIGEST` or `BY_NAME`.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If it is none of the published files, or is damaged.
    WeightsIntegrityError
        If it bears a published file's name, and is known not to be that file.
    WeightsCacheError
        If the cache folder cannot take it.
    """
    if not path.is_file():
        raise WeightsNotFoundError(f"there is no file {path} to import")
    entry = identify(path)
    if entry and entry.is_starter:
        return entry, BY_DIGEST  # it comes with this package
    how = BY_DIGEST if entry else BY_NAME
    if entry is None:
        entry = _recognise_by_name(path)
    target = cache_path(entry)
    verified = check_copy(entry, target)
    if verified is None or (how == BY_DIGEST and not verified):
        with writing_alone(target):
            place(entry, path, target, entry.digests[0] if how == BY_DIGEST else None)
    return entry, how


def export_folder(folder: Path) -> list[tuple[WeightFile, Found]]:
    """Copy all published weights of this machine into a folder, with the registry and licences.

    The folder can be carried to another machine and its files imported there; or it can serve
    there as the cache folder itself.

    Parameters
    ----------
    folder : Path
        Created if need be.

    Returns
    -------
    list of (WeightFile, Found)
        What was copied, and from where.

    Raises
    ------
    WeightsNotFoundError
        If this machine has no weights.
    WeightsCacheError
        If the folder cannot take them.
    """
    entries = [entry for entry in load_registry().values() if not entry.is_starter]
    pairs = [(entry, look_up(entry)) for entry in entries]
    here = [(entry, found) for entry, found in pairs if found]
    if not here:
        raise WeightsNotFoundError(
            "there are no weights on this machine to export. "
            "Get them with `hear-openl3-yamnet weights fetch --all`"
        )
    for entry, found in here:
        target = folder / entry.file
        with writing(target):
            place(entry, found.path, target, entry.digests[0] if found.verified else None)
    _write_text(folder / "registry.json", registry_path().read_text(encoding="utf-8"))
    _write_text(folder / LICENCES_FILE, licences(entry for entry, _ in here))
    return here


def is_companion(path: Path) -> bool:
    """Whether a file of an exported folder goes with the weights: a receipt, list or licence."""
    is_receipt = path.suffix == ".json" and receipt_path(path.with_suffix("")) == path
    return is_receipt or path.name == LICENCES_FILE


def licences(entries: Iterable[WeightFile]) -> str:
    """Return the licences and citations of files, as text."""
    lines = ["Weights in this folder, who made them, and under which licence", ""]
    for entry in entries:
        lines += [
            entry.file,
            f"  licence:   {entry.licence}, {entry.licence_url}",
            f"  published: {entry.url}",
            f"  cite:      {entry.citation}",
            "",
        ]
    return "\n".join(lines)


def _recognise_by_name(path: Path) -> WeightFile:
    entry = _named_like(path)
    if entry is None or entry.network is None:
        raise WeightsFormatError(
            f"{path} is none of the published files, neither by its digest nor by its name. "
            f"It can be used without importing it: load_model({str(path)!r}, model=…)"
        )
    check_content(
        entry,
        content_digest(path),
        f"{path} has the name of the published file {entry.name}, but another digest.",
        f"To use it nevertheless: load_model({str(path)!r})",
    )
    read_weights(path, entry.network)
    return entry


def _named_like(path: Path) -> WeightFile | None:
    """Match ``openl3_audio_mel128_env….h5[.gz]`` and ``yamnet.h5`` to the registry's files."""
    for entry in load_registry().values():
        stem = entry.file.partition("-v")[0].removesuffix(".h5")
        if re.fullmatch(rf"{re.escape(stem)}(-v[\d_]+)?\.h5(\.gz)?", path.name):
            return entry
    return None


def _write_text(path: Path, text: str) -> None:
    with writing(path), written_whole(path) as partial:
        partial.write_bytes(text.encode("utf-8"))
