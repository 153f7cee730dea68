"""time="frame": embeddings of single frames of the maps, at their true times."""

import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings
from hear_openl3_yamnet.backbones import openl3, yamnet
from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frames import cut_frames, frame_table
from hear_openl3_yamnet.weights.reading import read_weights
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

OPENL3 = "openl3-mel128-env"
BACKBONES = {OPENL3: openl3, "yamnet": yamnet}
FRAME_MS = {OPENL3: 1936 / 48, "yamnet": 320.0}


def embed(audio, model, hop_size=None):
    embeddings, timestamps = get_timestamp_embeddings(np.atleast_2d(audio), model, hop_size)
    return numpy(embeddings)[0], numpy(timestamps)[0]


@pytest.mark.backends
@pytest.mark.parametrize("name", BACKBONES)
def test_the_native_hop_is_a_map_frame(name, seeded_model):
    model = seeded_model(name, time="frame")
    assert model.hop_size == pytest.approx(FRAME_MS[name])
    audio = seeded_audio.clip("notes", model.sample_rate, 0.7)
    embeddings, timestamps = embed(audio, model)
    assert embeddings.shape == (np.ceil(700 / FRAME_MS[name]), 512 if name == OPENL3 else 1024)
    np.testing.assert_allclose(timestamps, np.arange(len(timestamps)) * FRAME_MS[name], rtol=1e-6)


@pytest.mark.parametrize("seconds", [0.01, 0.5, 1.3])
@pytest.mark.parametrize("hop", ["native", "twice", 50.0])
@pytest.mark.parametrize("name", BACKBONES)
def test_timestamps_are_regular_and_reach_both_ends(name, hop, seconds, seeded_model):
    model = seeded_model(name, time="frame")
    milliseconds = {"native": 1, "twice": 2}.get(hop, 0) * FRAME_MS[name] or hop
    audio = seeded_audio.clip("notes", model.sample_rate, seconds)
    embeddings, timestamps = embed(audio, model, milliseconds)
    assert len(embeddings) == len(timestamps)
    assert timestamps[0] == 0
    np.testing.assert_allclose(np.diff(timestamps), milliseconds, rtol=1e-4)
    assert timestamps[-1] < 1000 * seconds <= timestamps[-1] + milliseconds + 1e-3


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("openl3-mel256-music", {}, 512),
        ("openl3-mel256-music", {"grid": (4, 1)}, 2048),
        ("openl3-mel256-music", {"grid": ("all", 1)}, 16384),
        (OPENL3, {"grid": ("all", 1)}, 8192),
        ("yamnet", {}, 1024),
        ("yamnet", {"grid": ("all", 1)}, 2048),
    ],
)
def test_sizes(name, options, size, seeded_model):
    model = seeded_model(name, time="frame", **options)
    assert model.timestamp_embedding_size == size
    embeddings, _ = embed(seeded_audio.clip("notes", model.sample_rate, 0.05), model)
    assert embeddings.shape[1] == size


def map_of(name, seeded_files, audio, start, layer):
    """A layer's map of the window at `start`, straight from front end and backbone."""
    options = configure(name)
    backbone = options.backbone
    weights = backbone.fold(read_weights(seeded_files[backbone.NAME], backbone.NAME))
    table = frame_table(np.array([start]), options.front_end)
    frames = cut_frames(audio, table, options.front_end)
    bands, fft_length = options.front_end.bands(), options.front_end.fft_length
    amplitudes = frontends.band_amplitudes(frames, bands, fft_length)
    log_mel = numpy(frontends.log_mel(amplitudes, table.index, options.front_end))
    return numpy(backbone.feature_maps(weights, log_mel, [layer])[layer])[0]


@pytest.mark.backends
@pytest.mark.parametrize(
    ("name", "layer", "hop", "at"),
    [
        # 12 frames a window: two windows
        pytest.param(OPENL3, "block4", None, [0, 1, 11, 12, 20], marks=pytest.mark.slow),
        (OPENL3, "block4", 2 * 1936 / 48, [0, 5, 6, 9]),
        pytest.param(OPENL3, "block4", 50.0, [0, 3, 7], marks=pytest.mark.slow),
        pytest.param("yamnet", "layer14", None, [0, 1, 2], marks=slow_on("jax")),
        ("yamnet", "layer7", None, [0, 1, 4]),
        ("yamnet", "layer14", 50.0, [0, 7, 15]),
    ],
)
def test_embeddings_are_frames_of_a_window_that_holds_them(
    name, layer, hop, at, seeded_model, seeded_files
):
    model = seeded_model(name, time="frame", layers=layer, grid=("all", 1), pooling="max")
    rate = model.sample_rate
    audio = seeded_audio.clip("noise", rate, 1.0)
    embeddings, timestamps = embed(audio, model, hop)
    options = configure(name, time="frame", layers=layer, hop_size=hop or "native")
    front_end = options.front_end
    centres = BACKBONES[name].frame_centres(layer, front_end.n_frames)
    first, _ = geometry.kept_frames(options)
    per_window = geometry.timestamps_per_window(options, geometry.hop(options))
    step = round((hop or 0) / FRAME_MS[name]) if per_window > 1 and hop else 1
    for i in at:
        frame = first + i % per_window * step
        centre = (centres[frame] * front_end.frame_hop) + front_end.frame_length / 2
        # the timestamp is at the centre of that frame of this window
        start = round(timestamps[i] * rate / 1000 - centre)
        expected = map_of(name, seeded_files, audio, start, layer)[:, frame].ravel()
        assert_close(embeddings[i], expected, 1e-4)


@pytest.mark.parametrize("name", BACKBONES)
def test_kept_frames_see_no_more_padding_than_they_must(name):
    options = configure(name, time="frame")
    first, count = geometry.kept_frames(options)
    frames = options.front_end.n_frames
    centres = BACKBONES[name].frame_centres(options.layers[0], frames)
    if name == OPENL3:  # a receptive field of 68 frames
        assert centres[first] - 33.5 >= 0
        assert centres[first + count - 1] + 33.5 <= frames - 1
    else:  # wider than the window: the frame nearest its middle
        nearest = np.abs(centres - (frames - 1) / 2).argmin()
        assert (first, count) == (nearest, 1)


def with_click(audio, sample, rate):
    clicked = audio.copy()
    length = rate // 200
    rng = np.random.default_rng(5)
    clicked[sample - length // 2 : sample + length // 2] += rng.uniform(-0.4, 0.4, length // 2 * 2)
    return clicked


@pytest.mark.backends
@pytest.mark.parametrize(
    ("name", "options", "hop", "clicks"),
    [
        (OPENL3, {}, None, (10, 14)),
        pytest.param(OPENL3, {}, 50.0, (8, 13), marks=pytest.mark.slow),
        (OPENL3, {"layers": ("logmel", "block2", "block4"), "pooling": "mean"}, None, (12,)),
        ("yamnet", {}, None, (2, 4)),
        ("yamnet", {"layers": "layer7"}, None, (5, 9)),
        ("yamnet", {"layers": "logmel", "grid": ("all", 1)}, None, (50,)),
        ("yamnet", {"layers": ("layer3", "layer7")}, 50.0, (9,)),
        ("yamnet", {"layers": "layer7", "subsampling": "blur"}, None, (5, 9)),
        ("yamnet", {"layers": "layer7", "window_size": 1295}, None, (5, 6)),
    ],
)
def test_a_click_changes_most_what_stands_at_its_time(name, options, hop, clicks, seeded_model):
    model = seeded_model(name, time="frame", **options)
    rate = model.sample_rate
    frame_ms = 1000 * geometry.map_frame_hop(configure(name, time="frame", **options)) / rate
    seconds = 1.0 if name == OPENL3 else 2.0
    noise = 0.02 * seeded_audio.clip("noise", rate, seconds)
    # louder than the click, so that it moves no window's reference level
    tone = 0.5 * np.sin(2 * np.pi * 1000 / rate * np.arange(len(noise)))
    audio = (noise + tone).astype(np.float32)
    before, timestamps = embed(audio, model, hop)
    for i in clicks:
        after, _ = embed(with_click(audio, round(timestamps[i] * rate / 1000), rate), model, hop)
        change = np.linalg.norm(after - before, axis=1)
        # a finer hop than a map frame resolves no more than the frame
        late = timestamps[change.argmax()] - timestamps[i]
        assert abs(late) <= frame_ms / 2, change


@pytest.mark.backends
def test_finer_layers_are_taken_around_the_coarsest_frames(seeded_model):
    both = seeded_model("yamnet", time="frame", layers=("logmel", "layer14"))
    audio = seeded_audio.clip("notes", 16000, 0.4)
    together, _ = embed(audio, both)
    alone, _ = embed(audio, seeded_model("yamnet", time="frame"))
    assert_close(together[:, 1:], alone, 1e-4)
    options = configure("yamnet", time="frame", layers=("logmel", "layer14"))
    first, step = geometry.layer_frames(options, "logmel")
    centre = yamnet.frame_centres("layer14", 96)[geometry.kept_frames(options)[0]]
    assert step == 32
    assert abs(first + (step - 1) / 2 - centre) <= 0.5 or first + step == 96


def test_scenes_pool_frames(seeded_model):
    model = seeded_model(OPENL3, time="frame", scene_pooling="mean+max")
    audio = seeded_audio.clip("notes", 48000, 0.5)
    rows, _ = embed(audio, model)
    scene = numpy(get_scene_embeddings(audio[None], model))[0]
    expected = np.concatenate([rows.mean(axis=0), rows.max(axis=0)])
    assert_close(scene, expected, 1e-5)
