"""Import weights from files, and export them to a folder, for machines without a network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..config.presets import get_preset, preset_of_file
from ..errors import WeightsFormatError, WeightsIntegrityError, WeightsNotFoundError
from ..files import written_whole
from .finding import (
    TFLITE_SUFFIX,
    cache_path,
    conversion_path,
    identify,
    is_damaged,
    look_up,
    own_place,
)
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
        A published file, packed or not, under any name, or a file from an exported folder. Also
        an OpenL3 file that only its name (``openl3_audio_mel128_env.h5``) and its shapes identify,
        such as one of an openl3 package: the digests of most unpacked files are not published.
        And a TFLite file with a preset in its name (``yamnet_int8.tflite``): it is used where
        the published file is not on this machine.

    Returns
    -------
    WeightFile
        Its entry in the registry.
    str
        How it was recognised: `BY_DIGEST` or `BY_NAME`.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If it is not a published file, or is damaged.
    WeightsIntegrityError
        If it has the name of a published file, but not the digest.
    WeightsCacheError
        If the cache folder cannot be written to.
    """
    if not path.is_file():
        raise WeightsNotFoundError(f"there is no file {path} to import.")
    entry = identify(path)
    if entry and entry.is_starter:
        return entry, BY_DIGEST  # it is part of this package
    how = BY_DIGEST if entry else BY_NAME
    if entry is None:
        entry = _recognise_by_name(path)
    target = conversion_path(entry) if path.suffix == TFLITE_SUFFIX else cache_path(entry)
    verified = check_copy(entry, target)
    if verified is None or (how == BY_DIGEST and not verified):
        with writing_alone(target):
            place(entry, path, target, entry.digests[0] if how == BY_DIGEST else None)
    return entry, how


def weights_here() -> list[WeightFile]:
    """Return the published weights whose files are on this machine, the damaged ones too.

    Raises
    ------
    WeightsNotFoundError
        If there are none.
    """
    entries = [entry for entry in load_registry().values() if not entry.is_starter]
    here = [entry for entry in entries if look_up(entry) or is_damaged(entry)]
    if not here:
        raise WeightsNotFoundError(
            "there are no weights on this machine to export. "
            "Download them with `hear-openl3-yamnet weights fetch --all`."
        )
    return here


def export_file(entry: WeightFile, folder: Path) -> tuple[Path, bool]:
    """Copy a file of `weights_here` into a folder, with its receipt if it is verified.

    On another machine it can be imported from there, or the folder can be used as the cache folder.

    Parameters
    ----------
    entry : WeightFile
    folder : Path
        It is created if it does not exist.

    Returns
    -------
    Path
        The copy.
    bool
        Whether it is verified.

    Raises
    ------
    WeightsIntegrityError
        If the file is damaged.
    WeightsCacheError
        If the folder cannot be written to.
    """
    found = look_up(entry)
    if found is None:
        raise WeightsIntegrityError(
            f"{entry.name}: {own_place(entry)} is damaged. "
            f"Download it again: hear-openl3-yamnet weights fetch {entry.name}"
        )
    converted = found.place == "cache" and found.path == conversion_path(entry)
    target = folder / (found.path.name if converted else entry.file)
    with writing(target):
        place(entry, found.path, target, entry.digests[0] if found.verified else None)
    return target, found.verified


def export_companions(folder: Path, entries: Iterable[WeightFile]) -> None:
    """Write the registry and the licences of exported files into their folder.

    Raises
    ------
    WeightsCacheError
        If the folder cannot be written to.
    """
    _write_text(folder / "registry.json", registry_path().read_text(encoding="utf-8"))
    _write_text(folder / LICENCES_FILE, licences(entries))


def is_companion(path: Path) -> bool:
    """Return whether a file of an exported folder is a receipt, the registry or the licences."""
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
            f"{path} has neither the digest nor the name of a published file. "
            f"It can be used without importing it: load_model({str(path)!r}, model=…)"
        )
    if path.suffix != TFLITE_SUFFIX:
        check_content(
            entry,
            content_digest(path),
            f"{path} has the name of the published file {entry.name}, but another digest.",
            f"To use it nevertheless: load_model({str(path)!r})",
        )
    read_weights(path, entry.network)
    return entry


def _named_like(path: Path) -> WeightFile | None:
    """Return the registry's file for ``openl3_audio_mel128_env….h5[.gz]`` or ``yamnet.h5``.

    A TFLite file has any name that contains the one of a published file.
    """
    if path.suffix == TFLITE_SUFFIX:
        preset = preset_of_file(path.name)
        entry = load_registry().get(get_preset(preset).weights_name) if preset else None
        return None if entry is None or entry.is_starter else entry
    for entry in load_registry().values():
        stem = entry.file.partition("-v")[0].removesuffix(".h5")
        if re.fullmatch(rf"{re.escape(stem)}(-v[\d_]+)?\.h5(\.gz)?", path.name):
            return entry
    return None


def _write_text(path: Path, text: str) -> None:
    with writing(path), written_whole(path) as partial:
        partial.write_bytes(text.encode("utf-8"))
