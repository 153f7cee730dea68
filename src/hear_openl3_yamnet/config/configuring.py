"""Keywords of `load_model` → the checked options of one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import OptionError
from . import checks
from .options import Options, option_names
from .presets import Preset, get_preset


def configure(model: str, **given: Any) -> Options:
    """Return the options of a preset with some of them changed.

    Parameters
    ----------
    model : str
        Name of a preset.
    **given
        Options of `load_model`.

    Raises
    ------
    OptionError
        If an option or a value does not exist, or if some cannot be combined. The message lists
        what exists.
    """
    unknown = [name for name in given if name not in option_names()]
    if unknown:
        raise OptionError(
            f"There is no option of that name. Options: {', '.join(option_names())}. "
            f"Received: {unknown[0]}={given[unknown[0]]!r}"
        )
    preset = get_preset(model)
    settings = {**preset.defaults, **_from_embedding_size(preset, given)}
    if "layers" not in settings:
        fused = settings.get("pooling") == "fusion"
        backbone = preset.backbone
        settings["layers"] = backbone.FUSED_LAYERS if fused else (backbone.LAST_LAYER,)
    options = Options(model=model, **settings)
    options = dataclasses.replace(options, **checks.cleaned(options))
    checks.check_together(options)
    return options


def _from_embedding_size(preset: Preset, given: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a published embedding size into its head."""
    settings = dict(given)
    size = settings.pop("embedding_size", None)
    if size is None:
        return settings
    heads_given = [name for name in ("pooling", "grid", "layers", "time") if name in settings]
    if heads_given:
        raise OptionError(
            "embedding_size chooses one of OpenL3's published heads; give it or "
            f"{', '.join(heads_given)}, not both. Received: embedding_size={size!r}, "
            + ", ".join(f"{name}={settings[name]!r}" for name in heads_given)
        )
    if not preset.sizes:
        raise OptionError(
            "embedding_size is OpenL3's (512 or 6144); YAMNet's 1024 values change with pooling, "
            f"grid and layers. Received: embedding_size={size!r} for {preset.name}"
        )
    if size not in list(preset.sizes):  # a list has no hash
        listed = " or ".join(map(str, preset.sizes))
        raise OptionError(f"embedding_size must be {listed}. Received: {size!r}")
    return {**settings, "pooling": "max", "grid": preset.sizes[size]}
