"""The command line: ``hear-openl3-yamnet``."""

import sys
from fractions import Fraction
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated

import typer

from .. import environment
from ..errors import HearError, OptionError
from ..version import __version__
from . import corpus as corpus_cli
from . import plot as plot_cli
from . import tasks as tasks_cli
from . import weights as weights_cli
from .embed import embed
from .evaluate import evaluate, leaderboard
from .export import export
from .search import search
from .study import study
from .tag import tag

if TYPE_CHECKING:
    from ..weights.registry import WeightFile

app = typer.Typer(
    name="hear-openl3-yamnet",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(embed)
app.command()(tag)
app.command()(export)
app.command()(evaluate)
app.command()(leaderboard)
app.command()(study)
app.command()(search)
app.add_typer(weights_cli.app)
app.add_typer(corpus_cli.app)
app.add_typer(tasks_cli.app)
app.add_typer(plot_cli.app)


def main() -> None:
    """Run the command line. An error of this package ends it with only its message."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # so that names of files that are not UTF-8 print
            stream.reconfigure(errors="backslashreplace")
    environment.prepare_command()
    try:
        app()
    except HearError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, OptionError) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hear-openl3-yamnet {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """OpenL3 and YAMNet embeddings of audio files.

    \b
    Examples:
      hear-openl3-yamnet models
      hear-openl3-yamnet info yamnet
      hear-openl3-yamnet embed speech.wav -o embeddings
      hear-openl3-yamnet embed *.flac -o embeddings --model yamnet --scene
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)


@app.command()
def models() -> None:
    """List the presets."""
    from ..config import geometry
    from ..config.configuring import configure
    from ..config.presets import get_preset, list_presets

    rows = [("preset", "rate [Hz]", "size", "hop [ms]", "description")]
    for name in list_presets():
        preset, options = get_preset(name), configure(name)
        hop_size = _milliseconds(geometry.hop(options), preset.sample_rate)
        size = str(geometry.timestamp_embedding_size(options))
        rows.append((name, str(preset.sample_rate), size, hop_size, preset.description))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers, description in rows:
        cells = [name.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False)]
        typer.echo("  ".join([*cells, description]))


@app.command()
def info(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A preset (see: models).")],
) -> None:
    """Print the facts about a preset, and where its weights are.

    Nothing is downloaded and no network is loaded.
    """
    from ..backbones import operations
    from ..config import geometry
    from ..config.configuring import configure
    from ..config.presets import get_preset
    from ..weights.registry import get_entry

    preset, options = get_preset(model), configure(model)
    entry = get_entry(preset.weights_name)
    rate, front_end = preset.sample_rate, options.front_end
    shape = (front_end.n_bands, front_end.n_frames)
    gflop = operations.count(options.backbone, options.layers, *shape) / 1e9
    facts = {
        "sample rate": f"{rate} Hz",
        "window": f"{_milliseconds(options.front_end.window, rate)} ms",
        "timestamps": f"{geometry.timestamp_embedding_size(options)} values "
        f"every {_milliseconds(geometry.hop(options), rate)} ms",
        "scene": f"{geometry.scene_embedding_size(options)} values, "
        f"from windows {_milliseconds(geometry.scene_hop(options), rate)} ms apart",
        "work": f"{gflop:.2f} GFLOP a window, {gflop * float(rate / geometry.hop(options)):.0f} a "
        "second of audio if windows share nothing",
        "weights": preset.weights_name,
        "  found": _place_of(entry),
        "  licence": entry.licence,
        "  cite": entry.citation,
        "network": preset.backbone.ORIGIN,
    }
    typer.echo(f"{preset.name}: {preset.description}")
    for key, fact in facts.items():
        typer.echo(f"  {key:<12} {fact}")


def _milliseconds(samples: Fraction | int, sample_rate: int) -> str:
    return f"{float(1000 * samples / sample_rate):.2f}"


def _place_of(entry: "WeightFile") -> str:
    from ..weights.finding import look_up

    if found := look_up(entry):
        return f"{found.path} ({found.place}{'' if found.verified else ', not verified'})"
    if entry.is_starter:
        return "missing or damaged; they are part of this package: install it again"
    return f"not on this machine; get them: hear-openl3-yamnet weights fetch {entry.name}"
