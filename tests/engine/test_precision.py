"""Reduced precision: how far from float32, and what is chosen by itself."""

from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import get_timestamp_embeddings
from hear_openl3_yamnet.engine import backend
from tests import seeded_audio
from tests.comparing import numpy
from tests.marks import slow_on

BOUNDS = {"bfloat16": 2e-2, "float16": 2e-3}


def signals(sample_rate, seconds):
    names = ["noise", "silence", "chirp", "notes", "quiet"]
    return np.stack([seeded_audio.clip(name, sample_rate, seconds) for name in names])


@pytest.mark.backends
@pytest.mark.parametrize(
    ("preset", "precision"),
    [
        pytest.param("openl3-mel128-music", "bfloat16", marks=slow_on("jax")),
        pytest.param("openl3-mel128-music", "float16", marks=pytest.mark.slow),
        ("yamnet", "bfloat16"),
        ("yamnet", "float16"),
    ],
)
def test_stays_close_to_float32(seeded_model, preset, precision):
    model, reference = (seeded_model(preset, precision=p) for p in (precision, "float32"))
    audio = signals(model.sample_rate, 0.3)
    hop = 2000 * 1936 / 48000 if preset != "yamnet" else 400.0  # float16 is slow on torch
    got, expected = (numpy(get_timestamp_embeddings(audio, m, hop)[0]) for m in (model, reference))
    assert got.dtype == np.float32
    norms = np.linalg.norm(expected, axis=-1)
    distance = np.linalg.norm(got - expected, axis=-1) / norms
    cosine = np.sum(got * expected, axis=-1) / (np.linalg.norm(got, axis=-1) * norms)
    assert 0 < distance.max() <= BOUNDS[precision]
    assert cosine.min() >= 1 - BOUNDS[precision] ** 2


def test_the_front_end_stays_in_float32(seeded_model):
    tensors = (
        seeded_model("openl3-mel128-music", precision="bfloat16")
        .ensemble.networks[0]
        .encoder.tensors
    )
    wide = {name for name, value in tensors.items() if "float32" in str(value.dtype)}
    assert wide == {"front_end/bands", "input/scale", "input/offset"}
    assert all("bfloat16" in str(tensors[name].dtype) for name in set(tensors) - wide)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="reads Linux's list of CPU flags")
def test_auto_is_bfloat16_where_the_processor_has_it(seeded_model):
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    has_it = "avx512_bf16" in flags or "amx_bf16" in flags
    if backend._gpu_with_bfloat16() is not None:
        pytest.skip("a GPU decides here")
    model = seeded_model("yamnet", precision="auto")
    assert model.ensemble.networks[0].precision == ("bfloat16" if has_it else "float32")


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_precision_asked_for_is_taken(precision):
    assert backend.resolve_precision(precision) == precision
