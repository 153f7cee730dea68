"""Clips of several lengths at once, and scenes whose clip comes piece by piece."""

import numpy as np
import pytest

from hear_openl3_yamnet import OptionError, load_model
from hear_openl3_yamnet.errors import StreamError
from tests import seeded_audio
from tests.comparing import assert_close

CLOSE = 1e-5
SECONDS = [0.0001, 0.3, 2.1, 0.96, 1.0]
"""One sample and up, some of them whole windows."""

MODELS = {
    "yamnet": {"model": "yamnet"},
    "unit length": {"model": "yamnet", "normalize": "l2", "scene_pooling": "mean+std"},
    "frames": {"model": "yamnet", "time": "frame", "grid": ("all", 1), "layers": ("layer5",)},
    "two rates": {
        "model": "openl3-mel128-env+yamnet",
        "layers": ("logmel",),
        "scene_pooling": "mean+max",
        "normalize": "l2",
        "hop_size": 200,
        "scene_hop_size": 300,
    },
    "dense": {"model": "openl3-linear-music", "layers": ("conv2",), "framing": "dense"},
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return load_model(weights="random:1", **MODELS[request.param])


@pytest.fixture(scope="module")
def clips(model):
    rate = model.sample_rate
    return [seeded_audio.clip("notes", rate, s, seed=i) for i, s in enumerate(SECONDS)]


def test_clips_together_are_what_each_is_alone(model, clips):
    for got, clip in zip(
        model.ensemble.embed(clips, model.ensemble.hop(model.hop_size)), clips, strict=True
    ):
        assert_close(got, model.timestamp_embeddings(clip[None])[0][0], CLOSE)
    scenes = model.scene_embeddings(clips)
    for got, clip in zip(scenes, clips, strict=True):
        assert_close(got, model.scene_embeddings(clip[None])[0], CLOSE)


def test_a_scene_in_pieces_is_that_of_the_clip(model, clips):
    if model.ensemble.is_dense:
        with pytest.raises(OptionError, match="dense"):
            model.scene_stream()
        return
    for clip in clips:
        stream = model.scene_stream()
        for piece in np.split(clip, [1, 100, 5000]):
            stream.push(piece)
        assert_close(stream.flush(), model.scene_embeddings(clip[None])[0], CLOSE)


def test_a_scene_without_samples_is_none():
    stream = load_model(model="yamnet", weights="random:1").scene_stream()
    with pytest.raises(StreamError, match="without samples"):
        stream.flush()
