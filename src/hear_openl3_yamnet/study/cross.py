"""Embed a dataset with all variants, and probe each embedding."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import loading
from ..labelled.dataset import Dataset
from .embeddings import Embeddings, LoadWeights
from .outcomes import Outcome, probe_events, probe_scenes
from .probes import PROBES
from .variants import Variant

__all__ = ["Result", "cross"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of one probe of one variant on one dataset."""

    dataset: Dataset
    variant: Variant
    probe: str
    outcome: Outcome

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.variant.name

    @property
    def size(self) -> int:
        """Values in an embedding."""
        return self.variant.size(self.dataset.of_events)

    @property
    def score(self) -> float:
        """The score on the test clips, mean over seeds."""
        return float(np.mean(self.outcome.scores()))

    @property
    def validation(self) -> float:
        """The score on the validation clips, mean over folds and seeds."""
        return float(np.mean(self.outcome.validation))


def cross(
    dataset: Dataset,
    variants: Sequence[Variant],
    folder: Path,
    probes: Sequence[str] = ("linear",),
    load_weights: LoadWeights = loading.weights_of,
) -> list[Result]:
    """Embed a dataset with all variants, and probe each. Results in the folder are reused.

    Parameters
    ----------
    dataset : Dataset
    variants : sequence of Variant
    folder : Path
        Keeps embeddings and outcomes, each under a digest of everything that determines it.
    probes : sequence of str
        Names of `PROBES`.
    load_weights : function
        `LoadWeights`; by default those of `load_model`.

    Returns
    -------
    list of Result
        By variant, then by probe.

    Raises
    ------
    AudioFileError
        If a clip cannot be read.
    WeightsNotFoundError, WeightsFormatError
        As `load_model`.
    """
    from tqdm import tqdm

    embeddings = Embeddings(folder / "embeddings", dataset, load_weights)
    of_data = dataset.digest()
    paths = {
        (variant, probe): folder / "outcomes" / f"{_digest(of_data, digest, probe)}.npz"
        for variant in variants
        for digest in [embeddings.digest(variant)]
        for probe in probes
    }
    missing = [key for key, path in paths.items() if not path.exists()]
    embeddings.compute(dict.fromkeys(variant for variant, _ in missing))
    for variant, probe in tqdm(missing, desc="probing", unit="probe", disable=None):
        began = time.perf_counter()
        if dataset.of_events:
            outcome = probe_events(dataset, embeddings.timestamps(variant), PROBES[probe])
        else:
            outcome = probe_scenes(dataset, embeddings.scenes(variant), PROBES[probe])
        path = paths[variant, probe]
        path.parent.mkdir(parents=True, exist_ok=True)
        outcome.save(path)
        logger.info(
            "%s: %s, %s probe: %.3f (%.1f s)",
            dataset.name,
            variant.name,
            probe,
            np.mean(outcome.scores()),
            time.perf_counter() - began,
        )
    return [
        Result(dataset, variant, probe, Outcome.load(path))
        for (variant, probe), path in paths.items()
    ]


def _digest(*digests: str) -> str:
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]
