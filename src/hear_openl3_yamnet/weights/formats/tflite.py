"""Read weights from TFLite files of YAMNet, OpenL3 and OpenL3-lite.

A converter renames layers and folds batch norms into convolutions. A weight is identified by the
order of the operators, by its shape and by what it is computed from, never by a name. Integers
become floats by their scales and zero points. Nothing is run.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError
from .shapes import Shapes, check_shape, kinds_by_layer
from .tflite_graph import MAGIC, Graph, Operator, Tensor, read_graph

MAX_LABELS_BYTES = 1 << 20
"""Largest accepted list of class names. AudioSet's has 6 kB."""

_PASSING = {
    "AVERAGE_POOL_2D",
    "CAST",
    "DEQUANTIZE",
    "EXPAND_DIMS",
    "LOGISTIC",
    "MAX_POOL_2D",
    "MEAN",
    "PAD",
    "PADV2",
    "QUANTIZE",
    "RESHAPE",
    "SPLIT",
    "SQUEEZE",
    "TRANSPOSE",
}
"""Operators without weights that lie between two layers."""

_ARITHMETIC: tuple[str, ...] = ("ADD", "SUB", "MUL")
_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_RECTIFIERS = ("RELU", "RELU6")


@dataclass
class _Layer:
    """A layer of the file: its operator, its weights, and what follows before the next layer.

    Attributes
    ----------
    operator : str
        One of `_LAYERS`.
    kernel : Tensor
    bias : Tensor or None
    after : int or None
        The index of the layer that it is computed from. None if that is not known.
    activation : str
        ``NONE``, ``RELU`` …: that of the operator, or of one that follows.
    affine : list of (str, Tensor)
        Constants that the result is multiplied with or that are added to it: a batch norm.
    """

    operator: str
    kernel: Tensor
    bias: Tensor | None
    after: int | None
    activation: str
    affine: list[tuple[str, Tensor]] = field(default_factory=list)


def is_tflite(image: bytes) -> bool:
    """Return whether a file's content begins as a TFLite file does."""
    return image[4:8] == MAGIC


def read_tflite(
    image: bytes, path: Path, shapes: Shapes, network: str, epsilon: float
) -> tuple[dict[str, np.ndarray], bool]:
    """Read weights from the content of a TFLite file.

    The batch norms of the result change nothing, because the file's are folded. A file without
    a layer for class scores gives zeros for them, as the starter weights have.

    Parameters
    ----------
    image : bytes
        The file's content.
    path : Path
        The file, for the messages.
    shapes : dict of tuple
        The network's ``WEIGHT_SHAPES``.
    network : str
        The name of the network, for the messages.
    epsilon : float
        Of the network's batch norms.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
    bool
        Whether some of the weights are stored as integers.

    Raises
    ------
    WeightsFormatError
        If the file is damaged, or has other layers, shapes or activations than the network.
    """
    graph = read_graph(image, path)
    layers, input_affine = _Walk(graph).result()
    expected = [name for name, kinds in kinds_by_layer(shapes).items() if "kernel" in kinds]
    _check_layers(layers, expected, shapes, path, network)
    read = {
        name: _read_layer(layer, name, shapes, path, network)
        for name, layer in zip(expected, layers, strict=False)
    }
    stored = [tensor for layer in layers for tensor in (layer.kernel, layer.bias) if tensor]
    weights = _named(read, _input_norm(input_affine, path, network), shapes, epsilon, path)
    return weights, any(tensor.is_quantised for tensor in stored)


def read_labels(image: bytes, path: Path, count: int) -> tuple[str, ...] | None:
    """Return the class names in a TFLite file's metadata, which are a zip archive at its end.

    Parameters
    ----------
    image : bytes
        The file's content.
    path : Path
        The file, for the messages.
    count : int
        The number of classes.

    Returns
    -------
    tuple of str, or None
        None if the file has no list of names.

    Raises
    ------
    WeightsFormatError
        If the archive is damaged, or no list in it has `count` names.
    """
    if not zipfile.is_zipfile(io.BytesIO(image)):
        return None
    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(image)) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".txt") and info.file_size <= MAX_LABELS_BYTES:
                    with archive.open(info) as file:
                        text = file.read(MAX_LABELS_BYTES).decode("utf-8")
                    found.append(tuple(line.strip() for line in text.splitlines()))
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise WeightsFormatError(f"{path}: its metadata are damaged ({error}).") from error
    lists = [names for names in found if len(names) == count and all(names)]
    if found and not lists:
        raise WeightsFormatError(
            f"{path}: its metadata have lists of {', '.join(str(len(names)) for names in found)} "
            f"names. Expected one of {count} names."
        )
    return lists[0] if lists else None


class _Walk:
    """One walk through the operators of a graph, which collects its layers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._made_by: dict[int, Operator] = {}
        self._origin: dict[int, int] = {}  # the last layer that a tensor is computed from
        self._layers: list[_Layer] = []
        self._input_affine: list[tuple[str, Tensor]] = []
        for operator in graph.operators:
            self._visit(operator)
            self._made_by.update(dict.fromkeys(operator.outputs, operator))

    def result(self) -> tuple[list[_Layer], list[tuple[str, Tensor]]]:
        """Return the layers, and the constants of the input's batch norm."""
        return self._layers, self._input_affine

    def _visit(self, operator: Operator) -> None:
        variables = [i for i in operator.inputs if i >= 0 and self._constant(i) is None]
        constants = [t for i in operator.inputs if (t := self._constant(i))]
        if not variables:
            return
        if operator.name in _LAYERS and constants and operator.inputs[0] == variables[0]:
            self._add_layer(operator)
            return
        origins = [self._origin[i] for i in variables if i in self._origin]
        if not origins:
            return  # before the first convolution
        layer = self._layers[max(origins)]
        if operator.name in _RECTIFIERS:
            layer.activation = operator.name
        elif operator.name in _ARITHMETIC and len(variables) == 1 and constants:
            if layer.activation != "NONE":
                return  # no batch norm: it follows the activation
            layer.affine.append((operator.name, constants[0]))
            layer.activation = operator.activation
        elif operator.name == "ADD" and len(origins) == 2:  # a residual
            if layer.activation == "NONE":
                layer.activation = operator.activation
        elif operator.name not in _PASSING:
            return
        self._origin.update(dict.fromkeys(operator.outputs, max(origins)))

    def _add_layer(self, operator: Operator) -> None:
        source, kernel_index, bias_index = (*operator.inputs, -1, -1)[:3]
        kernel, after = self._constant(kernel_index), self._origin.get(source)
        is_convolution = operator.name.endswith("CONV_2D")
        if kernel is None or (after is None and not is_convolution):
            return  # a matrix product of the front end
        if not self._layers:
            self._input_affine = list(self._affine_before(source))
        bias = self._constant(bias_index)
        self._layers.append(_Layer(operator.name, kernel, bias, after, operator.activation))
        self._origin.update(dict.fromkeys(operator.outputs, len(self._layers) - 1))

    def _affine_before(self, index: int) -> Iterator[tuple[str, Tensor]]:
        """Yield a product and a sum with one constant that a tensor is made by, the last first."""
        wanted = _ARITHMETIC
        for _ in self._made_by:  # no more steps than operators: a damaged graph may have a circle
            operator = self._made_by.get(index)
            if operator is None:
                return
            if operator.name in _PASSING:
                index = (*operator.inputs, -1)[0]
                continue
            constants = [t for i in operator.inputs if (t := self._constant(i))]
            is_one = len(constants) == 1 and set(constants[0].shape) <= {1}
            if operator.name not in wanted or not is_one:
                return
            yield operator.name, constants[0]
            wanted = () if operator.name == "MUL" else ("MUL",)
            index = next((i for i in operator.inputs if self._constant(i) is None), -1)

    def _constant(self, index: int) -> Tensor | None:
        """Return a tensor if it is a constant, also behind its conversion to float32."""
        if index < 0:
            return None
        tensor = self._graph.tensors[index]
        if tensor.data is not None:
            return tensor
        made_by = self._made_by.get(index)
        if made_by is None or made_by.name != "DEQUANTIZE":
            return None
        source = (*made_by.inputs, -1)[0]
        stored = self._graph.tensors[source]
        return stored if source >= 0 and stored.data is not None else None


def _check_layers(
    layers: list[_Layer], expected: list[str], shapes: Shapes, path: Path, network: str
) -> None:
    """Refuse a file whose layers are not those of a network, in number, order, kind or ReLU."""
    for layer in layers:
        if layer.activation == "RELU6":
            raise WeightsFormatError(
                f"{path}: the activations are ReLU6 ({layer.kernel.name}), and those of {network} "
                "are ReLU. The file holds another training, as TF-Hub's "
                "lite-model_yamnet_classification_tflite_1 does, and its weights are wrong behind "
                f"a ReLU. Take a file that was converted from {network}'s published weights."
            )
    without_scores = len(shapes[f"{expected[-1]}/kernel"]) == 2  # as this package exports it
    if len(layers) not in (len(expected), len(expected) - without_scores):
        raise WeightsFormatError(
            f"{path} holds {len(layers)} layers with weights; {network} has {len(expected)}. "
            "Is it the file of another network?"
        )
    convolutions = [name for name in expected if len(shapes[f"{name}/kernel"]) == 4]
    for number, (name, layer) in enumerate(zip(expected, layers, strict=False)):
        place = f"{path}: layer {number + 1}, {layer.kernel.name},"
        if layer.operator != _operator_of(name, shapes):
            raise WeightsFormatError(
                f"{place} is {layer.operator}; {network} has {_operator_of(name, shapes)} there."
            )
        if number and layer.after != number - 1:
            raise WeightsFormatError(
                f"{place} is not computed from the layer before it, as {network}'s {name} is."
            )
        if layer.activation != "RELU" and name in convolutions[:-1]:
            raise WeightsFormatError(
                f"{place} has the activation {layer.activation}; {network} has RELU there."
            )


def _operator_of(name: str, shapes: Shapes) -> str:
    if len(shapes[f"{name}/kernel"]) == 2:
        return "FULLY_CONNECTED"
    return "DEPTHWISE_CONV_2D" if name.endswith("depthwise") else "CONV_2D"


_AXES = {
    "CONV_2D": (1, 2, 3, 0),
    "DEPTHWISE_CONV_2D": (1, 2, 3, 0),
    "FULLY_CONNECTED": (1, 0),
}
"""The order in which a network here has the axes of TFLite's kernels."""


def _read_layer(
    layer: _Layer, name: str, shapes: Shapes, path: Path, network: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer's kernel and bias [dtype=float32], its batch norm folded into them."""
    shape, axes = shapes[f"{name}/kernel"], _AXES[layer.operator]
    stored = layer.kernel.shape
    found = tuple(stored[axis] for axis in axes) if len(stored) == len(axes) else stored
    check_shape(path, layer.kernel.name, found, shape, network)
    is_depthwise = layer.operator == "DEPTHWISE_CONV_2D"
    size = shape[2] if is_depthwise else shape[-1]
    kernel = layer.kernel.values(path).transpose(axes).astype(np.float64)
    bias = np.zeros(size)
    if layer.bias:
        check_shape(path, layer.bias.name, layer.bias.shape, (size,), network)
        bias = layer.bias.values(path).astype(np.float64)
    for operator, constant in layer.affine:
        value = _channel_values(constant, size, path)
        if operator == "MUL":
            kernel, bias = kernel * (value[:, None] if is_depthwise else value), bias * value
        else:
            bias = bias + (value if operator == "ADD" else -value)
    return kernel.astype(np.float32), bias.astype(np.float32)


def _channel_values(constant: Tensor, size: int, path: Path) -> np.ndarray:
    """Return one value for each channel [dtype=float64]."""
    n_values = int(np.prod(constant.shape, dtype=float))
    if n_values not in (1, size) or n_values != max((1, *constant.shape)):
        raise WeightsFormatError(
            f"{path}: {constant.name} has shape {constant.shape}. Expected one value, or one for "
            f"each of {size} channels."
        )
    return np.broadcast_to(constant.values(path).astype(np.float64).reshape(-1), (size,))


def _input_norm(
    affine: list[tuple[str, Tensor]], path: Path, network: str
) -> tuple[float, float] | None:
    """Return the scale and the offset of the input, or None if the file has none."""
    scale, offset = 1.0, 0.0
    for operator, constant in affine:  # the last operator first
        value = float(constant.values(path).reshape(-1)[0])
        if operator == "MUL":
            scale = value
        else:
            offset = value if operator == "ADD" else -value
    return (scale, offset) if affine else None


def _named(
    read: dict[str, tuple[np.ndarray, np.ndarray]],
    input_norm: tuple[float, float] | None,
    shapes: Shapes,
    epsilon: float,
    path: Path,
) -> dict[str, np.ndarray]:
    """Name kernels and biases as a network does, and give it batch norms that change nothing."""
    weights: dict[str, np.ndarray] = {}
    scale = 1.0
    offset: np.ndarray = np.zeros(1)
    if "input_norm/beta" in shapes:
        if input_norm is None:
            raise WeightsFormatError(
                f"{path} has no scale and no offset of the input before its first convolution."
            )
        scale, offset = input_norm[0], np.array([input_norm[1]])
    for layer, kinds in kinds_by_layer(shapes).items():
        if "kernel" in kinds:
            kernel, bias = read.get(layer) or [
                np.zeros(shapes[f"{layer}/{kind}"]) for kind in kinds
            ]
            values = {"kernel": kernel, "bias": bias}
            scale, offset = 1.0, np.zeros_like(bias) if "bias" in kinds else bias
        else:
            values = {
                "gamma": np.full(offset.shape, scale),
                "beta": offset,
                "moving_mean": np.zeros_like(offset),
                "moving_variance": np.full(offset.shape, 1 - epsilon),
            }
        weights |= {f"{layer}/{kind}": values[kind].astype(np.float32, order="C") for kind in kinds}
    return weights
