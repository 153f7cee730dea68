"""Show how good the starter weights are: a table, and a picture of how they learned.

python scripts/report_starter.py docs/starter.json --logs openl3=LOG yamnet=LOG   (needs matplotlib)

Prints Markdown tables of the scores and draws docs/images/starter-training.png from the logs, which
`train_starter.py` writes.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from starter_model import chance_levels

DOCS = Path(__file__).parent.parent / "docs"
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
"""In the colours of Okabe and Ito (2008), which readers who are colour-blind can tell apart."""
_SMOOTHED = 5  # lines of the log


def interval(scores: list[float]) -> float:
    """Return half the 95 % interval of the mean of scores, by Student's t."""
    from scipy.stats import t

    quantile = float(t.ppf(0.975, len(scores) - 1))
    return quantile * float(np.std(scores, ddof=1)) / len(scores) ** 0.5


def table(report: dict, network: str) -> str:
    """Return a network's scores beside those of its baselines, in Markdown.

    Intervals are over trainings and probe seeds: how much those matter, not the test clips.
    """
    scores, best = report["scores"], []
    kinds = (f"{network}-starter", *BASELINES[network])
    lines = [
        "| task | " + " | ".join(kinds) + " | starter − best |",
        "|---|" + "---|" * (len(kinds) + 1),
    ]
    for name, title in report["tasks"].items():
        means = [float(np.mean(scores[kind][name])) for kind in kinds]
        best.append(max(means[1:]))
        cells = [
            f"{mean:.3f} ± {interval(scores[kind][name]):.3f}"
            for mean, kind in zip(means, kinds, strict=True)
        ]
        lines.append(f"| {title} | {' | '.join(cells)} | {means[0] - best[-1]:+.3f} |")
    averages = [
        np.mean([np.mean(scores[kind][name]) for name in report["tasks"]]) for kind in kinds
    ]
    gain = averages[0] - float(np.mean(best))
    lines.append(f"| mean | {' | '.join(f'{a:.3f}' for a in averages)} | {gain:+.3f} |")
    return "\n".join(lines)


def draw(logs: dict[str, Path], out: Path) -> None:
    """Draw each head's loss as a share of its chance level, smoothed, over the clips seen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    chance = chance_levels()
    figure, axes = plt.subplots(
        1, len(logs), figsize=(5 * len(logs), 3.6), sharey=True, layout="constrained", squeeze=False
    )
    for axis, (network, path) in zip(axes[0], logs.items(), strict=True):
        written = [json.loads(line) for line in path.read_text().splitlines()]
        # a training that was broken off repeats the steps since its last checkpoint
        lines = sorted({line["step"]: line for line in written}.values(), key=lambda x: x["step"])
        ends = []
        for head, colour in HEADS.items():
            pairs = [
                (line["clips"] / 1000, line["loss"][head] / chance[head])
                for line in lines
                if line["loss"][head] is not None
            ]
            clips, losses = np.array(pairs).T
            smooth = np.convolve(losses, np.ones(_SMOOTHED) / _SMOOTHED, "valid")
            axis.plot(clips[_SMOOTHED - 1 :], smooth, color=colour, linewidth=1.4)
            ends.append((smooth[-1], head, colour))
        place = -1.0
        for height, head, colour in sorted(ends):  # each line's name at its end, none on another
            place = max(height, place + 0.075)
            axis.annotate(
                head,
                (1.01, place),
                xycoords=("axes fraction", "data"),
                color=colour,
                va="center",
                fontsize=9,
            )
        axis.axhline(1, color="black", linewidth=0.8, linestyle=":")
        axis.set_title(network)
        axis.set_xlabel("clips [thousands]")
        axis.set_ylim(0, 1.3)
    axes[0][0].set_ylabel("training loss / chance")
    figure.savefig(out, dpi=110)


def main() -> None:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--logs", nargs="+", default=[], metavar="NETWORK=LOG")
    arguments = parser.parse_args()
    if arguments.logs:
        logs = {name: Path(path) for name, path in (pair.split("=") for pair in arguments.logs)}
        draw(logs, DOCS / "images" / "starter-training.png")
    report = json.loads(arguments.report.read_text())
    for network in BASELINES:
        if f"{network}-starter" in report["scores"]:
            print(f"{table(report, network)}\n")


if __name__ == "__main__":
    main()
