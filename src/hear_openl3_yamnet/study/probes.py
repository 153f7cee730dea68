"""Probes: classifiers that learn from embeddings, all by the same protocol.

Each value is brought to zero mean and unit variance on the training rows. If rows are wider than
there are training rows, they are rotated to the space that the training rows span, because nothing
can be learned about the rest, and scaled to unit variance again, on average. A probe chooses its
hyperparameter (the penalty, when to stop) by its score on the validation rows, and by the loss if
scores are equal. The test rows are predicted once. Needs scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "PROBES",
    "Probe",
    "Rows",
    "accuracy",
    "fitting",
    "mean_average_precision",
    "preparation",
    "rank",
    "run_probe",
]

PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""C of logistic regression, for rows of unit variance."""

UNITS = (512, 128)
"""Hidden units of the classifier in Cramer et al. (2019)."""

LEARNING_RATE = 1e-3
MOST_EPOCHS = 60
PATIENCE = 10
FEWEST_STEPS = 8
"""Smallest number of steps in an epoch, if batches of 16 to 200 rows permit it."""

Predict = Callable[[np.ndarray], np.ndarray]
"""Embeddings [shape=(n, size)] → probabilities [shape=(n, n_labels), dtype=float32]."""

Candidates = Iterator[tuple[dict[str, Any], Predict]]
"""What a probe may choose from, one after the other: hyperparameters, and what they predict."""


@dataclass(frozen=True)
class Rows:
    """Embeddings [shape=(n, size)] and their targets [shape=(n, n_labels)], zeros and ones."""

    embeddings: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Probe:
    """A kind of classifier.

    Attributes
    ----------
    name : str
    n_seeds : int
        How often it is trained; 1 if nothing in it is random.
    fit : function
        ``(train, exclusive, seed)`` → `Candidates`.
    patience : int or None
        Candidates without progress after which `run_probe` stops. None: it asks for all.
    """

    name: str
    n_seeds: int
    fit: Callable[[Rows, bool, int], Candidates]
    patience: int | None = None


def accuracy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the share of rows whose most probable label is theirs."""
    return float(np.mean(targets.argmax(axis=1) == probabilities.argmax(axis=1)))


def mean_average_precision(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean over labels of average precision; labels that no row has do not count.

    Average precision is the mean of the precision at each row of a label, with rows in order of
    probability. Equal probabilities count as in scikit-learn: as one step.
    """
    precisions = []
    for truth, values in zip(targets.T, probabilities.T, strict=True):
        if not truth.any():
            continue
        order = np.argsort(-values, kind="stable")
        hits, values = truth[order], values[order]
        last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
        matched = np.cumsum(hits)[last]
        steps = np.diff(matched, prepend=0)
        precisions.append(np.sum(steps * matched / (last + 1)) / matched[-1])
    return float(np.mean(precisions)) if precisions else float("nan")


def run_probe(
    probe: Probe, train: Rows, valid: Rows, test: np.ndarray, *, exclusive: bool, seed: int
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Train, choose on the validation rows, and predict.

    Parameters
    ----------
    probe : Probe
    train, valid : Rows
    test : np.ndarray [shape=(n_test, size)]
    exclusive : bool
        Whether a row has exactly one label.
    seed : int

    Returns
    -------
    test_probabilities : np.ndarray [shape=(n_test, n_labels), dtype=float32]
    valid_probabilities : np.ndarray [shape=(n_valid, n_labels), dtype=float32]
    chosen : dict
    """
    with fitting():
        return _run_probe(probe, train, valid, test, exclusive, seed)


@contextmanager
def fitting() -> Iterator[None]:
    """Keep BLAS to one thread, because threads wait for each other on small matrices.

    Warnings of slow convergence are ignored: what a probe reaches is chosen by its score.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _run_probe(
    probe: Probe, train: Rows, valid: Rows, test: np.ndarray, exclusive: bool, seed: int
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    prepare = preparation(train.embeddings)
    own, other, asked = map(prepare, (train.embeddings, valid.embeddings, test))
    best: tuple[float, float] | None = None
    since = 0
    result: tuple[np.ndarray, np.ndarray, dict[str, Any]] | None = None
    for chosen, predict in probe.fit(Rows(own, train.targets), exclusive, seed):
        probabilities = predict(other)
        own_rank = rank(valid.targets, probabilities, exclusive)
        if best is None or own_rank > best:
            best, since = own_rank, 0
            result = predict(asked), probabilities, chosen
        else:
            since += 1
        if probe.patience is not None and since >= probe.patience:
            break
    assert result is not None
    return result


def rank(targets: np.ndarray, probabilities: np.ndarray, exclusive: bool) -> tuple[float, float]:
    """Return the key by which candidates are compared: the score, then the loss."""
    score = accuracy if exclusive else mean_average_precision
    return score(targets, probabilities), -_log_loss(targets, probabilities)


def preparation(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what brings rows to zero mean and unit variance, and wide ones to the span."""
    mean = train.mean(axis=0, dtype=np.float64)
    deviation = train.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 1e-6 * (1 + np.abs(mean)), deviation, np.inf)  # constant → 0

    def standardised(rows: np.ndarray) -> np.ndarray:
        return ((rows - mean) / scale).astype(np.float32)

    n, size = train.shape
    if size <= n:
        return standardised

    # A factor of the Gram matrix has the coordinates in the span. It costs a fraction of a QR
    # factorisation of the rows. Its diagonal gets a little, because centred rows are dependent.
    # In float32, rows that differ much in length would give errors larger than that.
    from scipy.linalg import solve_triangular

    own = standardised(train).astype(np.float64)
    gram = own @ own.T
    gram[np.diag_indices(n)] += 1e-6 * max(1, np.trace(gram) / n)
    factor = np.linalg.cholesky(gram)
    unit_variance = (n / size) ** 0.5

    def rotated(rows: np.ndarray) -> np.ndarray:
        products = own @ standardised(rows).T
        coordinates = solve_triangular(factor, products, lower=True).T
        return (unit_variance * coordinates).astype(np.float32)

    return rotated


def _log_loss(targets: np.ndarray, probabilities: np.ndarray) -> float:
    p = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return float(-np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p)))


def _fit_linear(train: Rows, exclusive: bool, seed: int) -> Candidates:
    """Logistic regression with an L2 penalty; one for each label where they are not exclusive."""
    for penalty in PENALTIES:
        yield {"C": penalty}, _Linear(train, exclusive, penalty)


class _Linear:
    """Logistic regression, which is fitted when it is first asked."""

    def __init__(self, train: Rows, exclusive: bool, penalty: float):
        self._train, self._exclusive, self._penalty = train, exclusive, penalty
        self._models: list[Any] | None = None

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if self._models is None:
            self._models = self._fitted()
        if not self._exclusive:
            return np.stack([_positive(model, rows) for model in self._models], axis=1)
        probabilities = np.zeros((len(rows), self._train.targets.shape[1]), np.float32)
        model = self._models[0]
        if isinstance(model, float):
            probabilities[:, int(model)] = 1
        else:
            probabilities[:, model.classes_] = model.predict_proba(rows)
        return probabilities

    def _fitted(self) -> list[Any]:
        x, targets = self._train.embeddings, self._train.targets
        if self._exclusive:
            return [_logistic(x, targets.argmax(axis=1), self._penalty)]
        return [_logistic(x, target, self._penalty) for target in targets.T]


def _logistic(x: np.ndarray, y: np.ndarray, penalty: float) -> Any:
    """Fit a logistic regression; of one class alone, return that class's number as a float."""
    from sklearn.linear_model import LogisticRegression

    classes = np.unique(y)
    if len(classes) == 1:
        return float(classes[0])
    return LogisticRegression(C=penalty, max_iter=200, tol=1e-3).fit(x, y.astype(int))


def _positive(model: Any, rows: np.ndarray) -> np.ndarray:
    if isinstance(model, float):
        return np.full(len(rows), model, np.float32)
    return model.predict_proba(rows)[:, 1].astype(np.float32)


def _fit_two_layer(train: Rows, exclusive: bool, seed: int) -> Candidates:
    """Two hidden layers of rectified linear units, by Adam; a candidate after each epoch."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        UNITS,
        batch_size=min(len(train.targets), max(16, min(200, len(train.targets) // FEWEST_STEPS))),
        learning_rate_init=LEARNING_RATE,
        random_state=seed,
    )
    n_labels = train.targets.shape[1]
    binary = n_labels == 1 and not exclusive  # scikit-learn has two classes for one label then
    y = train.targets.argmax(axis=1) if exclusive else train.targets.astype(int)
    y = y[:, 0] if binary else y
    classes = np.arange(2 if binary else n_labels)

    def predict(rows: np.ndarray) -> np.ndarray:
        return model.predict_proba(rows)[:, int(binary) :]

    for epoch in range(1, MOST_EPOCHS + 1):
        model.partial_fit(train.embeddings, y, classes=classes)
        yield {"epochs": epoch}, predict


PROBES = {
    probe.name: probe
    for probe in (
        Probe("linear", 1, _fit_linear),
        Probe("two-layer", 3, _fit_two_layer, PATIENCE),
    )
}
