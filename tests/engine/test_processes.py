"""Models in other processes and as copies: pickled, copied, and used after a fork."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, load_model
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.engine.backend import BACKEND
from hear_openl3_yamnet.engine.embedder import Embedder
from hear_openl3_yamnet.model import HearModel
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

CHEAP = {"layers": "layer3", "window_size": 200}


def scenes(model) -> np.ndarray:
    clip = seeded_audio.clip("notes", model.sample_rate, 0.5)
    return numpy(get_scene_embeddings(clip[None], model))


def pickled(model):
    return pickle.loads(pickle.dumps(model))


def of_arrays():
    """A model that no configuration can load: its weights are nowhere in a file."""
    options = configure("yamnet", weights="mine", **CHEAP)
    weights = options.backbone.random_weights(5)
    return HearModel([Embedder(options, weights)], "mine:5")


MODELS = {
    "preset": lambda: load_model("yamnet-starter", **CHEAP),
    "arrays": of_arrays,
    "ensemble": lambda: load_model("yamnet+yamnet", weights="random:1", **CHEAP),
    "bfloat16": lambda: load_model(
        model="yamnet", weights="random:1", precision="bfloat16", **CHEAP
    ),
}


@pytest.mark.parametrize(
    "again", [pytest.param(pickled, marks=pytest.mark.backends), copy.deepcopy, copy.copy]
)
@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_a_copy_embeds_alike(make, again):
    model = make()
    expected = scenes(model)
    copied = again(model)
    assert copied is not model
    assert copied.config == model.config
    assert copied.weights_id == model.weights_id
    np.testing.assert_array_equal(scenes(copied), expected)


def test_a_stream_goes_on_as_a_copy(seeded_model):
    model = seeded_model("yamnet", **CHEAP)
    clip = seeded_audio.clip("notes", model.sample_rate, 0.5)
    stream = model.stream()
    stream.push(clip[:4000])
    copied = pickled(stream)
    expected = [stream.push(clip[4000:])[0], stream.flush()[0]]
    found = [copied.push(clip[4000:])[0], copied.flush()[0]]
    assert_close(np.concatenate(found), np.concatenate(expected), 1e-6)


FORKED = """
import os, sys
import numpy as np
import hear_openl3_yamnet as hear
model = hear.load_model(model="yamnet", weights="random:1", layers="layer3")
audio = np.zeros((1, 16000), "f4")
hear.get_scene_embeddings(audio, model)
if os.fork() == 0:
    for use in (
        lambda: hear.get_scene_embeddings(audio, model),
        lambda: model.stream().push(audio[0]),
        lambda: hear.load_model(model="yamnet", weights="random:2"),
    ):
        try:
            use()
            print("worked")
        except hear.HearError as error:
            print(type(error).__name__, error)
    sys.stdout.flush()
    os._exit(0)
os.wait()
hear.get_scene_embeddings(audio, model)
print("the parent goes on")
"""


@pytest.mark.backends
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@slow_on("torch", "jax")
def test_a_forked_process_is_told_to_spawn_and_does_not_hang():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *child, parent = done.stdout.splitlines()
    assert parent == "the parent goes on"
    assert len(child) == 3
    for line in child:
        if BACKEND == "torch":  # it goes on in the child
            assert line == "worked"
        else:
            assert line.startswith("BackendError This process was forked")
            assert '"spawn"' in line


SPAWNED = """
import multiprocessing
import numpy as np
import hear_openl3_yamnet as hear

audio = np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("f4")

def embed(model):
    return np.asarray(hear.get_scene_embeddings(audio, model))

if __name__ == "__main__":
    model = hear.load_model("yamnet-starter")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert np.array_equal(pool.apply(embed, [model]), embed(model))
"""


@pytest.mark.slow
def test_a_spawned_process_takes_a_model(tmp_path):
    (tmp_path / "program.py").write_text(SPAWNED)
    subprocess.run([sys.executable, tmp_path / "program.py"], check=True, timeout=300)
