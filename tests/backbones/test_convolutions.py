"""Convolutions and pooling as PyTorch does them on a GPU, against those of Keras, on the CPU."""

import numpy as np
import pytest
from keras import ops

from hear_openl3_yamnet.backbones.convolutions import (
    convolve,
    max_pool,
    torch_convolve,
    torch_max_pool,
)
from hear_openl3_yamnet.engine.backend import BACKEND

pytestmark = [
    pytest.mark.backends,
    pytest.mark.skipif(BACKEND != "torch", reason="other backends leave them to Keras"),
]


def random(*shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return ops.convert_to_tensor(values)


@pytest.mark.parametrize("size", [(8, 9), (7, 8)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"relu": False},
        {"padding": "valid"},
        {"strides": 2},
        {"depthwise": True},
        {"depthwise": True, "strides": 2},
    ],
)
def test_convolutions_without_copies(options, size):
    channels_out = 1 if "depthwise" in options else 5
    x, kernel = random(2, *size, 3), random(3, 3, 3, channels_out)
    bias = random(3 if channels_out == 1 else 5)
    expected = convolve(x, kernel, bias, **options)
    everything = {"strides": 1, "padding": "same", "depthwise": False, "relu": True, **options}
    got = torch_convolve(x, kernel, bias, **everything)
    assert got.shape == expected.shape
    assert got.is_contiguous()
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 9), (7, 8)])
def test_pooling_without_copies(size):
    x = random(2, *size, 3)
    assert torch_max_pool(x).equal(max_pool(x))
