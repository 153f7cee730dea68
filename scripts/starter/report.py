"""Print tables of the scores that `judge` wrote, and draw the learning curves.

    python -m scripts.starter report docs/starter.json --logs openl3=LOG yamnet=LOG

The tables are Markdown. The curves of the logs that `train` wrote go to
docs/images/starter-training.png, which needs matplotlib. A network can be named again with the log
of a second training, which is drawn thinner.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from .judge import PROBE_SEEDS
from .objective import chance_levels

DOCS = Path(__file__).parents[2] / "docs"
BASELINES = {
    "openl3": ("openl3-calibrated", "openl3-untrained", "mel128-statistics", "mfcc"),
    "yamnet": ("yamnet-calibrated", "yamnet-untrained", "yamnet-statistics", "mfcc"),
}
HEADS = {
    "voice": "#CC79A7",
    "word": "#D55E00",
    "program": "#009E73",
    "type": "#0072B2",
    "pitch": "#E69F00",
    "height": "#222222",
}
"""Heads and their colours, from Okabe and Ito (2008): colour-blind readers can distinguish them."""
_SMOOTHED = 5  # lines of the log in a moving average


def interval(scores: list[float]) -> float:
    """Return half the width of the 95 % interval of a mean of scores, by Student's t."""
    from scipy.stats import t

    quantile = float(t.ppf(0.975, len(scores) - 1))
    return quantile * float(np.std(scores, ddof=1)) / len(scores) ** 0.5


def table(report: dict, network: str) -> str:
    """Return a Markdown table of a network's scores and those of its baselines.

    Intervals are over trainings and probe seeds, not over test clips. If there are several
    trainings, the first is that of the shipped weights and has its own column.
    """
    scores = report["scores"]
    starter, baselines = f"{network}-starter", BASELINES[network]
    n_trainings = len(next(iter(scores[starter].values()))) // len(PROBE_SEEDS)
    columns = {starter: scores[starter]}
    if n_trainings > 1:
        first = {name: of_task[: len(PROBE_SEEDS)] for name, of_task in scores[starter].items()}
        columns = {"shipped": first, f"{n_trainings} trainings": scores[starter]}
    starters = tuple(columns)
    columns.update((kind, scores[kind]) for kind in baselines)
    gains = [f"{kind} − best" for kind in starters]
    lines = [
        "| task | " + " | ".join([*columns, *gains]) + " |",
        "|---|" + "---|" * (len(columns) + len(gains)),
    ]
    means = {
        kind: np.array([np.mean(of_task[name]) for name in report["tasks"]])
        for kind, of_task in columns.items()
    }
    best = np.max([means[kind] for kind in baselines], axis=0)
    for index, (name, title) in enumerate(report["tasks"].items()):
        cells = [
            f"{means[kind][index]:.3f} ± {interval(of_task[name]):.3f}"
            for kind, of_task in columns.items()
        ]
        cells += [f"{means[kind][index] - best[index]:+.3f}" for kind in starters]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    cells = [f"{means[kind].mean():.3f}" for kind in columns]
    cells += [f"{(means[kind] - best).mean():+.3f}" for kind in starters]
    lines.append(f"| mean | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(logs: dict[str, list[Path]], out: Path) -> None:
    """Draw the smoothed loss of each head, relative to its chance level, over the training clips.

    Parameters
    ----------
    logs : dict of list of Path
        Logs of each network's trainings. That of the shipped weights is the first.
    out : Path
        PNG file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    chance = chance_levels()
    figure, axes = plt.subplots(
        1, len(logs), figsize=(5 * len(logs), 3.6), sharey=True, layout="constrained", squeeze=False
    )
    for axis, (network, paths) in zip(axes[0], logs.items(), strict=True):
        for path in paths[1:]:
            for head, (clips, losses) in _curves(path).items():
                axis.plot(clips, losses / chance[head], color=HEADS[head], linewidth=0.7, alpha=0.6)
        ends = []
        for head, (clips, losses) in _curves(paths[0]).items():
            axis.plot(clips, losses / chance[head], color=HEADS[head], linewidth=1.4)
            ends.append((losses[-1] / chance[head], head))
        place = -1.0
        for height, head in sorted(ends):  # each line's name at its end, without overlaps
            place = max(height, place + 0.075)
            axis.annotate(
                head,
                (1.01, place),
                xycoords=("axes fraction", "data"),
                color=HEADS[head],
                va="center",
                fontsize=9,
            )
        axis.axhline(1, color="black", linewidth=0.8, linestyle=":")
        axis.set_title(network)
        axis.set_xlabel("clips [thousands]")
        axis.set_ylim(0, 1.3)
    axes[0][0].set_ylabel("training loss / chance")
    figure.savefig(out, dpi=110)


def _curves(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read a log. Return, for each head, thousands of training clips and smoothed losses."""
    written = [json.loads(line) for line in path.read_text().splitlines()]
    # an interrupted training repeats the steps since its last checkpoint
    lines = sorted({line["step"]: line for line in written}.values(), key=lambda x: x["step"])
    curves = {}
    for head in HEADS:
        known = [line for line in lines if line["loss"][head] is not None]
        clips = np.array([line["clips"] / 1000 for line in known])
        losses = np.array([line["loss"][head] for line in known])
        smooth = np.convolve(losses, np.ones(_SMOOTHED) / _SMOOTHED, "valid")
        curves[head] = clips[_SMOOTHED - 1 :], smooth
    return curves


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("report", type=Path, help="JSON file that `judge` wrote")
    parser.add_argument(
        "--logs", nargs="+", default=[], metavar="NETWORK=LOG", help="curves to draw"
    )


def main(arguments: argparse.Namespace) -> None:
    """Print the tables and draw the curves."""
    if arguments.logs:
        logs: dict[str, list[Path]] = {}
        for name, path in (pair.split("=") for pair in arguments.logs):
            logs.setdefault(name, []).append(Path(path))
        draw(logs, DOCS / "images" / "starter-training.png")
    report = json.loads(arguments.report.read_text())
    for network in BASELINES:
        if f"{network}-starter" in report["scores"]:
            print(f"{table(report, network)}\n")
