"""What clients that are written for PyTorch share: the backend, and scenes and frames as tensors.

Importing this module chooses PyTorch as Keras's backend, unless ``KERAS_BACKEND`` is set or Keras
is imported already. Under another backend the clients work, too, but the network does not move to
the device of the client.
"""
# ruff: noqa: E402 (the backend comes before Keras)

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..errors import require

require("torch", extra="torch")

import numpy as np
import torch

if "keras" not in sys.modules:
    os.environ.setdefault("KERAS_BACKEND", "torch")

from ..config.presets import list_presets
from ..embedding import embed
from ..loading import load_model

if TYPE_CHECKING:
    from ..model import HearModel


_Base = TypeVar("_Base", bound="Network")


class Network(torch.nn.Module):
    """A model as a module of PyTorch, which computes embeddings and is not trained.

    Attributes
    ----------
    preset : str
        What `load_model` takes. A subclass names it.
    options : dict
        Options of `load_model`. A subclass may have some.
    model : HearModel
    """

    preset: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.model: HearModel = load_model(self.preset, **self.options)

    def frames(self, audio: torch.Tensor) -> torch.Tensor:
        """Embed clips at regular times.

        Parameters
        ----------
        audio : torch.Tensor [shape=(n_sounds, n_samples), dtype=float32]
            Mono, at the rate of the model, in [-1, 1].

        Returns
        -------
        torch.Tensor [shape=(n_sounds, n_timestamps, size), dtype=float32]
            On the device of the audio.
        """
        embeddings, _ = embed(audio, self.model, timestamps=True)
        return torch.from_numpy(np.stack(embeddings)).to(audio.device)

    def scenes(self, audio: torch.Tensor) -> torch.Tensor:
        """Embed whole clips [shape=(n_sounds, size)]. Parameters are those of `frames`."""
        return torch.from_numpy(embed(audio, self.model)).to(audio.device)


@cache
def class_of_preset(base: type[_Base], name: str, form: str) -> type[_Base]:
    """Return the class of a preset by its name, such as ``OpenL3Mel256MusicEncoder``.

    Parameters
    ----------
    base : type of Network
        Its class.
    name : str
        The name of the class.
    form : str
        How the name is made of that of the preset, such as ``{}Encoder``.

    Raises
    ------
    AttributeError
        If no preset has that name. The message lists the names.
    """
    presets = {form.format(_camel_case(preset)): preset for preset in list_presets()}
    if name not in presets:
        raise AttributeError(
            f"module {base.__module__!r} has no attribute {name!r}. Classes of the presets: "
            + ", ".join(presets)
        )
    preset = presets[name]
    doc = f"{preset}: {base.__doc__}"
    return type(name, (base,), {"preset": preset, "__doc__": doc, "__module__": base.__module__})


def _camel_case(preset: str) -> str:
    words = (word.capitalize() for word in preset.split("-"))
    return "".join(words).replace("Openl3", "OpenL3")
