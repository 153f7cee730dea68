"""The variants that a study compares: presets with heads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from ..config import geometry
from ..config.options import Options, option_names
from ..config.presets import DEFAULT_PRESET, PRESETS, SUBSTITUTE_PRESETS, get_preset
from ..errors import OptionError
from ..loading import configure_networks
from ..pooling.windows import POOLINGS

__all__ = [
    "DEFAULT_HEADS",
    "EVENT_HOP_MS",
    "FLOOR",
    "Variant",
    "available_presets",
    "default_preset",
    "head_options",
    "split_words",
    "variants",
]

EVENT_HOP_MS = float(Fraction(2 * 1936 * 1000, 48_000))
"""Between timestamps, the same for all networks: two frames of OpenL3's last map, 80.67 ms."""

FLOOR = "log-mel statistics"
"""The variant without a network: mean and standard deviation of 128 log-mel bands."""

PUBLISHED = "published"
BESIDE_LOG_MEL = "published+logmel"
DEFAULT_HEADS = (PUBLISHED, "max", "mean", "mean+std", "fusion", BESIDE_LOG_MEL)

_HEADS: dict[str, dict[str, Any]] = {
    PUBLISHED: {},
    BESIDE_LOG_MEL: {
        "networks": [{}, {"layers": ["logmel"], "pooling": "mean+std", "grid": ["all", 1]}]
    },
    **{pooling: {"pooling": pooling} for pooling in POOLINGS},
}
"""Heads by name. A layer's name is one, too."""


@dataclass(frozen=True, eq=False)
class Variant:
    """A way to embed.

    Attributes
    ----------
    name : str
    model : str
        A preset, or several joined by ``+``, as `load_model` takes it; "" for a baseline.
    options : dict
        The other keywords of `load_model`, or those of the baseline's.
    subject : str
        The question that it belongs to, in a study of many.
    baseline : str
        Where there is no preset: the name of a module of the HEAR API, such as those of
        `baselines`.
    """

    name: str
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    baseline: str = "hear_openl3_yamnet.baselines.log_mel_statistics"

    @cached_property
    def networks(self) -> tuple[Options, ...]:
        """The options of each network; none for a baseline.

        Raises
        ------
        OptionError
            As `load_model`.
        """
        return tuple(configure_networks(self.model, dict(self.options))) if self.model else ()

    def size(self, of_events: bool) -> int:
        """Return the number of values in an embedding of a clip, or of a timestamp."""
        if not self.model:
            model = import_module(self.baseline).load_model(**self.options)
            return model.timestamp_embedding_size if of_events else model.scene_embedding_size
        size = geometry.timestamp_embedding_size if of_events else geometry.scene_embedding_size
        return sum(map(size, self.networks))

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords of `load_model`."""
        return {"model": self.model, **self.options}


def available_presets() -> list[str]:
    """Return the presets whose weights are on this machine, each set of weights once."""
    from ..weights.finding import find

    found: dict[str, str] = {}
    for name, preset in PRESETS.items():
        if preset.weights_name not in found and find(preset.weights_name):
            found[preset.weights_name] = name
    return list(found.values())


def default_preset() -> str:
    """Return the preset of `load_model` without arguments, on this machine without a network."""
    from ..weights.finding import find

    candidates = (DEFAULT_PRESET, *SUBSTITUTE_PRESETS)
    found = (name for name in candidates if find(get_preset(name).weights_name))
    return next(found, SUBSTITUTE_PRESETS[-1])


def variants(
    models: Sequence[str], heads: Sequence[str] = DEFAULT_HEADS, *, of_events: bool = False
) -> list[Variant]:
    """Combine models with heads.

    Parameters
    ----------
    models : sequence of str
        Presets, or several joined by ``+``.
    heads : sequence of str
        As `head_options` takes them.
    of_events : bool
        Whether timestamps are embedded, instead of whole clips.

    Returns
    -------
    list of Variant
        `FLOOR` first. Of equal variants, such as OpenL3's published head and ``max``, only the
        first is kept. A head that a model cannot have, because its layers are those of another
        network, is left out if another model can have it.

    Raises
    ------
    OptionError
        If a preset or a head does not exist, or no model can have a head.
    """
    hop = {"hop_size": EVENT_HOP_MS} if of_events else {}
    found: dict[tuple[Options, ...], Variant] = {}
    refusals: dict[str, list[OptionError]] = {head: [] for head in heads}
    for model in models:
        for name in model.split("+"):
            get_preset(name.strip())
        for head in heads:
            variant = _variant(model, head, {**hop, **head_options(head)})
            try:
                found.setdefault(variant.networks, variant)
            except OptionError as error:
                refusals[head].append(error)
    for errors in refusals.values():
        if len(errors) == len(models):
            raise errors[0]
    return [Variant(FLOOR), *found.values()]


def _variant(model: str, head: str, options: dict[str, Any]) -> Variant:
    names = model.split("+")
    if "networks" in options:  # of each preset, a network for each of them
        beside = options["networks"]
        options = {**options, "networks": beside * len(names)}
        names = [name for name in names for _ in beside]
    return Variant(f"{model}: {head}", "+".join(names), options)


def head_options(head: str) -> dict[str, Any]:
    """Return the options of `load_model` that a head stands for.

    Parameters
    ----------
    head : str
        ``published``; ``published+logmel``, which is the published head with the mean and the
        standard deviation of each log-mel band beside; a pooling; a layer; or options of
        `load_model` as ``key=value,key=value``, values as JSON or plain text.

    Raises
    ------
    OptionError
        If there is no such head.
    """
    if head in _HEADS:
        return _HEADS[head]
    if "=" in head:
        return dict(_key_and_value(head, text) for text in _split(head, ","))
    if any(head in preset.backbone.LAYERS for preset in PRESETS.values()):
        return {"layers": [head]}
    raise OptionError(
        f"A head is one of {', '.join(_HEADS)}, a layer, or key=value,key=value. Received: {head!r}"
    )


def _key_and_value(head: str, text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or key not in (*option_names(), "networks"):
        raise OptionError(
            "A head of options is written as key=value,key=value, with keys of load_model: "
            f"{', '.join(option_names())}. Received: {head!r}"
        )
    with suppress(ValueError):
        value = json.loads(value)
    if key == "weights" and Path(value).exists():
        value = str(Path(value).absolute())  # so that winner.json names it from any folder
    return key, value


def split_words(text: str) -> list[str]:
    """Split a list of models or heads at spaces that are in no brackets and no quotes."""
    return [piece for piece in _split(text, " ") if piece]


def _split(text: str, separator: str) -> Iterator[str]:
    """Yield the pieces of a text between separators that are in no brackets and no quotes."""
    piece, depth, quoted = "", 0, False
    for character in text:
        quoted ^= character == '"'
        depth += (character in "[{") - (character in "]}")
        if character == separator and depth == 0 and not quoted:
            yield piece
            piece = ""
        else:
            piece += character
    yield piece
