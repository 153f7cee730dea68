"""Draw the figures of docs/performance.md from docs/benchmark.json and docs/lite.json.

    python -m scripts.measure.plot_performance      # into docs/images/

This needs matplotlib.
"""

import json
from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Patch, Rectangle

from scripts.measure import lite

DOCS = Path(__file__).parents[2] / "docs"
LEFT, SHARED, RIGHT = "#0072B2", "#e5e5e5", "#E69F00"  # Okabe and Ito; distinct in grey
SIGNALS = {"noise": ("o", "#000000"), "notes": ("s", "#0072B2"), "speech": ("^", "#D55E00")}
WAYS = ("plain", "window", "exact", "bfloat16", "dense")


def draw_sharing() -> plt.Figure:
    """Draw a run of windows below its long map at the last layer, whose frames last 40 ms."""
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
    width, left, right, n_windows = 24, 4, 4, 5
    length = width + n_windows - 1
    axes.add_patch(Rectangle((0, 0), length, 0.8, facecolor=SHARED, edgecolor="black"))
    axes.text(length / 2, 0.4, "one long map, computed once", ha="center", va="center")
    for i in range(n_windows):
        y = -1.2 - i
        strips = [(i, left, LEFT, "///"), (i + width - right, right, RIGHT, "...")]
        axes.add_patch(Rectangle((i, y), width, 0.7, facecolor=SHARED, edgecolor="black"))
        for x, n_frames, colour, hatch in strips:
            axes.add_patch(
                Rectangle((x, y), n_frames, 0.7, facecolor=colour, edgecolor="white", hatch=hatch)
            )
        axes.text(-0.4, y + 0.35, f"window {i + 1}", ha="right", va="center")
    for x in range(length + 1):
        axes.plot([x, x], [0, 0.8], color="white", linewidth=0.6, zorder=1.5)
    axes.set_xlim(-4, length + 0.5)
    axes.set_ylim(-1.4 - n_windows, 1)
    axes.set_yticks([])
    axes.set_xticks(range(0, length + 1, 4))
    axes.set_xlabel("frames of the last map (40.33 ms each)")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    handles = [
        Patch(
            facecolor=LEFT,
            hatch="///",
            edgecolor="white",
            label="left strip of each window",
        ),
        Patch(facecolor=SHARED, edgecolor="black", label="shared: from the long map"),
        Patch(facecolor=RIGHT, hatch="...", edgecolor="white", label="right strip of each window"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_benchmark(report: dict) -> plt.Figure:
    """Draw the speed of each way relative to plain, for each network, hop and signal."""
    results = report["results"]
    networks = list(dict.fromkeys(r["network"] for r in results))
    hops = list(dict.fromkeys(r["hop"] for r in results))
    figure, grid = plt.subplots(
        len(networks),
        len(hops),
        figsize=(9.5, 1.9 * len(networks)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for row, network in zip(grid, networks, strict=True):
        for axes, hop in zip(row, hops, strict=True):
            for number, (signal, (marker, colour)) in enumerate(SIGNALS.items()):
                points = [
                    (r["ratio"], WAYS.index(r["way"]) + 0.18 * (number - 1))
                    for r in results
                    if (r["network"], r["hop"], r["signal"]) == (network, hop, signal)
                ]
                if points:
                    axes.scatter(
                        *zip(*points, strict=True), 26, colour, marker=marker, label=signal
                    )
            axes.set_xscale("log")
            axes.set_xticks([0.5, 1, 2, 4, 8, 16, 32], ["½", "1", "2", "4", "8", "16", "32"])
            axes.minorticks_off()
            axes.grid(axis="x", color="#cccccc")
            axes.axvline(1, color="black", linewidth=0.8)
            axes.set_yticks(range(len(WAYS)), WAYS)
            axes.set_ylim(len(WAYS) - 0.5, -0.5)
            if axes is row[0]:
                axes.set_ylabel(network.removesuffix("-music"))
            if network == networks[0]:
                axes.set_title(f"hop: {hop}", fontsize=10)
    figure.supxlabel("windows a second, times plain", fontsize=10)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_lite(report: dict) -> plt.Figure:
    """Draw the accuracy of OpenL3-lite, its teacher and the teacher's conv7 over their cost."""
    tasks = report["scores"] + lite.scores_of_study()
    costs = [row["gigaflop"] for row in report["speed"]]
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    for task in tasks:
        scores = [task["scores"][row["model"]] for row in report["speed"]]
        (each,) = axes.plot(costs, scores, "-", color="#bbbbbb", linewidth=1)
    means = [mean(task["scores"][row["model"]] for task in tasks) for row in report["speed"]]
    (line,) = axes.plot(costs, means, "o-", color=LEFT, linewidth=2.5, markersize=8)
    for row, x, y in zip(report["speed"], costs, means, strict=True):
        places = {lite.TEACHER: (10, 4, "left"), lite.WITHOUT_LAST: (-10, -14, "right")}
        right, up, side = places.get(row["model"], (-8, 22, "left"))
        axes.annotate(
            f"{row['model']}: {y:.3f}",
            (x, y),
            (right, up),
            textcoords="offset points",
            ha=side,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    axes.set_xscale("log")
    axes.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    axes.minorticks_off()
    axes.set_xlim(0.5, 35)
    axes.set_ylim(0, 1)
    axes.set_xlabel("GFLOP a window")
    axes.set_ylabel("accuracy (of tags: mAP) of a linear classifier")
    axes.grid(axis="y", color="#e5e5e5")
    for side in ("right", "top"):
        axes.spines[side].set_visible(False)
    figure.legend(
        [line, each],
        [f"mean over {len(tasks)} tasks", "one task"],
        loc="outside upper center",
        ncols=2,
        frameon=False,
    )
    return figure


def main() -> None:
    images = DOCS / "images"
    images.mkdir(exist_ok=True)
    report = json.loads((DOCS / "benchmark.json").read_text(encoding="utf-8"))
    of_lite = json.loads((DOCS / "lite.json").read_text(encoding="utf-8"))
    figures = {
        "sharing": draw_sharing(),
        "benchmark": draw_benchmark(report),
        "lite": draw_lite(of_lite),
    }
    for name, figure in figures.items():
        figure.savefig(images / f"{name}.png", dpi=130)


if __name__ == "__main__":
    main()
