"""Preset + weights → HearModel: the one place that knows both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config.options import Config, configure
from .config.presets import DEFAULT_PRESET, PRESETS, STARTER_PRESET, get_preset
from .errors import OptionError
from .fallback import preset_to_load

if TYPE_CHECKING:
    import numpy as np

    from .model import HearModel

_OPENL3_NAME = re.compile(r"openl3_audio_(linear|mel128|mel256)_(music|env)(?![a-z0-9])")
_STARTER_NAME = re.compile(r"starter-(openl3-mel128|yamnet)(?![a-z0-9])")
_WEIGHTS_KEYWORDS = ("published", "starter", "random")
_WEIGHTS_SUFFIXES = (".h5", ".hdf5", ".gz", ".safetensors")
_HANDLE = re.compile(r"https?://")


def load_model(
    model_file_path: str | Path = "", *, model: str | None = None, **options: Any
) -> HearModel:
    """Load a model of the HEAR API.

    Parameters
    ----------
    model_file_path : str or Path
        One of

        - nothing: the preset of `model`, or ``openl3-mel256-music``. Where nothing at all is named
          (no preset, no weights, no parts) and its weights can neither be found nor fetched, it is
          ``openl3-mel128-starter``, with a warning;
        - a preset's name, or several joined by ``+``: an ensemble;
        - a weights file, whose name tells the preset as the published names do
          (``openl3_audio_mel128_env.h5``, ``openl3_audio_mel128_env-v0_4_0.h5.gz``,
          ``yamnet.h5``), or of any name with `model` given;
        - a folder with a YAMNet SavedModel, or the address of one for tensorflow-hub;
        - a ``.json`` file with keywords of this function, such as `HearModel.save_config` writes.
          Paths in it are relative to its folder; keywords given here come before its own.
    model : str, optional
        A preset (`list_presets`), or several joined by ``+``.
    **options
        Fields of `configuration.Config`, and for OpenL3 ``embedding_size`` (512 or 6144).
        ``parts``, a list of such options, one for each part of an ensemble, come before options
        for all.

    Returns
    -------
    HearModel

    Raises
    ------
    OptionError
        If a preset, an option or a value does not exist, or some do not go together.
    WeightsNotFoundError
        If the weights are not on this machine and cannot be had.
    WeightsFormatError
        If a weights file is damaged or holds another network's weights.

    Warns
    -----
    StarterWeightsWarning
        If the starter weights stand in for published ones, as said above.

    Examples
    --------
    >>> model = load_model(model="yamnet", weights="random:1")
    >>> model.sample_rate, model.timestamp_embedding_size
    (16000, 1024)
    """
    path = str(model_file_path)
    if path.endswith(".json"):
        return load_model(**_read_configuration(Path(path), {"model": model, **options}))
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
    named = model is not None or options.keys() & {"weights", "parts"}
    configs = _configurations(model, dict(options))  # first: what is wrong with options shows
    if not named:
        configs = _configurations(preset_to_load(), options)
    return _build(configs)


def _is_preset(name: str) -> bool:
    return all(part.strip() in PRESETS for part in name.split("+"))


def _configurations(model: str | None, options: dict[str, Any]) -> list[Config]:
    """Configure each part of a model; most have one."""
    parts = options.pop("parts", None)
    names = _part_names(model, parts, str(options.get("weights", "published")))
    configs = []
    for name, part in zip(names, parts or [{}] * len(names), strict=True):
        given = {**options, **part}
        given.pop("model", None)
        if "weights" in given:
            _check_weights(str(given["weights"]), name)
        configs.append(configure(name, **given))
    return configs


def _part_names(model: Any, parts: Any, weights: str) -> list[str]:
    """Return the preset of each part, and check that the options of parts match."""
    names = [name.strip() for name in model.split("+")] if isinstance(model, str) else [model]
    if parts is None:
        return [_preset_of_weights(weights)] if model is None else names
    if not (isinstance(parts, list | tuple) and parts and all(map(_is_options, parts))):
        raise OptionError(
            "parts must be a list with a dict of options for each part of the model. "
            f"Received: parts={parts!r}"
        )
    if model is None:
        return [part.get("model", DEFAULT_PRESET) for part in parts]
    if len(parts) != len(names) or any(
        part.get("model", name) != name for part, name in zip(parts, names, strict=True)
    ):
        raise OptionError(
            "parts must hold the options of each part of model, in order. "
            f"Received: model={model!r}, parts={parts!r}"
        )
    return names


def _is_options(part: Any) -> bool:
    return isinstance(part, dict)


def _build(configs: list[Config]) -> HearModel:
    sources = [_weights(config) for config in configs]  # first: a missing file shows at once

    from .engine.embedder import Embedder
    from .model import HearModel

    embedders = [
        Embedder(config, weights) for config, (weights, _) in zip(configs, sources, strict=True)
    ]
    return HearModel(embedders, "+".join(weights_id for _, weights_id in sources))


def _weights(config: Config) -> tuple[dict[str, np.ndarray], str]:
    """Return the weights that a configuration asks for, and their id."""
    from .weights.finding import locate
    from .weights.reading import read_source

    network = config.preset.network
    source = config.weights
    if source.partition(":")[0] == "random":
        seed = _random_seed(source)
        return network.backbone.random_weights(seed), f"random:{seed}"
    if source == "published":
        source = str(locate(config.preset.weights_name))
    elif source == "starter":
        source = str(locate(str(config.preset.starter_name)))
    return read_source(source, network.name)


def _random_seed(source: str) -> int:
    seed = source.partition(":")[2]
    if source != "random" and not seed.isdecimal():
        raise OptionError(
            "Untrained weights are asked for as 'random' or 'random:SEED', SEED a whole number "
            f"from 0 on. Received: weights={source!r}"
        )
    return int(seed or 0)


def _preset_of_file_name(name: str) -> str | None:
    """Tell the preset by the name of a published file, or of a starter's; None if it tells none."""
    if found := _OPENL3_NAME.search(name):
        return f"openl3-{found[1]}-{found[2]}"
    if found := _STARTER_NAME.search(name):
        return f"{found[1]}-starter"
    return "yamnet" if "yamnet" in name.lower() else None


def _preset_of_weights(weights: str) -> str:
    """Tell the preset where only weights are given."""
    if weights == "starter":
        return STARTER_PRESET
    if weights == "published" or weights.partition(":")[0] == "random":
        return DEFAULT_PRESET
    path = Path(weights)
    if _HANDLE.match(weights) or path.is_dir():
        return "yamnet"  # no other network is published as a SavedModel
    preset = _preset_of_file_name(path.name)
    if preset is None and not path.exists() and path.suffix not in _WEIGHTS_SUFFIXES:
        raise OptionError(
            f"{weights!r} is neither a preset nor a file. Presets: {', '.join(PRESETS)}."
        )
    if preset is None:
        raise OptionError(
            f"The name of {path.name!r} does not tell its network, as openl3_audio_mel128_env.h5 "
            "and yamnet.h5 do. Give model= as well, one of " + ", ".join(PRESETS)
        )
    return preset


def _check_weights(weights: str, model: str) -> None:
    """Refuse weights that are none of a preset's.

    A file is known by its name: OpenL3's all have one shape.
    """
    preset = get_preset(model)
    expected, starter = preset.weights_name, preset.starter_name
    if weights == "published":
        if expected == starter:
            raise OptionError(
                f"{model} is a preset of starter weights: nobody published others. "
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
    told = _preset_of_file_name(Path(weights).name)
    if told not in (None, expected, starter):
        raise OptionError(
            f"{Path(weights).name} is named as weights of {told}, and the model is {model}, "
            f"which takes those of {expected}. Give model={told!r}, or rename the file if its "
            "name is wrong."
        )


def _read_configuration(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Read load_model's keywords from a JSON file; those given come before its own."""
    try:
        keywords = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OptionError(f"There is no configuration file {path}. Check the path.") from None
    except (OSError, ValueError) as error:
        raise OptionError(f"{path} is no JSON configuration: {error}") from error
    if not isinstance(keywords, dict):
        raise OptionError(
            f"{path} must hold an object with keywords of load_model, such as "
            f'{{"model": "yamnet"}}. Received: {type(keywords).__name__}'
        )
    if str(keywords.get("model_file_path", "")).endswith(".json"):
        raise OptionError(f"{path} names another configuration as its model_file_path.")
    parts = keywords.get("parts") or []
    for options in (keywords, *filter(_is_options, parts if isinstance(parts, list) else [])):
        for key in ("weights", "model_file_path"):
            beside = path.parent / str(options.get(key, ""))
            if options.get(key) not in (None, "", *_WEIGHTS_KEYWORDS) and beside.exists():
                options[key] = str(beside)
    return {**keywords, **{key: value for key, value in given.items() if value is not None}}
