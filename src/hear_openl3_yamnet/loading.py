"""Keywords → options → weights → HearModel: the one place that knows all of them."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config.configuring import configure
from .config.options import Options
from .config.presets import (
    DEFAULT_PRESET,
    PRESETS,
    STARTER_PRESET,
    SUBSTITUTE_PRESETS,
    get_preset,
    preset_of_file,
)
from .errors import (
    HearError,
    OptionError,
    StarterWeightsWarning,
    WeightsCacheError,
    WeightsDownloadError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)

if TYPE_CHECKING:
    import numpy as np

    from .model import HearModel

ANSWER_SECONDS = 10.0
"""How long to wait for the server of the published weights before others are used."""

_UNAVAILABLE = (WeightsNotFoundError, WeightsIntegrityError, WeightsCacheError)
"""There is no network, a gateway answers with a page of its own, or the cache folder is full."""

_WEIGHTS_KEYWORDS = ("published", "starter", "random")
_WEIGHTS_SUFFIXES = (".h5", ".hdf5", ".gz", ".safetensors", ".tflite")
_HANDLE = re.compile(r"https?://")
_SAVED_MODEL_PRESET = "yamnet"
"""No other network is published as a SavedModel."""


def load_model(
    model_file_path: str | Path = "", *, model: str | None = None, **options: Any
) -> HearModel:
    """Load a model of the HEAR API.

    Parameters
    ----------
    model_file_path : str or Path
        One of

        - nothing: the preset of `model`, or ``openl3-mel256-music``. If no preset, no weights and
          no networks are given, and its weights can neither be found nor fetched, it is
          ``holistic``, or ``openl3-mel128-starter`` if an option is not one of ``holistic``'s, with
          a warning;
        - a preset's name, or several joined by ``+``: an ensemble;
        - a weights file. The preset is inferred from its name, if that is a published one
          (``openl3_audio_mel128_env.h5``, ``openl3_audio_mel128_env-v0_4_0.h5.gz``,
          ``yamnet.h5``, ``yamnet.tflite``). A file of any name needs `model` as well;
        - a folder with a YAMNet SavedModel, or the address of one for tensorflow-hub;
        - a ``.json`` file with keywords of this function, such as `HearModel.save_config` writes.
          Paths in it are relative to its folder. Keywords given here override its own.
    model : str, optional
        A preset (`list_presets`), or several joined by ``+``.
    **options
        Fields of `config.options.Options`, and for OpenL3 ``embedding_size`` (512 or 6144).
        ``networks`` is a list of such options, one dict for each network of an ensemble. They
        override the options for all.

    Returns
    -------
    HearModel

    Raises
    ------
    OptionError
        If a preset, an option or a value does not exist, or if some cannot be combined.
    WeightsNotFoundError
        If the weights are not on this machine and cannot be fetched.
    WeightsFormatError
        If a weights file is damaged or contains another network's weights.
    MissingFrameworkError
        If the framework that ``KERAS_BACKEND`` names (by default TensorFlow) is not installed, or
        a SavedModel is given and TensorFlow is not installed.

    Warns
    -----
    StarterWeightsWarning
        If weights of this package replace published ones, as said above.

    Examples
    --------
    >>> model = load_model(model="yamnet", weights="random:1")
    >>> model.sample_rate, model.timestamp_embedding_size
    (16000, 1024)
    """
    path = str(model_file_path)
    if path.endswith(".json"):
        return load_model(**_read_keywords(Path(path), {"model": model, **options}))
    if path and _is_preset(path):
        if model not in (None, path):
            raise OptionError(
                f"model_file_path and model name two presets. Received: {path!r}, model={model!r}"
            )
        model, path = path, ""
    if path:
        if "weights" in options:
            raise OptionError(
                "model_file_path names weights already; give it or weights, not both. Received: "
                f"{path!r}, weights={options['weights']!r}"
            )
        options["weights"] = path
    named = model is not None or options.keys() & {"weights", "networks"}
    networks = configure_networks(model, dict(options))  # first: errors of options come at once
    if not named:
        networks = configure_networks(preset_to_load(options), options)
    return _build(networks)


def load_described(description: dict[str, Any], weights: str | None = None) -> HearModel:
    """Load the model that made some embeddings, to compare others with them.

    Parameters
    ----------
    description : dict
        Its ``config`` (`HearModel.config`), its ``weights_id``, and its ``precision`` as a list
        with an item for each network, as the shards of a corpus have them.
    weights : str, optional
        As `load_model`; by default what the id says. The id of a file does not say its folder.

    Returns
    -------
    HearModel

    Raises
    ------
    OptionError
        If the weights came from a file and `weights` is not given, or if they are other weights.
    WeightsNotFoundError, WeightsFormatError
        As `load_model`.
    """
    config, ids = json.loads(json.dumps(description["config"])), description["weights_id"]
    each = config.get("networks", [config])
    for own, precision, one in zip(each, description["precision"], ids.split("+"), strict=True):
        kind = one.partition(":")[0]
        if weights is None and kind not in _WEIGHTS_KEYWORDS:
            raise OptionError(
                f"The embeddings were made with weights of a file, {one}. Name the file: weights="
            )
        own |= {"precision": precision, "weights": weights or (one if kind == "random" else kind)}
    model = load_model(**config)
    if model.weights_id != ids:
        raise OptionError(
            f"The embeddings were made with the weights {ids}. Received: {model.weights_id}"
        )
    return model


def _is_preset(name: str) -> bool:
    return all(one.strip() in PRESETS for one in name.split("+"))


def configure_networks(model: str | None, options: dict[str, Any]) -> list[Options]:
    """Return the options of each network of a model; most have one."""
    networks = options.pop("networks", None)
    names = _network_names(model, networks, str(options.get("weights", "published")))
    configured = []
    for name, own in zip(names, networks or [{}] * len(names), strict=True):
        given = {**options, **own}
        given.pop("model", None)
        if "weights" in given:
            _check_weights(str(given["weights"]), name)
        configured.append(configure(name, **given))
    return configured


def _network_names(model: Any, networks: Any, weights: str) -> list[str]:
    """Return the preset of each network, and check that the option `networks` matches."""
    names = [name.strip() for name in model.split("+")] if isinstance(model, str) else [model]
    if networks is None:
        return [_preset_of_weights(weights)] if model is None else names
    if not (isinstance(networks, list | tuple) and networks and all(map(_is_options, networks))):
        raise OptionError(
            "networks must be a list with a dict of options for each network of the model. "
            f"Received: networks={networks!r}"
        )
    if model is None:
        return [own.get("model", DEFAULT_PRESET) for own in networks]
    if len(networks) != len(names) or any(
        own.get("model", name) != name for own, name in zip(networks, names, strict=True)
    ):
        raise OptionError(
            "networks must hold the options of each network of model, in order. "
            f"Received: model={model!r}, networks={networks!r}"
        )
    return names


def _is_options(own: Any) -> bool:
    return isinstance(own, dict)


def _build(networks: list[Options]) -> HearModel:
    sources = [weights_of(options) for options in networks]  # first: a missing file shows here

    from .engine.embedder import Embedder
    from .model import HearModel

    embedders = [
        Embedder(options, weights) for options, (weights, _) in zip(networks, sources, strict=True)
    ]
    return HearModel(embedders, "+".join(weights_id for _, weights_id in sources))


def weights_of(options: Options) -> tuple[dict[str, np.ndarray], str]:
    """Return the weights that options ask for, and their id."""
    from .weights.finding import locate
    from .weights.reading import read_source

    source = options.weights
    if source.partition(":")[0] == "random":
        seed = _random_seed(source)
        return options.backbone.random_weights(seed), f"random:{seed}"
    if source == "published":
        source = str(locate(options.preset.weights_name))
    elif source == "starter":
        source = str(locate(str(options.preset.starter_name)))
    return read_source(source, options.backbone.NAME)


def _random_seed(source: str) -> int:
    seed = source.partition(":")[2]
    if source != "random" and not seed.isdecimal():
        raise OptionError(
            "Untrained weights are named 'random' or 'random:SEED', where SEED is a whole number "
            f"from 0 on. Received: weights={source!r}"
        )
    return int(seed or 0)


def _preset_of_weights(weights: str) -> str:
    """Infer the preset where only weights are given."""
    if weights == "starter":
        return STARTER_PRESET
    if weights == "published" or weights.partition(":")[0] == "random":
        return DEFAULT_PRESET
    path = Path(weights)
    if _HANDLE.match(weights) or path.is_dir():
        return _SAVED_MODEL_PRESET
    preset = preset_of_file(path.name)
    if preset is None and not path.exists() and path.suffix not in _WEIGHTS_SUFFIXES:
        raise OptionError(
            f"{weights!r} is neither a preset nor a file. Presets: {', '.join(PRESETS)}."
        )
    if preset is None:
        raise OptionError(
            f"The network cannot be inferred from the file name {path.name!r}, as it can from "
            "openl3_audio_mel128_env.h5 and yamnet.h5. Give model= as well, one of "
            + ", ".join(PRESETS)
        )
    return preset


def _check_weights(weights: str, model: str) -> None:
    """Refuse weights that do not belong to a preset.

    A file is identified by its name, because all of OpenL3's files have the same shapes.
    """
    preset = get_preset(model)
    expected, starter = preset.weights_name, preset.starter_name
    if weights == "published":
        if expected == starter:
            raise OptionError(
                f"{model} is a preset of starter weights: it has no published weights. "
                "Received: weights='published'"
            )
        return
    if weights == "starter":
        if starter is None:
            raise OptionError(
                "There are starter weights for 128 mel bands and for YAMNet. "
                f"Received: weights='starter' for {model}"
            )
        return
    inferred = preset_of_file(Path(weights).name)
    if inferred not in (None, expected, starter):
        raise OptionError(
            f"{Path(weights).name} is named as weights of {inferred}, and the model is {model}, "
            f"which takes those of {expected}. Give model={inferred!r}, or rename the file if its "
            "name is wrong."
        )


def _read_keywords(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Read load_model's keywords from a JSON file. Those given override its own."""
    try:
        keywords = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OptionError(f"There is no configuration file {path}. Check the path.") from None
    except (OSError, ValueError) as error:
        raise OptionError(f"{path} is not a valid JSON configuration: {error}") from error
    if not isinstance(keywords, dict):
        raise OptionError(
            f"{path} must hold an object with keywords of load_model, such as "
            f'{{"model": "yamnet"}}. Received: {type(keywords).__name__}'
        )
    if str(keywords.get("model_file_path", "")).endswith(".json"):
        raise OptionError(f"{path} names another configuration as its model_file_path.")
    networks = keywords.get("networks") or []
    for own in (keywords, *filter(_is_options, networks if isinstance(networks, list) else [])):
        for key in ("weights", "model_file_path"):
            beside = path.parent / str(own.get(key, ""))
            if own.get(key) not in (None, "", *_WEIGHTS_KEYWORDS) and beside.exists():
                own[key] = str(beside)
    return {**keywords, **{key: value for key, value in given.items() if value is not None}}


def preset_to_load(options: dict[str, Any] | None = None) -> str:
    """Return `DEFAULT_PRESET`, or one of `SUBSTITUTE_PRESETS` if its weights are unavailable.

    The published weights are looked for on this machine. Otherwise they are downloaded, if their
    server answers within `ANSWER_SECONDS` and ``HEAR_OPENL3_YAMNET_OFFLINE`` is not set.

    Parameters
    ----------
    options : dict, optional
        Of `load_model`. A substitute must take them.

    Raises
    ------
    WeightsNotFoundError, WeightsIntegrityError, WeightsCacheError
        If they are unavailable, and the weights of this package too.

    Warns
    -----
    StarterWeightsWarning
        If it is a substitute.
    """
    from .weights.finding import locate

    try:
        locate(get_preset(DEFAULT_PRESET).weights_name, answer_s=ANSWER_SECONDS)
    except _UNAVAILABLE as error:
        substitute = _substitute(options or {})
        if substitute is None:
            raise
        warnings.warn(_substitute_message(substitute, error), StarterWeightsWarning, stacklevel=3)
        return substitute
    return DEFAULT_PRESET


def _substitute(options: dict[str, Any]) -> str | None:
    """Return the first of `SUBSTITUTE_PRESETS` that is here and takes the options."""
    for name in filter(_is_here, SUBSTITUTE_PRESETS):
        try:
            configure(name, **options)
        except OptionError:
            continue
        return name
    return None


def _is_here(preset: str) -> bool:
    from .weights.finding import look_up
    from .weights.registry import load_registry

    entry = load_registry().get(get_preset(preset).weights_name)
    return entry is not None and look_up(entry) is not None


def _substitute_message(substitute: str, error: HearError) -> str:
    told = error.__cause__ if isinstance(error.__cause__, WeightsDownloadError) else error
    cause = str(told).replace("\n", "\n  ")
    return f"""\
no model was named, and the published weights of {DEFAULT_PRESET} are not available:
  {cause}
{substitute} is loaded instead: {get_preset(substitute).description}. Rate and times are the same. \
The embeddings are different, and no result published for OpenL3 holds for them (docs/starter.md).
To get the published weights: hear-openl3-yamnet weights fetch {DEFAULT_PRESET}
To use these weights without this warning: load_model("{substitute}")"""
