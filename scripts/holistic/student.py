"""The student: a network of separable convolutions, with a linear head for each teacher."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hear_openl3_yamnet.backbones.separable import Step
from scripts.starter.sounds import FACTORS
from scripts.starter.splits import CLASSES
from scripts.starter.student import Student
from scripts.starter.student_loss import embedding

from .teachers import N_CENTRES

WEIGHTS = {"type": 0.3, "pitch": 0.8, "program": 0.15, "word": 0.3, "voice": 0.1}
"""Weights of the labels' losses beside those of the teachers."""
PARTS_WEIGHT = 0.5
"""Weight of a teacher that says a vector for each part."""


class Pupil(nn.Module):
    """A student and its heads, which are used in training alone.

    Parameters
    ----------
    sizes : dict of (int, int)
        For each teacher, its centres and values.
    steps : sequence of Step
        The network.
    """

    def __init__(self, sizes: dict[str, tuple[int, int]], steps: Sequence[Step]):
        super().__init__()
        self.network = Student(steps)
        size = steps[-1].channels
        self.heads = nn.ModuleDict({name: nn.Linear(size, k) for name, (_, k) in sizes.items()})
        # a module must not be called "type", as one of the factors is
        self.labels = nn.ModuleList(nn.Linear(size, CLASSES[name]) for name in FACTORS)
        for head in self.labels:
            nn.init.zeros_(head.weight)
        for n in (1, N_CENTRES):
            self.register_buffer(f"mean{n}", torch.zeros(size))
            self.register_buffer(f"deviation{n}", torch.ones(size))
        self._sizes = sizes

    def vectors(self, maps: torch.Tensor) -> dict[int, torch.Tensor]:
        """Return the student's vectors of windows, whose last maps are given, by centres.

        Each is [shape=(n, centres, channels)]: the maxima of the map and of its parts,
        standardised as `begin` found them.
        """
        maps = maps.float()
        parts = maps.unflatten(3, (N_CENTRES, -1)).amax(dim=(2, 4)).transpose(1, 2)
        found = {1: embedding(maps)[:, None], N_CENTRES: parts}
        return {
            n: (v - getattr(self, f"mean{n}")) / getattr(self, f"deviation{n}")
            for n, v in found.items()
        }

    def losses(
        self, maps: torch.Tensor, said: dict[str, torch.Tensor], labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return the loss of each head: one minus the cosine, or the cross entropy."""
        vectors = self.vectors(maps)
        found = {}
        for name, target in said.items():
            own = self.heads[name](vectors[target.shape[1]])
            found[name] = 1 - F.cosine_similarity(own, target.float(), dim=2, eps=1e-3).mean()
        for i, name in enumerate(FACTORS):
            logits = self.labels[i](vectors[1][:, 0])
            found[name] = label_loss(logits, labels[:, i].float())
        return found

    def total(self, losses: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the weighted sum of the losses."""
        return sum(self._weight(name) * value for name, value in losses.items())

    def _weight(self, name: str) -> float:
        if name in WEIGHTS:
            return WEIGHTS[name]
        return 1.0 if self._sizes[name][0] == 1 else PARTS_WEIGHT

    @torch.no_grad()
    def begin(self, logmel: torch.Tensor, said: dict[str, torch.Tensor]) -> None:
        """Measure the vectors of some windows, and set the teachers' heads to the least squares."""
        self.eval()
        made = [self.vectors(self.network(some)) for some in logmel.split(256)]
        vectors = {n: torch.cat([m[n] for m in made]).flatten(0, 1) for n in made[0]}
        for n, x in vectors.items():
            getattr(self, f"mean{n}").copy_(x.mean(0))
            getattr(self, f"deviation{n}").copy_(x.std(0).clamp(min=1e-3))
        for name, target in said.items():
            n = target.shape[1]
            x = (vectors[n] - getattr(self, f"mean{n}")) / getattr(self, f"deviation{n}")
            x, y = x.double(), target.flatten(0, 1).double()
            products = x.T @ x + 1e-2 * len(x) * torch.eye(x.shape[1]).to(x)
            self.heads[name].weight.copy_(torch.linalg.solve(products, x.T @ (y - y.mean(0))).T)
            self.heads[name].bias.copy_(y.mean(0))


def label_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy of labels [shape=(n,)], over those that are not nan.

    A pitch between two keys counts for both, by its distance.
    """
    high = logits.shape[1] - 1
    known = (labels >= 0) & (labels <= high)  # nan is neither
    labels = torch.where(known, labels, 0.0)
    low = labels.floor().long()
    part = labels - low
    logs = F.log_softmax(logits, dim=1)
    here = logs.gather(1, low[:, None])[:, 0]
    above = logs.gather(1, (low + 1).clamp(max=high)[:, None])[:, 0]
    loss = -(here * (1 - part) + above * part) * known
    return loss.sum() / known.sum().clamp(min=1)
