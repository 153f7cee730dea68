"""The pretrained models by name: network, front end, weights, and the settings they come with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..backbones import openl3, yamnet
from ..errors import OptionError
from ..features.frontends import FRONT_ENDS, FrontEnd

DEFAULT_PRESET = "openl3-mel256-music"

STARTER_PRESET = "openl3-mel128-starter"
"""Stands in for `DEFAULT_PRESET` where its weights cannot be had: of the same rate and sizes."""


@dataclass(frozen=True)
class Network:
    """What the two networks differ in, beside their layers.

    Attributes
    ----------
    name : str
        ``openl3`` or ``yamnet``.
    backbone : module
        The network's module: its layers, their weights and its feature maps.
    native_hop : int
        Samples. OpenL3: one column of its last map, eight STFT frames. YAMNet has columns of
        320 ms, too coarse a grid for events, so its native hop is an eighth of one, 40 ms.
    last_layer : str
        The layer whose map the published embedding pools.
    origin : str
        Where the network was published.
    """

    name: str
    backbone: ModuleType
    native_hop: int
    last_layer: str
    origin: str


OPENL3 = Network(
    name="openl3",
    backbone=openl3,
    native_hop=1936,
    last_layer="block4",
    origin="https://github.com/marl/openl3",
)

YAMNET = Network(
    name="yamnet",
    backbone=yamnet,
    native_hop=640,
    last_layer="layer14",
    origin="https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
)


@dataclass(frozen=True)
class Preset:
    """A model by name.

    Attributes
    ----------
    name : str
        As `load_model` takes it.
    network : Network
    front_end : FrontEnd
    weights_name : str
        Name of its weights in the registry: published, or its starter weights.
    starter_name : str or None
        Name of the starter weights for its front end in the registry, if there are any.
    description : str
        One line.
    defaults : mapping
        Options of `load_model` in which this preset differs from the defaults.
    """

    name: str
    network: Network
    front_end: FrontEnd
    weights_name: str
    starter_name: str | None
    description: str
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.front_end.sample_rate


def _openl3(
    name: str, representation: str, content: str, description: str, **defaults: Any
) -> Preset:
    return Preset(
        name=name,
        network=OPENL3,
        front_end=FRONT_ENDS[representation],
        weights_name=f"openl3-{representation}-{content}",
        starter_name="openl3-mel128-starter" if representation == "mel128" else None,
        description=description,
        # published: the maximum over the whole map (512 values) or over a grid of 4 × 3 (6144)
        defaults={"pooling": "max", "grid": (1, 1), **defaults},
    )


def _yamnet(name: str, weights_name: str, description: str, **defaults: Any) -> Preset:
    return Preset(
        name=name,
        network=YAMNET,
        front_end=FRONT_ENDS["yamnet"],
        weights_name=weights_name,
        starter_name="yamnet-starter",
        description=description,
        defaults={"pooling": "mean", "grid": (1, 1), **defaults},  # published: 1024 values
    )


_INPUTS = {"linear": "linear spectrogram", "mel128": "128 mel bands", "mel256": "256 mel bands"}
_CONTENTS = {"music": "videos of music", "env": "videos of environmental sounds"}

PRESETS = {
    preset.name: preset
    for preset in [
        *(
            _openl3(f"openl3-{i}-{c}", i, c, f"OpenL3 on {bands}, trained on {videos}")
            for i, bands in _INPUTS.items()
            for c, videos in _CONTENTS.items()
        ),
        _yamnet("yamnet", "yamnet", "YAMNet on 64 mel bands, trained on AudioSet"),
        _openl3(
            STARTER_PRESET,
            "mel128",
            "starter",
            "OpenL3's network on 128 mel bands, trained here on synthetic sounds",
            weights="starter",
        ),
        _yamnet(
            "yamnet-starter",
            "yamnet-starter",
            "YAMNet's network on 64 mel bands, trained here on synthetic sounds",
            weights="starter",
        ),
        _openl3(
            "hear2021-openl3",
            "mel256",
            "music",
            "OpenL3 as submitted to HEAR 2021: hops of 50 and 500 ms",
            hop_size=50.0,
            scene_hop_size=500.0,
        ),
        _yamnet(
            "hear2021-yamnet",
            "yamnet",
            "YAMNet as submitted to HEAR 2021, its times put right: hops of 50 and 480 ms",
            hop_size=50.0,
            scene_hop_size=480.0,
        ),
    ]
}


def list_presets() -> list[str]:
    """Return the names of the presets that `load_model` takes."""
    return list(PRESETS)


def list_layers(preset: str) -> list[str]:
    """Return the names of a preset's layers, as ``load_model(layers=…)`` takes them.

    Raises
    ------
    OptionError
        If there is no preset of that name.
    """
    return list(get_preset(preset).network.backbone.LAYERS)


def get_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    OptionError
        If there is none; the message lists what there is.
    """
    try:
        return PRESETS[name]
    except (KeyError, TypeError):
        raise OptionError(
            f"There is no preset of that name. Presets: {', '.join(PRESETS)}. "
            f"Received: model={name!r}"
        ) from None
