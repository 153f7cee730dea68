"""The command ``hear-openl3-yamnet tag``: the classes of AudioSet in an audio file, with times."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import naming_what_cannot_be_written
from .shared import (
    MODEL,
    PICTURES,
    Weights,
    check_ending,
    each_input,
    errors_of,
    gather_options,
    load_quietly,
    warnings_shown,
)

if TYPE_CHECKING:
    from ..tagging import Tags


def tag(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="An audio file (see: embed).")],
    top: Annotated[
        int, typer.Option(min=1, max=521, metavar="N", help="Number of classes listed and drawn.")
    ] = 10,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help=".csv: all scores over time. .json: those of the listed classes. "
            ".png, .svg, .pdf: a picture. Can be repeated. Existing files are replaced.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help=f"{MODEL} It must be YAMNet.")
    ] = "yamnet",
    weights: Weights = None,
    hop_size: Annotated[
        float | None,
        typer.Option(
            metavar="MS", help="Milliseconds between windows. Default: 480, as published."
        ),
    ] = None,
) -> None:
    """List the classes of AudioSet with the highest scores.

    \b
    The columns. Rows are ordered by clip.
      clip   the mean of the scores over all windows
      peak   the highest score of a window
      at     the centre of that window, in seconds

    \b
    Examples:
      hear-openl3-yamnet tag street.wav
      hear-openl3-yamnet tag street.wav --top 5 -o street.csv -o street.png

    Scores are between 0 and 1. Each class has its own. They rank classes; they are not
    probabilities.
    A picture needs matplotlib: pip install "hear-openl3-yamnet[plot]"

    \b
    Exit status:
      0  the file is tagged, and all outputs are written
      1  the file cannot be tagged, or an output cannot be written
      2  the command itself is wrong
    """  # noqa: D301
    from ..audio.files import load_audio
    from ..tagging import tag as tag_clip

    for path in output or []:
        check_ending(path, (".csv", ".json", *PICTURES))
    loaded = load_quietly(model, gather_options(None, weights=weights))
    with warnings_shown(f"{audio}: "), errors_of(audio):
        tags = tag_clip(loaded, load_audio(audio, loaded.sample_rate), hop_size)
    typer.echo(_table(tags, top))

    def write(path: Path) -> str:
        with naming_what_cannot_be_written(path):
            _write(tags, top, path, str(audio), loaded.weights_id)
        return f"written: {path}"

    if each_input(output or [], write):
        raise typer.Exit(1)


def _table(tags: "Tags", top: int) -> str:
    """Return the classes with the highest scores as text."""
    classes = tags.ranked(top)
    width = max(len(tags.names[i]) for i in classes)
    lines = [f"{'class':{width}}   clip   peak    at [s]"]
    for i in classes:
        peak = tags.scores[:, i].argmax()
        lines.append(
            f"{tags.names[i]:{width}}  {tags.clip[i]:.3f}  {tags.scores[peak, i]:.3f}"
            f"  {tags.timestamps[peak] / 1000:8.2f}"
        )
    return "\n".join(lines)


def _write(tags: "Tags", top: int, path: Path, audio: str, weights_id: str) -> None:
    if path.suffix.lower() == ".csv":
        tags.save_csv(path)
    elif path.suffix.lower() == ".json":
        tags.save_json(path, top, audio=audio, weights_id=weights_id)
    else:
        from ..plotting.pictures import save_picture
        from ..plotting.tags import tags_picture

        save_picture(tags_picture(tags, top, Path(audio).name), path, dpi=150)
