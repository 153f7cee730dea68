"""The content of a test registry of seeded files, and the names of files in a cache folder."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

from hear_openl3_yamnet.weights.download import Patience

HASTE = Patience(connect_s=5.0, read_s=1.0, pauses_s=(0.05, 0.1))
"""Short timeouts: a stall ends after 1 s instead of 30 s."""

PACKED = "openl3_audio_mel128_env-v0_4_0.h5.gz"
PACKED_PINNED = "openl3_audio_mel256_music-v0_4_0.h5.gz"


CHIRP = "openl3-recorded-chirp"


def file_entry(network: str | None, url: str, digests: list[str], **more: str) -> dict[str, object]:
    """Return a file of a registry, as JSON has it."""
    served = url.rpartition("/")[2]
    return {
        "network": network,
        "file": served.removesuffix(".gz"),
        "url": url,
        "digests": digests,
        "licence": "CC BY 4.0" if network == "openl3" else "Apache-2.0",
        "licence_url": "https://licences.example/",
        "citation": f"Citation of {served}",
        **more,
    }


def registry_files(published: Path, base: str) -> dict[str, dict]:
    def entry(network: str | None, served: str, digests: list[str], **more: str) -> dict:
        return file_entry(network, f"{base}/{served}", digests, **more)

    data = {name: (published / name).read_bytes() for name in os.listdir(published)}
    pinned = data[PACKED_PINNED]
    return {
        "openl3-mel128-env": entry("openl3", PACKED, [git_digest(data[PACKED])]),
        "openl3-mel256-music": entry(
            "openl3",
            PACKED_PINNED,
            [git_digest(pinned), sha256_digest(pinned)],
            content_sha256=hashlib.sha256(gzip.decompress(pinned)).hexdigest(),
        ),
        "yamnet": entry("yamnet", "yamnet.h5", [sha256_digest(data["yamnet.h5"])]),
        CHIRP: entry(None, "chirp_44k.wav", [sha256_digest(data["chirp_44k.wav"])]),
    }


def sha256_digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def git_digest(data: bytes) -> str:
    return f"git:{hashlib.sha1(b'blob %d' % len(data) + bytes(1) + data).hexdigest()}"


def visible(folder: Path) -> list[str]:
    """Return the names of all files in a folder, without locks."""
    if not folder.is_dir():
        return []
    return sorted(name for name in os.listdir(folder) if not name.endswith(".lock"))
