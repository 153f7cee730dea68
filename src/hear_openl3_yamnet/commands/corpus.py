"""The commands ``hear-openl3-yamnet corpus``: audio files → Parquet shards → other formats."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import OptionError, naming_what_cannot_be_written
from .shared import Model, Options, Weights, gather_options, load_quietly

app = typer.Typer(
    name="corpus",
    help="Embed whole corpora into Parquet shards, and export them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def embed(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a glob in quotes, an audio file, or a manifest: .csv, .tsv or .parquet "
            "with the columns id and path, optionally start and duration [s]; others are labels.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="Folder for the shards. It is made if it does not exist."
        ),
    ],
    model: Model = "",
    scene: Annotated[
        bool, typer.Option("--scene", help="One embedding for each file. The default.")
    ] = False,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="One embedding at each time step of a file.")
    ] = False,
    both: Annotated[bool, typer.Option("--both", help="Both of them.")] = False,
    weights: Weights = None,
    option: Options = None,
    float_type: Annotated[
        Literal["float32", "float16"], typer.Option(help="Data type of the embeddings in OUT.")
    ] = "float32",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that decode (local: 2), or actors (ray: 1)."),
    ] = None,
    shard_rows: Annotated[
        int, typer.Option(min=1, help="Largest number of files in a shard.")
    ] = 1024,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Embed again the files that failed before.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="This machine, or Ray Data.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="A Ray cluster: auto, or ray://HOST:PORT. Default: this machine."),
    ] = None,
    num_gpus: Annotated[float, typer.Option(min=0, help="GPUs of each Ray actor.")] = 0,
) -> None:
    """Embed every file of a corpus into Parquet shards. Each file has a row, even if damaged.

    A folder is read with its subfolders. Hidden files and those that are not audio by their endings
    are skipped and counted. Files that already have a row in OUT are not embedded again, unless
    they have another size or modification time. So the same command continues a run that was
    ended. Ctrl-C ends the run after the current batch of files. A second Ctrl-C ends it at once.

    \b
    Examples:
      hear-openl3-yamnet corpus embed recordings embeddings --model yamnet
      hear-openl3-yamnet corpus embed 'sounds/**/*.flac' out --both --float-type float16
      hear-openl3-yamnet corpus embed clips.csv out --retry-failed
      hear-openl3-yamnet corpus embed clips.parquet out --engine ray --address auto --workers 4

    \b
    Exit status:
      0    all files are embedded
      1    at least one file failed (its row says why), a folder or link cannot be read, or files
           need the extra ffmpeg; or the run ended early, and the message says why
      2    the command itself is wrong
      130  the run was interrupted
    """  # noqa: D301
    from ..corpora import embed_corpus

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger(__package__.partition(".")[0]).setLevel(logging.INFO)
    outputs = _outputs(scene=scene, timestamps=timestamps, both=both)
    options = gather_options(option, weights=weights)
    summary = embed_corpus(
        source,
        out,
        load_quietly(model, options),
        outputs=outputs,
        float_type=float_type,
        workers=workers,
        shard_rows=shard_rows,
        retry_failed=retry_failed,
        engine=engine,
        cluster={"address": address, "num_gpus": num_gpus},
    )
    typer.echo(f"{out}: {summary}")
    for line in summary.skipped.lines():
        typer.echo(line, err=True)
    if summary.interrupted:
        typer.echo("Interrupted. The same command continues where it stopped.", err=True)
        raise typer.Exit(130)
    if summary.total_failed:
        typer.echo(
            f"{summary.total_failed} files in {out} failed; their rows say why. "
            "--retry-failed embeds them again.",
            err=True,
        )
    if summary.total_failed or summary.skipped.has_losses:
        raise typer.Exit(1)


@app.command()
def export(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="OUT of corpus embed.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder. It is made if it does not exist.")
    ],
    to: Annotated[
        Literal["hear", "projector", "hoplite"],
        typer.Option(
            help="hear: ID.embedding.npy, and ID.timestamps.json, for each file; "
            "projector: vectors.tsv and metadata.tsv for TensorBoard; "
            "hoplite: a database of perch-hoplite, in a folder that is empty or absent."
        ),
    ] = "hear",
) -> None:
    """Write a corpus in another format."""
    from ..corpora import export_hear, export_projector, load_corpus

    if to == "hoplite":
        from ..integrations.hoplite_database import export_hoplite

        with naming_what_cannot_be_written(out):
            typer.echo(f"{out}: {export_hoplite(load_corpus(corpus), out)} windows")
        return
    write = {"hear": export_hear, "projector": export_projector}[to]
    typer.echo(f"{out}: {write(load_corpus(corpus), out)} files")


def _outputs(**given: bool) -> str:
    """Return the one output whose flag is given; ``scene`` if there is none."""
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise OptionError("--scene, --timestamps and --both exclude each other.")
    return chosen[0] if chosen else "scene"
