"""A request to a model: clips, and the times at which to embed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..audio.downsampling import downsample
from ..features import framing


@dataclass(frozen=True)
class Request:
    """Clips, or an excerpt of each, and the timestamps to embed.

    Attributes
    ----------
    clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        Mono, of any lengths.
    counts : sequence of int
        Timestamps of each clip.
    hop : Fraction
        Samples between timestamps.
    sample_rate : int
        Hertz, of the clips.
    first : int
        Number of the first timestamp, the same in all clips.
    origin : int
        The sample of the whole clips at which `clips` begin. Before and after them is silence.
    """

    clips: Sequence[np.ndarray] | np.ndarray
    counts: Sequence[int]
    hop: Fraction
    sample_rate: int
    first: int = 0
    origin: int = 0

    @classmethod
    def whole(
        cls, clips: Sequence[np.ndarray] | np.ndarray, hop: Fraction, sample_rate: int
    ) -> Request:
        """Ask for all timestamps of whole clips."""
        counts = [framing.count_windows(len(clip), hop) for clip in clips]
        return cls(clips, counts, hop, sample_rate)

    def at_rate(self, sample_rate: int) -> Request:
        """Return the same request for clips at a lower rate, of which this one is a multiple."""
        if sample_rate == self.sample_rate:
            return self
        return replace(
            self,
            clips=downsample(self.clips, self.sample_rate, sample_rate),
            hop=self.hop * sample_rate / self.sample_rate,
            sample_rate=sample_rate,
            origin=self.origin * sample_rate // self.sample_rate,
        )
