"""The log-mel that a network saw of a clip, taken from its windows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..audio.downsampling import downsample
from ..features import frames, framing
from ..features.frontends import FrontEnd

if TYPE_CHECKING:
    from ..engine.embedder import Embedder
    from ..model import HearModel

MOST_POINTS = 4000
"""The largest number of points in a picture. Of longer clips, some frames are left out."""

BATCH = 32
"""Windows whose STFT frames are computed together; they take 50 MB."""


@dataclass(frozen=True)
class SeenLogMel:
    """The log-mel that one network saw.

    Attributes
    ----------
    levels : np.ndarray [shape=(n_points, n_bands), dtype=float32]
        The input of the network. NaN at points without a window, if windows are further apart than
        they are long.
    duration : float
        Length of the clip in seconds. The points divide it evenly.
    frequencies : np.ndarray [shape=(n_bands,)]
        Centre of each band, in hertz.
    name : str
        The preset.
    unit : str
        Unit of the levels: ``dB`` relative to the maximum of the window (OpenL3), or
        ``ln amplitude`` (YAMNet).
    """

    levels: np.ndarray
    duration: float
    frequencies: np.ndarray
    name: str
    unit: str


def seen_log_mel(
    audio: np.ndarray, model: HearModel, hop_size: float | None = None
) -> list[SeenLogMel]:
    """Compute the log-mel that each network of a model sees of a clip.

    Windows overlap, and the levels of OpenL3 are relative to the maximum of each window. So a
    moment has as many levels as there are windows over it. Each point is taken from the window with
    the nearest centre.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
        At ``model.sample_rate``.
    model : HearModel
    hop_size : float, optional
        Milliseconds between timestamps. Default: ``model.hop_size``.

    Returns
    -------
    list of SeenLogMel
        One for each network of the model.
    """
    hop = framing.hop_samples(model.hop_size if hop_size is None else hop_size, model.sample_rate)
    n_timestamps = framing.count_windows(len(audio), hop)
    seen = []
    for network in model.ensemble.networks:
        rate = network.options.preset.sample_rate
        own = downsample(audio[None], model.sample_rate, rate)[0]
        own_hop = hop * rate / model.sample_rate
        seen.append(_seen_by(network, own, n_timestamps, own_hop))
    return seen


def _seen_by(network: Embedder, audio: np.ndarray, n_timestamps: int, hop: Fraction) -> SeenLogMel:
    front_end = network.options.front_end
    n_windows = -(-n_timestamps // network.timestamps_per_window(hop))
    starts = network.window_starts(n_windows, hop)
    n_points = min(MOST_POINTS, max(1, len(audio) // front_end.frame_hop))
    centres = (np.arange(n_points) + 0.5) * len(audio) / n_points
    middles = starts + front_end.window / 2
    window = np.searchsorted((middles[1:] + middles[:-1]) / 2, centres)
    into = centres - starts[window]
    frame = np.rint((into - front_end.frame_length / 2) / front_end.frame_hop)
    frame = np.clip(frame, 0, front_end.n_frames - 1).astype(int)
    amplitudes, references = _amplitudes(network, audio, starts, window, frame)
    levels = _levels(network, amplitudes, references)
    levels[(into < 0) | (into >= front_end.window)] = np.nan
    return SeenLogMel(
        levels,
        len(audio) / front_end.sample_rate,
        band_frequencies(front_end),
        network.options.model,
        front_end.unit,
    )


def _amplitudes(
    network: Embedder, audio: np.ndarray, starts: np.ndarray, window: np.ndarray, frame: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the amplitudes of frames of windows, and the maxima of these windows."""
    from keras import ops

    front_end, encoder = network.options.front_end, network.encoder
    amplitudes = np.empty((len(window), front_end.n_bands), np.float32)
    references = np.empty(len(window), np.float32)
    used = np.unique(window)
    for first in range(0, len(used), BATCH):
        batch = used[first : first + BATCH]
        table = frames.frame_table(starts[batch], front_end)
        of_frames = ops.convert_to_numpy(
            encoder.amplitudes(frames.cut_frames(audio, table, front_end))
        )
        maxima = of_frames.max(axis=1)[table.index].max(axis=1)
        points = np.flatnonzero((window >= batch[0]) & (window <= batch[-1]))
        row = np.searchsorted(batch, window[points])
        amplitudes[points] = of_frames[table.index[row, frame[points]]]
        references[points] = maxima[row]
    return amplitudes, references


def _levels(network: Embedder, amplitudes: np.ndarray, references: np.ndarray) -> np.ndarray:
    from keras import ops

    if network.options.framing == "dense":  # relative to the maximum of the clip
        references = np.full_like(references, references.max())
    levels = network.options.front_end.levels(
        ops.convert_to_tensor(amplitudes), ops.convert_to_tensor(references[:, None])
    )
    return np.array(ops.convert_to_numpy(levels))


def band_frequencies(front_end: FrontEnd) -> np.ndarray:
    """Return the centre of gravity of each band in hertz [shape=(n_bands,)]."""
    matrix = front_end.bands().astype(float)
    bins = np.linspace(0, front_end.sample_rate / 2, len(matrix))
    weight = matrix.sum(axis=0)
    filled = weight > 0  # the narrowest bands may lie between two bins
    centres = (bins @ matrix)[filled] / weight[filled]
    return np.interp(np.arange(len(weight)), np.flatnonzero(filled), centres)
