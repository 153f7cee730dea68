"""Compare heads and framings of YAMNet with its published weights, on tasks in HEAR's format.

    python -m scripts.measure.yamnet_study TASKS --weights FILE --kept-back real_drums real_tones

TASKS is a folder of tasks, such as `scripts.measure.real_tasks` writes. FILE has YAMNet's published
weights. A linear classifier learns from each embedding. It is chosen on each fold's validation
groups and scored on its test groups. Configurations are compared by their validation scores, the
mean over three kinds of tasks (what is said, who speaks, other sounds). Of those that are close to
the highest, the one with the deepest layer is the best single network. Tasks that are kept back do
not count. On these it is compared with the published head, once.

Everything computed is kept in the cache, so that an interrupted study continues where it stopped.
With --task, only these tasks are computed, and nothing is written: several processes can share the
work. With --configuration, only these and the published head are compared: nothing is chosen, and
the tasks that are kept back are not looked at. The output folder gets tables and a figure.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from hear_openl3_yamnet import loading
from hear_openl3_yamnet.config.options import Options
from hear_openl3_yamnet.labelled.dataset import Dataset
from hear_openl3_yamnet.labelled.task_folders import find_tasks, read_task
from hear_openl3_yamnet.study.cross import Result, cross
from hear_openl3_yamnet.study.embeddings import LoadWeights
from hear_openl3_yamnet.study.variants import FLOOR, Variant
from scripts.measure.task_study.__main__ import untrained

from .configurations import AS_SUBMITTED, PUBLISHED, SINGLE, event_variants, scene_variants
from .report import Found, best_single, write_report


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("hear_openl3_yamnet.study").setLevel(logging.INFO)
    arguments = parse_arguments()
    tasks = [read_task(path) for path in find_tasks(arguments.tasks)]
    datasets = [task.limited(arguments.share.get(task.name, 1.0)).dataset() for task in tasks]
    if not datasets:
        sys.exit(f"There is no task in {arguments.tasks}.")
    scenes = [d for d in datasets if not d.of_events and d.name not in arguments.kept_back]
    events = [d for d in datasets if d.of_events]
    kept_back = [d for d in datasets if d.name in arguments.kept_back]

    def run(dataset: Dataset, variants: list[Variant]) -> list[Result]:
        load_weights = weights_loader(dataset, arguments.cache)
        return cross(dataset, variants, arguments.cache, load_weights=load_weights)

    def compared(dataset: Dataset) -> list[Variant]:
        make = event_variants if dataset.of_events else scene_variants
        wanted = {PUBLISHED, AS_SUBMITTED, *arguments.configuration}
        found = make(arguments.weights)
        return [v for v in found if v.name in wanted] if arguments.configuration else found

    for dataset in [d for d in (*scenes, *events) if d.name in arguments.task]:
        run(dataset, compared(dataset))
    if arguments.task:
        return
    of_scenes = [run(dataset, compared(dataset)) for dataset in scenes]
    of_events = [run(dataset, compared(dataset)) for dataset in events]
    if arguments.configuration:
        write_report(arguments.out, Found(of_scenes, of_events, [], ""), arguments.tasks)
        return
    best = best_single(of_scenes, SINGLE)
    chosen = {v.name: v for v in scene_variants(arguments.weights)}
    judged = [chosen[name] for name in dict.fromkeys((PUBLISHED, best, FLOOR))]
    once = [run(dataset, judged) for dataset in kept_back]
    write_report(arguments.out, Found(of_scenes, of_events, once, best), arguments.tasks)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", type=Path, metavar="TASKS")
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--kept-back", nargs="+", default=[], metavar="TASK")
    parser.add_argument("--task", nargs="+", default=[], metavar="TASK")
    parser.add_argument("--configuration", nargs="+", default=[], metavar="NAME")
    parser.add_argument(
        "--share",
        nargs="+",
        type=share,
        default=[],
        metavar="TASK=SHARE",
        help="take this share of a task's clips, such as synth_pitch=0.25",
    )
    parser.add_argument("--out", type=Path, default=Path("docs/study/yamnet"))
    parser.add_argument("--cache", type=Path, default=Path("study-cache"))
    arguments = parser.parse_args()
    arguments.share = dict(arguments.share)
    return arguments


def share(text: str) -> tuple[str, float]:
    """Read ``TASK=SHARE``."""
    name, _, share = text.partition("=")
    return name, float(share)


def weights_loader(dataset: Dataset, cache: Path) -> LoadWeights:
    """Return what loads weights. Those of untrained networks are calibrated on training clips."""

    def load(options: Options) -> tuple[dict[str, np.ndarray], str]:
        if options.weights == "random":
            return untrained(options.model, cache, [dataset])
        return loading.weights_of(options)

    return load


if __name__ == "__main__":
    main()
