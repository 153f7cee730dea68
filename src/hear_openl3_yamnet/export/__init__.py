"""Models for other runtimes: waveform windows in, embeddings out, checked at export.

>>> from hear_openl3_yamnet.export import export_model
>>> export_model(model, "yamnet.onnx", "onnx")  # doctest: +SKIP

Needs ``pip install "hear-openl3-yamnet[export]"``, but for SavedModels.
"""

from .exported import FORMATS, TOLERANCE, Exported, export_model

__all__ = ["FORMATS", "TOLERANCE", "Exported", "export_model"]
