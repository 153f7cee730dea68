"""Named streams of random numbers, so that no two purposes or splits ever share sounds."""

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(purpose: str, split: str, *index: int, seed: int = 0) -> np.random.Generator:
    """Return the random generator of one purpose, one split and one item of it.

    All timbres, voices and rooms are drawn from such generators. Two of them are independent
    unless everything about them is equal, so sounds made for training and sounds made for a task's
    train, valid and test splits differ by their names alone, and each item can be made again
    without those before it.

    Parameters
    ----------
    purpose
        What the sounds are for, such as ``"training"`` or ``"tasks/synth_pitch"``.
    split
        Which part of it, such as ``"train"`` or ``"fold00"``.
    index
        Which item of the split, as any number of integers from 0 to 2**32 - 1.
    seed
        Another seed gives another set of all of them.

    Examples
    --------
    >>> rng = stream("training", "notes", 3)
    >>> bool(rng.random() == stream("training", "notes", 3).random())
    True
    """
    name = hashlib.sha256(f"{purpose}\0{split}".encode()).digest()[:16]
    words = np.frombuffer(name, dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, len(index), *words, *index]))
