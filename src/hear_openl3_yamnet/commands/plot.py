"""The commands ``hear-openl3-yamnet plot``: pictures of one clip, of two clips, of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OptionError, naming_what_cannot_be_written
from .shared import (
    PICTURES,
    HopSize,
    Model,
    Options,
    Weights,
    check_ending,
    errors_of,
    gather_options,
    load_quietly,
    report_sounds,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _ClipByDefault(typer.core.TyperGroup):
    """``plot AUDIO`` is ``plot clip AUDIO``. A file named corpus is given as ``./corpus``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["clip", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="plot",
    cls=_ClipByDefault,
    help="Draw audio files and their embeddings (plot AUDIO, or plot clip AUDIO), or whole corpora "
    "(plot corpus).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def clip(
    audio: Annotated[
        Path | None,
        typer.Argument(metavar="AUDIO", help="An audio file (see: embed).", show_default=False),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Two audio files in place of AUDIO.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PICTURE",
            help="A name that ends in .png, .svg or .pdf. An existing file is replaced. "
            "Default: AUDIO.png or A-B.png in the current folder.",
            show_default=False,
        ),
    ] = None,
    model: Model = "",
    weights: Weights = None,
    hop_size: HopSize = None,
    option: Options = None,
) -> None:
    """Draw one clip, or compare two clips, over time.

    \b
    One clip:
      waveform; log-mel as the network saw it; embeddings as a heat map; their
      first three principal components as colours and lines; self-similarity
    Two clips:
      waveform, log-mel and components of each on common scales; similarity
      of each moment of the first clip to each of the second

    \b
    Examples:
      hear-openl3-yamnet plot speech.wav
      hear-openl3-yamnet plot speech.wav -o speech.svg --model yamnet --hop-size 50
      hear-openl3-yamnet plot --compare before.wav after.wav -o both.png
    """  # noqa: D301
    if (audio is None) == (compare is None):
        raise OptionError("plot takes one AUDIO, or --compare A B. See: plot clip --help")
    files = [audio] if audio else list(compare or ())
    path = output or Path("-".join(file.stem for file in files) + ".png")
    check_ending(path, PICTURES)
    from ..audio.files import load_audio
    from ..plotting import clip as one
    from ..plotting import comparison as two
    from ..plotting.pictures import new_picture

    loaded = load_quietly(model, gather_options(option, weights=weights, hop_size=hop_size))
    clips = []
    for file in files:
        with errors_of(file):
            clips.append(load_audio(file, loaded.sample_rate))
    first, *others = clips
    if others:
        figure = new_picture(two.SIZE)
        names = (files[0].name, files[1].name)
        two.plot_comparison(first, others[0], loaded, figure=figure, names=names)
    else:
        figure = new_picture(one.SIZE)
        one.plot_clip(first, loaded, figure=figure, title=files[0].name)
    _save(figure, path)


@app.command()
def corpus(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="OUT of corpus embed.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="MAP",
            help="MAP.png and MAP.html are written. Existing files are replaced. Default: "
            "CORPUS-map in the current folder.",
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column that colours the points. Default: the first label of the manifest, "
            "or the folder of each file.",
        ),
    ] = None,
    embed_below: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="MB",
            help="Put the sounds into the page, as MP3, if they take no more than this. "
            "Otherwise link the audio files. 0 always links them.",
        ),
    ] = 20.0,
) -> None:
    """Draw the scenes of a corpus as a map: a picture, and a page that plays them.

    The map shows PCA. It also shows UMAP if umap-learn is installed and there are five or more
    scenes. The page is one file that needs no server and no internet. If the sounds are in the
    page, it can be sent to others. If they are linked, neither page nor files may be moved.

    \b
    Examples:
      hear-openl3-yamnet plot corpus embeddings
      hear-openl3-yamnet plot corpus embeddings -o pictures/birds --label species

    \b
    Exit status:
      0  the map is drawn, and every point has its sound
      1  it is drawn, but some audio files are not found or damaged; or it cannot be drawn
      2  the command itself is wrong
    """  # noqa: D301
    from ..corpora import load_corpus
    from ..plotting.map_picture import draw_planes, figure_size
    from ..plotting.page import write_page
    from ..plotting.pictures import new_picture
    from ..plotting.scene_map import map_corpus

    name = output or Path(f"{folder.resolve().name}-map")
    stem = name.with_suffix("") if name.suffix.lower() in (".png", ".html") else name
    scene_map = map_corpus(load_corpus(folder), label)
    figure = new_picture(figure_size(scene_map))
    draw_planes(figure, scene_map)
    _save(figure, stem.with_name(f"{stem.name}.png"))
    page = stem.with_name(f"{stem.name}.html")
    title = f"{folder.resolve().name}: a map of its scenes"
    with naming_what_cannot_be_written(page):
        sounds = write_page(scene_map, page, title, embed_below * 1e6)
    report_sounds(page, sounds, "points")


def _save(figure: Figure, path: Path) -> None:
    from ..plotting.pictures import save_picture

    with naming_what_cannot_be_written(path):
        save_picture(figure, path)
    typer.echo(path)
