r"""Distil OpenL3-lite from an OpenL3 of 128 mel bands.

    python -m scripts.starter distill --teacher openl3-mel128-starter --student openl3-lite \
        --data PACK SYNTHETIC --held HELD --out RUN --steps 8000

``--teacher`` is a preset, whose weights are fetched if necessary, or a file of OpenL3's weights for
128 mel bands. ``--data`` are folders that `pack` or `synthesize` made. ``--held`` is a folder that
`pack` made of recordings that are not trained on: the cosines between the embeddings of student and
teacher are measured on it.

Teacher and student see the same log-mel windows. They are cut, mixed, filtered and transformed on
the device that trains: a GPU if there is one. Windows are drawn from clusters of the teacher's
embeddings, large clusters less often. The folder ``--out`` holds the checkpoint ``state.pt``, the
log ``log.jsonl`` and the weights ``openl3-lite.safetensors``, which are a moving average. The same
command continues an interrupted training from its last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hear_openl3_yamnet.backbones import openl3_lite
from hear_openl3_yamnet.config.presets import PRESETS, get_preset
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from hear_openl3_yamnet.weights.finding import locate
from hear_openl3_yamnet.weights.reading import read_weights

from . import run_folder
from .held import Held
from .student import Student, Teacher, export_student
from .student_loss import Statistics, embedding, losses
from .windows import (
    RATE,
    LogMel,
    Sounds,
    Variety,
    noise_bank,
    places_of,
    random_filters,
    read_sounds,
    varied_windows,
)

GROUPS = {"gm": 1, "espeak": 2, "synthetic": 3}
"""Sources that are no recordings. All others are group 0."""
SHARES = {0: 0.47, 1: 0.10, 2: 0.10, 3: 0.33}
"""The share of each group in the training, if it has any sounds."""

_LOG_EVERY = 25  # steps


@dataclass
class Recipe:
    """How a student is trained. The names of weights are those of `student_loss.losses`."""

    batch: int = 256
    rate: float = 2.5e-3
    last_rate: float = 1e-3  # relative to the highest
    warm_up: float = 0.03  # share of the steps
    settles: float = 0.7  # share of the steps after which batch norms keep their statistics
    decay: float = 0.02
    average: float = 0.998  # of the moving average of the weights
    n_clusters: int = 64
    n_statistics: int = 2048  # windows
    raw: float = 1.0
    standardised: float = 1.0
    grid: float = 0.5
    frames: float = 0.25
    cells: float = 0.5  # falls to a fifth of it
    values: float = 0.25

    def rate_at(self, place: float) -> float:
        """Return the learning rate after a share of the steps: a linear rise, half a cosine."""
        fall = self.last_rate + (1 - self.last_rate) * 0.5 * (1 + math.cos(math.pi * place))
        return self.rate * fall * min(1.0, place / self.warm_up + 1e-3)

    def total(self, terms: dict[str, torch.Tensor], place: float) -> torch.Tensor:
        """Return the weighted sum of the terms of a loss after a share of the steps."""
        weights = {name: getattr(self, name) for name in terms}
        weights["cells"] *= 1 - 0.8 * place
        return sum(weights[name] * value for name, value in terms.items())


class Average:
    """A moving average of a student's weights and batch norms."""

    def __init__(self, student: nn.Module, most: float):
        self.model = copy.deepcopy(student).eval()
        self._most = most

    @torch.no_grad()
    def update(self, student: nn.Module, step: int) -> None:
        """Take a step of the student in. The first steps weigh more."""
        keep = min(self._most, step / (step + 9))
        states = (self.model.state_dict(), student.state_dict())
        mine, its = ([v for v in s.values() if v.is_floating_point()] for s in states)
        torch._foreach_lerp_(mine, its, 1 - keep)


class Distillation:
    """A student in training.

    Parameters
    ----------
    teacher : Teacher
    sounds : Sounds
        What is trained on.
    recipe : Recipe
    n_steps : int
        The steps of the whole training.
    out : Path
        The folder of checkpoint, log and weights.
    held : Sounds or None
        What is measured on.
    seed : int
    """

    def __init__(
        self,
        teacher: Teacher,
        sounds: Sounds,
        recipe: Recipe,
        n_steps: int,
        out: Path,
        held: tuple[Sounds, list[str]] | None = None,
        seed: int = 0,
    ):
        torch.manual_seed(seed)
        self.device = sounds.device
        self.on_gpu = self.device.type == "cuda"
        self.recipe, self.n_steps, self.out = recipe, n_steps, out
        self.sounds, self.variety = sounds, Variety()
        self.front_end = LogMel(FRONT_ENDS["mel128"].bands(), self.device)
        self.noises = noise_bank(self.device)
        self.held = Held(*held, self.front_end, teacher) if held else None
        self.teacher = teacher.bfloat16() if self.on_gpu else teacher
        self.statistics = self._cluster()
        self.student = Student().to(self.device)
        self._start_at_the_teachers_mean()
        if self.on_gpu:
            self.student = self.student.to(memory_format=torch.channels_last)
        self.average = Average(self.student, recipe.average)
        self.optimizer = self._optimizer()
        self.step = 0
        out.mkdir(parents=True, exist_ok=True)
        self._resume()

    @torch.no_grad()
    def _maps(self, places: torch.Tensor) -> Iterator[torch.Tensor]:
        for some in places.split(256 if self.on_gpu else 16):
            yield self.teacher(self.front_end(self.sounds.cut(some)))

    def _cluster(self) -> Statistics:
        """Cluster the places by the teacher's embeddings, and return its statistics."""
        sounds, recipe = self.sounds, self.recipe
        table = places_of(sounds, slice(None))
        some = torch.randperm(len(table), device=self.device)[: recipe.n_statistics]
        maps = list(self._maps(table[some]))
        statistics = Statistics(maps)
        vectors = statistics.standardised(torch.cat([embedding(m).float() for m in maps]))
        centres = cluster_centres(vectors, min(recipe.n_clusters, len(vectors)))
        chosen, of_place = sounds.one_a_second()
        numbers = [
            (F.normalize(statistics.standardised(embedding(m).float())) @ centres.T).argmax(1)
            for m in self._maps(places_of(sounds, chosen))
        ]
        sounds.cluster[:] = torch.cat(numbers).cpu().numpy()[of_place]
        sounds.balance(SHARES)
        return statistics

    @torch.no_grad()
    def _start_at_the_teachers_mean(self) -> None:
        last = self.student.get_submodule(f"{openl3_lite.STEPS[-1].name}_pointwise_norm")
        last.weight.copy_(self.statistics.cell_deviation.flatten())
        last.bias.copy_(self.statistics.cell_mean.flatten())

    def _optimizer(self) -> torch.optim.Optimizer:
        kernels = [p for p in self.student.parameters() if p.ndim > 1]
        others = [p for p in self.student.parameters() if p.ndim <= 1]
        groups = [
            {"params": kernels, "weight_decay": self.recipe.decay},
            {"params": others, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.recipe.rate, betas=(0.9, 0.98))

    @torch.no_grad()
    def _batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log-mel windows and the teacher's maps of them."""
        n = self.recipe.batch
        windows = varied_windows(self.sounds, self.noises, n, self.variety).samples
        filters = random_filters(n, self.variety, self.device)
        logmel = self.front_end.levels(self.front_end.spectra(windows) * filters)
        return logmel, self.teacher(logmel)

    def train_step(self) -> dict[str, float]:
        """Train one step and return the terms of its loss.

        Raises
        ------
        FloatingPointError
            If the loss is not finite.
        """
        place = self.step / self.n_steps
        self.student.train()
        if place >= self.recipe.settles:
            for module in self.student.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate_at(place)
        logmel, target = self._batch()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.on_gpu):
            maps = self.student(logmel)
        terms = losses(maps, target, self.statistics)
        loss = self.recipe.total(terms, place)
        found = {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}
        if not math.isfinite(found["loss"]):
            raise FloatingPointError(f"the loss of step {self.step} is {found['loss']}")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.student, self.step)
        return found

    def run(self, stop_after: int | None = None, save_every: int = 500) -> dict[str, float]:
        """Train to the end, or for `stop_after` more steps. Return what `measure` does."""
        end = min(self.n_steps, self.step + (stop_after or self.n_steps))
        sums: dict[str, float] = {}
        begun, first = time.monotonic(), self.step
        while self.step < end:
            for name, value in self.train_step().items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % _LOG_EVERY == 0 or self.step == end:
                n, now = self.step - first, time.monotonic()
                means = {name: round(value / n, 5) for name, value in sums.items()}
                per_second = round(n * self.recipe.batch / (now - begun))
                self.log(step=self.step, windows_per_second=per_second, **means)
                sums, begun, first = {}, now, self.step
            if self.step % save_every == 0 and self.step < end:
                self.save()
                self.log(step=self.step, **self.measure())
        self.save()
        measured = self.measure()
        self.log(step=self.step, windows=self.step * self.recipe.batch, **measured)
        return measured

    def measure(self) -> dict[str, float]:
        """Return the cosines on the held recordings, none without such."""
        if self.held is None:
            return {}
        found = self.held.measure(self.average.model, self.statistics.mean)
        return {f"held:{name}": value for name, value in found.items()}

    def log(self, **values: float) -> None:
        """Print a line and append it to the log."""
        run_folder.log(self.out, **values)

    def save(self) -> None:
        """Write the checkpoint and the weights."""
        about = {"network": openl3_lite.NAME, "steps": str(self.step)}
        weights = self.out / "openl3-lite.safetensors"
        export_student(self.average.model.state_dict(), weights, about)
        run_folder.save(self.out, self._parts(), step=self.step)

    def _parts(self) -> dict[str, Any]:
        average = self.average.model
        return {"student": self.student, "average": average, "optimizer": self.optimizer}

    def _resume(self) -> None:
        found = run_folder.resume(self.out, self._parts(), self.device)
        if found is not None:
            self.step = found["step"]


def cluster_centres(vectors: torch.Tensor, n: int, rounds: int = 15) -> torch.Tensor:
    """Return the centres of n clusters [shape=(n, size)], by k-means on the sphere."""
    vectors = F.normalize(vectors)
    generator = torch.Generator().manual_seed(0)
    pick = torch.randperm(len(vectors), generator=generator)[:n].to(vectors.device)
    centres = vectors[pick]
    for _ in range(rounds):
        nearest = (vectors @ centres.T).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, vectors)
        empty = sums.norm(dim=1) < 1e-6
        centres = torch.where(empty[:, None], centres, F.normalize(sums))
    return centres


def teacher_weights(name: str) -> dict[str, np.ndarray]:
    """Return the weights of a preset or of a file.

    Raises
    ------
    ValueError
        If a preset is not OpenL3 with 128 mel bands.
    """
    if name not in PRESETS:
        return read_weights(Path(name), "openl3")
    preset = get_preset(name)
    if preset.backbone.NAME != "openl3" or preset.front_end is not FRONT_ENDS["mel128"]:
        raise ValueError(f"the teacher must be OpenL3 with 128 mel bands. Received: {name}")
    return read_weights(locate(preset.weights_name), "openl3")


def gathered(
    folders: list[Path], device: torch.device, group_of: Mapping[str, int] = GROUPS
) -> tuple[Sounds, list[str], list[dict[str, int]]]:
    """Return the sounds of folders, the names of their sources, and the labels of each sound."""
    parts = [part for folder in folders for part in read_sounds(folder)]
    names = sorted({name for part in parts for name in part.sources})
    sounds = Sounds(sum(len(part.audio) for part in parts), device)
    for part in parts:
        groups = [group_of.get(name, 0) for name in part.sources]
        sources = [names.index(name) for name in part.sources]
        sounds.add(part.audio, part.lengths, np.array(groups), np.array(sources))
    return sounds, names, [labels for part in parts for labels in part.labels]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--teacher", default="openl3-mel128-starter", metavar="PRESET-OR-FILE")
    parser.add_argument("--student", default="openl3-lite", choices=["openl3-lite"])
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--held", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and weights")
    parser.add_argument("--steps", type=int, default=8000, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="windows a step")
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)


def main(arguments: argparse.Namespace) -> None:
    """Train a student, or continue its training."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = Recipe(batch=arguments.batch, rate=arguments.rate)
    arguments.out.mkdir(parents=True, exist_ok=True)
    written = {"teacher": arguments.teacher, "steps": arguments.steps, "seed": arguments.seed}
    written |= {**asdict(recipe), "variety": asdict(Variety())}
    (arguments.out / "recipe.json").write_text(json.dumps(written, indent=1) + "\n")
    sounds, *_ = gathered(arguments.data, device)
    print(f"{sounds.length / RATE:.0f} s of sounds, {len(sounds.start)} places", flush=True)
    held = gathered([arguments.held], device)[:2] if arguments.held else None
    teacher = Teacher(teacher_weights(arguments.teacher)).to(device)
    Distillation(
        teacher, sounds, recipe, arguments.steps, arguments.out, held, arguments.seed
    ).run()
