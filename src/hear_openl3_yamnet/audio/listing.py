"""The audio files of a folder, and by reason what else is in it: nothing is left out unnamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec

__all__ = ["Skipped", "list_audio", "needs_extra", "readable_endings", "walk"]


def _endings(*names: str) -> frozenset[str]:
    return frozenset(f".{name}" for line in names for name in line.split())


_LIBSNDFILE = _endings(
    "8svx aif aifc aiff au avr bwf caf flac htk iff ircam mp1 mp2 mp3 nist oga ogg opus paf pvf",
    "rf64 sd2 sds sf snd sph svx voc w64 wav wave wve xi",
)
_FFMPEG = _endings("3g2 3gp aac ac3 amr asf awb eac3 ec3 m4a m4b m4v mka mkv mov mp4 webm wma wmv")
_UNREAD = _endings("ape dff dsf dts flv mpc mpeg mpg ogv ra rm shn spx tak tta wv")

HIDDEN = "hidden"
OTHER = "not audio by their endings"
NEEDS_EXTRA = 'audio that needs: pip install "hear-openl3-yamnet[ffmpeg]"'
NOT_READ = "audio of kinds that are not read"
BROKEN_LINK = "links to nowhere"
LOCKED = "folders that cannot be read"

_LOSSES = (NEEDS_EXTRA, NOT_READ, BROKEN_LINK, LOCKED)
_MOST_NAMED = 100
_MOST_SHOWN = 3


def readable_endings() -> frozenset[str]:
    """Return the endings of the names of files that count as audio, such as ``.wav``.

    libsndfile reads most of them. The extra ``ffmpeg`` reads those of phones and videos, which
    count if it is installed. MATLAB's ``.mat`` does not count: most such files are no audio.
    """
    return _LIBSNDFILE | _FFMPEG if find_spec("av") else _LIBSNDFILE


def needs_extra(name: str) -> bool:
    """Return whether a file, by its ending, needs the extra ``ffmpeg``, which is not installed."""
    ending = _ending(name)
    return ending in _FFMPEG and ending not in readable_endings()


@dataclass
class Skipped:
    """What is in a folder beside the audio files that can be read.

    Attributes
    ----------
    counts : dict of str to int
        By reason.
    names : dict of str to list of str
        By reason, at most 100 of each.
    """

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str) -> None:
        """Count something."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        names = self.names.setdefault(reason, [])
        if len(names) < _MOST_NAMED:
            names.append(name)

    @property
    def total(self) -> int:
        """How much is skipped, a folder counted once."""
        return sum(self.counts.values())

    @property
    def has_losses(self) -> bool:
        """Whether sound may be among it that the user wants: not in what is hidden or not audio."""
        return not self.counts.keys().isdisjoint(_LOSSES)

    def lines(self) -> Iterator[str]:
        """Yield a line for each reason, with the first names."""
        for reason, count in self.counts.items():
            names = self.names[reason][:_MOST_SHOWN]
            more = ", …" if count > len(names) else ""
            yield f"{count} skipped, {reason} ({', '.join(names)}{more})"


def list_audio(root: str | os.PathLike) -> tuple[list[str], Skipped]:
    """List the audio files below a folder by their endings.

    Each real folder is read once, also if several links lead to it. Real folders come before
    links. Names that begin with a dot are skipped, because programs keep what is not a recording
    there (``._x.wav`` of macOS).

    Parameters
    ----------
    root
        A folder.

    Returns
    -------
    list of str
        Sorted paths from `root`. They may lead to what cannot be opened: a broken link, a pipe.
    Skipped
        All else.
    """
    endings = readable_endings()
    root = os.fspath(root)
    names: list[str] = []
    skipped = Skipped()

    def note(reason: str, path: str, cause: str) -> None:
        skipped.add(reason, os.path.relpath(path, root) + cause)

    for entry in (entry for _, entries in walk(root, note) for entry in entries):
        ending = _ending(entry.name)
        if ending in endings:
            names.append(os.path.relpath(entry.path, root))
        elif entry.is_symlink() and not os.path.exists(entry.path):
            note(BROKEN_LINK, entry.path, "")
        elif ending in _FFMPEG:
            note(NEEDS_EXTRA, entry.path, "")
        elif ending in _UNREAD:
            note(NOT_READ, entry.path, "")
        else:
            note(OTHER, entry.path, "")
    return sorted(names), skipped


def walk(
    root: str, note: Callable[[str, str, str], None]
) -> Iterator[tuple[str, list[os.DirEntry]]]:
    """Yield each real folder below a folder once, with what is in it, save folders.

    Parameters
    ----------
    root : str
    note : callable
        Takes the reason (`HIDDEN` or `LOCKED`), the path and the cause of what is left out.
    """
    seen = set()
    linked = [root]  # links are followed after all real folders
    while linked:
        waiting = [linked.pop()]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                entries = _sorted(folder)
            except OSError as error:
                note(LOCKED, folder, f": {error.strerror}")
                continue
            files = []
            for entry in entries:
                if entry.name.startswith("."):
                    note(HIDDEN, entry.path, "")
                elif not _is_folder(entry):
                    files.append(entry)
                elif entry.is_symlink():
                    linked.insert(0, entry.path)
                else:
                    waiting.append(entry.path)
            yield folder, files


def _sorted(folder: str) -> Iterable[os.DirEntry]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()
