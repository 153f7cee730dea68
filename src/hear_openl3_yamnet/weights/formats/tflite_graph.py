"""The graph in a TFLite file: tensors and operators, read without TensorFlow. Nothing is run.

The numbers of fields, operators, types and activations are those of TFLite's schema, version 3
(https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from flatbuffers import number_types
from flatbuffers.table import Table

from ...errors import WeightsFormatError

MAGIC = b"TFL3"
"""A file's bytes 4 to 7."""

MAX_ITEMS = 100_000
"""Most tensors, buffers or operators of an accepted file. Networks here have some hundred."""

MAX_RANK = 8

OPERATORS = {
    0: "ADD",
    1: "AVERAGE_POOL_2D",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    14: "LOGISTIC",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    21: "RELU6",
    22: "RESHAPE",
    34: "PAD",
    39: "TRANSPOSE",
    40: "MEAN",
    41: "SUB",
    43: "SQUEEZE",
    49: "SPLIT",
    53: "CAST",
    60: "PADV2",
    70: "EXPAND_DIMS",
    114: "QUANTIZE",
    126: "BATCH_MATMUL",
}
"""Names of the operators that can lie between two layers. Others are named by their number."""

TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 7: "<i2", 9: "i1", 10: "<f8"}
"""NumPy's names of the types that weights can have."""

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}

_ACTIVATION_FIELD = {
    "ADD": 0,
    "SUB": 0,
    "MUL": 0,
    "FULLY_CONNECTED": 0,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 4,
}
"""The field of an operator's options that holds its activation."""

_DAMAGED = (struct.error, TypeError, ValueError, IndexError, OverflowError)
"""What the flatbuffers package and NumPy raise where an offset leads out of the file."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Attributes
    ----------
    name : str
    shape : tuple of int
    type_code : int
        A key of `TYPES`, or another number.
    data : np.ndarray [dtype=uint8] or None
        The bytes of a constant. None if operators compute the tensor.
    scale, zero_point : np.ndarray
        One value, or one for each index of `axis`: a value is (stored − zero_point) × scale. Both
        are empty if the tensor is not quantised.
    axis : int
    """

    name: str
    shape: tuple[int, ...]
    type_code: int
    data: np.ndarray | None
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int

    @property
    def is_quantised(self) -> bool:
        """Whether the tensor is stored as integers."""
        return np.dtype(TYPES.get(self.type_code, "<f4")).kind in "iu"

    def values(self, path: Path) -> np.ndarray:
        """Return the values of a constant [dtype=float32].

        Raises
        ------
        WeightsFormatError
            If the type is unknown, the bytes are not those of the shape, or integers have no scale.
        """
        where = f"{path}: {self.name}"
        if self.type_code not in TYPES or self.data is None:
            raise WeightsFormatError(
                f"{where} is stored as type {self.type_code} of TFLite's schema. Expected float32, "
                "float16, or integers with a scale."
            )
        dtype = np.dtype(TYPES[self.type_code])
        if len(self.data) != int(np.prod(self.shape, dtype=float)) * dtype.itemsize:
            raise WeightsFormatError(
                f"{where} has {len(self.data)} bytes; shape {self.shape} of {dtype.name} needs "
                f"{int(np.prod(self.shape, dtype=float)) * dtype.itemsize}. The file is damaged."
            )
        stored = self.data.view(dtype).reshape(self.shape)
        if not self.is_quantised:
            return stored.astype(np.float32)
        scale, zero_point = self._along_axis(where)
        return ((stored.astype(np.float64) - zero_point) * scale).astype(np.float32)

    def _along_axis(self, where: str) -> tuple[np.ndarray, np.ndarray]:
        """Return scale and zero point, shaped to be combined with the values."""
        n = len(self.scale)
        if n == 0 or len(self.zero_point) not in (0, n):
            raise WeightsFormatError(
                f"{where} is stored as integers with {n} scales and {len(self.zero_point)} zero "
                "points. Expected at least one scale, and as many zero points."
            )
        if n > 1 and not (0 <= self.axis < len(self.shape) and self.shape[self.axis] == n):
            raise WeightsFormatError(
                f"{where} has {n} scales along axis {self.axis} of shape {self.shape}. "
                "The file is damaged."
            )
        shape = [1] * len(self.shape)
        if n > 1:
            shape[self.axis] = n
        zero_point = self.zero_point if len(self.zero_point) else np.zeros(n)
        return (
            self.scale.astype(np.float64).reshape(shape if n > 1 else ()),
            zero_point.astype(np.float64).reshape(shape if n > 1 else ()),
        )


@dataclass(frozen=True)
class Operator:
    """An operator: its name, the indices of its tensors (-1: none), and its fused activation."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    activation: str


@dataclass(frozen=True)
class Graph:
    """The main graph of a file. Operators are in the order of execution."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]


def read_graph(image: bytes, path: Path) -> Graph:
    """Read the main graph from the content of a TFLite file.

    Parameters
    ----------
    image : bytes
        The file's content.
    path : Path
        The file, for the messages.

    Raises
    ------
    WeightsFormatError
        If the file is damaged.
    """
    try:
        return _graph(_Fields(image, int.from_bytes(image[:4], "little")))
    except _DAMAGED as error:
        raise WeightsFormatError(
            f"{path} is a damaged or truncated TFLite file ({type(error).__name__}: {error})."
        ) from error


def _graph(model: _Fields) -> Graph:
    codes = [
        max(code.number(0, number_types.Int8Flags), code.number(3, number_types.Int32Flags))
        for code in model.tables(1)
    ]
    buffers = [buffer.array(0, "u1") for buffer in model.tables(4)]
    main = model.tables(2)[0]
    tensors = tuple(_tensor(tensor, buffers) for tensor in main.tables(0))
    operators = tuple(_operator(operator, codes, len(tensors)) for operator in main.tables(3))
    return Graph(tensors, operators)


def _tensor(tensor: _Fields, buffers: list[np.ndarray]) -> Tensor:
    shape = tuple(map(int, tensor.array(0, "<i4")))
    if len(shape) > MAX_RANK:
        raise ValueError(f"a tensor has {len(shape)} axes")
    data = buffers[tensor.number(2, number_types.Uint32Flags)]
    quantisation = tensor.table(4)
    if quantisation is None:
        scale, zero_point, axis = np.zeros(0, "<f4"), np.zeros(0, "<i8"), 0
    else:
        scale, zero_point = quantisation.array(2, "<f4"), quantisation.array(3, "<i8")
        axis = quantisation.number(6, number_types.Int32Flags)
    return Tensor(
        name=tensor.text(3),
        shape=shape,
        type_code=tensor.number(1, number_types.Int8Flags),
        data=data if len(data) else None,
        scale=scale,
        zero_point=zero_point,
        axis=axis,
    )


def _operator(operator: _Fields, codes: list[int], n_tensors: int) -> Operator:
    code = codes[operator.number(0, number_types.Uint32Flags)]
    name = OPERATORS.get(code, f"operator {code}")
    inputs, outputs = (tuple(map(int, operator.array(field, "<i4"))) for field in (1, 2))
    if not all(-1 <= index < n_tensors for index in (*inputs, *outputs)):
        raise IndexError(f"{name} has tensors that do not exist")
    activation = 0
    options = operator.table(4)
    if options is not None and name in _ACTIVATION_FIELD:
        activation = options.number(_ACTIVATION_FIELD[name], number_types.Int8Flags)
    return Operator(name, inputs, outputs, ACTIVATIONS.get(activation, f"number {activation}"))


class _Fields:
    """A table of a flatbuffer, whose fields are known by their numbers in the schema."""

    def __init__(self, image: bytes, position: int) -> None:
        self._image = image
        self._table = Table(image, position)

    def number(self, field: int, kind: type, default: int = 0) -> int:
        """Return a number."""
        offset = self._offset(field)
        return int(self._table.Get(kind, self._table.Pos + offset)) if offset else default

    def table(self, field: int) -> _Fields | None:
        """Return a table, or None if the field is absent."""
        offset = self._offset(field)
        return self._at(self._table.Pos + offset) if offset else None

    def tables(self, field: int) -> list[_Fields]:
        """Return a list of tables; it is empty if the field is absent."""
        offset = self._offset(field)
        if not offset:
            return []
        count, start = self._table.VectorLen(offset), self._table.Vector(offset)
        if count > MAX_ITEMS:
            raise ValueError(f"a list has {count} items")
        return [self._at(start + 4 * i) for i in range(count)]

    def array(self, field: int, dtype: str) -> np.ndarray:
        """Return a list of numbers; it is empty if the field is absent."""
        offset = self._offset(field)
        if not offset:
            return np.zeros(0, dtype)
        count, start = self._table.VectorLen(offset), self._table.Vector(offset)
        return np.frombuffer(self._image, dtype, count, start)

    def text(self, field: int) -> str:
        """Return a text. Bytes that are not UTF-8 are replaced."""
        return self.array(field, "u1").tobytes().decode("utf-8", "replace")

    def _offset(self, field: int) -> int:
        return self._table.Offset(4 + 2 * field)

    def _at(self, position: int) -> _Fields:
        return _Fields(self._image, self._table.Indirect(position))
