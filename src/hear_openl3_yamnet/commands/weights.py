"""The command line's ``weights`` commands: ``hear-openl3-yamnet weights …``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OptionError, WeightsNotFoundError
from .shared import each_input

if TYPE_CHECKING:
    from ..weights.finding import Found
    from ..weights.registry import WeightFile

app = typer.Typer(
    name="weights",
    help="Fetch, list, verify, check, import, export, publish and convert weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...")]


@app.command()
def fetch(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Fetch all published files.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="HEAR_OPENL3_YAMNET_MIRROR",
            help="Base address of another server with the same files. The digests are the same.",
        ),
    ] = None,
) -> None:
    """Download published weights into the cache folder and verify them.

    \b
    Examples:
      hear-openl3-yamnet weights fetch yamnet openl3-mel256-music
      hear-openl3-yamnet weights fetch --all --mirror https://mirror.example/audio
    """  # noqa: D301 (\b tells the parser to keep the line breaks that follow)
    from ..weights.finding import fetch as fetch_file
    from ..weights.registry import load_registry

    registry = list(load_registry())
    if not names and not everything:
        raise OptionError(f"give the names of weights, or --all. Names: {', '.join(registry)}")
    wanted = registry if everything else list(names or [])
    if each_input(wanted, lambda name: f"{name}: {fetch_file(name, mirror=mirror)}"):
        raise typer.Exit(1)


@app.command("list")
def list_files() -> None:
    """List the weights: name, size, whether verified, licence, and path or address."""
    from ..weights.finding import look_up
    from ..weights.registry import load_registry

    rows = [("name", "size", "state", "licence", "where")]

    def add_row(entry: "WeightFile") -> None:
        found = look_up(entry)
        size = f"{found.path.stat().st_size / 1e6:.1f} MB" if found else "-"
        where = str(found.path) if found else entry.url or "-"
        rows.append((entry.name, size, _state(entry, found), entry.licence, where))

    n_failed = each_input(load_registry().values(), add_row, lambda entry: entry.name)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())
    if n_failed:
        raise typer.Exit(1)


@app.command()
def verify(names: Names = None) -> None:
    """Compare the files on this machine with the published digests.

    The exit status is 1 if a file is damaged, or if a file that you name is not here.
    """
    from ..weights.finding import look_up
    from ..weights.registry import get_entry, load_registry

    bad = {"damaged", "not here"} if names else {"damaged"}
    states = []

    def verify_one(name: str) -> str:
        entry = get_entry(name)
        states.append(_state(entry, look_up(entry)))
        return f"{name}: {states[-1]}"

    if each_input(names or load_registry(), verify_one) or bad.intersection(states):
        raise typer.Exit(1)


@app.command()
def check(names: Names = None) -> None:
    """Compare this installation with outputs that the publishers recorded with their weights.

    The weights and the recorded outputs are fetched. What cannot be fetched is named, and the rest
    is compared. Names: openl3-mel256-music, openl3-linear-env, yamnet; all by default.

    \b
    Examples:
      hear-openl3-yamnet weights check
      hear-openl3-yamnet weights check yamnet

    \b
    Exit status:
      0  something was compared, and all of it holds
      1  something differs; or nothing was compared; or a name that you give was not compared
    """  # noqa: D301
    from ..recorded import compare

    verdicts = []
    for outcome in compare(names):
        verdicts.append(outcome.holds)
        verdict = {True: "holds", False: "DIFFERS", None: "not compared"}[outcome.holds]
        typer.echo(f"{outcome.weights}: {verdict}: {outcome.subject}: {outcome.finding}")
    n_compared = len(verdicts) - verdicts.count(None)
    typer.echo(
        f"{verdicts.count(True)} of {n_compared} comparisons hold; {verdicts.count(None)} not made"
    )
    if False in verdicts or not n_compared or (names and None in verdicts):
        raise typer.Exit(1)


@app.command()
def path(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Print the path of a published file on this machine. Nothing is downloaded."""
    from ..weights.finding import find, not_found_message
    from ..weights.registry import get_entry

    found = find(name)
    if found is None:
        raise WeightsNotFoundError(not_found_message(get_entry(name), "not tried"))
    typer.echo(found)


@app.command("import")
def import_files(files: Files) -> None:
    """Copy published files into the cache folder.

    A file is recognised by its digest. An OpenL3 file is also recognised by its name and shapes.
    The other files that `export` writes (receipts, the registry, the licences) are skipped.

    \b
    Examples:
      hear-openl3-yamnet weights import openl3_audio_mel256_music-v0_4_0.h5.gz
      hear-openl3-yamnet weights import /media/stick/weights/*
    """  # noqa: D301
    from ..weights.carrying import import_file, is_companion

    def import_one(file: Path) -> str:
        entry, how = import_file(file)
        return f"{file}: {entry.name}, recognised {how}"

    if each_input((file for file in files if not is_companion(file)), import_one):
        raise typer.Exit(1)


@app.command("export")
def export_files(folder: Annotated[Path, typer.Argument(metavar="FOLDER")]) -> None:
    """Copy the published weights of this machine into a folder, with registry and licences.

    On another machine, import the files, or set HEAR_OPENL3_YAMNET_CACHE to the folder.
    """
    from ..weights.carrying import export_companions, export_file, weights_here

    exported = []

    def export_one(entry: "WeightFile") -> str:
        path, verified = export_file(entry, folder)
        exported.append(entry)
        return f"{entry.name}: {path} ({'verified' if verified else 'not verified'})"

    n_failed = each_input(weights_here(), export_one, lambda entry: entry.name)
    export_companions(folder, exported)
    if n_failed:
        raise typer.Exit(1)


@app.command("publish")
def publish_folders(folder: Annotated[Path, typer.Argument(metavar="FOLDER")]) -> None:
    """Write a repository of the Hugging Face Hub for each of the weights of this package.

    FOLDER gets one folder for each: model.safetensors, config.json and the model card. Nothing is
    sent anywhere.

    \b
    Upload one of them with the Hub's own command, which prints the id of the commit:
      hear-openl3-yamnet weights publish hub
      hf upload OWNER/openl3-lite hub/openl3-lite

    This needs: pip install "hear-openl3-yamnet[hub]"
    """  # noqa: D301
    from ..weights.publishing import publish

    for entry, repository in publish(folder):
        typer.echo(f"{entry.name}: {repository} ({entry.digests[0]})")


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
        typer.Option(help="openl3, yamnet or openl3_lite, if it cannot be inferred from IN."),
    ] = None,
) -> None:
    """Convert weights to Keras 3 .weights.h5 or to safetensors, with their provenance.

    \b
    Examples:
      hear-openl3-yamnet weights convert yamnet yamnet.safetensors --dtype float16
      hear-openl3-yamnet weights convert openl3_audio_mel128_env.h5 openl3_mel128_env.weights.h5
    """  # noqa: D301
    from ..weights.convert import convert, infer_network
    from ..weights.finding import locate
    from ..weights.registry import load_registry

    published = source in load_registry() and not Path(source).exists()
    path = locate(source) if published else source
    provenance = convert(path, out, network or infer_network(path), dtype)
    typer.echo(f"{out}: {dtype}, from {provenance['source']}@{provenance['source_sha256']}")


def _state(entry: "WeightFile", found: "Found | None") -> str:
    from ..weights.finding import is_damaged

    if found is None:
        return "damaged" if is_damaged(entry) else "not here"
    return "verified" if found.verified else "not verified"
