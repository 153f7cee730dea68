"""How many windows are computed at once: the model of memory, its limits, running out of it."""

import json
import os
import subprocess
import sys
from math import prod

import numpy as np
import pytest

from hear_openl3_yamnet import get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import openl3, yamnet
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.engine import memory
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

GIB = 2**30


def largest_pair(network):
    """The most values that a layer of a Keras model reads and writes together, for one window."""
    pairs = [
        prod(layer.input.shape[1:]) + prod(layer.output.shape[1:])
        for layer in network.layers
        if type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "MaxPooling2D")
    ]
    return max(pairs)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_activations_are_those_of_the_keras_model(name):
    front_end = FRONT_ENDS[name]
    backbone = yamnet if name == "yamnet" else openl3
    preset = name if name == "yamnet" else f"openl3-{name}-music"
    truth = 4 * largest_pair(backbone.keras_model(front_end.n_bands, front_end.n_frames))
    log_mel = 4 * front_end.n_bands * front_end.n_frames
    last = 4 * prod(backbone.map_shape(backbone.LAYERS[-2], front_end.n_bands, front_end.n_frames))
    got = memory.activation_bytes(configure(preset))
    assert truth + log_mel <= got <= truth + 4 * log_mel + last


def test_tapped_layers_and_narrow_types_count():
    plain = memory.activation_bytes(configure("openl3-mel256-music"))
    tapped = memory.activation_bytes(configure("openl3-mel256-music", layers=["conv1", "block4"]))
    assert tapped - plain == 4 * 256 * 199 * 64
    narrow = memory.activation_bytes(configure("openl3-mel256-music"), "bfloat16")
    assert 0.5 < narrow / plain < 0.55


def at_once(preset="openl3-mel256-music", precision="float32", free=None, **options):
    return memory.windows_at_once(configure(preset, **options), precision, free)


def test_the_limit_sets_the_number_of_windows():
    one = memory.activation_bytes(configure("openl3-mel256-music"))
    assert [at_once(memory_limit=n * one) for n in (1, 3, 7)] == [1, 3, 7]
    assert at_once(memory_limit=1) == 1
    assert at_once(memory_limit=4 * one, precision="bfloat16") == 7
    assert at_once() == openl3.FASTEST_BATCH
    assert at_once() * one <= memory.CPU_LIMIT
    assert at_once(batch_size=50, memory_limit=1) == 50


def test_a_gpu_takes_what_is_free_up_to_its_limit():
    one = memory.activation_bytes(configure("openl3-mel256-music"))
    assert at_once(free=GIB) == GIB // one
    assert at_once(free=10**15) == min(memory.GPU_LIMIT // one, openl3.FASTEST_BATCH_GPU)
    assert at_once(free=10**15, memory_limit=3 * one) == 3


@pytest.mark.backends
@pytest.mark.parametrize("limit", [pytest.param(1, marks=slow_on("jax")), 10_000_000, None])
def test_embeddings_do_not_depend_on_the_limit(limit):
    audio = np.random.default_rng(1).uniform(-1, 1, (2, 8000)).astype("float32")
    reference = load_model(model="yamnet", weights="random:1", batch_size=5)
    model = load_model(model="yamnet", weights="random:1", memory_limit=limit)
    expected, _ = get_timestamp_embeddings(audio, reference)
    got, _ = get_timestamp_embeddings(audio, model)
    assert_close(got, numpy(expected), 1e-5)


def test_many_short_clips_fill_batches(monkeypatch):
    model = load_model(model="yamnet", weights="random:1", batch_size=32)
    encoder = model.ensemble.networks[0].encoder
    compute, sizes = encoder.plain, []

    def counting(amplitudes, index):
        sizes.append(len(index))
        return compute(amplitudes, index)

    monkeypatch.setattr(encoder, "plain", counting)
    audio = np.random.default_rng(2).uniform(-1, 1, (60, 3200)).astype("float32")
    embeddings, _ = get_timestamp_embeddings(audio, model)
    assert embeddings.shape == (60, 5, 1024)
    assert sizes == [32] * 9 + [12]


EMBED_WITH_LITTLE_MEMORY = """
import json, logging, resource, sys
import numpy as np
import hear_openl3_yamnet as hear
from pathlib import Path

logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
options = dict(model="openl3-mel128-music", weights="random:1", batch_size=64)
options.update(layers="conv1", pooling="max+mean")
model = hear.load_model(**options)
audio = np.zeros((1, 60 * 1936), np.float32)
hear.get_timestamp_embeddings(audio[:, :6000], model)
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + int(sys.argv[1]), resource.RLIM_INFINITY))
little, _ = hear.get_timestamp_embeddings(audio, model)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
plenty, _ = hear.get_timestamp_embeddings(audio, hear.load_model(**options))
little, plenty = np.asarray(little), np.asarray(plenty)
print(json.dumps({
    "at_once": model.ensemble.networks[0].windows_at_once(),
    "error": float(np.linalg.norm(little - plenty) / np.linalg.norm(plenty)),
}))
"""


@pytest.mark.slow
@pytest.mark.backends
@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
@pytest.mark.skipif(os.environ.get("KERAS_BACKEND") == "jax", reason="XLA aborts the process")
def test_running_out_of_memory_halves_the_batch_and_goes_on():
    """Setting 60 windows' first maps together takes more than twice 390 MB.

    (Not a network's convolutions: TensorFlow's, by oneDNN, end the process when memory runs out.)
    """
    room = 500_000_000 if os.environ.get("KERAS_BACKEND") == "torch" else 900_000_000
    done = subprocess.run(
        [sys.executable, "-c", EMBED_WITH_LITTLE_MEMORY, str(room)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert 2 <= result["at_once"] <= 32
    assert "out of memory; 32 windows at once from here on" in done.stderr
    assert result["error"] < 1e-6
