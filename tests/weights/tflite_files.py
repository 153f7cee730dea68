"""TFLite files of seeded networks, as TensorFlow's converter writes them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

KINDS = ("float32", "float16", "dynamic", "int8")
"""``dynamic`` has integer kernels; ``int8`` is integers throughout, the input and output too."""


def write_tflite(path: Path, model, kind: str, examples: np.ndarray | None = None) -> Path:
    """Convert a Keras model of log-mel patches, with its batch norms folded by the converter.

    Parameters
    ----------
    path : Path
    model : keras.Model
    kind : str
        One of `KINDS`.
    examples : np.ndarray
        Patches, from which the converter takes the ranges of ``int8``.
    """
    import tensorflow as tf

    with TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            patches = np.asarray(examples, np.float32)
            converter.representative_dataset = lambda: ([patch[None]] for patch in patches)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        path.write_bytes(converter.convert())
    return path


def dequantised_layers(path: Path) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return operator, kernel and bias of each layer as floats, with TFLite's order of axes.

    LiteRT lists the tensors with their scales. Nothing of the package under test is used.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    operators = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    made_by = {int(i): op for op in operators for i in op["outputs"]}

    def values(index: int) -> np.ndarray:
        if index in made_by:  # from float16, or from integers
            assert made_by[index]["op_name"] == "DEQUANTIZE"
            index = int(made_by[index]["inputs"][0])
        stored = interpreter.get_tensor(index).astype(np.float64)
        how = details[index]["quantization_parameters"]
        if not len(how["scales"]):
            return stored
        shape = np.ones(stored.ndim, int)
        if len(how["scales"]) > 1:
            shape[how["quantized_dimension"]] = -1
        scale, zero = (how[name].reshape(shape) for name in ("scales", "zero_points"))
        return (stored - zero) * scale

    return [
        (op["op_name"], *map(values, map(int, op["inputs"][1:3])))
        for op in operators
        if op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]
