"""Named random streams, so that two purposes or splits never share sounds."""

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(purpose: str, split: str, *index: int, seed: int = 0) -> np.random.Generator:
    """Return the random generator of an item of a split.

    All timbres, voices and rooms are drawn from such generators. Generators with different
    arguments are independent. Different names are therefore enough to separate the sounds of
    training and those of a task's splits, and each item can be made without the items before it.

    Parameters
    ----------
    purpose : str
        Purpose of the sounds, such as ``"training"`` or ``"tasks/synth_pitch"``.
    split : str
        Name of the split, such as ``"train"`` or ``"fold00"``.
    *index : int
        Number of the item in the split: any number of integers from 0 to 2**32 - 1.
    seed : int
        Another seed gives another set of all generators.

    Returns
    -------
    np.random.Generator

    Examples
    --------
    >>> rng = stream("training", "notes", 3)
    >>> bool(rng.random() == stream("training", "notes", 3).random())
    True
    """
    name = hashlib.sha256(f"{purpose}\0{split}".encode()).digest()[:16]
    words = np.frombuffer(name, dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, len(index), *words, *index]))
