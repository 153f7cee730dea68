"""The embeddings of a dataset's clips, kept on disk: each network runs once for all its heads.

Clips are embedded in blocks. A block's file is named by the digests of its configuration and of
its clips, so a study that was interrupted, or is given more heads or clips, computes only what is
missing.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import loading
from ..config import geometry
from ..config.options import Options
from ..features import framing
from ..labelled.dataset import Dataset
from ..npz import save_npz
from ..pooling.scenes import normalized
from ..version import __version__
from .networks import Baseline, ManyHeads, pass_key
from .outcomes import Timed
from .variants import Variant

__all__ = ["Embeddings", "LoadWeights"]

logger = logging.getLogger(__name__)

BLOCK_CLIPS = 64
BLOCK_SECONDS = 600.0
"""Seconds of sound in a block. A longer clip is a block of its own."""

LoadWeights = Callable[[Options], tuple[dict[str, np.ndarray], str]]
"""Options → weights and their id."""


class Api(NamedTuple):
    """A module of the HEAR API, and the options of its ``load_model``."""

    name: str
    options: tuple[tuple[str, Any], ...]

    @functools.cache  # noqa: B019 (there are few, and they are small)
    def loaded(self) -> Baseline:
        """Return it with its model."""
        return Baseline(self.name, dict(self.options))


Source = Options | Api
"""What computes an embedding: the options of one network, or a baseline."""

_NEUTRAL = ("weights", "normalize", "batch_size", "memory_limit", "sharing")
"""Options that do not change what is kept. The weights' id stands for `weights`."""


class Embeddings:
    """The embeddings of a dataset's clips, computed if they are not on disk.

    Parameters
    ----------
    folder : Path
        For the files.
    dataset : Dataset
    load_weights : function
        `LoadWeights`; by default those of `load_model`.
    """

    def __init__(
        self, folder: Path, dataset: Dataset, load_weights: LoadWeights = loading.weights_of
    ):
        self.folder = folder
        self.dataset = dataset
        self._load_weights = functools.cache(load_weights)
        self._blocks = list(_blocks(dataset))

    def compute(self, variants: Iterable[Variant]) -> None:
        """Compute what is missing for variants, with a progress bar where stderr is a terminal.

        Raises
        ------
        AudioFileError
            If a clip cannot be read.
        WeightsNotFoundError, WeightsFormatError
            As `load_model`.
        """
        from tqdm import tqdm

        passes: dict[Source, list[Source]] = {}
        for source in dict.fromkeys(source for v in variants for source in self._sources(v)):
            if any(not self._path(source, block).exists() for block in self._blocks):
                passes.setdefault(_pass(source), []).append(source)
        n_clips = len(passes) * len(self.dataset.clips)
        with tqdm(desc="embedding", total=n_clips, unit="clip", disable=None) as bar:
            for together in passes.values():
                self._run(together, bar.update)

    def _run(self, together: Sequence[Source], advance: Callable[[int], Any]) -> None:
        """Run one network, and write the blocks that a head misses."""
        began = time.perf_counter()
        options = [source for source in together if isinstance(source, Options)]
        network: ManyHeads | Baseline
        first = together[0]
        if isinstance(first, Api):
            network, name = first.loaded(), first.name
        else:
            network = ManyHeads(options, self._load_weights(pass_key(first))[0])
            name = first.model
        for block in self._blocks:
            paths = [self._path(source, block) for source in together]
            if not all(path.exists() for path in paths):
                audio = [self.dataset.clips[i].audio(network.sample_rate) for i in block]
                if self.dataset.of_events:
                    found, times = network.timestamps(audio)
                    about = {
                        "counts": np.array([len(t) for t in times]),
                        "times": np.concatenate(times),
                    }
                    arrays = [np.concatenate(rows) for rows in found]
                else:
                    arrays, about = network.scenes(audio), {}
                for path, values in zip(paths, arrays, strict=True):
                    if not path.exists():
                        path.parent.mkdir(parents=True, exist_ok=True)
                        save_npz(path, values=values, **about)
            advance(len(block))
        heads = f"{len(together)} head{'s' * (len(together) > 1)}"
        logger.info("%s: %s embedded in %.1f s", name, heads, time.perf_counter() - began)

    def scenes(self, variant: Variant) -> np.ndarray:
        """Return a variant's embeddings of the clips [shape=(n_clips, size), dtype=float32]."""
        return self._joined(variant)[0]

    def timestamps(self, variant: Variant) -> Timed:
        """Return, for each clip, a variant's embeddings and their timestamps [ms]."""
        values, arrays = self._joined(variant)
        ends = np.cumsum(np.concatenate([block["counts"] for block in arrays]))[:-1]
        times = np.concatenate([block["times"] for block in arrays])
        return list(zip(np.split(values, ends), np.split(times, ends), strict=True))

    def _joined(self, variant: Variant) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
        """Return the rows of all networks side by side, and the rest of the first one's blocks."""
        side_by_side = []
        arrays: list[dict[str, np.ndarray]] = []
        for source in self._sources(variant):
            blocks = []
            for block in self._blocks:
                with np.load(self._path(source, block)) as file:
                    blocks.append(dict(file))
            rows = np.concatenate([block.pop("values") for block in blocks])
            normalize = isinstance(source, Options) and source.normalize == "l2"
            side_by_side.append(normalized(rows) if normalize else rows)
            arrays = arrays or blocks
        return np.concatenate(side_by_side, axis=1), arrays

    def digest(self, variant: Variant) -> str:
        """Return a digest of everything except the clips that determines a variant's values."""
        about = [
            (self._digest(source), isinstance(source, Options) and source.normalize)
            for source in self._sources(variant)
        ]
        return _digest(about)

    def _sources(self, variant: Variant) -> Sequence[Source]:
        """Return what computes a variant's embedding.

        All networks have the hop of the first one, as the networks of a model do. Options that do
        not matter here are neutral, so that equal work is known as equal.
        """
        if not variant.networks:
            return (Api(variant.baseline, tuple(variant.options.items())),)
        first = variant.networks[0]
        changed: dict[str, Any]
        if self.dataset.of_events:
            changed = {"scene_hop_size": "native", "scene_pooling": "mean"}
            name, hop = "hop_size", geometry.hop(first)
        else:
            changed = {"hop_size": "native"}
            name, hop = "scene_hop_size", geometry.scene_hop(first)
        changed[name] = framing.hop_milliseconds(hop, first.preset.sample_rate)
        return [dataclasses.replace(network, **changed) for network in variant.networks]

    def _path(self, source: Source, block: Sequence[int]) -> Path:
        if isinstance(source, Api):
            sample_rate = source.loaded().sample_rate
        else:
            sample_rate = source.preset.sample_rate
        clips = [self.dataset.clips[i].digest(sample_rate) for i in block]
        return self.folder / self._digest(source) / f"{_digest(clips)}.npz"

    def _digest(self, source: Source) -> str:
        about: dict[str, Any] = {"events": self.dataset.of_events, "version": __version__}
        if isinstance(source, Options):
            about |= {k: v for k, v in source.as_dict().items() if k not in _NEUTRAL}
            about["weights_id"] = self._load_weights(pass_key(source))[1]
        else:
            about |= {k: v for k, v in source.options if k not in _NEUTRAL}
            about |= {"baseline": source.name, "weights_id": source.loaded().weights_id}
        return _digest(about)


def _pass(source: Source) -> Source:
    return pass_key(source) if isinstance(source, Options) else source


def _blocks(dataset: Dataset) -> Iterator[list[int]]:
    """Yield the numbers of consecutive clips."""
    block: list[int] = []
    seconds = 0.0
    for number, clip in enumerate(dataset.clips):
        length = clip.seconds()
        if block and (len(block) == BLOCK_CLIPS or seconds + length > BLOCK_SECONDS):
            yield block
            block, seconds = [], 0.0
        block.append(number)
        seconds += length
    yield block


def _digest(about: Any) -> str:
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
