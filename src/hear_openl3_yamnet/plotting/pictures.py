"""Pictures as files: figures that need no screen, and how they are written."""

from pathlib import Path

from matplotlib.figure import Figure

from ..files import written_whole


def new_picture(size: tuple[float, float]) -> Figure:
    """Return a figure that needs no screen.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return Figure(figsize=size, layout="constrained")


def save_picture(figure: Figure, path: Path, dpi: float = 110) -> None:
    """Write a figure, in a folder that is made if it does not exist.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
        A name that ends in the format, such as ``.png``. An existing file is replaced.
    dpi : float
        Pixels in an inch of a PNG.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=dpi)
