"""Write the scores that heareval found beside those of the study's own classifier.

    python -m scripts.measure.yamnet_study.through_heareval RESULTS [RESULTS …]

Each RESULTS is a folder of `scripts/heareval/heareval.sh`. The study's scores are those of
docs/study/yamnet/scores.csv. It writes docs/study/yamnet/heareval.md.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from hear_openl3_yamnet.evaluation.results import find_results, read_result

from .configurations import AS_SUBMITTED, PUBLISHED
from .report import table

MODELS = {
    "hear_openl3_yamnet-model=hear2021-yamnet": PUBLISHED,
    "hear_openl3_yamnet-model=yamnet": f"{PUBLISHED}, 40 ms apart",
    "hear_openl3_yamnet.baselines.as_submitted": AS_SUBMITTED,
    "hear_openl3_yamnet-model=yamnet-layer8-hop-size=50": "fusion of layer 8",
    "hear_openl3_yamnet-model=yamnet-layers=layer7-layer14-pooling=fusion-hop-size=50": (
        "fusion of layers 7, 14"
    ),
    "hear_openl3_yamnet-model=yamnet-starter-hop-size=50": "yamnet-starter",
    "hear_openl3_yamnet-model=openl3-mel128-starter": "openl3-mel128-starter",
    "hear_openl3_yamnet-model=openl3-mel128-starter-framing=dense": "openl3-mel128-starter, dense",
    "hear_openl3_yamnet.baselines.log_mel_statistics": "log-mel statistics",
}
"""heareval's names of the models of scripts/heareval/models_real.txt, and those of the study."""

Scores = dict[tuple[str, str], float]
"""By task and configuration."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS")
    parser.add_argument("--folder", type=Path, default=Path("docs/study/yamnet"))
    arguments = parser.parse_args()
    found = scores_of_heareval(arguments.results)
    own = scores_of_study(arguments.folder / "scores.csv")
    blocks = [
        "# Through heareval",
        "Written by `python -m scripts.measure.yamnet_study.through_heareval`. Each cell: the "
        "score that heareval found; in brackets, that of the study's classifier with the same "
        "embedding, where it has one. (In the study, timestamps of events are 81 ms apart.)",
        scores_table(found, own),
        "Agreement over the configurations that both have: Spearman's rank correlation of the "
        "scores, and how often both say alike whether a configuration is better than the "
        "published one.",
        agreement_table(found, own),
    ]
    (arguments.folder / "heareval.md").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def scores_of_heareval(folders: list[Path]) -> Scores:
    """Read the scores of heareval, with the study's names of tasks and configurations."""
    results = [read_result(path) for path in find_results(folders)]
    return {(r.task.split("-")[0], MODELS[r.model]): r.score for r in results}


def scores_of_study(path: Path) -> Scores:
    """Read scores.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(r["task"], r["configuration"]): float(r["score"]) for r in csv.DictReader(file)}


def scores_table(found: Scores, own: Scores) -> str:
    tasks = sorted({task for task, _ in found})
    lines = [["configuration", *tasks]]
    for name in MODELS.values():
        cells = [_cell(found.get((task, name)), own.get((task, name))) for task in tasks]
        if any(cells):
            lines.append([name, *cells])
    return table(lines, "l" + "r" * len(tasks))


def _cell(score: float | None, beside: float | None) -> str:
    if score is None:
        return ""
    return f"{score:.3f}" + (f" ({beside:.3f})" if beside is not None else "")


def agreement_table(found: Scores, own: Scores) -> str:
    lines = [["task", "configurations", "rank correlation", "alike, better or worse"]]
    for task in sorted({task for task, _ in found}):
        names = [name for of_task, name in found if of_task == task and (task, name) in own]
        if PUBLISHED not in names or len(names) < 3:
            continue
        pairs = np.array([[found[task, name], own[task, name]] for name in names])
        leads = pairs - pairs[names.index(PUBLISHED)]
        others = np.array(names) != PUBLISHED
        alike = (np.sign(leads[others, 0]) == np.sign(leads[others, 1])).sum()
        rho = spearmanr(*pairs.T).statistic
        lines.append([task, str(len(names)), f"{rho:.2f}", f"{alike} of {others.sum()}"])
    return table(lines, "lrrr")


if __name__ == "__main__":
    main()
