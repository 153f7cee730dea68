"""The HEAR 2021 API over OpenL3 and YAMNet: exact, fast, installable.

>>> from hear_openl3_yamnet import get_timestamp_embeddings, load_model
>>> model = load_model(model="yamnet", weights="random:1")
>>> embeddings, timestamps = get_timestamp_embeddings(audio, model)  # doctest: +SKIP
"""

from . import environment
from .config.presets import list_layers, list_presets
from .embedding import embed
from .errors import (
    AudioError,
    AudioFileError,
    HearError,
    OptionError,
    StarterWeightsWarning,
    WeightsFormatError,
    WeightsNotFoundError,
)
from .hear import get_scene_embeddings, get_timestamp_embeddings
from .loading import load_model
from .version import __version__

__all__ = [
    "AudioError",
    "AudioFileError",
    "HearError",
    "HearModel",
    "OptionError",
    "StarterWeightsWarning",
    "WeightsFormatError",
    "WeightsNotFoundError",
    "__version__",
    "embed",
    "get_scene_embeddings",
    "get_timestamp_embeddings",
    "list_layers",
    "list_presets",
    "load_model",
]

environment.set_defaults()  # no import above has imported Keras


def __getattr__(name: str) -> object:
    if name == "HearModel":  # late, because it brings in the deep-learning framework
        from .model import HearModel

        return HearModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
