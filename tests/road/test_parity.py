"""Our numbers against those of the published code, stage by stage.

tests/data holds what openl3 0.4.2, YAMNet's own code and the HEAR 2021 submission gave on seeded
audio with the weights of tests/seeded_weights.py.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import openl3
from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frames import cut_frames, frame_table
from hear_openl3_yamnet.weights.reading import read_weights
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

pytestmark = pytest.mark.backends

ON_TENSORFLOW = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
INPUTS = ("linear", "mel128", "mel256")
ONE_OF_THEM = [
    "mel128",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("linear", "mel256")),
]
"""The network is the same: the slow tests have the others."""
TOLERANCE = 1e-4
# "pure" is a chirp without a noise floor: between its lines lies the FFT's own rounding noise
TOLERANCES = {name: 3e-2 if name == "pure" else TOLERANCE for name in seeded_audio.NAMES}


def golden(name):
    return np.load(Path(__file__).parents[2] / "tests" / "data" / f"{name}_seed7.npz")


def clips(names, sample_rate, seconds):
    return np.stack([seeded_audio.clip(name, sample_rate, seconds) for name in names])


def log_mel(audio, window_starts, front_end):
    table = frame_table(np.asarray(window_starts), front_end)
    frames = cut_frames(audio, table, front_end)
    amplitudes = frontends.band_amplitudes(frames, front_end.bands(), front_end.fft_length)
    return numpy(frontends.log_mel(amplitudes, table.index, front_end))


@pytest.mark.parametrize("name", seeded_audio.NAMES)
@pytest.mark.parametrize("representation", INPUTS)
def test_openl3_spectrogram(representation, name):
    audio = seeded_audio.clip(name, 48000, 1.0)
    got = log_mel(audio, [0], frontends.FRONT_ENDS[representation])[0, :, :, 0]
    expected = golden(f"openl3_{representation}")["spectrogram"][seeded_audio.NAMES.index(name)]
    assert_close(got, expected, TOLERANCES[name], axes=2)


@pytest.mark.parametrize("representation", INPUTS)
def test_openl3_network_on_the_published_spectrogram(representation, seeded_files):
    numbers = golden(f"openl3_{representation}")
    spectrogram = numbers["spectrogram"][[0, 3], :, :, None]
    weights = openl3.fold(read_weights(seeded_files["openl3"], "openl3"))
    last = numpy(openl3.feature_maps(weights, spectrogram, ["conv8"])["conv8"])
    assert_close(last.max(axis=(1, 2)), numbers["embedding_512"][[0, 3]], TOLERANCE)
    rows, columns = last.shape[1] // 4, last.shape[2] // 3
    cells = last.reshape(2, 4, rows, 3, columns, 512).max(axis=(2, 4))
    assert_close(cells.reshape(2, 6144), numbers["embedding_6144"][[0, 3]], TOLERANCE)


@pytest.mark.parametrize(
    ("representation", "size"),
    [
        ("mel128", 512),
        pytest.param("mel128", 6144, marks=slow_on("jax")),
        pytest.param("linear", 6144, marks=slow_on("jax")),
        pytest.param("mel256", 6144, marks=slow_on("jax")),
        pytest.param("linear", 512, marks=pytest.mark.slow),
        pytest.param("mel256", 512, marks=pytest.mark.slow),
    ],
)
def test_openl3_embeddings_through_the_api(representation, size, seeded_model):
    model = seeded_model(f"openl3-{representation}-music", embedding_size=size)
    # the second window of 1 s clips, centred at 500 ms, is the clip
    audio = clips(seeded_audio.NAMES, 48000, 1.0)
    embeddings, _ = get_timestamp_embeddings(audio, model, hop_size=500.0)

    expected = golden(f"openl3_{representation}")[f"embedding_{size}"]
    for name, got, wanted in zip(
        seeded_audio.NAMES, numpy(embeddings)[:, 1], expected, strict=True
    ):
        assert_close(got, wanted, TOLERANCES[name])


@slow_on("jax")
@pytest.mark.parametrize("representation", ONE_OF_THEM)
def test_the_openl3_submissions_timestamps_and_embeddings(representation, seeded_model):
    numbers = golden(f"openl3_{representation}")
    model = seeded_model(f"openl3-{representation}-music", embedding_size=512)
    # every fourth embedding was kept: a hop of 200 ms gives just those
    audio = clips(["notes", "chirp"], 48000, 2.3)
    embeddings, timestamps = get_timestamp_embeddings(audio, model, hop_size=200.0)
    assert_close(embeddings, numbers["hear_timestamp_embeddings"], TOLERANCE)
    np.testing.assert_allclose(timestamps, numbers["hear_timestamps_ms"][:, ::4], atol=1e-3)
    scenes = get_scene_embeddings(audio, model, hop_size=500.0)
    assert_close(scenes, numbers["hear_scene_embeddings"], TOLERANCE)


def test_the_openl3_submission_as_a_preset(seeded_model):
    model = seeded_model("hear2021-openl3")
    assert (model.hop_size, model.scene_hop_size) == (50.0, 500.0)
    audio = seeded_audio.clip("notes", 48000, 2.3)[None]
    numbers = golden("openl3_mel256")
    scene = get_scene_embeddings(audio, model)
    assert_close(scene, numbers["hear_scene_embeddings"][:1], TOLERANCE)


@pytest.mark.slow
def test_the_openl3_submissions_timestamps_as_a_preset(seeded_model):
    audio = seeded_audio.clip("notes", 48000, 2.3)[None]
    numbers = golden("openl3_mel256")
    embeddings, timestamps = get_timestamp_embeddings(audio, seeded_model("hear2021-openl3"))
    np.testing.assert_allclose(timestamps, numbers["hear_timestamps_ms"][:1], atol=1e-3)
    every_fourth = numpy(embeddings)[:, ::4]
    assert_close(every_fourth, numbers["hear_timestamp_embeddings"][:1], TOLERANCE)


def test_older_openl3_files_with_the_spectrogram_in_front(seeded_files):
    model = load_model(seeded_files["openl3-kapre"], model="openl3-mel128-env")
    embeddings, _ = get_timestamp_embeddings(
        seeded_audio.clip("notes", 48000, 1.0)[None], model, hop_size=500.0
    )
    expected = golden("openl3_mel128")["embedding_512"][seeded_audio.NAMES.index("notes")]
    assert_close(numpy(embeddings)[0, 1], expected, TOLERANCE)


@pytest.mark.parametrize("name", seeded_audio.NAMES)
def test_yamnet_log_mel(name):
    front_end = frontends.FRONT_ENDS["yamnet"]
    audio = seeded_audio.clip(name, 16000, 2.5)
    # frames lie 10 ms apart from the clip's start: windows of 96 frames, every 96 frames and last
    first_frames = [0, 96, 248 - 96]
    got = log_mel(audio, np.multiply(first_frames, front_end.frame_hop), front_end)[..., 0]
    expected = golden("yamnet")[f"{name}_logmel"]
    for window, first in zip(got, first_frames, strict=True):
        assert_close(window.T, expected[first : first + 96], TOLERANCES[name])


@pytest.mark.parametrize(
    ("number", "options"), [("embedding", {}), ("scores", {"layers": "predictions"})]
)
def test_yamnet_embeddings_and_scores_through_the_api(number, options, seeded_model):
    model = seeded_model("yamnet", **options)
    # patches start at 0, 480 … ms. Ours are centred at 0, 480 … ms: 7560 samples of silence in
    # front put the clip's first patch around 960 ms
    audio = np.pad(clips(seeded_audio.NAMES, 16000, 2.5), [(0, 0), (7560, 0)])
    embeddings, timestamps = get_timestamp_embeddings(audio, model, hop_size=480.0)
    assert numpy(timestamps)[0, 2] == 960
    numbers = golden("yamnet")
    for name, got in zip(seeded_audio.NAMES, numpy(embeddings), strict=True):
        assert_close(got[2:6], numbers[f"{name}_{number}"], TOLERANCES[name])
