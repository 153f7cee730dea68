"""The commands ``hear-openl3-yamnet plot``: pictures of a clip, of two, and of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OptionError, naming_what_cannot_be_written
from .embed import gather_options, load_quietly

if TYPE_CHECKING:
    from ..model import HearModel
    from ..plotting.corpus_map import SceneMap


class _ClipByDefault(typer.core.TyperGroup):
    """``plot AUDIO`` is ``plot clip AUDIO``; a file called like a command is ``./corpus``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["clip", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="plot",
    cls=_ClipByDefault,
    help="Draw audio files and what a network makes of them: plot AUDIO, or plot clip AUDIO. "
    "And whole corpora: plot corpus.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ENDINGS = (".png", ".svg", ".pdf")


@app.command()
def clip(
    audio: Annotated[
        Path | None,
        typer.Argument(metavar="AUDIO", help="An audio file (see: embed).", show_default=False),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Two audio files, instead of AUDIO.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PICTURE",
            help="A name in .png, .svg or .pdf. A file that is there is replaced. "
            "Default: AUDIO's name, or A's and B's, in .png, in the folder you are in.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(metavar="MODEL", help="As for embed.")] = "",
    weights: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="As for embed. Default: the preset's.")
    ] = None,
    hop_size: Annotated[
        str | None,
        typer.Option(metavar="MS", help="Time step in milliseconds, or native: the network's own."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Another option of load_model, as often as you like."
        ),
    ] = None,
) -> None:
    """Draw a clip, or two to compare, over time.

    \b
    One clip:
      waveform; log-mel, as the network saw it; embeddings as a heat map; their
      first three principal components as colours and lines; self-similarity
    Two clips:
      waveform, log-mel and components of each on common scales, and how alike
      the moments of one are to those of the other

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
    if path.suffix.lower() not in _ENDINGS:
        raise OptionError(f"-o takes a name in {', '.join(_ENDINGS)}. Received: {path}")
    from ..plotting import clip as one
    from ..plotting import comparison as two

    options = gather_options(option or [], scene=False, hop_size=hop_size, weights=weights)
    loaded = load_quietly(model, options)
    clips = _read(files, loaded)
    names = [file.name for file in files]
    if len(clips) == 1:
        figure = _figure(one.SIZE)
        one.plot_clip(clips[0], loaded, figure=figure, title=names[0])
    else:
        figure = _figure(two.SIZE)
        two.plot_comparison(clips[0], clips[1], loaded, figure=figure, names=(names[0], names[1]))
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
            help="MAP.png and MAP.html are written, and replaced. Default: CORPUS's name and "
            "-map, in the folder you are in.",
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column that colours the points. Default: the manifest's first label, or "
            "the folder that a file is in.",
        ),
    ] = None,
    embed_below: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="MB",
            help="Put the sounds into the page, as MP3, if they take no more than this; "
            "otherwise link the files where they lie. 0 links them always.",
        ),
    ] = 20.0,
) -> None:
    """Draw the scenes of a corpus as a map: a PNG, and a page to point at and listen.

    PCA always; UMAP beside it where umap-learn is installed and there are five scenes or more.
    The page is one file that needs no server and no network. With its sounds inside, it can be
    sent to others; with links, it finds them as long as page and files stay where they are.

    \b
    Examples:
      hear-openl3-yamnet plot corpus embeddings
      hear-openl3-yamnet plot corpus embeddings -o pictures/birds --label species
    """  # noqa: D301
    from ..corpora import load_corpus
    from ..plotting.corpus_map import draw_planes, figure_size, map_corpus

    name = output or Path(f"{folder.resolve().name}-map")
    stem = name.with_suffix("") if name.suffix.lower() in (".png", ".html") else name
    opened = load_corpus(folder)
    scene_map = map_corpus(opened, label)
    figure = _figure(figure_size(scene_map))
    draw_planes(figure, scene_map)
    _save(figure, stem.with_name(f"{stem.name}.png"))
    _write_page(scene_map, stem.with_name(f"{stem.name}.html"), folder, embed_below)


def _write_page(scene_map: SceneMap, path: Path, corpus: Path, embed_below: float) -> None:
    from ..files import written_whole
    from ..plotting.page import build_page
    from ..plotting.sounds import embed_sounds, embedded_size, link_sounds

    place = (scene_map.paths, scene_map.starts, scene_map.durations)
    if embedded_size(scene_map.durations) <= embed_below * 1e6:
        sounds = embed_sounds(*place)
    else:
        sounds = link_sounds(*place, path)
    page = build_page(scene_map, sounds, f"{corpus.resolve().name}: a map of its scenes")
    with naming_what_cannot_be_written(path), written_whole(path) as part:
        part.write_text(page, encoding="utf-8")
    how = "in the page" if sounds.embedded else "linked"
    n_points = len(scene_map.ids)
    typer.echo(f"{path} ({n_points - sounds.n_missing} sounds, {how})")
    if sounds.n_missing:
        typer.echo(
            f"Warning: {sounds.n_missing} of {n_points} audio files are not found from here. "
            "Paths are as corpus embed was given them: run this in the folder where it ran.",
            err=True,
        )


def _read(files: list[Path], model: HearModel) -> list:
    from ..audio.files import load_audio

    return [load_audio(file, model.sample_rate) for file in files]


def _figure(size: tuple[float, float]) -> Any:
    """Make a figure that needs no screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _save(figure: Any, path: Path) -> None:
    from ..files import written_whole

    with naming_what_cannot_be_written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as part:
            figure.savefig(part, dpi=110)
    typer.echo(path)
