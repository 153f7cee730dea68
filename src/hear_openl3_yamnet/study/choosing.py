"""Which configuration is best, and whether that is more than chance.

The winner has the highest validation score over all folds. In cross-validation, each test clip of
one fold is a validation clip of other folds. So the winner's own test score is optimistic, and
more configurations make it more optimistic. Therefore a second score is computed, that of the way
of choosing: each fold takes the configuration with the best validation score of that fold, which
does not depend on its test clips. The lead over the plain default is the lead of these choices. It
needs no correction for the number of configurations. The lead over the runner-up is the winner's
own. Its two-sided interval allows for a choice between two. The best two of many configurations
are closer to each other than that.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cross import Result
from .intervals import Difference, bootstrap, interval
from .outcomes import Outcome, chosen_by_fold
from .variants import FLOOR

__all__ = ["FEWEST_GROUPS", "Choice", "choose", "difference", "draws", "score_interval"]

N_DRAWS = 2000
"""The widened percentiles of few groups lie far outside."""

FEWEST_GROUPS = 6
"""Five differences of one sign have a probability of 2 × 2⁻⁵ = 6 % by chance, six have 3 %."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The best of some results, and how it compares.

    Attributes
    ----------
    winner : Result
    runner_up : Result or None
        The second best by validation; None where there is one configuration.
    default : Result
    floor : Result or None
        Of log-mel statistics.
    by_fold : list of str
        The configuration that each fold chooses.
    nested : Outcome
        Of these choices.
    over_default, over_floor : Difference
        The score of these choices minus that of the default, and of the floor if there is one.
    over_runner_up : Difference or None
        The winner's score minus the runner-up's.
    """

    winner: Result
    runner_up: Result | None
    default: Result
    floor: Result | None
    by_fold: list[str]
    nested: Outcome
    over_default: Difference
    over_runner_up: Difference | None
    over_floor: Difference | None


def choose(results: Sequence[Result], default: str) -> Choice:
    """Choose the best configuration.

    Parameters
    ----------
    results : sequence of Result
        Of one dataset and one probe. Log-mel statistics cannot win.
    default : str
        The name of the variant to compare with.
    """
    floor = next((result for result in results if result.name == FLOOR), None)
    candidates = [result for result in results if result.name != FLOOR]
    outcomes = [result.outcome for result in candidates]
    n_folds = len(outcomes[0].validation)
    in_order = _ranked(candidates, [result.validation for result in candidates])
    by_fold = [
        _ranked(candidates, [outcome.validation[fold] for outcome in outcomes])
        for fold in range(n_folds)
    ]
    nested = chosen_by_fold(outcomes, [order[0] for order in by_fold])
    winner, *others = [candidates[place] for place in in_order]
    of_default = next(result for result in candidates if result.name == default)
    return Choice(
        winner,
        others[0] if others else None,
        of_default,
        floor,
        [candidates[order[0]].name for order in by_fold],
        nested,
        difference(nested, of_default.outcome),
        difference(winner.outcome, others[0].outcome) if others else None,
        difference(nested, floor.outcome) if floor else None,
    )


def _ranked(candidates: Sequence[Result], scores: Sequence[float]) -> list[int]:
    """Return the places of candidates, the best first. If equal, the smaller embedding is first."""
    places = range(len(candidates))
    return sorted(places, key=lambda place: (-scores[place], candidates[place].size))


def difference(first: Outcome, second: Outcome) -> Difference:
    """Return the difference of two outcomes' scores, paired over groups of test clips."""
    value = float(np.mean(first.scores()) - np.mean(second.scores()))
    n_groups = len(first.groups)
    drawn = draws(first) - draws(second)
    return Difference(value, *interval(drawn, n_groups=n_groups), n_groups, FEWEST_GROUPS)


def score_interval(outcome: Outcome) -> tuple[float, float]:
    """Return the interval of an outcome's score."""
    return interval(draws(outcome), n_groups=len(outcome.groups))


@functools.lru_cache(maxsize=1024)
def draws(outcome: Outcome) -> np.ndarray:
    """Return the bootstrap's scores of an outcome [shape=(n_draws,)], paired within a dataset."""
    groups = outcome.groups
    alone = len(groups) == outcome.n_clips
    return bootstrap(
        outcome.score,
        outcome.n_clips,
        len(outcome.found),
        N_DRAWS,
        groups=None if alone else groups,
    )
