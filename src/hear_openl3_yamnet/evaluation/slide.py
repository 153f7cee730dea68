"""The look of figures: the size of a slide, two colours, texts, and the writing of files.

The colours are two of the palette of Okabe and Ito (2008), which colour-blind
readers can tell apart. Without colour, a model is recognised by its marker or its bold name.
"""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..files import written_whole

SLIDE = (13.33, 7.5)  # inches
BLUE, VERMILION = "#0072B2", "#D55E00"
GREY, PALE, INK = "#A8A8A8", "#E8E8E8", "#222222"


def new_slide() -> tuple[Figure, Axes]:
    """Return a figure of the size of a slide, and its axes without a frame."""
    figure = Figure(figsize=SLIDE, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    return figure, axes


def colour_of(model: str, highlighted: tuple[str, str], otherwise: str) -> str:
    """Return blue or vermilion for the two highlighted models, another colour for the others."""
    return dict(zip(highlighted, (BLUE, VERMILION), strict=True)).get(model, otherwise)


def colour_labels(labels: list, models: tuple[str, ...], highlighted: tuple[str, str]) -> None:
    """Make the labels of the highlighted models coloured and bold."""
    for label, model in zip(labels, models, strict=True):
        if model in highlighted:
            label.set(color=colour_of(model, highlighted, INK), fontweight="bold")


def write_column(
    axes: Axes, right: float, texts: list[str], colours: list[str], *, size: float
) -> None:
    """Write a heading and a text for each row of the axes, in a column beside them."""
    for place, (text, colour) in enumerate(zip(texts, colours, strict=True), start=-1):
        label = axes.text(right, place, text, transform=axes.get_yaxis_transform())
        label.set(ha="right", va="center_baseline", fontsize=size, color=colour)


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and as SVG.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : Path
        The files without their endings.

    Returns
    -------
    list of Path
        ``stem.png``, 2000 pixels wide, and ``stem.svg``. The same figure gives the same bytes.
    """
    png, svg = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "svg"))
    # the defaults write random names and the time into an SVG
    with matplotlib.rc_context({"svg.hashsalt": stem.name}):
        with written_whole(png) as partial:
            figure.savefig(partial, dpi=150)
        with written_whole(svg) as partial:
            figure.savefig(partial, metadata={"Date": None})
    return [png, svg]
