"""Sounds in memory → varied windows → log-mel, all on the device that trains, for `distill`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from hear_openl3_yamnet.features.frontends import FRONT_ENDS, OPENL3_FLOOR_DB, OPENL3_SMALLEST

RATE = 48_000


class Part(NamedTuple):
    """Sounds one after another: their lengths, the names of their sources, and their labels."""

    audio: np.ndarray
    lengths: np.ndarray
    sources: list[str]
    labels: list[dict[str, int]]


def read_sounds(folder: Path) -> Iterator[Part]:
    """Yield the sounds of a folder that `pack`, `synthesize` or `labelled` made."""
    for path in sorted(folder.glob("part-*.npz")):
        with np.load(path) as part:
            lengths = part["lengths"]
            n = len(lengths)
            yield Part(part["audio"], lengths, ["synthetic"] * n, [{}] * n)
    index = folder / "index.json"
    rows = json.loads(index.read_text()) if index.exists() else []
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_decoded, (folder / row["file"] for row in rows), rows)


def _decoded(path: Path, row: dict[str, Any]) -> Part:
    """Read one file of a pack."""
    import soundfile

    audio, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    excerpts = [(*excerpt, {})[:4] for excerpt in row["excerpts"]]
    sources, _, lengths, labels = (list(column) for column in zip(*excerpts, strict=True))
    audio = np.pad(audio, (0, max(0, sum(lengths) - len(audio))))
    return Part(audio, np.array(lengths, np.int64), sources, labels)


class LogMel:
    """OpenL3's front end of 128 mel bands, in PyTorch: what `features.frontends` computes."""

    def __init__(self, bands: np.ndarray, device: torch.device):
        self.front_end = FRONT_ENDS["mel128"]
        self.taper = torch.from_numpy(self.front_end.taper()).to(device)
        self.bands = torch.from_numpy(np.asarray(bands, np.float32)).to(device)

    def spectra(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the amplitudes in DFT bins [shape=(n, frames, 1025)] of windows of samples."""
        end = self.front_end
        length = (end.n_frames - 1) * end.frame_hop + end.frame_length
        padded = torch.nn.functional.pad(windows, (0, length - end.window))
        frames = padded.unfold(1, end.frame_length, end.frame_hop) * self.taper
        return torch.fft.rfft(frames).abs()

    def levels(self, spectra: torch.Tensor) -> torch.Tensor:
        """Return decibels below each window's maximum [shape=(n, 1, bands, frames)]."""
        amplitudes = spectra @ self.bands
        decibels = 10.0 * torch.log10(torch.clamp(amplitudes, min=OPENL3_SMALLEST))
        decibels = decibels - decibels.amax(dim=(1, 2), keepdim=True)
        return torch.clamp(decibels, min=OPENL3_FLOOR_DB).transpose(1, 2).unsqueeze(1)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the log-mel of windows [shape=(n, 48000)]."""
        return self.levels(self.spectra(windows))


class Sounds:
    """Sounds one after another in one long tensor, and the places where windows may start.

    There is a place every quarter of a second, from a quarter of a second before a sound on. Each
    place has a group (each group is a given share of the training) and a cluster.
    """

    def __init__(self, capacity: int, device: torch.device):
        self.audio = torch.zeros(capacity, dtype=torch.float32, device=device)
        self.length = 0
        self.device = device
        self.first = np.zeros(0, np.int64)
        self.end = np.zeros(0, np.int64)
        self.start = np.zeros(0, np.int64)
        self.group = np.zeros(0, np.int64)
        self.source = np.zeros(0, np.int64)
        self.sound = np.zeros(0, np.int64)
        self.n_sounds = 0
        self.cluster = np.zeros(0, np.int64)

    def add(
        self, audio: np.ndarray, lengths: np.ndarray, groups: np.ndarray, sources: np.ndarray
    ) -> None:
        """Append sounds. Each has a group and the number of its source."""
        total = int(lengths.sum())
        at = self.length
        self.audio[at : at + total] = torch.from_numpy(audio[:total]).to(self.device)
        self.length += total
        ends = at + np.cumsum(lengths)
        firsts = ends - lengths
        numbers = range(self.n_sounds, self.n_sounds + len(lengths))
        self.n_sounds += len(lengths)
        rows = [
            (first, end, start, *about)
            for first, end, *about in zip(firsts, ends, groups, sources, numbers, strict=True)
            for start in range(first - RATE // 4, max(first + 1, end - RATE // 2), RATE // 4)
        ]
        columns = np.array(rows, np.int64).reshape(-1, 6).T
        names = ("first", "end", "start", "group", "source", "sound")
        for name, values in zip(names, columns, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), values]))
        self.cluster = np.zeros(len(self.start), np.int64)

    def one_a_second(self) -> tuple[np.ndarray, np.ndarray]:
        """Choose places a second apart, and which of them stands for each place."""
        first, start = self.first, self.start
        turn = (start - first) // (RATE // 4) + 1  # 0, 1, … within each sound
        alone = np.append(first[1:] != first[:-1], True) & (turn == 0)
        chosen = (turn % 4 == 1) | alone
        index = np.cumsum(chosen) - 1
        index = np.where((turn == 0) & ~alone, index + 1, index)  # the next stands for it
        return np.flatnonzero(chosen), np.clip(index, 0, None)

    def balance(self, shares: dict[int, float], power: float = 0.5) -> None:
        """Set the probability of each place. Groups have their shares.

        A cluster of n places is drawn in proportion to n ** (1 − `power`).
        """
        sizes = np.bincount(self.cluster, minlength=1)
        weight = sizes[self.cluster].astype(np.float64) ** -power
        present = {g: s for g, s in shares.items() if (self.group == g).any()}
        for group, share in present.items():
            of_group = self.group == group
            weight[of_group] *= share / weight[of_group].sum()
        weight[~np.isin(self.group, list(present))] = 0.0
        cumulative = np.cumsum(weight / weight.sum())
        self._cumulative = torch.from_numpy(cumulative).to(self.device)
        table = np.stack([self.first, self.end, self.start, self.sound, self.group], axis=1)
        self._table = torch.from_numpy(table).to(self.device)

    def draw(self, n: int) -> torch.Tensor:
        """Draw places [shape=(n, 5)].

        Each is a sound's first sample, its end, a window's start, the sound's number and its group.
        """
        u = torch.rand(n, device=self.device, dtype=torch.float64)
        index = torch.searchsorted(self._cumulative, u).clamp(max=len(self._table) - 1)
        return self._table[index]

    def cut(
        self,
        places: torch.Tensor,
        shift: torch.Tensor | None = None,
        speed: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Cut windows [shape=(n, 48000)], with zeros outside their sounds.

        Parameters
        ----------
        places : tensor [shape=(n, 3 or more)]
            As `draw` returns them. The first three columns are used.
        shift : tensor [shape=(n,)], optional
            Samples by which each window starts later.
        speed : tensor [shape=(n,)], optional
            Samples of the sound to one of the window; between samples, values are interpolated.
        """
        steps = torch.arange(RATE, device=self.device)
        first, end, start = places[:, 0:1], places[:, 1:2], places[:, 2:3]
        if shift is not None:
            start = start + shift[:, None]
        if speed is None:
            index = start + steps
            value = self.audio[index.clamp(0, len(self.audio) - 1)]
            return value * ((index >= first) & (index < end))
        position = steps.double() * speed.double()[:, None]
        whole = position.floor()
        part = (position - whole).float()
        index = start + whole.long()
        inside = (index >= first) & (index < end - 1)
        index = index.clamp(0, len(self.audio) - 2)
        here, following = self.audio[index], self.audio[index + 1]
        return (here + (following - here) * part) * inside


def places_of(sounds: Sounds, which: slice | np.ndarray) -> torch.Tensor:
    """Return the first three columns of the places with given numbers [shape=(n, 3)]."""
    table = np.stack([sounds.first[which], sounds.end[which], sounds.start[which]], axis=1)
    return torch.from_numpy(table).to(sounds.device)


def noise_bank(device: torch.device, seconds: int = 12) -> torch.Tensor:
    """Return noises of seven slopes [shape=(7, seconds * 48000)], each of unit power."""
    n = seconds * RATE
    frequency = torch.fft.rfftfreq(n, 1 / RATE, device=device).clamp(min=20.0)
    noises = []
    for slope in (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5):
        spectrum = torch.fft.rfft(torch.randn(n, device=device)) * frequency**slope
        noise = torch.fft.irfft(spectrum, n)
        noises.append(noise / noise.std())
    return torch.stack(noises)


@dataclass
class Variety:
    """How windows are varied: the share of windows that each change is made to, and its range."""

    mixed: float = 0.5
    mixed_db: tuple[float, float] = (0.0, 25.0)
    noisy: float = 0.35
    noisy_db: tuple[float, float] = (0.0, 70.0)
    speed: float = 0.5
    speeds: tuple[float, float] = (0.75, 1.35)
    edges: float = 0.15
    equalised: float = 0.4
    limited: float = 0.3
    silent: float = 0.003


def _chance(n: int, share: float, device: torch.device) -> torch.Tensor:
    return (torch.rand(n, device=device) < share).float()


def _between(n: int, low: float, high: float, device: torch.device) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, device=device)


class Varied(NamedTuple):
    """Windows, and what each was made of."""

    samples: torch.Tensor
    """[shape=(n, 48000)]"""
    sound: torch.Tensor
    """Number of the louder sound [shape=(n,)]."""
    group: torch.Tensor
    """Its group."""
    speed: torch.Tensor
    """How many times faster it was played."""
    gain: torch.Tensor
    """Level of the other sound relative to it, 0 if there is none."""


def varied_windows(sounds: Sounds, noises: torch.Tensor, n: int, variety: Variety) -> Varied:
    """Draw windows of samples: moved, faster or slower, mixed, in noise, cut off at an end."""
    device = sounds.device

    def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        shift = _between(n, -RATE / 8, RATE / 8, device).long()
        low, high = map(math.log, variety.speeds)
        speed = torch.exp(_between(n, low, high, device) * _chance(n, variety.speed, device))
        places = sounds.draw(n)
        return sounds.cut(places, shift, speed), places, speed

    def power(x: torch.Tensor) -> torch.Tensor:
        return x.square().mean(1, keepdim=True).sqrt()

    (windows, places, speed), (other, _, _) = drawn(), drawn()
    loudness = power(windows).clamp(min=1e-4)
    mixed = 10 ** (-_between(n, *variety.mixed_db, device) / 20) * _chance(n, variety.mixed, device)
    windows = windows + other * (mixed[:, None] * loudness / power(other).clamp(min=1e-4))
    kind = torch.randint(len(noises), (n,), device=device)
    start = torch.randint(noises.shape[1] - RATE, (n,), device=device)
    noise = noises[kind[:, None], start[:, None] + torch.arange(RATE, device=device)]
    gain = 10 ** (-_between(n, *variety.noisy_db, device) / 20) * _chance(n, variety.noisy, device)
    windows = windows + noise * (gain[:, None] * loudness)
    # a clip's first and last windows reach beyond it
    cut = (_between(n, 0.0, 0.5, device) * _chance(n, variety.edges, device) * RATE)[:, None]
    steps = torch.arange(RATE, device=device)
    at_start = torch.rand(n, 1, device=device) < 0.5
    inside = torch.where(at_start, steps >= cut, steps < RATE - cut)
    silent = _chance(n, variety.silent, device)[:, None]
    windows = windows * inside * (1 - silent)
    return Varied(windows, places[:, 3], places[:, 4], speed, mixed)


def random_filters(n: int, variety: Variety, device: torch.device) -> torch.Tensor:
    """Draw gains of DFT bins [shape=(n, 1, 1025)]: smooth curves, and low-passes.

    Their decibels are OpenL3's: 10·log10 of an amplitude.
    """
    n_bins = FRONT_ENDS["mel128"].fft_length // 2 + 1
    frequency = torch.linspace(0, RATE / 2, n_bins, device=device)
    octave = torch.log2(frequency.clamp(min=40.0) / 40.0)  # 0 … 9.2
    knots = 8
    levels = 2.5 * torch.randn(n, knots, device=device)
    levels = levels * _chance(n, variety.equalised, device)[:, None]
    position = octave / octave.max() * (knots - 1.001)
    low = position.long()
    part = position - low
    decibels = levels[:, low] * (1 - part) + levels[:, low + 1] * part
    corners = torch.tensor([3400.0, 4000, 4000, 5512, 8000, 8000, 11025, 16000], device=device)
    corner = corners[torch.randint(len(corners), (n,), device=device)]
    corner = corner * _between(n, 0.9, 1.0, device)
    width = _between(n, 0.01, 0.08, device)
    depth = _between(n, 15.0, 80.0, device) * _chance(n, variety.limited, device)
    fall = ((frequency / corner[:, None] - 1) / width[:, None]).clamp(0, 1)
    decibels = decibels - fall * depth[:, None]
    return (10 ** (decibels / 10)).unsqueeze(1)
