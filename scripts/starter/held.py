"""The cosines between the embeddings of student and teacher, on recordings kept back."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from .student_loss import embedding
from .windows import RATE, LogMel, Sounds, places_of


class Held:
    """Windows of recordings that are not trained on, and the teacher's embeddings of them.

    The windows start a quarter of a second into the recording, and every half second from there.

    Parameters
    ----------
    sounds : Sounds
    names : list of str
        The sources of the sounds, by number.
    front_end : LogMel
    teacher : nn.Module
    most : int
        Windows, drawn from all.
    """

    def __init__(
        self, sounds: Sounds, names: list[str], front_end: LogMel, teacher: nn.Module,
        most: int = 900,
    ):  # fmt: skip
        kept = np.flatnonzero(
            (sounds.start >= sounds.first - RATE // 4)
            & (sounds.end - sounds.start >= RATE // 2)
            & ((sounds.start - sounds.first) % (RATE // 2) == RATE // 4)
        )
        kept = np.sort(np.random.default_rng(0).permutation(kept)[:most])
        self._names, self._source = names, sounds.source[kept]
        self._logmel, vectors = [], []
        with torch.no_grad():
            for some in places_of(sounds, kept).split(128):
                self._logmel.append(front_end(sounds.cut(some)))
                vectors.append(embedding(teacher(self._logmel[-1])).float())
        self._vectors = torch.cat(vectors)

    @torch.no_grad()
    def measure(self, student: nn.Module, mean: torch.Tensor) -> dict[str, float]:
        """Measure a student in its evaluation mode.

        Parameters
        ----------
        student : nn.Module
        mean : tensor [shape=(512,)]
            The teacher's mean, which ``centred`` takes off both embeddings.

        Returns
        -------
        dict of float
            Median and 10th percentile of the cosines, medians of each source, of the centred
            cosines and of the ratio of the lengths.
        """
        found = torch.cat([embedding(student(x)).float() for x in self._logmel])
        cosine = F.cosine_similarity(found, self._vectors).cpu().numpy()
        centred = F.cosine_similarity(found - mean, self._vectors - mean).cpu().numpy()
        length = (found.norm(dim=1) / self._vectors.norm(dim=1)).cpu().numpy()
        result = {
            "median": float(np.median(cosine)),
            "p10": float(np.percentile(cosine, 10)),
            "centred": float(np.median(centred)),
            "length": float(np.median(length)),
        }
        for number, name in enumerate(self._names):
            if (self._source == number).any():
                result[f"median:{name}"] = float(np.median(cosine[self._source == number]))
        return result
