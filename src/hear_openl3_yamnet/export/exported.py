"""A model → a file or folder for another runtime, and its configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import geometry
from ..errors import ExportError, OptionError, require
from ..files import written_whole
from . import checking, onnx_file, saved_model, tflite, windows

if TYPE_CHECKING:
    from ..model import HearModel

TOLERANCE = 1e-3
"""A file is kept if the relative L2 error of each embedding is at most this."""

_WRITERS: dict[str, Any] = {"saved_model": saved_model, "onnx": onnx_file, "tflite": tflite}

FORMATS = tuple(_WRITERS)
"""Names of the formats."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how much its embeddings differ from those of the model.

    Attributes
    ----------
    path, configuration_path : Path
        The file or folder, and its JSON file.
    runtime : str
        Name and version of the package that it was checked with.
    n_windows : int
        Number of windows that it was checked with.
    difference : float
        The largest relative L2 error of an embedding.
    window : int
        Samples in a window.
    n_bytes : int
        Size of the file, or of all files in the folder.
    """

    path: Path
    configuration_path: Path
    runtime: str
    n_windows: int
    difference: float
    window: int
    n_bytes: int


def export_model(model: HearModel, path: str | Path, file_format: str) -> Exported:
    """Write a model for another runtime, and check in that runtime that its embeddings are equal.

    Parameters
    ----------
    model : HearModel
        A model of one network with ``time="window"``, ``framing="exact"`` and
        ``precision="float32"``. Options of several windows (hops, scene pooling) have no effect.
    path : str or Path
        The file, or the folder of a SavedModel. An existing file is replaced. An existing folder
        must be empty. The configuration is written to ``<path>.json``.
    file_format : str
        ``saved_model``, ``onnx`` or ``tflite``.

    Returns
    -------
    Exported

    Raises
    ------
    OptionError
        If the format does not exist, the model cannot be exported, the folder is not empty, or
        the backend of Keras is not TensorFlow.
    MissingExtraError
        If packages of the extra ``export`` are missing.
    ExportError
        If the embeddings in the runtime differ from those of the model by more than `TOLERANCE`,
        or have another shape. In that case nothing is written.
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    _check_format(path, file_format)
    windows.check_exportable(model, file_format)
    writer = _WRITERS[file_format]
    path.parent.mkdir(parents=True, exist_ok=True)
    configuration_path = Path(f"{path}.json")
    with written_whole(configuration_path) as configuration, written_whole(path) as partial:
        graph = windows.window_graph(model)
        writer.write(graph, partial)
        runtime = f"{writer.PACKAGE} {metadata.version(writer.PACKAGE)}"
        n_windows, difference = _compare(model, partial, writer)
        if not difference <= TOLERANCE:  # also if it is NaN
            raise ExportError(
                f"The embeddings of {runtime} differ from those of the model: the largest relative "
                f"difference of {n_windows} windows is {difference:.1e}. At most {TOLERANCE:.0e} "
                f"is allowed. {path} was not written."
            )
        exported = Exported(
            path=path,
            configuration_path=configuration_path,
            runtime=runtime,
            n_windows=n_windows,
            difference=difference,
            window=graph.window,
            n_bytes=_n_bytes(partial),
        )
        text = json.dumps(_describe(model, exported, file_format), indent=2)
        configuration.write_text(text + "\n", encoding="utf-8")
    return exported


def _n_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _check_format(path: Path, file_format: str) -> None:
    if file_format not in FORMATS:
        raise OptionError(
            f"The format must be one of {', '.join(FORMATS)}. Received: {file_format!r}"
        )
    for name in _WRITERS[file_format].MODULES:
        require(name, extra="export")
    is_folder = path.is_dir()
    if file_format == "saved_model" and (path.is_file() or (is_folder and any(path.iterdir()))):
        raise OptionError(f"A SavedModel needs a new or empty folder. Received: {path}")
    if file_format != "saved_model" and is_folder:
        raise OptionError(f"{file_format} is written to a file, and {path} is a folder.")


def _compare(model: HearModel, path: Path, writer: Any) -> tuple[int, float]:
    """Return the number of windows that were compared, and the largest difference."""
    samples = checking.check_windows(model)
    batches = [samples[:1], samples[1:]]  # two sizes, because any batch size must work
    got = np.concatenate(writer.run(path, batches))
    return len(samples), checking.largest_difference(got, checking.model_embeddings(model, samples))


def _describe(model: HearModel, exported: Exported, file_format: str) -> dict[str, Any]:
    """Return the facts about an exported model as JSON types."""
    from ..version import __version__

    options = model.ensemble.networks[0].options
    window, rate = options.front_end.window, options.preset.sample_rate
    return {
        "format": file_format,
        "input": {
            "name": windows.INPUT,
            "shape": ["n_windows", window],
            "dtype": "float32",
            "sample_rate": rate,
            "range": [-1.0, 1.0],
        },
        "output": {
            "name": windows.OUTPUT,
            "shape": ["n_windows", model.timestamp_embedding_size],
            "dtype": "float32",
        },
        "timestamp_sample": window // 2,
        "hop_samples": float(geometry.hop(options)),
        "scene_hop_samples": float(geometry.scene_hop(options)),
        "model": model.name,
        "weights_id": model.weights_id,
        "config": model.config,
        "check": {
            "runtime": exported.runtime,
            "windows": exported.n_windows,
            "largest_relative_difference": exported.difference,
            "tolerance": TOLERANCE,
        },
        **_rights(model.weights_id),
        "version": __version__,
    }


def _rights(weights_id: str) -> dict[str, str]:
    """Return the licence and the citation of published or starter weights."""
    from ..weights.registry import get_entry

    kind, _, name = weights_id.partition(":")
    if kind not in ("published", "starter"):
        return {}
    entry = get_entry(name.partition("@")[0])
    return {"licence": entry.licence, "citation": entry.citation}
