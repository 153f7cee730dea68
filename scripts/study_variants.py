"""What the study crosses: networks, heads, scene poolings, ensembles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCENE_HOP_MS = 500.0
"""Between the windows that a scene pools, for all networks alike, as both submissions' were."""

EVENT_HOP_COLUMNS = 2
"""Between timestamps: two columns of OpenL3's last map, 80.67 ms, for all networks alike."""

LOG_MEL = "log-mel statistics"


@dataclass(frozen=True)
class Variant:
    """A way to embed.

    Attributes
    ----------
    name : str
    subject : str
        The question that it belongs to.
    model : str
        The preset; "" for a joint of parts and for what has no network.
    options : dict
        Of `load_model`, in which it differs from the published head.
    parts : tuple of str
        Names of the variants whose embeddings it joins.
    """

    name: str
    subject: str
    model: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


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
    ("log-mel means", "layers", {"layers": "logmel", "pooling": "mean", "grid": ("all", 1)}),
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
    ("log-mel means", "layers", {"layers": "logmel", "pooling": "mean", "grid": ("all", 1)}),
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


def variants(networks: list[str], *, of_events: bool) -> list[Variant]:
    """Return what is crossed.

    Parameters
    ----------
    networks : list of str
        Presets.
    of_events : bool
        Whether for a task of events.
    """
    found = [Variant(LOG_MEL, "baseline")]
    for preset in networks:
        openl3 = preset.startswith("openl3")
        rows = (
            (_OPENL3_EVENTS if openl3 else _YAMNET_EVENTS)
            if of_events
            else (_OPENL3_SCENES if openl3 else _YAMNET_SCENES)
        )
        if not of_events:
            poolings = [
                (f"scene {p}", "scene pooling", {"scene_pooling": p}) for p in _SCENE_POOLINGS
            ]
            rows = rows + poolings
        for name, subject, options in rows:
            found.append(Variant(f"{short_name(preset)}: {name}", subject, preset, options))
    return found + _ensembles(networks, of_events)


def _ensembles(networks: list[str], of_events: bool) -> list[Variant]:
    names = [short_name(preset) for preset in networks]
    joined = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if len(names) > 2:
        joined.append(tuple(names))
    found = [
        Variant(" + ".join(group), "ensemble", parts=tuple(f"{n}: published" for n in group))
        for group in joined
    ]
    if of_events:
        return found
    return found + [
        Variant(
            f"{n} + its log-mel means", "ensemble", parts=(f"{n}: published", f"{n}: log-mel means")
        )
        for n in names
    ]
