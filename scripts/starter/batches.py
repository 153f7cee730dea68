"""Training batches: crops of the bank's clips, mixed and filtered as band amplitudes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.synthesis.streams import stream

from .features import network_input
from .sounds import FACTORS, NONE
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
"""Probability of each family. Notes are frequent, because the baselines, statistics of a spectrum,
are strongest on pitch."""

HEIGHT = "height"
TAGS = "tags"
_LOUD_ENOUGH = 15.0  # dB below the loudest frame: crops are centred on louder frames
_AUDIBLE = 15.0  # dB of the first sound over the second: up to it both are tags
_CLEAR = 5.0  # dB of a note over another, from which its pitch and program are asked
_SECOND_NOTE = 0.3  # probability of a second note
_INTERVALS = (0, 0, 0, 7, 12, 19)  # semitones between two notes, as in an organ's stops


@dataclass
class Bank:
    """A rendered bank for one front end.

    Attributes
    ----------
    features : list of np.ndarray [shape=(n_clips, n_frames, n_bands), dtype=float16]
        Band amplitudes in decibels, one memory map for each block.
    labels : np.ndarray [shape=(n_clips, 5), dtype=int16]
        Labels of all blocks. The columns are `FACTORS`; -1 means none.
    block, row : np.ndarray [shape=(n_clips,), dtype=int64]
        Block of each clip, and its row in the block.
    families : dict of np.ndarray
        Clips of each family.
    notes : dict of np.ndarray
        Clips of each pitch.
    """

    features: list[np.ndarray]
    labels: np.ndarray
    block: np.ndarray
    row: np.ndarray
    families: dict[str, np.ndarray]
    notes: dict[int, np.ndarray]

    @classmethod
    def open(cls, folder: Path, front_end: str) -> "Bank":
        """Open all blocks in a folder that `render` wrote."""
        blocks = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        features = [np.load(block / f"{front_end}.npy", mmap_mode="r") for block in blocks]
        labels = [np.load(block / "labels.npy") for block in blocks]
        sizes = [len(rows) for rows in labels]
        names = np.repeat([block.name.rsplit("-", 1)[0] for block in blocks], sizes)
        all_labels = np.concatenate(labels)
        pitches = all_labels[:, FACTORS.index("pitch")]
        return cls(
            features,
            all_labels,
            np.repeat(np.arange(len(blocks)), sizes),
            np.concatenate([np.arange(size) for size in sizes]),
            {str(name): np.flatnonzero(names == name) for name in np.unique(names)},
            {pitch: np.flatnonzero(pitches == pitch) for pitch in set(pitches.tolist()) - {NONE}},
        )

    def draw(self, n_clips: int, rng: np.random.Generator) -> np.ndarray:
        """Draw clips; `SHARES` gives the probability of each family."""
        names = [name for name in SHARES if name in self.families]
        share = np.array([SHARES[name] for name in names])
        chosen = rng.choice(len(names), n_clips, p=share / share.sum())
        return np.array([rng.choice(self.families[names[i]]) for i in chosen])

    def second_note(self, pitch: int, rng: np.random.Generator) -> int | None:
        """Draw a note that is not lower than `pitch`, to be mixed with a note of that pitch.

        The result is None if the bank has no note at the drawn interval.
        """
        notes = self.notes.get(pitch + int(rng.choice(_INTERVALS)))
        return None if notes is None else int(rng.choice(notes))

    def crop(self, clip: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
        """Cut a crop around a loud frame [shape=(n_frames, n_bands), dtype=float32]."""
        decibels = self.features[self.block[clip]][self.row[clip]]
        level = decibels.max(axis=1)
        centre = rng.choice(np.flatnonzero(level >= level.max() - _LOUD_ENOUGH))
        start = np.clip(centre - rng.integers(n_frames), 0, len(decibels) - n_frames)
        crop = decibels[start : start + n_frames].astype(np.float32)
        return np.power(np.float32(10), crop / 10)


def coloured(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a random smooth filter, a random low pass, both or none.

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
    """Add the power of a second sound. The ratio of the crop to it is `snr` [dB].

    The phases of two sounds are independent, so that powers add up on average.
    """
    scale = np.sqrt((crop**2).mean() / ((other**2).mean() + 1e-20)) * 10 ** (-snr / 20)
    return np.sqrt(crop**2 + (np.float32(scale) * other) ** 2)


def with_floor(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add white noise at 30 to 90 dB below the loudest band."""
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
    """Make one batch. The same step and seed give the same batch.

    Parameters
    ----------
    bank : Bank
    front_end : str
        ``mel128`` or ``yamnet``.
    n_clips, n_frames : int
        Size of the batch and length of the crops.
    step, seed : int
        Number of the batch, and seed of all batches.
    pairs : bool
        Crops 2 i and 2 i + 1 are of the same clip.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_bands, n_frames, 1), dtype=float32]
        Input of the network.
    dict of np.ndarray [shape=(n_clips, …)]
        Targets of each head; 0 for a clip without a label.
    dict of np.ndarray [shape=(n_clips,), dtype=float32]
        Masks of each head: 1 for a clip with a label, 0 for one without.
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
        if labels[index, pitch] >= 0 and rng.random() < _SECOND_NOTE:
            second = bank.second_note(int(labels[index, pitch]), rng)
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
    """Scale pitches 0 … 87 to mean 0 and variance 1 [shape=(n_clips, 1), dtype=float32]."""
    all_pitches = np.arange(N_PITCHES)
    height = (pitch - all_pitches.mean()) / all_pitches.std()
    return height.astype(np.float32)[:, None]
