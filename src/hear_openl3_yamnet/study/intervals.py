"""Intervals of scores: the bootstrap over test clips, or groups of them, and probes' seeds.

B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), percentile intervals. They
show what another draw of test clips and of seeds would change. Another training set, or another
task, would change more.

Percentile intervals of few groups are too narrow. T. C. Hesterberg, "What Teachers Should Know
About the Bootstrap" (2015), widens the percentiles so that the interval of a mean is
as wide as Student's: `interval` does so if it gets the number of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

__all__ = ["LEVEL", "N_DRAWS", "Difference", "bootstrap", "interval"]

N_DRAWS = 500
LEVEL = 0.95

Score = Callable[[int, np.ndarray], float]
"""(seed, numbers of test clips) → score."""


@dataclass(frozen=True)
class Difference:
    """The difference of two scores on the same test clips.

    Attributes
    ----------
    value : float
        First minus second.
    low, high : float
        Its interval.
    n_groups : int
        Test clips, or groups of them, that were drawn.
    fewest : int
        The fewest groups for which the interval has a meaning.
    """

    value: float
    low: float
    high: float
    n_groups: int
    fewest: int

    @property
    def verdict(self) -> str:
        """The verdict of the interval: better, worse, not told apart or too few to tell."""
        if self.n_groups < self.fewest:
            return "too few to tell"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "not told apart"


def bootstrap(
    score: Score,
    n_clips: int,
    n_seeds: int,
    n_draws: int = N_DRAWS,
    seed: int = 0,
    groups: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Draw test clips, or groups of them, with replacement, and seeds, and score them.

    Parameters
    ----------
    score : function
        ``score(seed, clips)``: of one of the seeds, on clips [shape=(n,), dtype=int64].
    n_clips, n_seeds : int
    n_draws : int
    seed : int
        Equal seeds draw the same clips: the differences of two models' draws are paired.
    groups : sequence of np.ndarray [shape=(n,), dtype=int64], optional
        The clips of each group. By default each clip is a group.

    Returns
    -------
    np.ndarray [shape=(n_draws,), dtype=float64]
    """
    draws = np.empty(n_draws)
    n_groups = n_clips if groups is None else len(groups)
    for i in range(n_draws):
        # clips first, so that they are the same whatever the number of seeds
        rng = np.random.default_rng([seed, i])
        clips = rng.integers(n_groups, size=n_groups)
        if groups is not None:
            clips = np.concatenate([groups[group] for group in clips])
        draws[i] = score(int(rng.integers(n_seeds)), clips)
    return draws


def interval(
    draws: np.ndarray, level: float = LEVEL, n_groups: int | None = None
) -> tuple[float, float]:
    """Return the percentiles of draws that `level` of them lie between.

    Parameters
    ----------
    draws : np.ndarray [shape=(n_draws,)]
    level : float
    n_groups : int, optional
        How many groups were drawn from; the percentiles are then widened for few of them.
    """
    outside = (1 - level) / 2
    if n_groups is not None:
        outside = _widened(outside, n_groups)
    low, high = np.percentile(draws, [100 * outside, 100 * (1 - outside)])
    return float(low), float(high)


def _widened(outside: float, n_groups: int) -> float:
    """Return the share of draws outside, on each side, of an interval as wide as Student's."""
    from scipy.stats import norm, t

    if n_groups < 2:
        return 0.0
    student = t.ppf(outside, n_groups - 1)
    return float(norm.cdf(student * sqrt(n_groups / (n_groups - 1))))
