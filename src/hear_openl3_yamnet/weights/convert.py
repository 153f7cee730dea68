"""Convert weights of any source to Keras 3 ``.weights.h5`` or safetensors, with provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np

from ..backbones import BACKBONES, get_backbone
from ..environment import importing_keras
from ..errors import OptionError, WeightsFormatError
from ..files import written_whole
from ..version import __version__
from .finding import QUANTISED, identify
from .formats.safetensors import read_metadata
from .placing import writing
from .reading import is_handle, read_source
from .registry import load_registry

KERAS_SUFFIX = ".weights.h5"
SAFETENSORS_SUFFIX = ".safetensors"
DTYPES = ("float32", "float16")

PROVENANCE = "hear_openl3_yamnet"
"""The HDF5 attribute that holds the provenance, as JSON; in safetensors it is the metadata."""


def convert(source: str | Path, out: Path, network: str, dtype: str = "float32") -> dict[str, str]:
    """Write weights in another format.

    Parameters
    ----------
    source : str or Path
        A file, a YAMNet SavedModel folder, or the address of one for tensorflow-hub.
    out : Path
        Its name ends in ``.weights.h5`` (Keras 3) or ``.safetensors``.
    network : str
        ``"openl3"``, ``"openl3_lite"`` or ``"yamnet"``.
    dtype : str
        ``"float32"`` or ``"float16"``.

    Returns
    -------
    dict of str
        The provenance in the file: among others source, sha256 of the source, licence, citation.

    Raises
    ------
    OptionError
        If `out` has another suffix, or `dtype` another value.
    WeightsNotFoundError, WeightsFormatError
        If the source cannot be read, or a value is too large for float16.
    WeightsCacheError
        If `out` cannot be written.
    """
    if not out.name.endswith((KERAS_SUFFIX, SAFETENSORS_SUFFIX)):
        raise OptionError(
            f"the output's name must end in {KERAS_SUFFIX} or {SAFETENSORS_SUFFIX}. Received: {out}"
        )
    if dtype not in DTYPES:
        raise OptionError(f"dtype must be one of {', '.join(DTYPES)}. Received: {dtype!r}")
    weights, weights_id = read_source(source, network)
    provenance = {**_provenance(source, network, weights_id), "dtype": dtype}
    weights = {name: _cast(source, name, value, dtype) for name, value in weights.items()}
    write = _write_keras if out.name.endswith(KERAS_SUFFIX) else _write_safetensors
    with writing(out), written_whole(out) as partial:
        write(partial, weights, provenance, network, dtype)
    return provenance


def infer_network(source: str | Path) -> str:
    """Infer which network's weights a source holds: from its digest, provenance or name.

    Raises
    ------
    OptionError
        If none of them names the network.
    """
    path = Path(source)
    if is_handle(source) or path.is_dir():
        return "yamnet"  # no other network is published as a SavedModel
    entry = identify(path)
    if entry and entry.network:
        return entry.network
    name = read_provenance(path).get("network", path.name).lower().replace("-", "_")
    for network in sorted(BACKBONES, key=len, reverse=True):  # openl3_lite before openl3
        if network in name:
            return network
    raise OptionError(
        f"the name of {source} does not contain its network. "
        f"Give --network, one of {', '.join(BACKBONES)}."
    )


def read_provenance(path: Path) -> dict[str, str]:
    """Return the provenance in a converted file. It is empty for other files.

    The file must be complete. `reading.read_weights` checks that.
    """
    with suppress(OSError, ValueError, AttributeError):
        if path.name.endswith(SAFETENSORS_SUFFIX):
            return read_metadata(path.read_bytes())
        if path.name.endswith(KERAS_SUFFIX):
            with h5py.File(path) as file:
                if PROVENANCE in file.attrs and file.attrs.get_id(PROVENANCE).dtype.kind == "S":
                    return json.loads(file.attrs[PROVENANCE])
    return {}


def _provenance(source: str | Path, network: str, weights_id: str) -> dict[str, str]:
    """Return where weights come from. The provenance of a converted file is passed on."""
    passed_on = read_provenance(Path(source))
    if "source_sha256" in passed_on:  # otherwise the metadata is that of another program
        return passed_on
    origin, _, name = weights_id.rpartition("@")[0].partition(":")
    entry = load_registry()[name] if origin in ("published", "starter") else None
    unknown = "unknown: this is not a published file"
    return {
        "network": network,
        "source": name,
        "source_address": (entry.url or "this package") if entry else unknown,
        "source_sha256": weights_id.rpartition("@")[2],
        "licence": entry.licence if entry else unknown,
        "citation": entry.citation if entry else unknown,
        "converted_by": f"hear-openl3-yamnet {__version__}",
        **({QUANTISED: "yes"} if origin == QUANTISED else {}),
    }


def _cast(source: str | Path, name: str, value: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        cast = value.astype(dtype)
    if not np.isfinite(cast).all():
        raise WeightsFormatError(f"{source}: {name} has values too large for {dtype}.")
    return cast


def _write_safetensors(
    path: Path,
    weights: Mapping[str, np.ndarray],
    provenance: dict[str, str],
    network: str,
    dtype: str,
) -> None:
    from safetensors.numpy import save

    # the library writes the bytes as they lie in memory, whatever the order of the axes
    contiguous = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    path.write_bytes(save(contiguous, metadata=provenance))


def _write_keras(
    path: Path,
    weights: Mapping[str, np.ndarray],
    provenance: dict[str, str],
    network: str,
    dtype: str,
) -> None:
    with importing_keras():
        import keras

    from ..backbones.folding import set_keras_weights

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = get_backbone(network).keras_model()
        set_keras_weights(model, weights)
    finally:
        keras.config.set_dtype_policy(policy)
    suffixed = path.with_name(path.name + KERAS_SUFFIX)  # Keras demands this suffix
    model.save_weights(suffixed)
    with h5py.File(suffixed, "r+") as file:
        # a string of fixed length: reading it follows no references inside the file
        file.attrs[PROVENANCE] = np.bytes_(json.dumps(provenance))
    suffixed.replace(path)
