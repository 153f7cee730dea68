"""The command line's ``weights`` commands: ``hear-openl3-yamnet weights …``."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import HearError, OptionError, WeightsNotFoundError

app = typer.Typer(
    name="weights",
    help="Weights: fetch, list, verify, carry, convert.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...")]


@app.command()
def fetch(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="All published files.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="HEAR_OPENL3_YAMNET_MIRROR",
            help="Base address of another server with the same files; digests stay the same.",
        ),
    ] = None,
) -> None:
    """Download published weights into the cache folder, and verify them.

    With YAMNet's come the names of its classes, which `tag` needs.

    \b
    Examples:
      hear-openl3-yamnet weights fetch yamnet openl3-mel256-music
      hear-openl3-yamnet weights fetch --all --mirror https://mirror.example/audio
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..weights.finding import fetch as fetch_file
    from ..weights.registry import CLASS_MAP, load_registry

    registry = list(load_registry())
    if not names and not everything:
        raise OptionError(f"name weights, or say --all. There are {', '.join(registry)}")
    failed = False
    wanted = registry if everything else list(names or [])
    if "yamnet" in wanted and CLASS_MAP not in wanted:
        wanted.insert(wanted.index("yamnet") + 1, CLASS_MAP)
    for name in wanted:
        try:
            typer.echo(f"{name}: {fetch_file(name, mirror=mirror)}")
        except HearError as error:
            failed = True
            typer.echo(f"Error: {error}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command("list")
def list_files() -> None:
    """List the weights: where each was found, its size, whether verified, its licence."""
    from ..weights.finding import look_up
    from ..weights.registry import load_registry

    rows = [("name", "size", "state", "licence", "where")]
    for entry in load_registry().values():
        found = look_up(entry)
        size = f"{found.path.stat().st_size / 1e6:.1f} MB" if found else "-"
        where = str(found.path) if found else entry.url or "-"
        rows.append((entry.name, size, _state(entry.name), entry.licence, where))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


@app.command()
def verify(names: Names = None) -> None:
    """Compare the files on this machine with the published digests.

    Ends with status 1 if a file is damaged, or if one that is named is not here.
    """
    from ..weights.registry import load_registry

    failed = False
    for name in names or load_registry():
        state = _state(name)
        failed |= state == "damaged" or (state == "not here" and bool(names))
        typer.echo(f"{name}: {state}")
    if failed:
        raise typer.Exit(1)


@app.command()
def path(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Print where a published file is on this machine. Nothing is downloaded."""
    from ..weights.finding import find, not_found_message
    from ..weights.registry import get_entry

    place = find(name)
    if place is None:
        raise WeightsNotFoundError(not_found_message(get_entry(name), "not asked for"))
    typer.echo(place)


@app.command("import")
def import_files(files: Files) -> None:
    """Copy files into the cache folder, if they are published ones.

    A file is recognised by its digest; else, if it is OpenL3's, by its name and shapes. What
    `export` wrote beside the weights (receipts, the list, the licences) is passed over.

    \b
    Examples:
      hear-openl3-yamnet weights import openl3_audio_mel256_music-v0_4_0.h5.gz
      hear-openl3-yamnet weights import /media/stick/weights/*
    """  # noqa: D301
    from ..weights.carrying import import_file, is_companion

    failed = False
    for file in files:
        if is_companion(file):
            continue
        try:
            entry, how = import_file(file)
            typer.echo(f"{file}: {entry.name}, recognised {how}")
        except HearError as error:
            failed = True
            typer.echo(f"Error: {error}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command("export")
def export_files(folder: Annotated[Path, typer.Argument(metavar="FOLDER")]) -> None:
    """Copy this machine's published weights into a folder to carry, with list and licences.

    On the other machine, import its files, or set HEAR_OPENL3_YAMNET_CACHE to it.
    """
    from ..weights.carrying import export_folder

    for entry, found in export_folder(folder):
        state = "verified" if found.verified else "not verified"
        typer.echo(f"{entry.name}: {folder / entry.file} ({state})")


@app.command("convert")
def convert_file(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="A published name, a file, a SavedModel folder, or a tensorflow-hub handle.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="*.weights.h5 or *.safetensors")],
    dtype: Annotated[str, typer.Option(help="float32 or float16.")] = "float32",
    network: Annotated[
        str | None,
        typer.Option(help="openl3 or yamnet, where the name of IN does not tell."),
    ] = None,
) -> None:
    """Write weights as Keras 3 .weights.h5 or as safetensors, with their provenance.

    \b
    Examples:
      hear-openl3-yamnet weights convert yamnet yamnet.safetensors --dtype float16
      hear-openl3-yamnet weights convert openl3_audio_mel128_env.h5 openl3_mel128_env.weights.h5
    """  # noqa: D301
    from ..weights.convert import convert, tell_network
    from ..weights.finding import locate
    from ..weights.registry import load_registry

    published = source in load_registry() and not Path(source).exists()
    place = locate(source) if published else source
    provenance = convert(place, out, network or tell_network(place), dtype)
    typer.echo(f"{out}: {dtype}, from {provenance['source']}@{provenance['source_sha256']}")


def _state(name: str) -> str:
    from ..weights.finding import look_up, own_place
    from ..weights.registry import get_entry

    entry = get_entry(name)
    found = look_up(entry)
    if found is None:
        return "damaged" if own_place(entry).exists() else "not here"
    return "verified" if found.verified else "not verified"
