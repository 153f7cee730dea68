"""Models for MTEB and MAEB, its benchmark of audio embeddings.

>>> import mteb
>>> from hear_openl3_yamnet.integrations.mteb import model_meta
>>> model = model_meta("openl3-mel256-music").load_model()  # doctest: +SKIP
>>> results = mteb.evaluate(model, mteb.get_tasks(["ESC50"]))  # doctest: +SKIP

``python -m hear_openl3_yamnet.integrations.mteb`` is the command ``mteb``, and knows these models.

This module needs mteb and PyTorch: ``pip install "hear-openl3-yamnet[mteb]"``.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import require

require("mteb", extra="mteb")

import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_implementations import MODEL_REGISTRY
from tqdm import tqdm

from ..config import geometry
from ..config.configuring import configure
from ..config.presets import get_preset, list_presets
from ..weights.registry import get_entry
from .pytorch import embed, load_model

if TYPE_CHECKING:
    from collections.abc import Iterable

ORGANISATION = "hear-openl3-yamnet"
"""What the names of the models in MTEB begin with: ``hear-openl3-yamnet/yamnet`` and so on."""


class HearEncoder(AbsEncoder):
    """A model as an encoder of MTEB: one scene embedding for each sound.

    Sounds have any rate and any length, also within a batch. None is cut or padded.

    Parameters
    ----------
    model_name : str
        `ORGANISATION`, ``/`` and a preset.
    revision : str, optional
        Has no effect: the weights of a preset are verified by digest.
    device : str, optional
        Where the network computes, under PyTorch. Under another backend, Keras decides.
    **options
        Options of `load_model`.
    """

    def __init__(
        self,
        model_name: str,
        revision: str | None = None,
        *,
        device: str | None = None,
        **options: Any,
    ):
        self.model = load_model(model_name.rpartition("/")[2], **options)
        if device is not None and hasattr(self.model, "to"):
            self.model.to(device)

    def encode(
        self, inputs: Iterable[dict[str, Any]], *, show_progress_bar: bool = True, **ignored: Any
    ) -> np.ndarray:
        """Embed the sounds of a data loader of MTEB [shape=(n_sounds, size), dtype=float32]."""
        batches = tqdm(inputs, desc="embedding", disable=not show_progress_bar)
        return np.concatenate([embed(batch["audio"], self.model) for batch in batches])


class _Published(NamedTuple):
    """What MTEB wants to know of published weights, and the registry of weights does not have."""

    release_date: str
    public_training_code: str
    training_datasets: set[str]
    citation: str


_PUBLISHED = {
    "openl3": _Published(
        "2019-05-12",  # the first day of ICASSP 2019, where the paper appeared
        "https://github.com/marl/l3embedding",
        {"AudioSetMini"},  # videos of AudioSet, and this is what MTEB has of it
        """@inproceedings{cramer2019look,
  author = {Cramer, Jason and Wu, Ho-Hsiang and Salamon, Justin and Bello, Juan Pablo},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  pages = {3852--3856},
  title = {Look, Listen and Learn More: Design Choices for Deep Audio Embeddings},
  year = {2019},
}""",
    ),
    "yamnet": _Published(
        "2020-10-06",  # as MTEB has it for google/yamnet
        "https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
        {"AudioSetMini"},
        """@misc{yamnet,
  author = {Plakal, Manoj and Ellis, Dan},
  howpublished = {TensorFlow Model Garden},
  title = {YAMNet},
  year = {2019},
}""",
    ),
}


def model_meta(preset: str) -> ModelMeta:
    """Describe a preset for MTEB. Nothing is downloaded and no network is loaded.

    Raises
    ------
    OptionError
        If there is no preset of that name.
    """
    options, weights = configure(preset), get_entry(get_preset(preset).weights_name)
    published = None if weights.is_starter else _PUBLISHED[options.backbone.NAME]
    n_parameters = sum(int(np.prod(s)) for s in options.backbone.WEIGHT_SHAPES.values())
    origin = options.backbone.ORIGIN
    return ModelMeta(
        loader=HearEncoder,
        name=f"{ORGANISATION}/{preset}",
        revision=weights.digests[0].partition(":")[2][:12],
        release_date=published.release_date if published else None,
        languages=None,
        n_parameters=n_parameters,
        n_embedding_parameters=0,
        memory_usage_mb=round(4 * n_parameters / 2**20, 1),
        max_tokens=None,
        embed_dim=geometry.scene_embedding_size(options),
        license=weights.licence.lower().replace(" ", "-"),
        open_weights=True,
        public_training_code=published.public_training_code if published else None,
        public_training_data=None,
        framework=["PyTorch", "TensorFlow", "JAX"],
        reference=origin if published else None,
        similarity_fn_name="cosine",
        use_instructions=False,
        training_datasets=published.training_datasets if published else set(),
        modalities=["audio"],
        citation=published.citation if published else None,
    )


def register() -> None:
    """Make ``mteb.get_model("hear-openl3-yamnet/yamnet")``, and so on, find the presets."""
    for preset in list_presets():
        meta = model_meta(preset)
        MODEL_REGISTRY[meta.name] = meta


if __name__ == "__main__":
    from mteb.cli import main

    register()
    main()
