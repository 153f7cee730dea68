"""Recording conditions of a sound: room, background, microphone and level."""

import numpy as np

from ..synthesis.mixing import equalise, mix
from ..synthesis.noises import BACKGROUNDS
from ..synthesis.rooms import draw_room, in_room
from .task import SAMPLE_RATE

__all__ = ["audible_part", "background", "placed", "recorded"]

_AUDIBLE = 10 ** (-30 / 20)  # relative to the peak


def audible_part(samples: np.ndarray) -> np.ndarray:
    """Cut off both ends of a sound where it is 30 dB below its peak, so that its onset is exact."""
    level = np.abs(samples)
    heard = np.flatnonzero(level > _AUDIBLE * level.max())
    return samples[heard[0] : heard[-1] + 1]


def placed(sound: np.ndarray, start: int, n_samples: int) -> np.ndarray:
    """Place a sound in a silent clip of `n_samples`. What lies outside the clip is cut off.

    Parameters
    ----------
    sound : np.ndarray [shape=(n,)]
    start : int
        First sample of the sound in the clip. It may be negative.
    n_samples : int
        Length of the clip.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    clip = np.zeros(n_samples, np.float32)
    first = max(0, -start)
    inside = sound[first : n_samples - start]
    clip[start + first : start + first + len(inside)] = inside
    return clip


def background(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a background of a random kind [shape=(n_samples,)]."""
    make = BACKGROUNDS[rng.choice(list(BACKGROUNDS))]
    # at least half a second: slow backgrounds need this time to develop
    seconds = max(n_samples / SAMPLE_RATE, 0.5)
    return equalise(make(seconds, SAMPLE_RATE, rng)[:n_samples], SAMPLE_RATE, rng, 3.0)


def recorded(
    sound: np.ndarray,
    rng: np.random.Generator,
    *,
    snr: tuple[float, float],
    colour: float,
    wet: float,
    level: tuple[float, float] = (-30.0, -3.0),
) -> np.ndarray:
    """Return a sound as recorded in a random room with a random microphone.

    Parameters
    ----------
    sound : np.ndarray [shape=(n_samples,)]
    rng : np.random.Generator
        Draws the room, the microphone and the background.
    snr : tuple of float
        Lowest and highest ratio of the sound to the background [dB].
    colour : float
        Standard deviation of the microphone's frequency response [dB], see `mixing.equalise`.
    wet : float
        Probability of a room.
    level : tuple of float
        Lowest and highest peak of the result [dB relative to full scale].

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    if rng.random() < wet:
        sound = in_room(sound, draw_room(SAMPLE_RATE, rng))
    sound = equalise(sound, SAMPLE_RATE, rng, colour)
    mixture = mix(sound, background(len(sound), rng), rng.uniform(*snr))
    peak = 10 ** (rng.uniform(*level) / 20)
    return (mixture * (peak / np.abs(mixture).max())).astype(np.float32)
