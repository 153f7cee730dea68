"""Judge trained students on tasks in HEAR's format, beside the networks that taught them.

    python -m scripts.holistic judge TASKS --weights RUN0/holistic.safetensors \
        --yamnet yamnet.tflite --cache CACHE --share synth_pitch=0.25 synth_strokes=0.5 \
        --kept-back real_drums real_tones

Each file of weights is a training, named by its folder. The first is judged with all heads, the
others with the first head. With --needs, the first is what `matrix` trained with all teachers, and
what each task loses without each of them is printed too. The probes, folds and intervals are those
of docs/study/yamnet. Everything computed is kept in the cache. With --task, only the students on
these tasks are computed, and nothing is printed. Tasks that are kept back are printed only with
--last-word, for the head that it names.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from hear_openl3_yamnet.labelled.task_folders import find_tasks, read_task
from hear_openl3_yamnet.study.choosing import difference, score_interval
from hear_openl3_yamnet.study.cross import Result, cross
from hear_openl3_yamnet.study.variants import EVENT_HOP_MS, Variant
from scripts.measure.yamnet_study.__main__ import share
from scripts.measure.yamnet_study.configurations import PUBLISHED, kind_of

SCENE_HOP = {"scene_hop_size": 480.0}
HEADS: dict[str, dict[str, Any]] = {
    "maximum": {},
    "maximum and mean": {"pooling": "max+mean"},
    "mean": {"pooling": "mean"},
    "mean and deviation": {"pooling": "mean+std"},
    "maximum, bands beside": {"layers": ["bands", "wide"]},
    "maximum, conv12 beside": {"layers": ["conv12", "wide"]},
}
"""Heads of the student that are compared."""


def student_variants(weights: list[Path], heads: list[str], of_events: bool) -> list[Variant]:
    """Return the students with their heads. Only the first file has other heads than the first."""
    found = []
    for i, path in enumerate(weights):
        for head in heads if i == 0 else heads[:1]:
            hop = {"hop_size": EVENT_HOP_MS, "time": "frame"} if of_events else SCENE_HOP
            options = {"weights": str(path), **HEADS[head], **hop}
            found.append(Variant(f"{path.parent.name}, {head}", "holistic", options, "holistic"))
    return found


def other_variants(yamnet: Path, of_events: bool) -> list[Variant]:
    """Return what the students are compared with, YAMNet as published first."""
    hop = {"hop_size": EVENT_HOP_MS} if of_events else {}
    own = {"weights": str(yamnet), **hop}
    found = [
        Variant(PUBLISHED, "yamnet", own, "head"),
        Variant("yamnet-starter", "yamnet-starter", hop, "other weights"),
    ]
    for name in ("openl3-mel128-starter", "openl3-lite"):
        options = {**hop, "time": "frame"} if of_events else SCENE_HOP
        found.append(Variant(name, name, options, "other weights"))
    return found


def over_kinds(results: list[list[Result]], attribute: str) -> dict[str, float]:
    """Return each variant's mean over the kinds of tasks, of the means over the tasks of a kind."""
    kinds = [kind_of(of_task[0].dataset.name) for of_task in results]
    means = {}
    for i, first in enumerate(results[0]):
        of_kind: dict[str, list[float]] = {}
        for kind, of_task in zip(kinds, results, strict=True):
            of_kind.setdefault(kind, []).append(getattr(of_task[i], attribute))
        means[first.name] = float(np.mean([np.mean(scores) for scores in of_kind.values()]))
    return means


def tables(results: list[list[Result]]) -> str:
    """Return a table of scores by task, with means over kinds, in Markdown."""
    names = [of_task[0].dataset.name for of_task in results]
    means, validation = over_kinds(results, "score"), over_kinds(results, "validation")
    lines = [
        "| | values | " + " | ".join(names) + " | mean over kinds | validation |",
        "|---|---:|" + "---:|" * (len(names) + 2),
    ]
    for i, first in enumerate(results[0]):
        cells = []
        for of_task in results:
            low, high = score_interval(of_task[i].outcome)
            cells.append(f"{of_task[i].score:.3f} [{low:.3f}, {high:.3f}]")
        cells += [f"{means[first.name]:.3f}", f"{validation[first.name]:.3f}"]
        lines.append(f"| {first.name} | {first.size} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def needs(results: list[list[Result]], head: str) -> str:
    """Return a table of what each task loses without a teacher or a kind of sounds, in Markdown.

    A cell is the score without it minus the score with all, with an interval of 95 %, paired over
    the groups of the task's test clips. It is bold if the interval does not contain zero.
    """
    names = [of_task[0].dataset.name for of_task in results]
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    students = [[r for r in of_task if r.name.endswith(head)] for of_task in results]
    for left_out in range(1, len(students[0])):
        cells = []
        for whole, *others in students:
            found = difference(others[left_out - 1].outcome, whole.outcome)
            cell = f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
            cells.append(f"**{cell}**" if found.low > 0 or found.high < 0 else cell)
        name = students[0][left_out].name.partition(",")[0].replace("-", " ", 1)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--yamnet", type=Path, required=True, help="YAMNet's published weights")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--share", type=share, nargs="*", default=[], metavar="TASK=SHARE")
    parser.add_argument("--head", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--task", nargs="+", default=[])
    parser.add_argument("--kept-back", nargs="*", default=[])
    parser.add_argument("--last-word", choices=HEADS)
    parser.add_argument("--needs", action="store_true")


def main(arguments: argparse.Namespace) -> None:
    """Judge the students and print tables."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("hear_openl3_yamnet.study").setLevel(logging.INFO)
    tasks = [read_task(path) for path in find_tasks(arguments.tasks)]
    shares = dict(arguments.share)
    scenes, events, last = [], [], []
    for task in tasks:
        kept_back = task.name in arguments.kept_back
        if arguments.task and task.name not in arguments.task:
            continue
        if kept_back and not arguments.last_word:
            continue
        dataset = task.limited(shares.get(task.name, 1.0)).dataset()
        heads = [arguments.last_word] if kept_back else arguments.head
        compared = student_variants(arguments.weights, heads, dataset.of_events)
        if not arguments.task:
            compared = [*other_variants(arguments.yamnet, dataset.of_events), *compared]
        results = cross(dataset, compared, arguments.cache)
        (last if kept_back else events if dataset.of_events else scenes).append(results)
    if arguments.task:
        return
    for title, results in (("Whole clips", scenes), ("Events", events), ("Kept back", last)):
        if results:
            print(f"\n## {title}\n\n{tables(results)}")
            if arguments.needs:
                print(f"\n{needs(results, arguments.head[0])}")
