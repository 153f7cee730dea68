"""The list of weight files, published or shipped: addresses, digests, licences, citations.

The list is data: ``weights/registry.json`` at the top of the repository. The wheel has a copy of it
beside this module. ``weights/README.md`` explains it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from . import hugging_face

REGISTRY_VARIABLE = "HEAR_OPENL3_YAMNET_REGISTRY"
"""Environment variable with the path of another registry file."""


@dataclass(frozen=True)
class WeightFile:
    """One file: a published one, or starter weights, which come with this package.

    Attributes
    ----------
    name : str
        The name that presets and the command line use.
    network : str or None
        ``"openl3"``, ``"openl3_lite"`` or ``"yamnet"``. None if the file holds no
        weights, but what their publisher recorded with them.
    file : str
        The name of the unpacked file in the cache folder, or of starter weights beside the
        registry.
    url : str or None
        The published address: of a web server, or on the Hugging Face Hub
        (``hf://OWNER/NAME@REVISION/FILE``). If it ends in ``.gz``, the file is unpacked after the
        download. None for the starter weights.
    size : int or None
        Bytes to download, or bytes in the package. None if unknown.
    digests : tuple of str
        ``"sha256:<hex>"`` or ``"git:<hex>"`` (git's blob id), of the bytes as downloaded or
        shipped. Empty for recorded outputs whose digests are not known: those stay unverified.
    content_sha256 : str or None
        sha256 of the unpacked file. None if it has not been published.
    licence, licence_url, citation : str
        Those of the weights, not of this package.
    """

    name: str
    network: str | None
    file: str
    url: str | None
    size: int | None
    digests: tuple[str, ...]
    content_sha256: str | None
    licence: str
    licence_url: str
    citation: str

    @property
    def packed(self) -> bool:
        """Whether the published file is packed with gzip. In the cache it is unpacked."""
        return self.url is not None and self.url.endswith(".gz")

    @property
    def on_hugging_face(self) -> bool:
        """Whether the file is published on the Hugging Face Hub."""
        return self.url is not None and self.url.startswith(hugging_face.SCHEME)

    @property
    def is_starter(self) -> bool:
        """Whether the file comes with the package."""
        return self.url is None

    @property
    def known_sha256(self) -> str | None:
        """The sha256 of the unpacked file. None if the registry does not have it."""
        if self.content_sha256:
            return self.content_sha256
        plain = [d.removeprefix("sha256:") for d in self.digests if d.startswith("sha256:")]
        return plain[0] if plain and not self.packed else None


def registry_path() -> Path:
    """Return the registry file: named by the environment, else installed, else in the checkout."""
    if override := os.environ.get(REGISTRY_VARIABLE):
        return Path(override)
    beside = Path(__file__).with_name("registry.json")
    return beside if beside.is_file() else Path(__file__).parents[3] / "weights" / "registry.json"


def load_registry() -> dict[str, WeightFile]:
    """Read the registry.

    Returns
    -------
    dict of WeightFile
        By name, in the order of the registry.

    Raises
    ------
    OptionError
        If the registry cannot be read.
    """
    path = registry_path()
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: _entry(name, values) for name, values in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(
            f"the list of weight files {path} cannot be read ({type(error).__name__}: {error}). "
            f"Install the package again, or unset {REGISTRY_VARIABLE}."
        ) from error


def get_entry(name: str) -> WeightFile:
    """Return the file with a name.

    Raises
    ------
    OptionError
        If there is none. The message lists the names.
    """
    registry = load_registry()
    if name not in registry:
        raise OptionError(f"there are no weights named {name!r}. Names: {', '.join(registry)}")
    return registry[name]


def _entry(name: str, values: dict) -> WeightFile:
    entry = WeightFile(
        name=name,
        network=values["network"],
        file=values["file"],
        url=values["url"],
        size=values.get("size"),
        digests=tuple(values["digests"]),
        content_sha256=values.get("content_sha256"),
        licence=values["licence"],
        licence_url=values["licence_url"],
        citation=values["citation"],
    )
    if entry.on_hugging_face:
        hugging_face.parse(str(entry.url))
        if not entry.digests:
            raise ValueError(f"{name} has no digest: it could not be verified")
    return entry
