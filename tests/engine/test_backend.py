"""What backends do differently: arrays handed over, memory that is free, what a GPU does."""

from types import SimpleNamespace

import numpy as np
import pytest

from hear_openl3_yamnet import get_timestamp_embeddings
from hear_openl3_yamnet.backbones import convolutions
from hear_openl3_yamnet.engine.backend import (
    BACKEND,
    aligned_empty,
    as_tensor,
    free_gpu_memory,
    gpu_arithmetic,
)
from tests import seeded_audio
from tests.comparing import assert_close, numpy

pytestmark = pytest.mark.backends


@pytest.mark.parametrize("offset", range(0, 64, 16))
def test_a_tensor_can_be_computed_with_wherever_its_array_begins(offset):
    # TensorFlow ends the process (no exception) when it slices an unaligned tensor
    room = np.empty(64 + 64 + 4 * 12, np.uint8)
    first = -room.ctypes.data % 64 + offset
    array = room[first : first + 4 * 12].view(np.float32).reshape(3, 4)
    array[...] = np.arange(12).reshape(3, 4)
    assert np.asarray(as_tensor(array)[1, :3]).tolist() == [4, 5, 6]


@pytest.mark.parametrize("shape", [(3, 5, 7), (1,), (0, 4)])
def test_what_is_allocated_for_tensors_begins_where_tensorflow_wants_it(shape):
    array = aligned_empty(shape)
    assert array.shape == shape
    assert array.dtype == np.float32
    assert array.ctypes.data % 64 == 0 or array.size == 0
    assert np.asarray(as_tensor(array)).shape == shape


@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch keeps the memory that it frees")
def test_memory_that_pytorch_keeps_is_free(monkeypatch):
    import torch

    tensor = SimpleNamespace(is_cuda=True, device="cuda:0")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3000, 10000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 6500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 500)
    assert free_gpu_memory(tensor) == 9000
    assert free_gpu_memory(SimpleNamespace(is_cuda=False)) is None


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_cpu_has_no_gpu_arithmetic(precision):
    assert gpu_arithmetic(as_tensor(np.zeros(3, np.float32)), precision) is None


@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch alone is asked")
@pytest.mark.parametrize(
    ("precision", "capability", "allowed", "expected"),
    [
        ("float32", (9, 0), True, "tf32"),
        ("float32", (9, 0), False, "float32"),
        ("float32", (7, 5), True, "float32"),  # no TF32 before Ampere
        ("bfloat16", (9, 0), False, "bfloat16"),
        ("float16", (7, 5), True, "float16"),
    ],
)
def test_arithmetic_of_a_gpu(precision, capability, allowed, expected, monkeypatch):
    import torch

    tensor = SimpleNamespace(is_cuda=True, device="cuda:0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", allowed)
    assert gpu_arithmetic(tensor, precision) == expected


@pytest.mark.skipif(BACKEND != "torch", reason="what PyTorch does on a GPU, on the CPU")
@pytest.mark.parametrize(
    ("preset", "options"),
    [
        ("openl3-mel128-music", {}),
        ("openl3-mel128-music", {"framing": "dense"}),
        ("yamnet", {}),
    ],
)
def test_embeddings_are_the_same_on_the_way_that_a_gpu_takes(
    preset, options, seeded_model, monkeypatch
):
    model = seeded_model(preset, **options)
    notes, noise = (seeded_audio.clip(x, model.sample_rate, 0.5) for x in ("notes", "noise"))
    audio = np.stack([notes, noise])
    expected = numpy(get_timestamp_embeddings(audio, model)[0])
    calls = []
    convolve = convolutions.torch_convolve
    monkeypatch.setattr(convolutions, "on_gpu", lambda tensor: True)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(
        convolutions, "torch_convolve", lambda *some: calls.append(some[0]) or convolve(*some)
    )
    assert_close(get_timestamp_embeddings(audio, model)[0], expected, 1e-5)
    assert calls
    encoder = model.ensemble.networks[0].encoder
    assert encoder.padded_length(201) == 208  # rounded up to eighths of 128
