"""Models for other runtimes: windows of samples in, embeddings out, checked at export.

>>> from hear_openl3_yamnet.export import export_model
>>> export_model(model, "yamnet.onnx", "onnx")  # doctest: +SKIP

ONNX and TFLite need ``pip install "hear-openl3-yamnet[export]"``.
"""

from .exported import FORMATS, TOLERANCE, Exported, export_model

__all__ = ["FORMATS", "TOLERANCE", "Exported", "export_model"]
