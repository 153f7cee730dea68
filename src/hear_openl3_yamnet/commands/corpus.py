"""The commands ``hear-openl3-yamnet corpus``: many files in, Parquet shards out, and exports."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from ..errors import HearError, OptionError
from .embed import gather_options, load_quietly

app = typer.Typer(
    name="corpus",
    help="Embed whole corpora into Parquet shards, and export them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Engine(str, Enum):
    """Where a corpus is embedded."""

    local = "local"
    ray = "ray"


class FloatType(str, Enum):
    """How embeddings are kept."""

    float32 = "float32"
    float16 = "float16"


class Format(str, Enum):
    """What a corpus is exported as."""

    hear = "hear"
    projector = "projector"


@app.command()
def embed(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a glob in quotes, an audio file, or a manifest: .csv or .parquet with "
            "the columns id and path, optionally start and duration [s]; others are labels.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the shards, made if need be.")
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A preset (see: models), a weights file, or a .json file of options.",
        ),
    ] = "",
    scene: Annotated[
        bool, typer.Option("--scene", help="One embedding for a file. The default.")
    ] = False,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="One at each time step of a file.")
    ] = False,
    both: Annotated[bool, typer.Option("--both", help="Both of them.")] = False,
    weights: Annotated[
        str | None,
        typer.Option(metavar="WEIGHTS", help="As of the command embed. Default: the preset's."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Another option of load_model, as often as you like."
        ),
    ] = None,
    float_type: Annotated[FloatType, typer.Option(help="Of what is kept.")] = FloatType.float32,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that decode (local: 2), or actors (ray: 1)."),
    ] = None,
    shard_rows: Annotated[int, typer.Option(min=1, help="Files in a shard, at the most.")] = 1024,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do again what failed before.")
    ] = False,
    engine: Annotated[Engine, typer.Option(help="This machine, or Ray Data.")] = Engine.local,
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster: auto, or ray://HOST:PORT. Default: this machine."),
    ] = None,
    num_gpus: Annotated[float, typer.Option(min=0, help="GPUs of each Ray actor.")] = 0,
) -> None:
    """Embed every file of a corpus: a row a file in Parquet shards, whatever is wrong with it.

    A folder is walked with its subfolders. What OUT holds already is skipped: a run that was ended
    goes on when it is started again. Ctrl-C finishes the files in hand; twice, it ends at once.

    \b
    Examples:
      hear-openl3-yamnet corpus embed recordings embeddings --model yamnet
      hear-openl3-yamnet corpus embed 'sounds/**/*.flac' out --both --float-type float16
      hear-openl3-yamnet corpus embed clips.csv out --retry-failed
      hear-openl3-yamnet corpus embed clips.parquet out --engine ray --address auto --workers 4

    \b
    Exit status:
      0    all files are embedded
      1    at least one failed; its row says why
      2    the command itself is wrong
      130  interrupted
    """  # noqa: D301
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger(__package__.partition(".")[0]).setLevel(logging.INFO)
    outputs = _outputs(scene, timestamps, both)
    options = gather_options(option or [], scene=True, hop_size=None, weights=weights)
    embed_corpus = _corpora().embed_corpus
    summary = embed_corpus(
        source,
        out,
        load_quietly(model, options),
        outputs=outputs,
        float_type=float_type.value,
        workers=workers,
        shard_rows=shard_rows,
        retry_failed=retry_failed,
        engine=engine.value,
        cluster={"address": address, "num_gpus": num_gpus},
    )
    typer.echo(f"{out}: {summary}")
    if summary.interrupted:
        typer.echo("Interrupted. The same command goes on where it ended.", err=True)
        raise typer.Exit(130)
    if summary.total_failed:
        typer.echo(
            f"{summary.total_failed} files in {out} failed; their rows say why. "
            "--retry-failed does them again.",
            err=True,
        )
        raise typer.Exit(1)


@app.command()
def export(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="OUT of corpus embed.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder, made if need be.")],
    format: Annotated[
        Format,
        typer.Option(
            help="hear: ID.embedding.npy, and ID.timestamps.json, for each file; "
            "projector: vectors.tsv and metadata.tsv for TensorBoard."
        ),
    ] = Format.hear,
) -> None:
    """Write a corpus in another form."""
    corpora = _corpora()
    write = corpora.export_hear if format is Format.hear else corpora.export_projector
    n_files = write(corpora.load_corpus(corpus), out)
    typer.echo(f"{out}: {n_files} files")


def _outputs(scene: bool, timestamps: bool, both: bool) -> str:
    chosen = [
        name
        for name, given in [("scene", scene), ("timestamps", timestamps), ("both", both)]
        if given
    ]
    if len(chosen) > 1:
        raise OptionError("--scene, --timestamps and --both exclude each other.")
    return chosen[0] if chosen else "scene"


def _corpora() -> ModuleType:
    try:
        from .. import corpora
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise HearError(str(error)) from error
    return corpora
