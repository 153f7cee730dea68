"""What a study writes: results.jsonl, scores.csv, scores.md, README.md and figures."""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hear_openl3_yamnet import __version__
from hear_openl3_yamnet.labelled.dataset import Dataset
from hear_openl3_yamnet.labelled.task_folders import TaskFolder
from hear_openl3_yamnet.study import probes
from hear_openl3_yamnet.study.intervals import LEVEL, N_DRAWS
from hear_openl3_yamnet.study.variants import EVENT_HOP_MS

from .crossed import SCENE_HOP_MS
from .figures import plot_differences, plot_scores, save
from .questions import answers
from .results import FEWEST_CLIPS, Comparison, Results

_RANDOM = (
    "**The networks are untrained.** Their weights are random, their batch norms calibrated on "
    "training clips without labels. What follows is about architectures and heads as they are "
    "before training, and need not hold for the published weights. Under random weights music "
    "and env are one network with two seeds, so one of them is left out."
)


def write_report(
    folder: Path,
    results: Results,
    tasks: Sequence[TaskFolder],
    weights: Mapping[str, str],
    arguments: argparse.Namespace,
) -> None:
    """Write what a study found into a folder.

    Parameters
    ----------
    folder : Path
        It is made if it does not exist.
    results : Results
    tasks : sequence of TaskFolder
        What the results are of.
    weights : mapping of str to str
        The ids of the weights by preset.
    arguments : argparse.Namespace
        Of the command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in result_rows(results)]
    (folder / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_csv(folder / "scores.csv", results)
    (folder / "scores.md").write_text(scores_markdown(results), encoding="utf-8")
    figures = []
    for kind, datasets in (("scenes", results.scenes), ("events", results.events)):
        if datasets:
            save(plot_scores(results, datasets), folder / f"scores-{kind}")
            figures.append(f"![Scores of {kind}](scores-{kind}.png)")
    if results.scenes:
        save(plot_differences(against_published(results)), folder / "differences")
        figures.insert(0, "![Each head minus the published one](differences.png)")
    readme = readme_markdown(results, tasks, weights, arguments, figures)
    (folder / "README.md").write_text(readme, encoding="utf-8")


def result_rows(results: Results) -> list[dict[str, Any]]:
    """Return one row of plain data for each variant, probe and task."""
    rows = []
    for r in results.all:
        low, high = results.interval(r)
        rows.append(
            {
                "task": r.dataset.name,
                "metric": r.outcome.metric,
                "way": r.name,
                "subject": r.variant.subject,
                "probe": r.probe,
                "size": r.size,
                "scores": [round(score, 4) for score in r.outcome.scores()],
                "mean": round(r.score, 4),
                "interval": [round(low, 4), round(high, 4)],
                "chosen": r.outcome.chosen,
            }
        )
    return rows


def write_csv(path: Path, results: Results) -> None:
    columns = ["task", "metric", "way", "subject", "probe", "size", "mean", "low", "high"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in result_rows(results):
            writer.writerow([*(row[column] for column in columns[:-2]), *row["interval"]])


def scores_markdown(results: Results) -> str:
    """Write one table for each probe: variants × tasks, the best of each task in bold."""
    blocks = ["# Scores", "Mean over seeds, in brackets the 95 % interval."]
    for probe in results.probes:
        for datasets in (results.scenes, results.events):
            if datasets:
                blocks += [f"## {probe} probe: {', '.join(d.name for d in datasets)}"]
                blocks += [_table(results, probe, datasets)]
    return "\n\n".join(blocks) + "\n"


def _table(results: Results, probe: str, datasets: list[Dataset]) -> str:
    found = {
        (dataset.name, variant.name): results.of(dataset, variant.name, probe)
        for dataset in datasets
        for variant in results.variants(dataset)
    }
    best = {
        dataset.name: max(round(r.score, 3) for (d, _), r in found.items() if d == dataset.name)
        for dataset in datasets
    }
    heads = [f"{dataset.name}<br>{dataset.metric}" for dataset in datasets]
    lines = [["embedding", "size", *heads], ["---", *["---:"] * (1 + len(datasets))]]
    for variant in results.variants(datasets[0]):
        row = [variant.name, str(found[datasets[0].name, variant.name].size)]
        for dataset in datasets:
            result = found[dataset.name, variant.name]
            low, high = results.interval(result)
            text = f"{result.score:.3f}"
            text = f"**{text}**" if round(result.score, 3) == best[dataset.name] else text
            row.append(f"{text} [{low:.2f}, {high:.2f}]")
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def against_published(results: Results) -> list[Comparison]:
    """Compare each head with its network's published one, over the tasks of scenes."""
    names = [variant.name for variant in results.variants(results.scenes[0])]
    found = []
    for probe in results.probes:
        for name in names:
            reference = f"{name.split(':')[0]}: published"
            if ":" in name and name != reference and reference in names:
                found.append(results.compare(name, reference, probe, results.scenes))
    return found


def readme_markdown(
    results: Results,
    tasks: Sequence[TaskFolder],
    weights: Mapping[str, str],
    arguments: argparse.Namespace,
    figures: list[str],
) -> str:
    kind = arguments.weights if arguments.weights in ("random", "starter") else ""
    said = {
        "random": _RANDOM,
        "starter": "**The weights are this project's starter weights**, trained on synthetic "
        "sounds, through the published heads: another head reads maps that were not trained for "
        "it. What follows need not hold for the published weights.",
    }.get(kind, "")
    return "\n".join(
        [
            "# A study of networks, heads and ensembles",
            "",
            "Written by `scripts.measure.task_study`, which says what it does. All scores with "
            "their intervals: [scores.md](scores.md), [scores.csv](scores.csv); with seeds and "
            "what each probe chose: [results.jsonl](results.jsonl).",
            "",
            *([said, ""] if said else []),
            "## What was run",
            "",
            *_setting(results, tasks, weights, arguments),
            "",
            *_agreed(results),
            "## The questions of HEAR 2021",
            "",
            "'Published' is the head as published, whatever the weights. "
            "Differences are first minus second, paired on the same test clips, with their "
            f"{LEVEL:.0%} intervals. 'Not told apart' means that the interval contains zero. "
            "The intervals are not corrected for the number of comparisons: of twenty, one may "
            "miss. "
            f"Fewer than {FEWEST_CLIPS} test clips, or excerpts, are too few for a verdict.",
            "",
            *answers(results, kind),
            "## Figures",
            "",
            "\n\n".join(figures),
            "",
        ]
    )


def _agreed(results: Results) -> list[str]:
    """Name the heads that all probes find better, or worse, than the published one."""
    if not results.scenes:
        return []
    compared = against_published(results)
    names = list(dict.fromkeys(c.name for c in compared))
    lines = []
    for verdict in ("better", "worse"):
        agreed = [
            name
            for name in names
            if all(c.difference.verdict == verdict for c in compared if c.name == name)
        ]
        lines.append(f"- {verdict}: {', '.join(agreed) or 'none'}")
    return [
        "## What both probes agree on",
        "",
        f"Of {len(names)} heads, each against its network's published one over the scene tasks "
        "together. All other heads are neither better nor worse with both probes.",
        "",
        *lines,
        "",
    ]


def _setting(
    results: Results,
    tasks: Sequence[TaskFolder],
    weights: Mapping[str, str],
    arguments: argparse.Namespace,
) -> list[str]:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("tensorflow", "scikit-learn", "numpy")
    )
    command = f"python -m scripts.measure.task_study --weights {kind_of(arguments)} --tasks FOLDER"
    lines = [
        f"- Command: `{command}`" + _more(arguments),
        f"- hear-openl3-yamnet {__version__}, {packages}, Python {platform.python_version()}.",
        "- Weights:",
        *(f"  - `{preset}`: `{weights_id}`" for preset, weights_id in weights.items()),
        "- Tasks:",
        *(f"  - {_task_line(task)}" for task in tasks),
        f"- Windows {SCENE_HOP_MS:g} ms apart for scenes, timestamps "
        f"{EVENT_HOP_MS:.2f} ms apart for events; log-mel statistics 10 and "
        "50 ms.",
        f"- Probes: logistic regression (C from {probes.PENALTIES}); two hidden layers of "
        f"{probes.UNITS} units (Adam at {probes.LEARNING_RATE}, at most {probes.MOST_EPOCHS} "
        f"epochs, patience {probes.PATIENCE}, seeds 0 to {results.n_seeds - 1}). Chosen on the "
        "validation clips, scored on the test clips once. Rows with more values than there are "
        "training rows are rotated to the space that the training rows span.",
        f"- Intervals: {LEVEL:.0%}, percentiles of {N_DRAWS} bootstrap draws of test clips "
        "(events: of excerpts of 10 s) and seeds. Another training set, or other weights, "
        "would change the scores by more than that.",
    ]
    return lines


def kind_of(arguments: argparse.Namespace) -> str:
    known = arguments.weights in ("random", "starter", "published")
    return arguments.weights if known else "FOLDER"


def _more(arguments: argparse.Namespace) -> str:
    given = {"networks": arguments.networks, "skip": arguments.skip, "minutes": arguments.minutes}
    more = [
        f"{name}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in given.items()
        if value
    ]
    return f" ({'; '.join(more)})" if more else ""


def _task_line(task: TaskFolder) -> str:
    counts = ", ".join(f"{split} {len(answers)}" for split, answers in task.answers.items())
    made = task.metadata.get("made_from", {})
    seed = f", made with seed {made['seed']}" if "seed" in made else ""
    mode = f" ({task.metadata['mode']})" if "mode" in task.metadata else ""
    return (
        f"{task.name}{mode}: {counts} clips, "
        f"{task.dataset().seconds() / 60:.1f} min, {len(task.labels)} labels, "
        f"scored by {task.metric}{seed}"
    )
