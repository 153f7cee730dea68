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

from . import framing, memory
from .backend import free_gpu_memory, is_out_of_memory, module_type, resolve_precision
from .configuration import Config
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
        self, audio: np.ndarray, n_timestamps: int, hop: Fraction
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Embed clips of one length, lot after lot.

        Parameters
        ----------
        audio : np.ndarray [shape=(n_sounds, n_samples), dtype=float32]
            At the front end's rate.
        n_timestamps : int
            Timestamps of each clip, the first at 0.
        hop : Fraction
            Samples between them.

        Yields
        ------
        sound : int
        first : int
            Number of the first timestamp.
        embeddings : np.ndarray [shape=(n, timestamp_embedding_size), dtype=float32]

        Raises
        ------
        OptionError
            If the framing is dense and the hop is no whole number of columns.
        """
        config = self.config
        per_window, starts = self._windows(n_timestamps, hop)
        step = config.columns_per_timestamp(hop) if per_window > 1 else 1
        kind = DenseWindows if config.framing == "dense" else ExactWindows
        windows = kind(self.encoder, audio, starts, hop * per_window)
        size = windows.lot_size(self._windows_at_once())
        for lot in framing.lots(len(audio), len(starts), size):
            rows = self._within_memory(windows, lot)[:, ::step][:, :per_window]
            rows = rows.reshape(-1, rows.shape[2])
            for block in lot:
                first = block.first * per_window
                computed = block.count * per_window
                yield block.sound, first, rows[: min(computed, n_timestamps - first)]
                rows = rows[computed:]

    def _windows(self, n_timestamps: int, hop: Fraction) -> tuple[int, np.ndarray]:
        """Return how many timestamps a window gives, and the windows' first samples."""
        config = self.config
        if config.time == "window":
            return 1, framing.centres(n_timestamps, hop) - config.front_end.window // 2
        per_window = config.timestamps_per_window(hop)
        centres = framing.centres(-(-n_timestamps // per_window), hop * per_window)
        return per_window, centres - config.first_column_centre

    def _windows_at_once(self) -> int:
        free = free_gpu_memory(self.encoder.tensors["front_end/bands"])
        return min(self._most_at_once, memory.windows_at_once(self.config, self.precision, free))

    def _within_memory(
        self, windows: ExactWindows | DenseWindows, lot: Sequence[framing.Block]
    ) -> np.ndarray:
        """Embed a lot; where a device runs out of memory, with half as many windows at once."""
        while True:
            at_once = self._windows_at_once()
            try:
                return windows.embed(lot, at_once)
            except Exception as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
                self._most_at_once = at_once // 2
                logger.warning("out of memory; %d windows at once from here on", at_once // 2)
