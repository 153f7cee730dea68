"""The schema of a corpus, and rows as Arrow tables of that schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import OptionError
from ..version import __version__
from .manifest import printable
from .rows import Row

if TYPE_CHECKING:
    from ..model import HearModel

METADATA_KEY = b"hear_openl3_yamnet"
FLOAT_TYPES = {"float32": pa.float32(), "float16": pa.float16()}
OUTPUTS = {"scene": ("scene",), "timestamps": ("timestamps",), "both": ("scene", "timestamps")}

# the first three change no value; the description has the other two under other keys
_LEFT_OUT = ("batch_size", "memory_limit", "sharing", "weights", "precision")


def describe(model: HearModel, outputs: str, float_type: str, labels: pa.Schema) -> dict[str, Any]:
    """Describe everything that decides the values of a corpus.

    Parameters
    ----------
    model : HearModel
    outputs : str
        One of `OUTPUTS`.
    float_type : str
        One of `FLOAT_TYPES`.
    labels : pa.Schema
        The label columns of the manifest.

    Returns
    -------
    dict
        Equal to itself after a round trip through JSON.

    Raises
    ------
    OptionError
        If `outputs` or `float_type` does not exist.
    """
    for name, value, choices in [
        ("outputs", outputs, OUTPUTS),
        ("float_type", float_type, FLOAT_TYPES),
    ]:
        if value not in choices:
            raise OptionError(f"{name} must be one of {', '.join(choices)}. Received: {value!r}")
    config = model.config
    for options in (config, *config.get("networks", ())):
        for name in _LEFT_OUT:
            options.pop(name, None)
    described = {
        "outputs": outputs,
        "float_type": float_type,
        "model": model.name,
        "config": config,
        "precision": [network.precision for network in model.ensemble.networks],
        "weights_id": model.weights_id,
        "sample_rate": model.sample_rate,
        "labels": {name: str(labels.field(name).type) for name in labels.names},
        "version": __version__,
    }
    if "scene" in OUTPUTS[outputs]:
        described |= {
            "scene_size": model.scene_embedding_size,
            "scene_hop_ms": model.scene_hop_size,
        }
    if "timestamps" in OUTPUTS[outputs]:
        described |= {"timestamp_size": model.timestamp_embedding_size, "hop_ms": model.hop_size}
    return json.loads(json.dumps(described))  # tuples become lists


def schema(description: dict[str, Any], labels: pa.Schema) -> pa.Schema:
    """Return the schema of a corpus, with its description as JSON in the metadata.

    The column ``part`` is the number of the row part: 0, or more for the further rows of a long
    file.

    Raises
    ------
    OptionError
        If a label column has the name of a column of the corpus.
    """
    value = FLOAT_TYPES[description["float_type"]]
    fields = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("part", pa.int32(), nullable=False),
        pa.field("start", pa.float64()),
        pa.field("size", pa.int64()),
        pa.field("modified", pa.float64()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("error", pa.string()),
        pa.field("duration", pa.float64()),
        pa.field("sample_rate", pa.int32()),
        pa.field("channels", pa.int32()),
        pa.field("peak", pa.float32()),
    ]
    outputs = OUTPUTS[description["outputs"]]
    if "scene" in outputs:
        fields.append(pa.field("scene", pa.list_(value, description["scene_size"])))
    if "timestamps" in outputs:
        fields.append(pa.field("timestamps", pa.list_(pa.float64())))
        embedding = pa.list_(value, description["timestamp_size"])
        fields.append(pa.field("embeddings", pa.list_(embedding)))
    own = {field.name for field in fields} | {"scene", "timestamps", "embeddings"}
    if taken := own.intersection(labels.names):
        raise OptionError(
            f"A manifest must have no label columns {', '.join(sorted(taken))}: a corpus has "
            "columns of these names. Rename them."
        )
    return pa.schema([*fields, *labels], metadata={METADATA_KEY: json.dumps(description).encode()})


def to_table(rows: Sequence[Row], schema: pa.Schema, labels: pa.Table) -> pa.Table:
    """Convert rows to a table.

    Parameters
    ----------
    rows : sequence of Row
    schema : pa.Schema
        Return value of `schema`.
    labels : pa.Table [shape=(n_rows, n_labels)]
    """
    plain: dict[str, list] = {
        "id": [row.item.id for row in rows],
        "path": [printable(row.item.path) for row in rows],
        "part": [row.part for row in rows],
        "start": [row.item.start for row in rows],
        "status": ["ok" if row.error is None else "failed" for row in rows],
        "error": [None if row.error is None else printable(row.error) for row in rows],
    }
    for name in ("size", "modified", "duration", "sample_rate", "channels", "peak"):
        plain[name] = [getattr(row, name) for row in rows]
    columns = []
    for column in schema:
        if column.name in plain:
            columns.append(pa.array(plain[column.name], column.type))
        elif column.name in ("scene", "timestamps", "embeddings"):
            columns.append(_vectors([getattr(row, column.name) for row in rows], column.type))
        else:
            columns.append(labels[column.name])
    return pa.table(columns, schema=schema)


def _vectors(arrays: Sequence[np.ndarray | None], kind: pa.DataType) -> pa.Array:
    """Make a column of lists from the rows' arrays; the array of a single row is not copied."""
    given = [array for array in arrays if array is not None]
    missing = np.array([array is None for array in arrays])
    if pa.types.is_fixed_size_list(kind):
        flat = np.zeros((len(arrays), kind.list_size), kind.value_type.to_pandas_dtype())
        for i, array in enumerate(arrays):
            if array is not None:
                flat[i] = array
        return _fixed(flat, kind, missing)
    lengths = [0 if array is None else len(array) for array in arrays]
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    inner = kind.value_type
    if pa.types.is_fixed_size_list(inner):
        empty = np.empty((0, inner.list_size), inner.value_type.to_pandas_dtype())
        values = _fixed(_joined(given, empty), inner)
    else:
        values = pa.array(_joined(given, np.empty(0)), inner)
    return pa.ListArray.from_arrays(offsets, values, type=kind, mask=pa.array(missing))


def _joined(arrays: Sequence[np.ndarray], empty: np.ndarray) -> np.ndarray:
    if len(arrays) == 1:
        return np.ascontiguousarray(arrays[0], empty.dtype)
    return np.concatenate([empty, *arrays]).astype(empty.dtype, copy=False)


def _fixed(
    matrix: np.ndarray, kind: pa.DataType, missing: np.ndarray | None = None
) -> pa.FixedSizeListArray:
    mask = None if missing is None else pa.array(missing)
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), type=kind, mask=mask)
