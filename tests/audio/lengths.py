"""Where a format states its length, and files that state another one or none."""

import re
import struct
from collections.abc import Callable

Place = tuple[int, str]
"""Position of a number in a file, and its format for `struct`."""


def _after(name: bytes, n_bytes: int, form: str) -> Callable[[bytes], Place]:
    return lambda content: (content.index(name) + n_bytes, form)


_WAVEDATA = _after(b"wavedata", -12, "<I")

_PLACES: dict[str, Callable[[bytes], Place]] = {
    "AIFF": _after(b"SSND", 4, ">I"),
    "AU": lambda content: (8, ">I"),
    "AVR": lambda content: (26, ">I"),
    "CAF": _after(b"data", 4, ">Q"),
    "HTK": lambda content: (0, ">I"),
    "MAT4": _WAVEDATA,
    "MP3": lambda content: (re.search(rb"Xing|Info", content).start() + 8, ">I"),
    "MPC2K": lambda content: (30, "<I"),
    "RF64": _after(b"ds64", 16, "<Q"),
    "SVX": _after(b"BODY", 4, ">I"),
    "W64": _after(b"data\xf3\xac\xd3\x11", 16, "<Q"),
    "WAV": _after(b"data", 4, "<I"),
    "WAVEX": _after(b"data", 4, "<I"),
    "WVE": lambda content: (18, ">I"),
    "mov": _after(b"mdat", -4, ">I"),
    "asf": _after(bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"), 16, "<Q"),
}

_UNKNOWN = {"AU": 2**32 - 1, "W64": 2**64 - 1}
_UNKNOWN |= {"WAV": 2**32 - 1, "WAVEX": 2**32 - 1}


def stating(form: str, content: bytes, factor: float) -> bytes | None:
    """Return a file that states so many times its length, or None for some formats."""
    changed = bytearray(content)
    if form == "FLAC":  # 36 bits, of which the first 4 share a byte
        n = round(factor * int.from_bytes(content[22:26], "big"))
        changed[22:26] = n.to_bytes(4, "big")
    elif form == "NIST":
        text = re.search(rb"sample_count -i (\d+)", content)
        n = round(factor * int(text[1]))
        changed[text.start(1) : text.end(1)] = str(n).encode().ljust(len(text[1]))[: len(text[1])]
    elif form == "SDS":
        n = round(factor * (content[10] | content[11] << 7 | content[12] << 14))
        changed[10:13] = bytes([n & 127, n >> 7 & 127, n >> 14 & 127])
    elif form == "VOC":
        at = int.from_bytes(content[20:22], "little") + 1
        n = round(factor * int.from_bytes(content[at : at + 3], "little"))
        changed[at : at + 3] = n.to_bytes(3, "little")
    elif form in _PLACES:
        at, code = _PLACES[form](content)
        (n,) = struct.unpack_from(code, content, at)
        struct.pack_into(code, changed, at, round(factor * n))
    else:
        return None
    return bytes(changed)


def stating_nothing(form: str, content: bytes) -> bytes | None:
    """Return a file as it is written to a pipe, or None for formats that have no such file."""
    changed = bytearray(content)
    if form == "FLAC":
        changed[21] &= 0xF0
        changed[22:26] = bytes(4)
    elif form in _UNKNOWN:
        at, code = _PLACES[form](content)
        struct.pack_into(code, changed, at, _UNKNOWN[form])
    else:
        return None
    return bytes(changed)
