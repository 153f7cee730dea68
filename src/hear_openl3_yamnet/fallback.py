"""What is loaded where nothing is named: the default preset, or the starter's in its place."""

from __future__ import annotations

import warnings

from .config.presets import DEFAULT_PRESET, STARTER_PRESET, get_preset
from .errors import (
    HearError,
    StarterWeightsWarning,
    WeightsCacheError,
    WeightsDownloadError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)

ANSWER_SECONDS = 10.0
"""How long the server of the published weights is waited for before others stand in for them."""

_NOT_TO_BE_HAD = (WeightsNotFoundError, WeightsIntegrityError, WeightsCacheError)
"""No network; one whose gateway answers with a page of its own; a cache folder that is full."""


def preset_to_load() -> str:
    """Return `DEFAULT_PRESET`, or `STARTER_PRESET` where its weights cannot be had.

    Looks for the published weights on this machine, else downloads them, if their server answers
    within `ANSWER_SECONDS` and ``HEAR_OPENL3_YAMNET_OFFLINE`` is not set.

    Raises
    ------
    WeightsNotFoundError, WeightsIntegrityError, WeightsCacheError
        If they cannot be had, and this package has no starter weights either.

    Warns
    -----
    StarterWeightsWarning
        If it is `STARTER_PRESET`.
    """
    from .weights.finding import locate

    try:
        locate(get_preset(DEFAULT_PRESET).weights_name, answer_s=ANSWER_SECONDS)
    except _NOT_TO_BE_HAD as error:
        if not _has_starter():
            raise
        warnings.warn(_message(error), StarterWeightsWarning, stacklevel=3)
        return STARTER_PRESET
    return DEFAULT_PRESET


def _has_starter() -> bool:
    from .weights.finding import look_up
    from .weights.registry import load_registry

    entry = load_registry().get(get_preset(STARTER_PRESET).weights_name)
    return entry is not None and look_up(entry) is not None


def _message(error: HearError) -> str:
    told = error.__cause__ if isinstance(error.__cause__, WeightsDownloadError) else error
    cause = str(told).replace("\n", "\n  ")
    return f"""\
no model was named, and the published weights of {DEFAULT_PRESET} cannot be had:
  {cause}
{STARTER_PRESET} is loaded instead: OpenL3's network on 128 mel bands, not 256, with weights that \
this project trained on synthetic sounds. Rate, times and sizes are the same; the embeddings are \
others, and no result published for OpenL3 holds for them (docs/starter.md).
To get the published weights: hear-openl3-yamnet weights fetch {DEFAULT_PRESET}
To have these, without this warning: load_model("{STARTER_PRESET}")"""
