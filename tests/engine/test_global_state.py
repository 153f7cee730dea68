"""Settings for the whole process, of Keras, its backend or NumPy, change no embedding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import keras
import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import BACKBONES
from hear_openl3_yamnet.engine.backend import BACKEND
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

CLOSE = 1e-5

NETWORKS = {
    "yamnet": {"model": "yamnet"},
    "yamnet, blur": {"model": "yamnet", "subsampling": "blur", "layers": "layer3"},
    "openl3": {"model": "openl3-mel128-env", "layers": "conv3"},
    "openl3, blur": {"model": "openl3-mel128-env", "layers": "conv3", "subsampling": "blur"},
    "openl3, aps": {"model": "openl3-mel128-env", "layers": "conv3", "subsampling": "aps"},
    "openl3, dense": {"model": "openl3-mel128-env", "layers": "conv3", "framing": "dense"},
    "openl3-lite": {"model": "openl3-lite", "layers": "block2"},
    "grid": {"model": "yamnet", "layers": "layer3", "grid": (3, 5), "pooling": "max+mean"},
}
"""All ways to compute, with few layers."""


def networks(*of_all_backends: str) -> list:
    """Return the names of the networks; some of them are tested on all backends."""
    return [
        pytest.param(name, marks=pytest.mark.backends if name in of_all_backends else ())
        for name in NETWORKS
    ]


@contextmanager
def setting(change: Callable, value: object, before: object) -> Iterator[None]:
    change(value)
    try:
        yield
    finally:
        change(before)


def of_keras(name: str, value: object) -> Callable:
    def scope():
        change, read = getattr(keras.config, f"set_{name}"), getattr(keras.config, name)
        return setting(change, value, read())

    return scope


STATES = {
    "channels_first": of_keras("image_data_format", "channels_first"),
    "float64": of_keras("floatx", "float64"),
    "float16": of_keras("floatx", "float16"),
    "mixed_float16": of_keras("dtype_policy", "mixed_float16"),
    "epsilon": of_keras("epsilon", 0.5),
    "NumPy raises": lambda: np.errstate(all="raise"),
}

OF_KERAS_AND_NUMPY = frozenset(STATES)
"""Of these, PyTorch and JAX try float64 only, beside their own."""

if BACKEND == "tensorflow":
    import tensorflow as tf

    STATES["functions run eagerly"] = lambda: setting(
        tf.config.run_functions_eagerly, True, tf.config.functions_run_eagerly()
    )
    STATES["soft placement is off"] = lambda: setting(
        tf.config.set_soft_device_placement, False, tf.config.get_soft_device_placement()
    )
elif BACKEND == "torch":
    import torch

    STATES["PyTorch's float64"] = lambda: setting(
        torch.set_default_dtype, torch.float64, torch.get_default_dtype()
    )
    STATES["inference mode"] = torch.inference_mode
    STATES["deterministic"] = lambda: setting(torch.use_deterministic_algorithms, True, False)
else:
    import jax

    STATES["JAX's float64"] = lambda: jax.enable_x64(True)
    STATES["JAX checks NaN"] = lambda: jax.debug_nans(True)


@functools.cache
def audio(rate: int) -> np.ndarray:
    return seeded_audio.clip("notes", rate, 0.3)[None]


def embeddings(model) -> list[np.ndarray]:
    hop = 2 * model.hop_size  # of which windows of OpenL3 share convolutions
    rows, _ = get_timestamp_embeddings(audio(model.sample_rate), model, hop)
    return [numpy(rows), numpy(get_scene_embeddings(audio(model.sample_rate), model))]


def load(name: str):
    return load_model(weights="random:1", **NETWORKS[name])


@functools.cache
def before(name: str):
    """A model that is made and used before the setting is made, and its embeddings."""
    model = load(name)
    return model, embeddings(model)


def check(name: str, scope: Callable = nullcontext) -> None:
    model, expected = before(name)
    with scope():
        found = [*embeddings(model), *embeddings(load(name))]
    for array, wanted in zip(found, expected * 2, strict=True):
        assert array.dtype == np.float32
        assert_close(array, wanted, CLOSE)


@slow_on("jax")
@pytest.mark.parametrize("network", networks("yamnet", "openl3, blur"))
def test_the_order_of_axes_of_keras(network):
    check(network, STATES["channels_first"])


@pytest.mark.parametrize(
    ("network", "state"),
    [
        pytest.param(
            network,
            state,
            marks=pytest.mark.backends
            if network == "grid" and (state == "float64" or state not in OF_KERAS_AND_NUMPY)
            else (),
        )
        for network in ("grid", "openl3")
        for state in STATES
        if state != "channels_first"
    ],
)
def test_settings_of_the_whole_process(network, state):
    check(network, STATES[state])


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=list(BACKBONES))
def test_networks_of_layers(backbone):
    x = np.random.default_rng(0).normal(size=(2, 128, 40, 1)).astype(np.float32)
    expected = backbone.keras_model(128, 40)
    with STATES["channels_first"]():
        model = backbone.keras_model(128, 40)
        model.set_weights(expected.get_weights())
        found = numpy(model(x, training=False))
    assert_close(found, numpy(expected(x, training=False)), CLOSE)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the layer is for TensorFlow")
@pytest.mark.parametrize("state", ["channels_first", "float64", "mixed_float16"])
@pytest.mark.parametrize("network", ["grid", "openl3"])
def test_the_keras_layer(network, state):
    from hear_openl3_yamnet.integrations.keras_layer import HearLayer

    model, (_, expected) = before(network)
    with STATES[state]():
        found = HearLayer(model)(audio(model.sample_rate))
    assert_close(found, expected, CLOSE)
