"""A sound that is known to be good: if it cannot be embedded, the machine is at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

from ..audio.audio_file import AudioFile
from ..audio.files import resample
from ..files import partial_path, remove
from .decoding import Clip
from .manifest import Item
from .rows import Row

if TYPE_CHECKING:
    from .batching import Embedding

_RATE = 44_100  # no network's own, so that the sound is resampled
_N_SAMPLES = 4_410


def embed(embedding: Embedding) -> None:
    """Write a short file, read it, and embed it, as it is done with every file.

    Parameters
    ----------
    embedding : Embedding

    Raises
    ------
    Exception
        Whatever a file would meet.
    """
    path = partial_path(embedding.folder / "trial.wav")
    sound = 0.1 * np.sin(2 * np.pi * 440 / _RATE * np.arange(_N_SAMPLES))
    try:
        with path.open("wb") as written:  # whose errors say more than libsndfile's
            soundfile.write(written, sound, _RATE, format="WAV")
        with AudioFile(path) as file:
            waveform = file.read_mono()
    finally:
        remove(path)
    waveform = resample(waveform, _RATE, embedding.model.sample_rate)
    embedding.embed_together([Clip(Row(Item("trial", str(path), 0)), waveform)])
