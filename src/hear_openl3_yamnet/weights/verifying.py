"""Comparing digests: is this file the one that the registry lists?

No other module compares digests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ..errors import WeightsIntegrityError
from .receipts import Receipt, digest_like, read_receipt, sha256
from .registry import WeightFile


def check_copy(entry: WeightFile, path: Path) -> bool | None:
    """Return whether a copy that this package keeps is verified. The file is hashed each time.

    Parameters
    ----------
    entry : WeightFile
        The file that `path` should be.
    path : Path
        An unpacked file in the cache, or beside the registry.

    Returns
    -------
    bool or None
        True if the sha256 is the one of the registry, or the one of a receipt that names a digest
        of the registry. False if the file is as its receipt says, but was recognised only by its
        name and shapes. None if it is absent or damaged, or if the registry no longer lists the
        digest that its receipt names.
    """
    if not path.is_file():
        return None
    found = sha256(path)
    if entry.known_sha256:
        return True if found == entry.known_sha256 else None
    receipt = read_receipt(path)
    if receipt is None or receipt.name != entry.name or receipt.sha256 != found:
        return None
    if receipt.source_digest is None:
        return False
    return True if receipt.source_digest in entry.digests else None


def is_listed(
    entry: WeightFile,
    content: str,
    digests: Collection[str],
    receipts: Iterable[Receipt | None],
) -> bool:
    """Return whether a file is the one that `entry` lists.

    Parameters
    ----------
    entry : WeightFile
        One file of the registry.
    content : str
        The file's `receipts.content_digest`.
    digests : collection of str
        The digests of its bytes, as ``"sha256:<hex>"`` and ``"git:<hex>"``.
    receipts : iterable of (Receipt or None)
        Receipts that may be about this file. One with its sha256 counts, if it names a digest
        that `entry` lists.
    """
    return (
        content == entry.known_sha256
        or any(digest in entry.digests for digest in digests)
        or any(
            receipt is not None
            and receipt.name == entry.name
            and receipt.sha256 == content
            and receipt.source_digest in entry.digests
            for receipt in receipts
        )
    )


def check_download(entry: WeightFile, path: Path, url: str) -> None:
    """Compare a downloaded file with all digests that `entry` lists.

    Raises
    ------
    WeightsIntegrityError
        If one differs.
    """
    for expected in entry.digests:
        _compare(
            expected,
            digest_like(expected, path),
            f"{url} is not the published file {entry.name}. The download was deleted.",
            f"Its size is {path.stat().st_size} bytes. Try again. If the digest is still wrong, "
            "the server has another file: use another mirror.",
        )


def check_content(entry: WeightFile, found: str, problem: str, advice: str = "") -> None:
    """Compare the sha256 of an unpacked file with the one that `entry` lists, if it lists one.

    Parameters
    ----------
    entry : WeightFile
        The file that it should be.
    found : str
        Its sha256, in hex.
    problem, advice : str
        The first and the last line of the error message.

    Raises
    ------
    WeightsIntegrityError
        If they differ.
    """
    if entry.known_sha256:
        _compare(f"sha256:{entry.known_sha256}", f"sha256:{found}", problem, advice)


def _compare(expected: str, found: str, problem: str, advice: str) -> None:
    if found != expected:
        lines = (problem, f"  expected: {expected}", f"  found:    {found}", advice)
        raise WeightsIntegrityError("\n".join(line for line in lines if line))
