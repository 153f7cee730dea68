"""as_submitted does what the code of the submission did: counts, labels, failures."""

import numpy as np
import pytest

from hear_openl3_yamnet.baselines import as_submitted
from hear_openl3_yamnet.errors import AudioError
from tests.seeded_audio import clip


@pytest.fixture(scope="module")
def model():
    return as_submitted.load_model(weights="random:1")


def test_ten_seconds_give_twenty_embeddings_labelled_50_ms_apart(model):
    audio = clip("noise", 16000, 10.0, seed=1)[None]
    embeddings, timestamps = as_submitted.get_timestamp_embeddings(audio, model)
    assert tuple(embeddings.shape) == (1, 20, 1024)
    assert np.asarray(timestamps).tolist() == [[50.0 * i for i in range(20)]]


def test_patches_start_a_quarter_of_a_window_before_the_clip(model):
    audio = clip("noise", 16000, 2.0, seed=2)[None]
    embeddings, _ = as_submitted.get_timestamp_embeddings(audio, model)
    padded = np.pad(audio, ((0, 0), (3840, 3840)))
    assert embeddings.shape[1] == 4
    for i, embedding in enumerate(np.asarray(embeddings)[0]):
        patch = padded[:, 7680 * i : 7680 * i + 15600]
        centred, _ = model.timestamp_embeddings(
            patch, 487.5
        )  # the second embedding is that of the whole patch
        np.testing.assert_allclose(embedding, centred[0, 1], rtol=1e-3, atol=1e-4)


def test_a_scene_is_the_mean_of_its_patches(model):
    audio = clip("noise", 16000, 1.5, seed=3)[None]
    embeddings, _ = as_submitted.get_timestamp_embeddings(audio, model)
    scene = as_submitted.get_scene_embeddings(audio, model)
    np.testing.assert_allclose(np.asarray(scene), np.asarray(embeddings).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("n_sounds", "seconds", "failure"),
    [
        (1, 0.3, "InvalidArgumentError"),
        (1, 0.4, "InvalidArgumentError"),
        (2, 0.81, "IndexError"),
    ],
)
def test_short_clips_fail_as_they_did(model, n_sounds, seconds, failure):
    audio = np.zeros((n_sounds, round(16000 * seconds)), np.float32)
    for embed in (as_submitted.get_timestamp_embeddings, as_submitted.get_scene_embeddings):
        with pytest.raises(AudioError, match=failure):
            embed(audio, model)
