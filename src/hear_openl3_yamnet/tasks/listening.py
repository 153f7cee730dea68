"""What lies between a source and the listener: a room, a background, a microphone, a level."""

import numpy as np

from ..synthesis.mixing import equalise, mix
from ..synthesis.noises import BACKGROUNDS
from ..synthesis.rooms import draw_room, in_room
from .task import SAMPLE_RATE

__all__ = ["audible_part", "background", "placed", "recorded"]

_AUDIBLE = 10 ** (-30 / 20)  # of the peak


def audible_part(samples: np.ndarray) -> np.ndarray:
    """Cut off what is 30 dB below the peak, before and after a sound: its onset is then exact."""
    level = np.abs(samples)
    heard = np.flatnonzero(level > _AUDIBLE * level.max())
    return samples[heard[0] : heard[-1] + 1]


def placed(sound: np.ndarray, start: int, n_samples: int) -> np.ndarray:
    """Put a sound into silence; what would lie before or after it is cut off."""
    clip = np.zeros(n_samples, np.float32)
    first = max(0, -start)
    part = sound[first : n_samples - start]
    clip[start + first : start + first + len(part)] = part
    return clip


def background(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a background of any kind [shape=(n_samples,)]."""
    make = BACKGROUNDS[rng.choice(list(BACKGROUNDS))]
    # half a second at least: the slow ones need time to be what they are
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
    """Return a sound as some microphone recorded it somewhere.

    Parameters
    ----------
    sound : np.ndarray [shape=(n_samples,)]
    rng
        Decides where, with which microphone, over which background.
    snr
        Least and greatest ratio of the sound to the background [dB].
    colour
        How uneven the way's frequency response is [dB], see `mixing.equalise`.
    wet
        Probability of a room.
    level
        Least and greatest peak of the result [dB of full scale].

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
