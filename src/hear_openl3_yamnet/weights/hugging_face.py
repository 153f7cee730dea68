"""Files in repositories of the Hugging Face Hub, each at a pinned revision.

An address is ``hf://OWNER/NAME@REVISION/FILE``, as the Hub's own tools write it. The revision is
the full id of a commit: a branch or a tag could get another file.

Only the Hub's address and token are asked of huggingface_hub. The file is downloaded by `download`,
as all published files are, so that the same timeouts, limits and digests hold.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ..errors import MissingExtraError, WeightsDownloadError, require
from ..version import __version__

SCHEME = "hf://"

_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+)@([0-9a-f]{40})/([\w./-]+)")


class HubFile(NamedTuple):
    """One file of a repository: ``OWNER/NAME``, the id of a commit, and the path in it."""

    repository: str
    revision: str
    path: str


def parse(address: str) -> HubFile:
    """Return the parts of an address.

    Raises
    ------
    ValueError
        If it is not ``hf://OWNER/NAME@REVISION/FILE`` with a revision of 40 hexadecimal digits.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(
            "an address on the Hugging Face Hub is hf://OWNER/NAME@REVISION/FILE, and REVISION is "
            f"the commit's id of 40 hexadecimal digits. Received: {address!r}"
        )
    return HubFile(*match.groups())


def web_address(address: str) -> tuple[str, dict[str, str]]:
    """Return where the Hub has a file, and the headers that it wants.

    ``HF_ENDPOINT`` may name another server than the Hub. The user's token is sent, if there is one
    (``HF_TOKEN``, or ``hf auth login``): private repositories need it.

    Raises
    ------
    MissingExtraError
        If huggingface_hub is not installed.
    WeightsDownloadError
        If ``HF_HUB_OFFLINE`` forbids the network.
    """
    hub = require("huggingface_hub", extra="hub")
    if require("huggingface_hub.constants", extra="hub").HF_HUB_OFFLINE:
        raise WeightsDownloadError(f"{address}: HF_HUB_OFFLINE forbids the network. Unset it.")
    file = parse(address)
    headers = require("huggingface_hub.utils", extra="hub").build_hf_headers(
        library_name="hear-openl3-yamnet", library_version=__version__
    )
    return hub.hf_hub_url(file.repository, file.path, revision=file.revision), headers


def cached_by_the_hub(address: str) -> Path | None:
    """Return the path of a file that the Hub's own tools have put into their cache, or None."""
    try:
        hub = require("huggingface_hub", extra="hub")
    except MissingExtraError:
        return None
    file = parse(address)
    found = hub.try_to_load_from_cache(file.repository, file.path, revision=file.revision)
    return Path(found) if isinstance(found, str) else None  # else None, or a mark: no such file
