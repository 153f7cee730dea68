"""OpenL3-lite: it answers as its teacher does, and all that a model can do applies to it."""

import numpy as np
import pytest
from typer.testing import CliRunner

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.commands.app import app
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

AUDIO = np.stack(
    [seeded_audio.clip(name, 48000, 1.2) for name in ("notes", "noise", "chirp", "quiet")]
)


@pytest.fixture(scope="module")
def lite():
    return load_model("openl3-lite")


def embed(model, audio=AUDIO, hop_size=None):
    return numpy(get_timestamp_embeddings(audio, model, hop_size)[0])


def test_it_says_whose_weights_it_has(lite):
    assert lite.weights_id.startswith("starter:openl3-lite@")
    assert (lite.sample_rate, lite.timestamp_embedding_size) == (48000, 512)
    assert lite.hop_size == load_model("openl3-mel128-starter").hop_size


@pytest.mark.slow
def test_it_answers_as_its_teacher(lite):
    teacher = load_model("openl3-mel128-starter")
    ours, theirs = (embed(model, hop_size=200.0).reshape(-1, 512) for model in (lite, teacher))
    cosines = (ours * theirs).sum(1)
    cosines /= np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert np.median(cosines) > 0.99
    assert cosines.min() > 0.95


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("openl3-lite", "0.61 GFLOP a window, 15 a second of audio"),
        ("openl3-mel128-env", "10.20 GFLOP a window, 253 a second of audio"),
        ("yamnet", "0.14 GFLOP a window, 3 a second of audio"),
    ],
)
def test_info_tells_the_work(name, work):
    told = CliRunner().invoke(app, ["info", name]).output
    assert work in told
    if name == "openl3-lite":
        assert "openl3-lite.safetensors (this package)" in told


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"embedding_size": 6144}, 6144),
        ({"pooling": "fusion"}, 32 * 128 + 16 * 512),
        ({"pooling": "gem", "grid": (2, 3)}, 3072),
        ({"pooling": "mean+std", "layers": ("logmel", "conv1", "block3")}, 2 * (1 + 32 + 256)),
        ({"time": "frame", "grid": ("all", 1)}, 16 * 512),
        ({"time": "frame", "layers": ("block2", "block4"), "grid": (4, 1)}, 4 * (128 + 512)),
    ],
    ids=str,
)
def test_every_kind_of_head(options, size):
    model = load_model("openl3-lite", **options)
    assert model.timestamp_embedding_size == size
    for hop_size in (None, 50.0, 484.0):
        embeddings = embed(model, AUDIO[:1, :12_000], hop_size)
        assert embeddings.shape == (1, int(np.ceil(250 / (hop_size or model.hop_size))), size)
        assert np.isfinite(embeddings).all()
    assert get_scene_embeddings(AUDIO[:1], model).shape == (1, model.scene_embedding_size)


@pytest.mark.backends
@slow_on("jax")
def test_embeddings_do_not_depend_on_the_batch(lite):
    audio = AUDIO[:2, :20_000]
    assert_close(embed(load_model("openl3-lite", batch_size=3), audio), embed(lite, audio), 1e-5)


@pytest.mark.parametrize("options", [{}, {"time": "frame"}], ids=str)
def test_streams_give_what_the_whole_clip_gives(options):
    model = load_model("openl3-lite", **options)
    stream = model.stream()
    blocks = [stream.push(block)[0] for block in np.split(AUDIO[0], [100, 9000, 52_000])]
    streamed = np.concatenate([*blocks, stream.flush()[0]])
    assert_close(streamed, embed(model, AUDIO[:1])[0], 1e-5)


def test_it_joins_an_ensemble():
    model = load_model("openl3-lite+yamnet-starter", hop_size=50.0)
    assert embed(model, AUDIO[:1]).shape == (1, 24, 512 + 1024)
