"""The models by name: network, front end, weights and default options. They are data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..backbones import Backbone, Sharing, holistic, openl3, openl3_lite, openl3_sharing, yamnet
from ..errors import OptionError
from ..features.frontends import FRONT_ENDS, FrontEnd

DEFAULT_PRESET = "openl3-mel256-music"

STARTER_PRESET = "openl3-mel128-starter"
"""The starter weights of OpenL3's network."""

SUBSTITUTE_PRESETS = ("holistic", STARTER_PRESET)
"""What replaces `DEFAULT_PRESET` if its weights cannot be had: the first that takes the options."""


OPENL3_SIZES = {512: (1, 1), 6144: (4, 3)}
"""The published embedding sizes of OpenL3, and the grid over whose cells each takes the maximum."""


@dataclass(frozen=True)
class Preset:
    """A model by name.

    Attributes
    ----------
    name : str
        As `load_model` takes it.
    backbone : Backbone
        The network.
    front_end : FrontEnd
        Its input.
    weights_name : str
        The name of its weights in the registry: published, or its starter weights.
    starter_name : str or None
        The name in the registry of starter weights for its front end, if there are any.
    description : str
        One line.
    sharing : Sharing or None
        How overlapping windows share convolutions; None if they cannot.
    sizes : mapping of int to (int, int)
        What the option ``embedding_size`` may be, and the grid that each size stands for.
    file_name : str or None
        A regular expression that finds the name of its weights in a file name.
    defaults : mapping
        Options of `load_model` in which this preset differs from the defaults.
    """

    name: str
    backbone: Backbone
    front_end: FrontEnd
    weights_name: str
    starter_name: str | None
    description: str
    sharing: Sharing | None = None
    sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    file_name: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.front_end.sample_rate


def _openl3(
    name: str,
    representation: str,
    content: str,
    description: str,
    file_name: str | None = None,
    **defaults: Any,
) -> Preset:
    return Preset(
        name=name,
        backbone=openl3,
        front_end=FRONT_ENDS[representation],
        weights_name=f"openl3-{representation}-{content}",
        starter_name="openl3-mel128-starter" if representation == "mel128" else None,
        description=description,
        sharing=openl3_sharing,
        sizes=OPENL3_SIZES,
        file_name=file_name,
        defaults={"pooling": "max", "grid": OPENL3_SIZES[512], **defaults},
    )


def _yamnet(
    name: str,
    weights_name: str,
    description: str,
    file_name: str | None = None,
    **defaults: Any,
) -> Preset:
    return Preset(
        name=name,
        backbone=yamnet,
        front_end=FRONT_ENDS["yamnet"],
        weights_name=weights_name,
        starter_name="yamnet-starter",
        description=description,
        file_name=file_name,
        defaults={"pooling": "mean", "grid": (1, 1), **defaults},  # published: 1024 values
    )


_INPUTS = {"linear": "linear spectrogram", "mel128": "128 mel bands", "mel256": "256 mel bands"}
_CONTENTS = {"music": "videos of music", "env": "videos of environmental sounds"}

PRESETS = {
    preset.name: preset
    for preset in [
        *(
            _openl3(
                f"openl3-{i}-{c}",
                i,
                c,
                f"OpenL3 on {bands}, trained on {videos}",
                rf"openl3_audio_{i}_{c}(?![a-z0-9])",
            )
            for i, bands in _INPUTS.items()
            for c, videos in _CONTENTS.items()
        ),
        _yamnet("yamnet", "yamnet", "YAMNet on 64 mel bands, trained on AudioSet", "(?i:yamnet)"),
        _yamnet(
            "yamnet-layer8",
            "yamnet",
            "YAMNet up to layer 8 with all its bands (fusion), for speech and music",
            layers=("layer8",),
            pooling="fusion",
        ),
        _openl3(
            STARTER_PRESET,
            "mel128",
            "starter",
            "OpenL3's network on 128 mel bands, trained here on synthetic sounds",
            "starter-openl3-mel128(?![a-z0-9])",
            weights="starter",
        ),
        _yamnet(
            "yamnet-starter",
            "yamnet-starter",
            "YAMNet's network on 64 mel bands, trained here on synthetic sounds",
            "starter-yamnet(?![a-z0-9])",
            weights="starter",
        ),
        Preset(
            "openl3-lite",
            openl3_lite,
            FRONT_ENDS["mel128"],
            weights_name="openl3-lite",
            starter_name="openl3-lite",
            description="OpenL3-lite on 128 mel bands, trained here to imitate "
            f"{STARTER_PRESET}, at a sixteenth of the work",
            sizes=OPENL3_SIZES,
            file_name="openl3-lite(?![a-z0-9])",
            defaults={"pooling": "max", "grid": OPENL3_SIZES[512], "weights": "starter"},
        ),
        Preset(
            "holistic",
            holistic,
            FRONT_ENDS["mel128"],
            weights_name="holistic",
            starter_name="holistic",
            description="One small network on 128 mel bands, taught here by five others",
            file_name="holistic(?![a-z0-9])",
            defaults={"pooling": "max", "grid": (1, 1), "weights": "starter"},
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
            "YAMNet as submitted to HEAR 2021, with corrected times: hops of 50 and 480 ms",
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
    return list(get_preset(preset).backbone.LAYERS)


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


def preset_of_file(name: str) -> str | None:
    """Infer the preset from the name of a weights file; None if the name does not tell it.

    The longest match wins: ``starter-yamnet.safetensors`` contains ``yamnet`` too.
    """
    found = {
        match[0]: preset.name
        for preset in PRESETS.values()
        if preset.file_name and (match := re.search(preset.file_name, name))
    }
    return found[max(found, key=len)] if found else None
