"""Compute what the teachers say of varied windows, once, and keep it.

    python -m scripts.holistic teach --data PACK LABELLED --teachers TEACHERS --out BANK \
        --network openl3-starter yamnet-starter yamnet crepe resemblyzer --windows 80000

Windows of one second are drawn and varied as in `scripts.starter distill`; teachers hear what the
student hears. The folder BANK gets the student's input (``logmel.npy``), the labels and the kind of
each window, and a file for each teacher. A teacher's vectors are standardised and reduced to
principal components, whose deviations are compressed to their square roots.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.starter.distill import gathered
from scripts.starter.sounds import FACTORS
from scripts.starter.windows import (
    RATE,
    Sounds,
    Variety,
    noise_bank,
    random_filters,
    varied_windows,
)

from .teachers import NETWORKS, Ear, load_network, multiplies_bfloat16

KINDS = ("recordings", "speech", "music", "events")
"""Kinds of sounds. What is not in `KIND_OF` is ``recordings``."""
SHARES = {0: 0.30, 1: 0.27, 2: 0.28, 3: 0.15}
"""The share of each kind in the bank, if it has any sounds."""
KIND_OF = {
    **dict.fromkeys(
        ("espeak", "espeak_words", "flite_words", "formant_words", "hedgewars-voices"), 1
    ),
    **dict.fromkeys(
        ("gm", "midi_notes", "synthetic_notes", "drums", "wesnoth-1.16-music",
         "fretsonfire-songs-sectoid", "sonic-pi-samples"), 2),
    **dict.fromkeys(("events", "strokes", "backgrounds", "synthetic"), 3),
}  # fmt: skip
MOST_COMPONENTS = {"crepe": 128, "resemblyzer": 128}
COMPONENTS = 256
CLEAR_GAIN = 0.4
"""The level of a second sound above which a window's labels are not used."""
DEFAULT_NETWORKS = [name for name in NETWORKS if name != "openl3-lite"]
"""OpenL3-lite says what its own teacher says. One of them is enough."""
MEASURED = 8192
"""Windows of which means, deviations and components are computed."""


class Reduction:
    """Standardised vectors in principal components, with compressed deviations.

    Parameters
    ----------
    vectors : tensor [shape=(n, size)]
    most : int
        Components that are kept, at most.
    """

    def __init__(self, vectors: torch.Tensor, most: int):
        self.mean = vectors.mean(0)
        self.deviation = vectors.std(0).clamp(min=1e-4)
        standard = ((vectors - self.mean) / self.deviation).double()
        products = standard.T @ standard / len(standard)
        products.diagonal().add_(1e-6)  # a singular matrix is no exception here
        variances, components = torch.linalg.eigh(products)
        k = min(most, *standard.shape)
        self.components = (components[:, -k:] / variances[-k:].clamp(min=1e-6) ** 0.25).float()
        self.kept = float(variances[-k:].sum() / variances.sum())

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Reduce vectors [shape=(…, size)]."""
        return ((vectors - self.mean) / self.deviation) @ self.components


def label_table(labels: list[dict[str, int]], device: torch.device) -> torch.Tensor:
    """Return the labels of each sound [shape=(n, factors)], nan where it has none."""
    rows = [[of.get(name, np.nan) for name in FACTORS] for of in labels]
    return torch.tensor(rows, dtype=torch.float32, device=device).reshape(-1, len(FACTORS))


def heard_windows(
    sounds: Sounds, table: torch.Tensor, n: int, batch: int
) -> Iterator[tuple[Any, torch.Tensor, torch.Tensor]]:
    """Yield what is heard of varied windows, their labels and their kinds, in batches."""
    ear, noises, variety = Ear(sounds.device), noise_bank(sounds.device), Variety(mixed=0.4)
    pitch = FACTORS.index("pitch")
    for first in range(0, n, batch):
        size = min(batch, n - first)
        made = varied_windows(sounds, noises, size, variety)
        labels = table[made.sound].clone()
        labels[made.gain > CLEAR_GAIN] = torch.nan
        labels[:, pitch] += 12 * torch.log2(made.speed)
        yield ear(made.samples, random_filters(size, variety, sounds.device)), labels, made.group


@torch.no_grad()
def teach(
    sounds: Sounds,
    table: torch.Tensor,
    networks: dict[str, Any],
    out: Path,
    n: int,
    batch: int = 512,
) -> dict[str, float]:
    """Write a bank of `n` windows. Return the share of variance that each reduction keeps."""
    out.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}

    def put(name: str, first: int, values: torch.Tensor) -> None:
        halves = values.half().cpu().numpy()
        if name not in arrays:
            shape = (n, *halves.shape[1:])
            arrays[name] = np.lib.format.open_memmap(out / f"{name}.npy", "w+", np.float16, shape)
        arrays[name][first : first + len(halves)] = halves

    def said(heard: Any) -> dict[str, torch.Tensor]:
        found = {}
        for network in networks.values():
            found.update(network(heard))
        return {name: vectors.float() for name, vectors in found.items()}

    measured = [said(h) for h, _, _ in heard_windows(sounds, table, min(n, MEASURED), batch)]
    reductions = {}
    for name in measured[0]:
        rows = torch.cat([m[name].flatten(0, 1) for m in measured])
        rows = rows[torch.randperm(len(rows), device=rows.device)[:MEASURED]]
        reductions[name] = Reduction(rows, MOST_COMPONENTS.get(name, COMPONENTS))
    del measured
    first = 0
    for heard, labels, kind in heard_windows(sounds, table, n, batch):
        put("logmel", first, heard.logmel[:, 0])
        put("labels", first, labels)
        put("kinds", first, kind)
        for name, vectors in said(heard).items():
            put(f"teacher-{name}", first, reductions[name](vectors))
        first += len(labels)
    for array in arrays.values():
        array.flush()
    return {name: round(r.kept, 4) for name, r in reductions.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=DEFAULT_NETWORKS)
    parser.add_argument("--teachers", type=Path, metavar="FOLDER", help="what `collect` wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=0)


def main(arguments: argparse.Namespace) -> None:
    """Write the bank."""
    begun = time.monotonic()
    torch.manual_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sounds, names, labels = gathered(arguments.data, device, KIND_OF)
    sounds.balance(SHARES)
    seconds = np.bincount(sounds.group, minlength=len(KINDS)) / 4
    print(f"{sounds.length / RATE:.0f} s of sounds from {len(names)} sources", flush=True)
    print({kind: round(s) for kind, s in zip(KINDS, seconds, strict=True)}, flush=True)
    fast = multiplies_bfloat16(device)
    networks = {
        name: load_network(name, arguments.teachers, device, fast) for name in arguments.network
    }
    table = label_table(labels, device)
    batch = 512 if device.type == "cuda" else 64
    kept = teach(sounds, table, networks, arguments.out, arguments.windows, batch)
    about = {"windows": arguments.windows, "networks": arguments.network, "variance kept": kept}
    (arguments.out / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{kept}, {time.monotonic() - begun:.0f} s", flush=True)
