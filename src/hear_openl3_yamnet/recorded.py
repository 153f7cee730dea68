"""Outputs that the publishers recorded with their own weights, held against this installation's.

openl3's regression tests compare with two such files, YAMNet's with three. The registry of weights
lists them. `compare` computes the same windows here and says how far they are from those.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio.files import load_audio
from .audio.interpolation import raise_rate
from .errors import HearError, OptionError, WeightsFormatError
from .loading import load_model
from .tagging import PUBLISHED_HOP_SIZE, class_names, tag
from .weights.finding import locate

if TYPE_CHECKING:
    from .model import HearModel

TOLERANCE = 1e-3
"""Largest relative L2 difference of a window that holds."""

TOP_CLASSES = 10
"""YAMNet's own test wants a sound's class among so many."""

CHIRP = "openl3-recorded-chirp"
"""The registry's name of the sound that openl3's tests embed: 2 s at 44.1 kHz."""


@dataclass(frozen=True)
class Outcome:
    """One comparison, or why it was not made.

    Attributes
    ----------
    weights : str
        The registry's name of the weights.
    subject : str
        What was compared.
    finding : str
        The difference, the rank, or the reason why nothing was compared.
    holds : bool or None
        None if nothing was compared.
    """

    weights: str
    subject: str
    finding: str
    holds: bool | None


@dataclass(frozen=True)
class Embedded:
    """What openl3 0.4.2 recorded of the chirp.

    Attributes
    ----------
    outputs : str
        The registry's name of the file.
    size : int
        Values in an embedding.
    hop_ms : float
    first : int
        The timestamp, counted from 0, whose window here is the recorded first one. openl3's windows
        are centred at 0 s, or begin there (``center=False``), as ours of the time 0.5 s do.
    """

    outputs: str
    size: int
    hop_ms: float
    first: int


OPENL3 = {
    "openl3-mel256-music": Embedded("openl3-recorded-mel256-music", 6144, 100.0, 0),
    "openl3-linear-env": Embedded("openl3-recorded-linear-env", 512, 500.0, 1),
}
"""By the weights' name in the registry."""

YAMNET = {
    "zeros": ("yamnet-recorded-zeros", "Silence"),
    "random": ("yamnet-recorded-random", "White noise"),
    "sine": ("yamnet-recorded-sine", "Sine wave"),
}
"""By sound: the registry's name of the recorded outputs, and the class that YAMNet's test wants."""

CHECKED = (*OPENL3, "yamnet")
"""Names of the weights whose publishers recorded outputs."""


def compare(names: Iterable[str] | None = None) -> Iterator[Outcome]:
    """Compare this installation with recorded outputs, which are fetched with the weights.

    What cannot be fetched is named in an outcome; everything else is compared.

    Parameters
    ----------
    names : iterable of str, optional
        Some of `CHECKED`; all by default.

    Yields
    ------
    Outcome

    Raises
    ------
    OptionError
        If a name is not in `CHECKED`.
    """
    names = list(names or CHECKED)
    if unknown := [name for name in names if name not in CHECKED]:
        raise OptionError(
            f"nothing is recorded for {', '.join(unknown)}. Their publishers recorded outputs for "
            f"{', '.join(CHECKED)}."
        )
    for name in names:
        yield from _compare_yamnet() if name == "yamnet" else [_compare_openl3(name)]


def _compare_openl3(name: str) -> Outcome:
    recorded = OPENL3[name]
    subject = f"openl3's embeddings of its chirp, {recorded.size} values"
    try:
        expected = _read(locate(recorded.outputs), "embedding")
        model = load_model(name, embedding_size=recorded.size)
        audio = _load_as_openl3(locate(CHIRP), model.sample_rate)
    except HearError as error:
        return _not_compared(name, subject, error)
    embeddings, _ = model.timestamp_embeddings(audio[None], recorded.hop_ms)
    found = embeddings[0, recorded.first : recorded.first + len(expected)]
    return _judge(name, f"{subject}, {len(expected)} windows", _difference(found, expected))


def _compare_yamnet() -> Iterator[Outcome]:
    try:
        model = load_model("yamnet")
    except HearError as error:
        yield _not_compared("yamnet", "YAMNet's outputs on three sounds", error)
        return
    for sound, (outputs, wanted) in YAMNET.items():
        embeddings, scores = patches(model, yamnet_sound(sound))
        yield _rank(scores, sound, wanted)
        subject = f"YAMNet's embeddings and scores of {sound}, {len(scores)} windows"
        try:
            path = locate(outputs)
            expected = [_read(path, array) for array in ("embeddings", "predictions")]
        except HearError as error:
            yield _not_compared("yamnet", subject, error)
            continue
        pairs = zip((embeddings, scores), expected, strict=True)
        yield _judge("yamnet", subject, max(_difference(*pair) for pair in pairs))


def _load_as_openl3(path: Path, sample_rate: int) -> np.ndarray:
    """Load a sound as openl3 did: another resampler would change the embeddings by some percent."""
    import soundfile

    audio = load_audio(path, rate := soundfile.info(path).samplerate)
    if rate != sample_rate:
        audio = raise_rate(audio, rate, sample_rate).astype(np.float32)
    return audio


def yamnet_sound(name: str) -> np.ndarray:
    """Return a sound of YAMNet's test: 3 s at 16 kHz.

    Parameters
    ----------
    name : str
        ``zeros``; ``random``: uniform noise of seed 51773; or ``sine``: 440 Hz.

    Returns
    -------
    np.ndarray [shape=(48000,), dtype=float32]
    """
    if name == "zeros":
        return np.zeros(48_000, np.float32)
    if name == "random":
        random = np.random.RandomState(51773)  # NumPy's legacy numbers, as the test drew them
        return random.uniform(-1.0, 1.0, 48_000).astype(np.float32)
    return np.sin(2 * np.pi * 440 * np.arange(0, 3, 1 / 16_000)).astype(np.float32)


def patches(model: HearModel, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Embed and score the patches that the published YAMNet cuts out of a sound.

    Its patches begin at 0, 480 … ms, and the last one may end in silence. Ours are centred at 0,
    480 … ms. Silence of 480 ms less 15/2 ms in front puts its first patch at the time of our third.

    Returns
    -------
    embeddings : np.ndarray [shape=(n_patches, 1024), dtype=float32]
    scores : np.ndarray [shape=(n_patches, 521), dtype=float32]
    """
    window, hop = 15_600, 7_680
    padded = np.pad(audio, (7_560, 0))
    embeddings, _ = model.timestamp_embeddings(padded[None], PUBLISHED_HOP_SIZE)
    scores = tag(model, padded).scores
    chosen = slice(2, 3 + -(-(len(audio) - window) // hop))
    return embeddings[0, chosen], scores[chosen]


def _rank(scores: np.ndarray, sound: str, wanted: str) -> Outcome:
    """Say which rank a class has among the mean scores of a sound: one of `TOP_CLASSES`, or not."""
    clip = scores.mean(axis=0)
    rank = int(1 + (clip > clip[class_names().index(wanted)]).sum())
    return Outcome(
        "yamnet",
        f"{wanted}, the class of {sound}",
        f"rank {rank} of {len(clip)}",
        rank <= TOP_CLASSES,
    )


def _read(path: Path, name: str) -> np.ndarray:
    """Read an array of a file of recorded outputs."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name], np.float64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsFormatError(f"{path} has no recorded {name} ({error}).") from error


def _judge(name: str, subject: str, difference: float) -> Outcome:
    finding = f"largest relative difference {difference:.1e}, at most {TOLERANCE:.0e} holds"
    return Outcome(name, subject, finding, difference <= TOLERANCE)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest relative L2 difference of a row. NaN if the shapes differ."""
    if found.shape != expected.shape:
        return float("nan")
    errors = np.linalg.norm(found - expected, axis=1)
    return float((errors / np.linalg.norm(expected, axis=1)).max())


def _not_compared(name: str, subject: str, error: HearError) -> Outcome:
    return Outcome(name, subject, str(error).partition("\n")[0], None)
