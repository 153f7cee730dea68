"""What the full study crosses: networks, heads, scene poolings, ensembles."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.study.variants import EVENT_HOP_MS, FLOOR, Variant

SCENE_HOP_MS = 500.0
"""Between the windows that a scene pools, the same for all networks."""

_LOG_MEL_MEANS = {"layers": "logmel", "pooling": "mean", "grid": ("all", 1)}

_OPENL3_SCENES: list[tuple[str, str, dict[str, Any]]] = [
    ("published", "network", {}),
    ("mean", "pooling", {"pooling": "mean"}),
    ("max+mean", "pooling", {"pooling": "max+mean"}),
    ("mean+std", "pooling", {"pooling": "mean+std"}),
    ("gem", "pooling", {"pooling": "gem"}),
    ("4 × 3 cells", "grid", {"grid": (4, 3)}),
    ("a cell for each band", "grid", {"grid": ("all", 1)}),
    ("a cell for each column", "grid", {"grid": (1, "all")}),
    ("block3", "layers", {"layers": "block3"}),
    ("block2", "layers", {"layers": "block2"}),
    ("blocks 2, 3, 4", "layers", {"layers": ("block2", "block3", "block4")}),
    ("log-mel means", "layers", _LOG_MEL_MEANS),
    ("fusion", "fusion", {"pooling": "fusion"}),
    ("blur", "subsampling", {"subsampling": "blur"}),
    ("aps", "subsampling", {"subsampling": "aps"}),
]

_YAMNET_SCENES: list[tuple[str, str, dict[str, Any]]] = [
    ("published", "network", {}),
    ("max", "pooling", {"pooling": "max"}),
    ("max+mean", "pooling", {"pooling": "max+mean"}),
    ("mean+std", "pooling", {"pooling": "mean+std"}),
    ("gem", "pooling", {"pooling": "gem"}),
    ("2 × 3 cells", "grid", {"grid": (2, 3)}),
    ("layer12", "layers", {"layers": "layer12"}),
    ("layer12, max", "layers", {"layers": "layer12", "pooling": "max"}),
    ("layer7, max", "layers", {"layers": "layer7", "pooling": "max"}),
    ("layers 7, 12, 14", "layers", {"layers": ("layer7", "layer12", "layer14")}),
    ("log-mel means", "layers", _LOG_MEL_MEANS),
    ("fusion", "fusion", {"pooling": "fusion"}),
    ("blur", "subsampling", {"subsampling": "blur"}),
    ("aps", "subsampling", {"subsampling": "aps"}),
]

_SCENE_POOLINGS = ("max", "mean+max", "mean+std", "percentiles")

_OPENL3_EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("published", "network", {}),
    ("mean", "pooling", {"pooling": "mean"}),
    ("block3", "layers", {"layers": "block3"}),
    ("frame", "time kept", {"time": "frame"}),
    ("frame, a cell for each band", "time kept", {"time": "frame", "grid": ("all", 1)}),
    ("frame, block3", "time kept", {"time": "frame", "layers": "block3"}),
]

_YAMNET_EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("published", "network", {}),
    ("max", "pooling", {"pooling": "max"}),
    ("2 × 3 cells", "grid", {"grid": (2, 3)}),
    ("layer12, max", "layers", {"layers": "layer12", "pooling": "max"}),
    ("frame", "time kept", {"time": "frame"}),
    ("frame, layer7", "time kept", {"time": "frame", "layers": "layer7"}),
]


def short_name(preset: str) -> str:
    """Return how tables call a network."""
    return preset.removeprefix("openl3-") if preset.startswith("openl3") else "YAMNet"


def crossed(networks: list[str], *, of_events: bool) -> list[Variant]:
    """Return what is crossed.

    Parameters
    ----------
    networks : list of str
        Presets.
    of_events : bool
        Whether for a task of events.
    """
    hop = {"hop_size": EVENT_HOP_MS} if of_events else {"scene_hop_size": SCENE_HOP_MS}
    found = [Variant(FLOOR, subject="baseline")]
    for preset in networks:
        for name, subject, options in _rows(preset, of_events):
            full_name = f"{short_name(preset)}: {name}"
            found.append(Variant(full_name, preset, {**hop, **options}, subject))
    groups = list(combinations(networks, 2))
    if len(networks) > 2:
        groups.append(tuple(networks))
    for group in groups:
        name = " + ".join(map(short_name, group))
        found.append(Variant(name, "+".join(group), hop, "ensemble"))
    for preset in [] if of_events else networks:
        name = f"{short_name(preset)} + its log-mel means"
        options = {**hop, "networks": [{}, _LOG_MEL_MEANS]}
        found.append(Variant(name, f"{preset}+{preset}", options, "ensemble"))
    return found


def _rows(preset: str, of_events: bool) -> list[tuple[str, str, dict[str, Any]]]:
    openl3 = get_preset(preset).backbone.NAME == "openl3"
    if of_events:
        return _OPENL3_EVENTS if openl3 else _YAMNET_EVENTS
    poolings = [(f"scene {p}", "scene pooling", {"scene_pooling": p}) for p in _SCENE_POOLINGS]
    return [*(_OPENL3_SCENES if openl3 else _YAMNET_SCENES), *poolings]
