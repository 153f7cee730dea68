"""What is compared: each way to embed, and the question that it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hear_openl3_yamnet.study.variants import EVENT_HOP_MS, FLOOR, Variant

PUBLISHED = "YAMNet as published"
AS_SUBMITTED = "as submitted in 2021"

SINGLE = ("head", "layers", "fusion", "log-mel beside", "hop", "input", "over time")
"""Questions whose answers are one network with YAMNet's published weights: what a preset can be."""

KINDS = {
    "what is said": ("real_digits", "real_words", "real_letters", "real_languages"),
    "who speaks": ("real_speakers", "real_voices"),
    "other sounds": ("synth_pitch", "synth_strokes", "synth_tags"),
}
"""Kinds of tasks, which count alike, however many tasks there are of each."""

_LOG_MEL = {"layers": ["logmel"], "pooling": "mean+std", "grid": ["all", 1]}
_FUSION = {"layers": ["layer7", "layer14"], "pooling": "fusion"}

_SWEPT = (3, 4, 5, 6, 7, 8, 10, 12, 14)
"""Layers whose fusion is compared. Each of them has 2048 values."""

_SCENES: list[tuple[str, str, dict[str, Any]]] = [
    ("head", "maximum in place of mean", {"pooling": "max"}),
    ("head", "generalised mean", {"pooling": "gem"}),
    ("head", "mean and deviation", {"pooling": "mean+std"}),
    ("head", "a cell for each band", {"grid": ["all", 1]}),
    ("layers", "layer12", {"layers": "layer12"}),
    ("layers", "layer12, maximum", {"layers": "layer12", "pooling": "max"}),
    ("layers", "layer7", {"layers": "layer7"}),
    ("layers", "layer7, maximum", {"layers": "layer7", "pooling": "max"}),
    ("layers", "layer4", {"layers": "layer4"}),
    ("layers", "layers 7, 14, mean and deviation",
     {"layers": ["layer7", "layer14"], "pooling": "mean+std"}),
    ("layers", "layers 7, 12, 14, mean and deviation",
     {"layers": ["layer7", "layer12", "layer14"], "pooling": "mean+std"}),
    ("fusion", "fusion of layers 7, 14", _FUSION),
    *(
        ("fusion", f"fusion of layer {i}", {"layers": f"layer{i}", "pooling": "fusion"})
        for i in _SWEPT
    ),
    ("fusion", "fusion of layers 6, 14", {"layers": ["layer6", "layer14"], "pooling": "fusion"}),
    ("fusion", "fusion of layers 7, 12", {"layers": ["layer7", "layer12"], "pooling": "fusion"}),
    ("fusion", "fusion of layers 7, 12, 14",
     {"layers": ["layer7", "layer12", "layer14"], "pooling": "fusion"}),
    ("log-mel beside", "published, log-mel beside", {"networks": [{}, _LOG_MEL]}),
    ("log-mel beside", "fusion of layers 7, 14, log-mel beside",
     {"networks": [_FUSION, _LOG_MEL]}),
    ("log-mel beside", "layers 7, 12, 14 and log-mel, mean and deviation",
     {"layers": ["layer7", "layer12", "layer14", "logmel"], "pooling": "mean+std"}),
    ("hop", "windows 120 ms apart", {"scene_hop_size": 120.0}),
    ("input", "windows of 495 ms", {"window_size": 495.0}),
    ("input", "windows of 495 ms, fusion of layers 7, 14", {"window_size": 495.0, **_FUSION}),
    ("over time", "maximum over windows", {"scene_pooling": "max"}),
    ("over time", "mean and deviation over windows", {"scene_pooling": "mean+std"}),
    ("over time", "fusion of layers 7, 14, mean and deviation over windows",
     {"scene_pooling": "mean+std", **_FUSION}),
]  # fmt: skip
"""(question, name, options of `load_model`) of YAMNet with its published weights."""

_OTHERS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("untrained", "YAMNet untrained", "yamnet", {"weights": "random"}),
    ("untrained", "YAMNet untrained, fusion of layers 7, 14", "yamnet",
     {"weights": "random", **_FUSION}),
    ("other weights", "yamnet-starter", "yamnet-starter", {}),
    ("other weights", "yamnet-starter, fusion of layers 7, 14", "yamnet-starter", _FUSION),
    ("other weights", "openl3-mel128-starter", "openl3-mel128-starter", {"scene_hop_size": 480.0}),
    ("other weights", "openl3-mel128-starter, conv7", "openl3-mel128-starter",
     {"scene_hop_size": 480.0, "layers": "conv7"}),
    ("other weights", "openl3-lite", "openl3-lite", {"scene_hop_size": 480.0}),
]  # fmt: skip

_ENSEMBLES: list[tuple[str, dict[str, Any], str]] = [
    ("published + yamnet-starter", {}, "yamnet-starter"),
    ("fusion of layers 7, 14 + yamnet-starter", _FUSION, "yamnet-starter"),
    ("fusion of layers 7, 14 + openl3-mel128-starter", _FUSION, "openl3-mel128-starter"),
    ("published + openl3-lite", {}, "openl3-lite"),
    ("fusion of layers 7, 14 + openl3-lite", _FUSION, "openl3-lite"),
]

_PADDINGS = {
    "a quarter of a window, as submitted": "submitted",
    "after the clip only, as YAMNet's own code": "end",
}

_EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("layers", "layer12, maximum", {"layers": "layer12", "pooling": "max"}),
    ("fusion", "fusion of layer 8", {"layers": "layer8", "pooling": "fusion"}),
    ("frames", "frames of layer14", {"time": "frame"}),
    ("frames", "frames of layer12", {"time": "frame", "layers": "layer12"}),
]


_BASELINES = "hear_openl3_yamnet.baselines"


def kind_of(task: str) -> str:
    """Return the kind of a task. A task that is in no kind is one of its own."""
    return next((kind for kind, tasks in KINDS.items() if task in tasks), task)


def scene_variants(weights: str) -> list[Variant]:
    """Return what is compared on tasks of whole clips, `PUBLISHED` first."""
    own = {"weights": weights}
    found = [Variant(PUBLISHED, "yamnet", own, "head")]
    for subject, name, options in _SCENES:
        beside = options.get("networks")
        model = "yamnet+yamnet" if beside else "yamnet"
        found.append(Variant(name, model, {**own, **options}, subject))
    for name, padding in _PADDINGS.items():
        options = {**own, "padding": padding}
        found.append(Variant(name, "", options, "padding", f"{__package__}.padded"))
    found += [Variant(name, model, options, subject) for subject, name, model, options in _OTHERS]
    for name, options, other in _ENSEMBLES:
        networks = [{**own, **options}, {}]
        both = {"networks": networks, "normalize": "l2"}
        found.append(Variant(name, f"yamnet+{other}", both, "ensemble"))
    return [*found, *_baselines(), Variant("YAMNet's log-mel, 64 bands", "yamnet",
            {**own, **_LOG_MEL}, "no network")]  # fmt: skip


def event_variants(weights: str) -> list[Variant]:
    """Return what is compared on tasks of events, `PUBLISHED` first."""
    own = {"weights": weights}
    hop = {"hop_size": EVENT_HOP_MS}
    found = [
        Variant(PUBLISHED, "yamnet", {**own, **hop}, "head"),
        Variant(
            AS_SUBMITTED, options=own, subject="framing", baseline=f"{_BASELINES}.as_submitted"
        ),
    ]
    for subject, name, options in _EVENTS:
        found.append(Variant(name, "yamnet", {**own, **hop, **options}, subject))
    found.append(Variant("yamnet-starter", "yamnet-starter", hop, "other weights"))
    return [*found, *_baselines()]


def _baselines() -> list[Variant]:
    floor = Variant(FLOOR, subject="no network")
    return [floor, replace(floor, name="MFCC statistics", baseline=f"{_BASELINES}.mfcc_statistics")]
