"""Where the packages have their recordings, and what each of them is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hear_openl3_yamnet.audio.listing import readable_endings


class MissingSourceError(Exception):
    """Recordings that a task needs are not there."""


@dataclass(frozen=True)
class Recording:
    """A file, or a part of it [s], with its label and its group."""

    path: Path
    label: str
    group: str
    start: float | None = None
    duration: float | None = None

    def row(self) -> dict[str, str | float]:
        """Return the row of a manifest."""
        row: dict[str, str | float] = {
            "path": str(self.path.absolute()),
            "label": self.label,
            "group": self.group,
        }
        if self.duration is not None:
            row |= {"start": self.start or 0.0, "duration": self.duration}
        return row


class Sources:
    """The unpacked packages, and the folder of digits.

    Parameters
    ----------
    packages : Path
    digits : Path or None
    """

    def __init__(self, packages: Path, digits: Path | None):
        self._share = packages / "usr/share"
        self._digits = digits

    def _folder(self, path: str, package: str) -> Path:
        folder = self._share / path
        if not folder.is_dir():
            raise MissingSourceError(f"{folder} does not exist. Unpack {package} (see --help).")
        return folder

    def digits(self) -> Iterator[tuple[Path, str, str, int]]:
        """Yield each recording of a digit: path, digit, speaker, number."""
        if self._digits is None or not self._digits.is_dir():
            raise MissingSourceError("It needs --digits, the folder of the data set (see --help).")
        for path in sorted(self._digits.glob("*_*_*.wav")):
            digit, speaker, number = path.stem.split("_")
            yield path, digit, speaker, int(number)

    def ktuberling(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each word: path, language, name of the file without what precedes the word."""
        folder = self._folder("ktuberling/sounds", "ktuberling-data")
        for path in _audio(folder, "*/*"):
            yield path, path.parent.name, re.sub(r"^[a-z]+_", "", path.stem)

    def letters(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each letter of an alphabet: path, language, letter."""
        folder = self._folder("klettres", "klettres-data")
        for listing in sorted(folder.glob("*/sounds.xml")):
            root = ET.parse(listing).getroot()
            for sound in root.iterfind(".//alphabet/sound"):
                path = folder / sound.attrib["file"]
                if path.is_file():
                    yield path, listing.parent.name, sound.attrib["name"].lower()

    def prompts(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each prompt of a telephone: path, set (such as fr_CA_f_June), what is said."""
        folder = self._folder("asterisk/sounds", "asterisk-core-sounds-…-wav")
        for voice in sorted(path for path in folder.iterdir() if path.is_dir()):
            for path in _audio(voice, "**/*"):
                name = path.relative_to(voice).with_suffix("").as_posix()
                if not re.search(r"silence/|beep|tone", name):
                    yield path, voice.name, name

    def drums(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each stroke of a drum: path, kit, name of the instrument."""
        folder = self._folder("hydrogen/data/drumkits", "hydrogen-drumkits")
        for listing in sorted(folder.glob("*/drumkit.xml")):
            root = ET.parse(listing).getroot()
            for instrument in root.iterfind(".//{*}instrument"):
                name = instrument.findtext("{*}name") or ""
                files = {element.text for element in instrument.iterfind(".//{*}filename")}
                for file in sorted(filter(None, files)):
                    path = listing.parent / file
                    if path.is_file():
                        yield path, listing.parent.name, name

    def tones(self) -> Iterator[tuple[Path, str, int, str]]:
        """Yield each syllable of Mandarin: path, syllable, tone, speaker."""
        folder = self._folder("gcin-voice/ogg", "gcin-voice")
        for path in _audio(folder, "*/*"):
            syllable, tone = re.fullmatch(r"(.+?)([1-4]?)", path.parent.name).groups()  # type: ignore[union-attr]
            # without a digit it is the first tone, with 1 it is the neutral one
            yield path, syllable, {"": 1, "1": 0}.get(tone) or int(tone or 0), path.stem

    def music(self) -> list[Path]:
        """Return the tracks of music."""
        return _audio(self._folder("asterisk/moh", "asterisk-moh-opsound-wav"), "*")


def _audio(folder: Path, pattern: str) -> list[Path]:
    endings = readable_endings()
    return sorted(p for p in folder.glob(pattern) if p.suffix.lower() in endings)
