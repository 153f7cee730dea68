"""Clips → embeddings: windows dealt out in lots of bounded memory.

`Embedder` decides which windows there are and how many are computed at once; `ExactWindows` or
`DenseWindows` compute a lot of them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from ..config.options import Config
from ..features import framing
from . import memory
from .backend import free_gpu_memory, is_out_of_memory, module_type, resolve_precision
from .dense import DenseWindows
from .encoder import Encoder
from .exact import ExactWindows

logger = logging.getLogger(__name__)


class Embedder(module_type()):  # type: ignore[misc]
    """One network at work on clips.

    Parameters
    ----------
    config : Config
    weights : mapping of np.ndarray
        As published, under the names of the backbone's ``WEIGHT_SHAPES``.
    """

    def __init__(self, config: Config, weights: Mapping[str, np.ndarray]):
        super().__init__()
        self.config = config
        self.precision = resolve_precision(config.precision)
        self.encoder = Encoder(config, weights, self.precision)
        self._most_at_once = sys.maxsize  # lowered for good when a device runs out of memory

    def embeddings(
        self,
        audio: Sequence[np.ndarray] | np.ndarray,
        n_timestamps: Sequence[int],
        hop: Fraction,
        first: int = 0,
        origin: int = 0,
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Embed clips, or a stretch of them, lot after lot.

        Parameters
        ----------
        audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Of any lengths, at the front end's rate.
        n_timestamps : sequence of int
            Timestamps of each clip.
        hop : Fraction
            Samples between them.
        first : int
            Number of the first timestamp, a multiple of `timestamps_per_window`.
        origin : int
            Where in the clips the audio begins. Before and after it, clips are silent.

        Yields
        ------
        sound : int
        number : int
            Of the first timestamp, counted from `first` on.
        embeddings : np.ndarray [shape=(n, timestamp_embedding_size), dtype=float32]

        Raises
        ------
        OptionError
            If the framing is dense and the hop is no whole number of columns.
        """
        config = self.config
        per_window = self.timestamps_per_window(hop)
        n_windows = [-(-n // per_window) for n in n_timestamps]
        starts = self.window_starts(max(n_windows), hop, first // per_window) - origin
        step = config.columns_per_timestamp(hop) if per_window > 1 else 1
        kind = DenseWindows if config.framing == "dense" else ExactWindows
        windows = kind(self.encoder, audio, starts, hop * per_window)
        size = windows.lot_size(self.windows_at_once())
        for lot in framing.lots(n_windows, size):
            rows = self._within_memory(windows, lot)[:, ::step][:, :per_window]
            rows = rows.reshape(-1, rows.shape[2])
            for block in lot:
                number = block.first * per_window
                computed = block.count * per_window
                wanted = min(computed, n_timestamps[block.sound] - number)
                yield block.sound, number, rows[:wanted]
                rows = rows[computed:]

    def timestamps_per_window(self, hop: Fraction) -> int:
        """Return how many timestamps are computed from one window: 1, unless time is kept."""
        return self.config.timestamps_per_window(hop) if self.config.time == "frame" else 1

    def timestamps_within(self, n_samples: int, hop: Fraction) -> int:
        """Return how many timestamps' windows end within the first samples of a clip."""
        per_window = self.timestamps_per_window(hop)
        last = n_samples - self.config.front_end.window + self._before_centre
        return per_window * framing.count_centres(last, hop * per_window)

    def first_sample(self, timestamp: int, hop: Fraction) -> int:
        """Return where the window begins that a timestamp is computed from."""
        return int(self.window_starts(1, hop, timestamp // self.timestamps_per_window(hop))[0])

    @property
    def _before_centre(self) -> int:
        """Samples from a window's start to the time of its first timestamp."""
        if self.config.time == "frame":
            return self.config.first_column_centre
        return self.config.front_end.window // 2

    def window_starts(self, n_windows: int, hop: Fraction, first: int = 0) -> np.ndarray:
        """Return the first samples of windows from window number `first` on."""
        window_hop = hop * self.timestamps_per_window(hop)
        return framing.centres(n_windows, window_hop, first) - self._before_centre

    def windows_at_once(self) -> int:
        """Return how many windows the device computes at once."""
        free = free_gpu_memory(self.encoder.tensors["front_end/bands"])
        return min(self._most_at_once, memory.windows_at_once(self.config, self.precision, free))

    def _within_memory(
        self, windows: ExactWindows | DenseWindows, lot: Sequence[framing.Block]
    ) -> np.ndarray:
        """Embed a lot; where a device runs out of memory, with half as many windows at once."""
        while True:
            at_once = self.windows_at_once()
            try:
                return windows.embed(lot, at_once)
            except Exception as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
                self._most_at_once = at_once // 2
                logger.warning("out of memory; %d windows at once from here on", at_once // 2)
