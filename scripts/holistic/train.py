"""Train the student on a bank that `teach` wrote.

    python -m scripts.holistic train --bank BANK --out RUN --steps 2000
    python -m scripts.holistic train --bank BANK --out RUN-crepe --steps 2000 --without crepe
    python -m scripts.holistic train --bank BANK --out RUN-speech --steps 2000 --without-kind speech

The student's trunk, its first 12 steps, starts from the weights of OpenL3-lite. ``--start`` names
those of another training, or ``none``. With ``--frozen conv12`` the trunk keeps its weights, and
its maps are computed once: a CPU trains the steps after it at some hundreds of windows a second.
``--network openl3_lite`` trains a student with that network in place of `holistic`. With
``--seconds`` in place of ``--steps``, the steps are chosen after the first 100, so that the
training lasts about that long.

The folder ``--out`` holds the checkpoint ``state.pt``, the log ``log.jsonl`` and the weights
``holistic.safetensors``, which are a moving average. The same command continues an interrupted
training from its last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

from hear_openl3_yamnet.backbones import holistic, openl3_lite
from hear_openl3_yamnet.weights.finding import locate
from scripts.starter import run_folder
from scripts.starter.distill import Average
from scripts.starter.student import Student, export_student, load_student

from .student import Pupil
from .teach import KINDS
from .teachers import NETWORKS, multiplies_bfloat16
from .trunk import trunk_maps

BACKBONES = {backbone.NAME: backbone for backbone in (holistic, openl3_lite)}
"""What a student can be. The steps of the trunk are the same."""

TRUNK = [step.name for step in openl3_lite.STEPS[:-1]]
"""The steps that both networks begin with."""

_LOG_EVERY = 50  # steps
_FITTED = 8192  # windows on which heads are set before the training begins
_HELD = 2048  # windows at the bank's end that are not trained on


@dataclass
class Recipe:
    """How the student is trained."""

    batch: int = 512
    rate: float = 8e-4
    head_rate: float = 5e-4
    last_rate: float = 1e-3  # relative to the highest
    warm_up: float = 0.05  # share of the steps
    settles: float = 0.75  # share of the steps after which batch norms keep their statistics
    decay: float = 0.02
    average: float = 0.998

    def rate_at(self, place: float) -> float:
        """Return the factor on the learning rate after a share of the steps."""
        fall = self.last_rate + (1 - self.last_rate) * 0.5 * (1 + math.cos(math.pi * place))
        return fall * min(1.0, place / self.warm_up + 1e-3)


class Bank:
    """The windows of a bank and what teachers said of them, in the memory of a device.

    Parameters
    ----------
    folder : Path
        What `teach` wrote.
    device : str
    """

    def __init__(self, folder: Path, device: str):
        self.device = torch.device(device)

        def array(name: str) -> torch.Tensor:
            return torch.from_numpy(np.load(folder / f"{name}.npy", mmap_mode="c")).to(self.device)

        self.folder = folder
        self.networks = json.loads((folder / "about.json").read_text())["networks"]
        self.inputs = array("logmel")[:, None]
        self.labels, self._kinds = array("labels"), array("kinds")
        names = sorted(path.stem.removeprefix("teacher-") for path in folder.glob("teacher-*.npy"))
        self.said = {name: array(f"teacher-{name}") for name in names}
        n = len(self.labels)
        n_trained = n - min(_HELD, n // 8)
        self.trained = torch.arange(n_trained, device=self.device)
        self.held = torch.arange(n_trained, n, device=self.device)

    def without(self, networks: Collection[str] = (), kinds: Collection[str] = ()) -> Bank:
        """Return the bank without what some networks say, and without some kinds of sounds."""
        left = copy.copy(self)
        silent = {teacher for name in networks for teacher in NETWORKS[name]}
        left.said = {name: values for name, values in self.said.items() if name not in silent}
        for kind in kinds:
            left.trained = left.trained[self._kinds[left.trained] != KINDS.index(kind)]
        if len(left.trained) == 0 or not left.said:
            raise SystemExit("The bank has no windows, or no teachers, besides those left out.")
        return left

    def after(self, network: Student, n_steps: int) -> Bank:
        """Return the bank with maps of a network after its first steps, in place of windows."""
        left = copy.copy(self)
        maps = trunk_maps(self.folder, network, n_steps)
        left.inputs = torch.from_numpy(maps).permute(0, 3, 1, 2)
        return left

    def has(self, kind: str) -> bool:
        """Return whether some windows, and not all, are of a kind."""
        of_kind = self._kinds[self.trained] == KINDS.index(kind)
        return bool(of_kind.any()) and not bool(of_kind.all())

    def rows(self, which: torch.Tensor) -> tuple[torch.Tensor, dict, torch.Tensor]:
        """Return the student's input, what is said of it and its labels."""
        said = {name: values[which] for name, values in self.said.items()}
        inputs = self.inputs[which.to(self.inputs.device)].to(self.device)
        return inputs.float(), said, self.labels[which]


class Training:
    """A student in training.

    Parameters
    ----------
    bank : Bank
    recipe : Recipe
    n_steps : int
        The steps of the whole training.
    out : Path
        The folder of checkpoint, log and weights.
    start : dict of np.ndarray or None
        Weights of OpenL3-lite or of the student to begin with.
    seed : int
    n_frozen : int
        So many of the student's first steps keep their weights.
    backbone : module
        One of `BACKBONES`.
    """

    def __init__(
        self,
        bank: Bank,
        recipe: Recipe,
        n_steps: int,
        out: Path,
        start: dict[str, np.ndarray] | None,
        seed: int = 0,
        n_frozen: int = 0,
        backbone: Any = holistic,
    ):
        torch.manual_seed(seed)
        self.recipe, self.n_steps, self.out = recipe, n_steps, out
        self.backbone = backbone
        self.on_gpu = bank.device.type == "cuda"
        self.bfloat16 = multiplies_bfloat16(bank.device)
        sizes = {name: (v.shape[1], v.shape[2]) for name, v in bank.said.items()}
        pupil = Pupil(sizes, backbone.STEPS)
        if start is not None:
            load_student(pupil.network, start)
        self.pupil = pupil.to(bank.device)
        if self.bfloat16:
            self.pupil.network.to(memory_format=torch.channels_last)
        self.bank = bank.after(pupil.network, n_frozen) if n_frozen else bank
        pupil.network.freeze(n_frozen)
        inputs, said, _ = self.bank.rows(bank.trained[:_FITTED])
        self.pupil.begin(inputs, said)
        self.average = Average(self.pupil, recipe.average)
        self.optimizer = self._optimizer()
        self.step = 0
        out.mkdir(parents=True, exist_ok=True)
        self._resume()

    def _optimizer(self) -> torch.optim.Optimizer:
        network = [p for p in self.pupil.network.parameters() if p.requires_grad]
        heads = [*self.pupil.heads.parameters(), *self.pupil.labels.parameters()]
        groups = [
            {"params": [p for p in network if p.ndim > 1], "weight_decay": self.recipe.decay},
            {"params": [p for p in network if p.ndim <= 1], "weight_decay": 0.0},
            {"params": heads, "weight_decay": self.recipe.decay},
        ]
        self._rates = (self.recipe.rate, self.recipe.rate, self.recipe.head_rate)
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=self.on_gpu)

    def train_step(self) -> dict[str, torch.Tensor]:
        """Train one step and return its losses."""
        place = self.step / self.n_steps
        self.pupil.train()
        if place >= self.recipe.settles:
            for module in self.pupil.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.recipe.rate_at(place)
        trained = self.bank.trained
        drawn = torch.randint(len(trained), (self.recipe.batch,), device=self.bank.device)
        losses = self._losses(self.pupil, trained[drawn])
        loss = self.pupil.total(losses)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.pupil.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.pupil, self.step)
        return {"loss": loss.detach(), **{name: value.detach() for name, value in losses.items()}}

    def _losses(self, pupil: nn.Module, which: torch.Tensor) -> dict[str, torch.Tensor]:
        inputs, said, labels = self.bank.rows(which)
        with torch.autocast(self.bank.device.type, torch.bfloat16, enabled=self.bfloat16):
            maps = pupil.network(inputs)
        return pupil.losses(maps, said, labels)

    def run(self, seconds: float | None = None, save_every: int = 500) -> dict[str, float]:
        """Train to the end. Return the losses on windows that are not trained on.

        Parameters
        ----------
        seconds : float, optional
            How long a new training shall last: its number of steps is chosen after the first.
        save_every : int
            Steps between checkpoints.

        Raises
        ------
        FloatingPointError
            If a loss is not finite.
        """
        begun = shown = time.monotonic()
        first = self.step
        sums: dict[str, torch.Tensor] = {}
        while self.step < self.n_steps:
            for name, value in self.train_step().items():
                sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value
            if self.step % _LOG_EVERY == 0 or self.step == self.n_steps:
                n, now = self.step - first, time.monotonic()
                means = {name: round(float(total) / n, 4) for name, total in sums.items()}
                if not math.isfinite(means["loss"]):
                    raise FloatingPointError(f"the loss is not finite at step {self.step}")
                rate = round(n * self.recipe.batch / (now - shown))
                self.log(step=self.step, windows_per_second=rate, **means)
                if seconds is not None and self.step == 2 * _LOG_EVERY:
                    left = seconds - (now - begun)
                    self.n_steps = self.step + max(1, int(left * rate / self.recipe.batch))
                sums, shown, first = {}, now, self.step
            if self.step % save_every == 0 and self.step < self.n_steps:
                self.save()
        self.save()
        measured = self.measure()
        self.log(step=self.step, seconds=round(time.monotonic() - begun), **measured)
        return measured

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Return the losses of the average on windows that are not trained on."""
        sums: dict[str, float] = {}
        for some in self.bank.held.split(256):
            for name, value in self._losses(self.average.model, some).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(some)
        return {f"held:{name}": round(v / len(self.bank.held), 4) for name, v in sums.items()}

    def log(self, **values: float) -> None:
        """Print a line and append it to the log."""
        run_folder.log(self.out, **values)

    def save(self) -> None:
        """Write the checkpoint and the weights."""
        about = {"network": self.backbone.NAME, "steps": str(self.step)}
        network = self.average.model.network
        path = self.out / "holistic.safetensors"
        export_student(network.state_dict(), path, about, network.steps)
        run_folder.save(self.out, self._parts(), step=self.step, n_steps=self.n_steps)

    def _parts(self) -> dict[str, Any]:
        average = self.average.model
        return {"pupil": self.pupil, "average": average, "optimizer": self.optimizer}

    def _resume(self) -> None:
        found = run_folder.resume(self.out, self._parts(), self.bank.device)
        if found is not None:
            self.step, self.n_steps = found["step"], found["n_steps"]


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one training or of several."""
    parser.add_argument("--bank", type=Path, required=True, help="folder that `teach` wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--seconds", type=float, help="in place of --steps")
    parser.add_argument("--start", default="openl3-lite", help="weights, a file, or none")
    parser.add_argument("--network", choices=BACKBONES, default=holistic.NAME)
    parser.add_argument("--frozen", choices=TRUNK, help="the last step that is not trained")
    parser.add_argument("--seed", type=int, default=0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_training_arguments(parser)
    parser.add_argument("--without", nargs="+", choices=NETWORKS, default=[], metavar="NETWORK")
    parser.add_argument("--without-kind", nargs="+", choices=KINDS, default=[], metavar="KIND")


def start_weights(name: str) -> dict[str, np.ndarray] | None:
    """Return the weights of that name or in that file; None if the name is ``none``.

    A file may hold OpenL3-lite or the student: their first 12 steps are alike.
    """
    if name == "none":
        return None
    weights = load_file(locate(name) if name == "openl3-lite" else Path(name))
    if "conv12_pointwise/kernel" not in weights:
        raise SystemExit(f"{name} has no weights of the student's trunk.")
    return weights


def open_bank(folder: Path) -> Bank:
    """Open a bank on the device that trains: a GPU if there is one."""
    torch.backends.cudnn.benchmark = True  # all batches have one shape
    return Bank(folder, "cuda" if torch.cuda.is_available() else "cpu")


def train(bank: Bank, arguments: argparse.Namespace, out: Path) -> None:
    """Train a student on a bank, by the arguments of `add_training_arguments`."""
    recipe, start = Recipe(batch=arguments.batch), start_weights(arguments.start)
    backbone = BACKBONES[arguments.network]
    n_frozen = TRUNK.index(arguments.frozen) + 1 if arguments.frozen else 0
    seed, n_steps = arguments.seed, arguments.steps
    training = Training(bank, recipe, n_steps, out, start, seed, n_frozen, backbone)
    training.run(arguments.seconds)


def main(arguments: argparse.Namespace) -> None:
    """Train the student."""
    bank = open_bank(arguments.bank).without(arguments.without, arguments.without_kind)
    train(bank, arguments, arguments.out)
