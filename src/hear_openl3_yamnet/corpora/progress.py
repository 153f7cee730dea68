"""How far a run is: a bar on a terminal, else a line of the log a minute; and its summary."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

logger = logging.getLogger(__name__)

LINE_EVERY_S = 60.0


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    files : int
        In the input.
    skipped : int
        Of them, done before.
    embedded, failed : int
        In this run.
    audio_s : float
        Seconds of audio embedded.
    seconds : float
        That it took.
    interrupted : bool
    shards, total_ok, total_failed : int
        Of the whole corpus: its files, and their rows.
    configuration : dict
        `rows.describe` of the run.
    """

    files: int
    skipped: int
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
        return self.files - self.skipped - self.embedded - self.failed

    @property
    def times_real_time(self) -> float:
        """Seconds of audio embedded in a second."""
        return self.audio_s / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as ``_summary.json`` has it."""
        derived = {"left": self.left, "times_real_time": round(self.times_real_time, 2)}
        return {**asdict(self), **derived}

    def __str__(self) -> str:
        text = (
            f"{self.embedded} files embedded ({self.audio_s / 3600:.2f} h of audio, "
            f"{self.times_real_time:.1f} × real time), {self.failed} failed, "
            f"{self.skipped} done before"
        )
        return f"{text}, {self.left} left" if self.left else text


class Progress:
    """Counts rows, and says how far the run is.

    Parameters
    ----------
    summary : Summary
        Is kept up to date.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self._began = self._last_line = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=summary.files, initial=summary.skipped, unit="file")

    def count(self, error: str | None, duration: float | None) -> None:
        """Count a file that failed, or was embedded."""
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
        return (
            f"about {seconds / 3600:.1f} h to go"
            if seconds > 5400
            else (f"about {seconds / 60:.0f} min to go")
        )

    def close(self) -> None:
        """End the bar, and stop the clock."""
        self.summary.seconds = time.monotonic() - self._began
        if self._bar is not None:
            self._bar.close()
