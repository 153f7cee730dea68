"""What holds for any length, any number of sounds and any hop. test_framing has framing's part."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings
from tests.comparing import numpy

pytestmark = pytest.mark.backends

MOST_WINDOWS = 60  # a call; longer clips come with longer hops
EXAMPLES = 25 if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow" else 10
RATE = 16000

bounded = settings(max_examples=EXAMPLES)


@st.composite
def requests(draw):
    """Audio [shape=(1 … 4, 1 … 200 000)] and a hop of 1 … 1000 ms."""
    n_sounds = draw(st.integers(1, 4))
    hop = draw(st.one_of(st.integers(1, 1000), st.floats(1, 1000)))
    longest = int(MOST_WINDOWS / n_sounds * hop * RATE / 1000)
    n_samples = draw(st.integers(n_sounds, min(200_000, longest)))
    level = draw(st.sampled_from([0.0, 1e-4, 1.0]))
    seed = draw(st.integers(0, 3))
    audio = level * np.random.default_rng(seed).uniform(-1, 1, (n_sounds, n_samples))
    return audio.astype(np.float32), hop


@bounded
@given(asked=requests())
def test_timestamp_embeddings(untrained_yamnet, asked):
    audio, hop = asked
    embeddings, timestamps = map(numpy, get_timestamp_embeddings(audio, untrained_yamnet, hop))
    n_sounds, n_samples = audio.shape
    length = 1000 * n_samples / RATE
    n_timestamps = timestamps.shape[1]
    assert embeddings.shape == (n_sounds, n_timestamps, 1024)
    assert np.isfinite(embeddings).all()
    assert np.all(timestamps == timestamps[0])
    assert timestamps[0, 0] == 0
    # float32 milliseconds: 12.5 s to a thousandth
    assert timestamps[0, -1] < length + 1e-3
    assert timestamps[0, -1] + hop >= length - 1e-2
    np.testing.assert_allclose(timestamps[0], np.arange(n_timestamps) * hop, atol=1e-2)


@bounded
@given(asked=requests())
def test_scene_embeddings(untrained_yamnet, asked):
    audio, hop = asked
    scenes = numpy(get_scene_embeddings(audio, untrained_yamnet, hop))
    assert scenes.shape == (len(audio), 1024)
    assert np.isfinite(scenes).all()
