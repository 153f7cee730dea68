"""The open questions of HEAR 2021's two submissions, and what a study's results say to each."""

from __future__ import annotations

from dataclasses import dataclass

from hear_openl3_yamnet.study.variants import FLOOR

from .results import Comparison, Results

_NETWORKS = ("mel128-music", "mel128-env", "mel256-music", "mel256-env", "mel128-starter")

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Question:
    """A question, the pairs of variants (first, second) that answer it, and a limit of that."""

    text: str
    scenes: Pairs
    events: Pairs
    limit: str = ""
    by_task: bool = False
    unanswered: str = "the variants that it compares were not in this run."


def _each(first: str, second: str, networks: tuple[str, ...] = _NETWORKS) -> Pairs:
    return [(f"{n}: {first}", f"{n}: {second}") for n in networks]


def _yamnet(*firsts: str) -> Pairs:
    return [(f"YAMNet: {first}", "YAMNet: published") for first in firsts]


_BETTER = [("YAMNet: published", f"{n}: published") for n in _NETWORKS]
_JOINED = [
    (" + ".join(pair), f"{part}: published")
    for n in _NETWORKS
    for pair in ((n, "YAMNet"), ("YAMNet", n))
    for part in (n, "YAMNet")
]

QUESTIONS = [
    Question("Which of the two is better?", _BETTER, _BETTER, by_task=True),
    Question(
        "What do the networks know that log-mel statistics do not?",
        [(f"{n}: published", FLOOR) for n in (*_NETWORKS, "YAMNet")],
        [(f"{n}: published", FLOOR) for n in (*_NETWORKS, "YAMNet")],
    ),
    Question(
        "What do music and env change?",
        [
            ("mel128-env: published", "mel128-music: published"),
            ("mel256-env: published", "mel256-music: published"),
        ],
        [
            ("mel128-env: published", "mel128-music: published"),
            ("mel256-env: published", "mel256-music: published"),
        ],
        unanswered="it takes OpenL3's published weights, trained on both kinds of videos.",
    ),
    Question(
        "What do 128 and 256 mel bands change?",
        [
            ("mel256-music: published", "mel128-music: published"),
            ("mel256-env: published", "mel128-env: published"),
        ],
        [
            ("mel256-music: published", "mel128-music: published"),
            ("mel256-env: published", "mel128-env: published"),
        ],
    ),
    Question(
        "Is it the padding?",
        [],
        [],
        unanswered="all clips here are framed the same way, by windows centred at their "
        "timestamps. `hear_openl3_yamnet.baselines.as_submitted` has the submission's framing, "
        "for heareval to score.",
    ),
    Question(
        "Are 64 mel bands too few?",
        [("YAMNet: log-mel means", f"{n}: log-mel means") for n in _NETWORKS],
        [],
        "This compares the front ends alone (64 bands up to 7.5 kHz, and more up to 24 kHz), "
        "without their networks.",
    ),
    Question(
        "Is it the mean where OpenL3 takes the maximum?",
        _yamnet("max", "max+mean") + _each("mean", "published"),
        _yamnet("max") + _each("mean", "published"),
    ),
    Question(
        "Is it the coarse map at the end?",
        _yamnet("2 × 3 cells", "layer12", "layer12, max", "layer7, max", "layers 7, 12, 14")
        + _each("block3", "published")
        + _each("4 × 3 cells", "published"),
        _yamnet("2 × 3 cells", "layer12, max") + _each("block3", "published"),
    ),
    Question(
        "Is the maximum over frames better than their mean for scenes?",
        _yamnet("scene max") + _each("scene max", "published"),
        [],
    ),
    Question(
        "Would keeping time make better frame embeddings than the maximum over a second?",
        [],
        _each("frame", "published")
        + _each("frame, a cell for each band", "published")
        + _each("frame, block3", "published")
        + _yamnet("frame", "frame, layer7"),
    ),
    Question("Do ensembles of the vectors beat each alone?", _JOINED, _JOINED),
    Question(
        "Can one network learn from the best performers as teachers?",
        [],
        [],
        unanswered="this study trains probes, not networks.",
    ),
    Question(
        "Can OpenL3 be made cheaper with YAMNet's means?",
        [],
        [],
        unanswered="separable convolutions and a smaller input need training. What is cheaper "
        "without it is in `docs/performance.md`.",
    ),
]


def answers(results: Results, kind: str) -> list[str]:
    """Return the lines of Markdown that answer each question.

    Parameters
    ----------
    results : Results
    kind : str
        ``random`` or ``starter``, whose answers are theirs alone; "" for published weights.
    """
    lines = []
    for question in QUESTIONS:
        lines += [f"### {question.text}", ""]
        blocks = _comparisons(results, question)
        if not blocks:
            lines += [f"Not answered by this run, because {question.unanswered}", ""]
            continue
        lines += blocks
        if question.limit:
            lines += [question.limit, ""]
        if kind:
            lines += [f"With {kind} weights; the published ones may differ.", ""]
    return lines


def _comparisons(results: Results, question: Question) -> list[str]:
    lines = []
    groups = [("mean over scene tasks", results.scenes, question.scenes)]
    if question.by_task:
        groups += [(dataset.name, [dataset], question.scenes) for dataset in results.scenes]
    groups += [("events", results.events, question.events)]
    for what, datasets, pairs in groups:
        if not datasets:
            continue
        there = [pair for pair in pairs if all(results.has(datasets[0], name) for name in pair)]
        rows = [
            _row([results.compare(*pair, probe, datasets) for probe in results.probes])
            for pair in there
        ]
        if rows:
            heads = [f"{what}: first", "second", *(f"{p} probe" for p in results.probes)]
            lines += [_line(heads), _line(["---"] * len(heads)), *rows, ""]
    return lines


def _row(compared: list[Comparison]) -> str:
    cells = [
        f"{_signed(d.value)} [{_signed(d.low)}, {_signed(d.high)}] {d.verdict}"
        for d in (comparison.difference for comparison in compared)
    ]
    return _line([compared[0].name, compared[0].reference, *cells])


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
