"""Batches for training: crops of the bank's clips, mixed and filtered on their band amplitudes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.synthesis.streams import stream

from .features import network_input
from .render import FACTORS, NONE
from .splits import CLASSES, N_PITCHES

SHARES = {
    "midi_notes": 0.36,
    "synthetic_notes": 0.18,
    "espeak_words": 0.20,
    "events": 0.13,
    "formant_words": 0.04,
    "drums": 0.04,
    "strokes": 0.02,
    "backgrounds": 0.03,
}
"""How often clips of each family are drawn: pitch is what statistics of a spectrum tell best."""

HEIGHT = "height"
TAGS = "tags"
_LOUD_ENOUGH = 15.0  # decibels below a window's loudest frame where crops may have their centre
_AUDIBLE = 15.0  # dB of signal over the second sound up to which that one is a tag as well
_CLEAR = 5.0  # dB from which a note's pitch, or its program, is asked for over another note
_LAYERED = 0.3  # share of notes that get a second one
_INTERVALS = (0, 0, 0, 7, 12, 19)  # semitones from a note to the second one, as organs' stops


@dataclass
class Bank:
    """A rendered bank for one front end.

    Attributes
    ----------
    features : list of np.ndarray [shape=(n_clips, n_frames, n_bands), dtype=float16]
        Decibels, a memory map for each part.
    labels : np.ndarray [shape=(n_clips, 5), dtype=int16]
        Of all parts; columns are `FACTORS`, -1 is none.
    part, row : np.ndarray [shape=(n_clips,), dtype=int64]
        Where each clip is.
    families : dict of np.ndarray
        Each family's clips.
    notes : dict of np.ndarray
        Each pitch's clips.
    """

    features: list[np.ndarray]
    labels: np.ndarray
    part: np.ndarray
    row: np.ndarray
    families: dict[str, np.ndarray]
    notes: dict[int, np.ndarray]

    @classmethod
    def open(cls, folder: Path, front_end: str) -> "Bank":
        """Open all parts in a folder that `render` wrote."""
        parts = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        features = [np.load(part / f"{front_end}.npy", mmap_mode="r") for part in parts]
        labels = [np.load(part / "labels.npy") for part in parts]
        sizes = [len(rows) for rows in labels]
        names = np.repeat([part.name.rsplit("-", 1)[0] for part in parts], sizes)
        all_labels = np.concatenate(labels)
        pitches = all_labels[:, FACTORS.index("pitch")]
        return cls(
            features,
            all_labels,
            np.repeat(np.arange(len(parts)), sizes),
            np.concatenate([np.arange(size) for size in sizes]),
            {str(name): np.flatnonzero(names == name) for name in np.unique(names)},
            {pitch: np.flatnonzero(pitches == pitch) for pitch in set(pitches.tolist()) - {NONE}},
        )

    def draw(self, n_clips: int, rng: np.random.Generator) -> np.ndarray:
        """Draw clips, families by `SHARES`."""
        names = [name for name in SHARES if name in self.families]
        share = np.array([SHARES[name] for name in names])
        chosen = rng.choice(len(names), n_clips, p=share / share.sum())
        return np.array([rng.choice(self.families[names[i]]) for i in chosen])

    def layer(self, pitch: int, rng: np.random.Generator) -> int | None:
        """Draw a note to sound with one of a pitch, which stays the lower; may be None."""
        notes = self.notes.get(pitch + int(rng.choice(_INTERVALS)))
        return None if notes is None else int(rng.choice(notes))

    def crop(self, clip: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
        """Cut a crop around a frame that is loud [shape=(n_frames, n_bands), dtype=float32]."""
        decibels = self.features[self.part[clip]][self.row[clip]]
        level = decibels.max(axis=1)
        centre = rng.choice(np.flatnonzero(level >= level.max() - _LOUD_ENOUGH))
        start = np.clip(centre - rng.integers(n_frames), 0, len(decibels) - n_frames)
        crop = decibels[start : start + n_frames].astype(np.float32)
        return np.power(np.float32(10), crop / 10)


def coloured(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Filter a crop at random: smoothly, by a low pass, or not at all.

    Parameters
    ----------
    crop : np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        Amplitudes.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands), dtype=float32]
    """
    n_bands = crop.shape[1]
    if rng.random() < 0.5:
        knots = rng.normal(0, rng.uniform(0, 6), 8)
        level = np.interp(np.arange(n_bands), np.linspace(0, n_bands, 8), knots)
        crop = crop * (10 ** (level / 20)).astype(np.float32)
    if rng.random() < 0.15:
        edge = rng.uniform(0.4, 1.0) * n_bands
        fall = np.maximum(np.arange(n_bands) - edge, 0) * rng.uniform(3, 20)
        crop = crop * (10 ** (-fall / 20)).astype(np.float32)
    return crop


def mixed(crop: np.ndarray, other: np.ndarray, snr: float) -> np.ndarray:
    """Add a second sound's power, at a signal-to-noise ratio [dB] over the crop.

    The phases of two sounds agree by chance alone, so that powers add up, on the average.
    """
    scale = np.sqrt((crop**2).mean() / ((other**2).mean() + 1e-20)) * 10 ** (-snr / 20)
    return np.sqrt(crop**2 + (np.float32(scale) * other) ** 2)


def with_floor(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add white noise of 30 to 90 dB below the loudest band."""
    level = crop.max() * 10 ** (-rng.uniform(30, 90) / 20)
    noise = rng.gamma(8, 1 / 8, crop.shape).astype(np.float32)
    return np.sqrt(crop**2 + (np.float32(level) * noise) ** 2)


def batch(
    bank: Bank,
    front_end: str,
    n_clips: int,
    n_frames: int,
    step: int,
    *,
    seed: int = 0,
    pairs: bool = False,
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Make one batch: the same for the same step and seed.

    Parameters
    ----------
    bank : Bank
    front_end : str
        ``mel128`` or ``yamnet``.
    n_clips, n_frames : int
        Size of the batch, and of the crops.
    step, seed : int
        Which batch.
    pairs : bool
        Neighbours are two crops of one clip.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_bands, n_frames, 1), dtype=float32]
        The network's input.
    dict of np.ndarray [shape=(n_clips, …)]
        Targets of each head; 0 where a clip has none.
    dict of np.ndarray [shape=(n_clips,), dtype=float32]
        Masks: 1 where a clip has a label, 0 where it has none.
    """
    rng = stream("starter/training", front_end, step, seed=seed)
    clips = bank.draw(n_clips, rng)
    if pairs:
        clips = np.repeat(clips[: n_clips // 2], 2)
    others = bank.draw(n_clips, rng)
    labels = bank.labels[clips].astype(np.int64)
    tags = np.zeros((n_clips, CLASSES["type"]), np.float32)
    crops = []
    pitch, program = FACTORS.index("pitch"), FACTORS.index("program")
    for index, (clip, other) in enumerate(zip(clips, others, strict=True)):
        crop = coloured(bank.crop(clip, n_frames, rng), rng)
        tags[index, labels[index, 0]] = 1
        if labels[index, pitch] >= 0 and rng.random() < _LAYERED:
            second = bank.layer(int(labels[index, pitch]), rng)
            if second is not None:
                snr = rng.uniform(0, _AUDIBLE)
                crop = mixed(crop, coloured(bank.crop(second, n_frames, rng), rng), snr)
                tags[index, bank.labels[second, 0]] = 1
                if snr < _CLEAR:
                    labels[index, program] = NONE
        if rng.random() < 0.5:
            snr = rng.uniform(0, 25)
            crop = mixed(crop, coloured(bank.crop(other, n_frames, rng), rng), snr)
            if snr < _AUDIBLE:
                tags[index, bank.labels[other, 0]] = 1
            if snr < _CLEAR and bank.labels[other, pitch] >= 0:
                labels[index, pitch] = NONE
        if rng.random() < 0.4:
            crop = with_floor(crop, rng)
        if front_end == "yamnet":
            crop = crop * np.float32(10 ** (rng.normal(-6, 10) / 20))
        crops.append(crop)
    masks = {name: (labels[:, i] >= 0).astype(np.float32) for i, name in enumerate(FACTORS)}
    targets = {name: np.maximum(labels[:, i], 0) for i, name in enumerate(FACTORS)}
    targets[HEIGHT] = height_of(targets["pitch"])
    masks[HEIGHT] = masks["pitch"]
    targets[TAGS], masks[TAGS] = tags, np.ones(n_clips, np.float32)
    return network_input(np.stack(crops), front_end), targets, masks


def height_of(pitch: np.ndarray) -> np.ndarray:
    """Return pitches 0 … 87 as heights of mean 0 and variance 1 [shape=(n_clips, 1)]."""
    all_pitches = np.arange(N_PITCHES)
    height = (pitch - all_pitches.mean()) / all_pitches.std()
    return height.astype(np.float32)[:, None]
