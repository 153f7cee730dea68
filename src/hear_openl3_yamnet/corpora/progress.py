"""The progress of a run: a bar on a terminal, or a log line each minute; and the summary."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from ..audio.listing import Skipped

logger = logging.getLogger(__name__)

LINE_EVERY_S = 60.0
"""Seconds between two lines of the log."""


@dataclass
class Summary:
    """The counts of a run.

    Attributes
    ----------
    files : int
        Files in the input.
    done_before : int
        Files that earlier runs had embedded or failed to embed, and that have not changed since.
    changed : int
        Files that have changed since: they have another size or modification time. They are
        embedded anew, and counted as embedded or failed.
    skipped : Skipped
        What else the input leads to, by reason: hidden files, folders that cannot be read.
    embedded, failed : int
        Files that this run embedded, and that failed in it.
    audio_s : float
        Seconds of audio that were embedded.
    seconds : float
        Time that the run took.
    interrupted : bool
        Whether a signal ended the run.
    shards, total_ok, total_failed : int
        Of the whole corpus: the number of shards, and of audio files with each status.
    configuration : dict
        Return value of `tables.describe`.
    """

    files: int
    done_before: int
    changed: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    embedded: int = 0
    failed: int = 0
    audio_s: float = 0.0
    seconds: float = 0.0
    interrupted: bool = False
    shards: int = 0
    total_ok: int = 0
    total_failed: int = 0
    configuration: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def left(self) -> int:
        """Files that were not begun."""
        return self.files - self.done_before - self.embedded - self.failed

    @property
    def times_real_time(self) -> float:
        """Seconds of audio that were embedded per second."""
        return self.audio_s / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``_summary.json``."""
        derived = {"left": self.left, "times_real_time": round(self.times_real_time, 2)}
        return {**asdict(self), **derived}

    def __str__(self) -> str:
        text = (
            f"{self.embedded} files embedded ({self.audio_s / 3600:.2f} h of audio, "
            f"{self.times_real_time:.1f} × real time), {self.failed} failed, "
            f"{self.done_before} done before"
        )
        others = {"changed since": self.changed, "left": self.left, "skipped": self.skipped.total}
        return ", ".join([text, *(f"{count} {what}" for what, count in others.items() if count)])


class Progress:
    """Counts files, and shows how far the run is.

    Parameters
    ----------
    summary : Summary
        Its counts are kept up to date.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self._began = self._last_line = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=summary.files, initial=summary.done_before, unit="file")

    def count(self, error: str | None, duration: float | None) -> None:
        """Count a file.

        Parameters
        ----------
        error : str or None
            Why the file failed; None if it was embedded.
        duration : float or None
            Seconds of audio.
        """
        summary = self.summary
        if error is None:
            summary.embedded += 1
            summary.audio_s += duration or 0.0
        else:
            summary.failed += 1
        now = time.monotonic()
        summary.seconds = now - self._began
        if self._bar is not None:
            self._bar.set_postfix_str(
                f"{summary.audio_s / 3600:.2f} h of audio, {summary.times_real_time:.1f} × real "
                f"time, {summary.failed} failed",
                refresh=False,
            )
            self._bar.update()
        elif now - self._last_line >= LINE_EVERY_S:
            self._last_line = now
            logger.info("%s; %s", summary, self._time_left())

    def _time_left(self) -> str:
        summary = self.summary
        done = summary.embedded + summary.failed
        seconds = summary.seconds / max(1, done) * summary.left
        if seconds > 5400:
            return f"about {seconds / 3600:.1f} h to go"
        return f"about {seconds / 60:.0f} min to go"

    def close(self) -> None:
        """Stop the clock, and end the bar."""
        self.summary.seconds = time.monotonic() - self._began
        if self._bar is not None:
            self._bar.close()
