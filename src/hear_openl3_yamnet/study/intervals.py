"""Intervals of scores: the bootstrap over test clips and probes' seeds.

B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), percentile intervals. What
they hold is what another draw of test clips and of seeds would change; that another training set,
or another task, would change more, they do not know.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["N_DRAWS", "bootstrap", "interval"]

N_DRAWS = 500
LEVEL = 0.95

Score = Callable[[int, np.ndarray], float]
"""(seed, numbers of test clips) → score."""


def bootstrap(
    score: Score, n_clips: int, n_seeds: int, n_draws: int = N_DRAWS, seed: int = 0
) -> np.ndarray:
    """Draw test clips with replacement, and seeds, and score them.

    Parameters
    ----------
    score : function
        ``score(seed, clips)``: of one of the seeds, on clips [shape=(n_clips,), dtype=int64].
    n_clips, n_seeds : int
    n_draws : int
    seed : int
        Equal seeds draw the same clips: the differences of two models' draws are paired.

    Returns
    -------
    np.ndarray [shape=(n_draws,), dtype=float64]
    """
    draws = np.empty(n_draws)
    for i in range(n_draws):
        # clips first, so that they are the same whatever the number of seeds
        rng = np.random.default_rng([seed, i])
        clips = rng.integers(n_clips, size=n_clips)
        draws[i] = score(int(rng.integers(n_seeds)), clips)
    return draws


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentiles of draws between which `level` of them lie."""
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
