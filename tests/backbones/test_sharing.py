"""Sharing changes nothing but the time it takes; and when it is used.

Exactness is proved twice: of `sharing.feature_maps` on maps of a few bands, and end to end.
"""

import numpy as np
import pytest

from hear_openl3_yamnet import get_timestamp_embeddings
from hear_openl3_yamnet.backbones import openl3
from hear_openl3_yamnet.backbones import openl3_sharing as sharing
from hear_openl3_yamnet.features.frames import frame_table
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

TOLERANCE = 1e-5
NATIVE = 1936
RATE = 48000
MEL = FRONT_ENDS["mel128"]


def sounds(seconds):
    """Silence, clicks, a fade, notes and bursts of noise, float32 [shape=(6, n_samples)]."""
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    noise = np.random.default_rng(5).uniform(-1, 1, (3, n))
    clicks = 1e-3 * noise[0]
    clicks[[0, n // 3, n // 2 + 7, n - 1]] += 0.9
    half_silent = np.where(t < seconds / 2, 0, 0.3 * noise[1])
    fade = 0.4 * (1 - t / seconds) * np.sin(2 * np.pi * 330 * t) + 1e-3 * noise[1]
    bursts = 0.5 * noise[2] * np.maximum(0, np.sin(2 * np.pi * 7 * t)) ** 4 + 1e-3 * noise[0]
    notes = seeded_audio.clip("notes", RATE, seconds)
    return np.stack([np.zeros(n), half_silent, clicks, fade, bursts, notes]).astype("float32")


def steady(seconds):
    """Notes with clicks, far louder, whose STFT frames are the same in every window."""
    x = 0.01 * seeded_audio.clip("notes", RATE, seconds)[None]
    frames, hop = MEL.frame_length, 66 * MEL.frame_hop
    for click in range(hop, x.shape[1] - frames, hop):
        x[0, click - frames : click + frames] = 0
        x[0, click] = 1
    return x


@pytest.fixture
def count_windows(monkeypatch):
    """Count the windows that a model's encoder computes alone and shared, from now on."""

    def watch(model):
        encoder = model.ensemble.networks[0].encoder
        counts = {"plain": 0, "shared": 0}

        def counting(way, compute):
            def counted(*arguments):
                rows = compute(*arguments)
                counts[way] += len(rows)
                return rows

            return counted

        for way in counts:
            monkeypatch.setattr(encoder, way, counting(way, getattr(encoder, way)))
        return counts

    return watch


@pytest.fixture
def both_ways(seeded_model, count_windows):
    """Embed with and without sharing, and count the windows computed each way with it."""

    def embed(audio, preset="openl3-mel128-music", hop=None, **options):
        shared, alone = (seeded_model(preset, sharing=way, **options) for way in ("auto", "off"))
        counts = count_windows(shared)
        got, _ = get_timestamp_embeddings(audio, shared, hop)
        expected, _ = get_timestamp_embeddings(audio, alone, hop)
        return got, numpy(expected), counts

    return embed


@pytest.mark.backends
def test_equals_window_by_window(both_ways):
    audio = sounds(0.32)[[0, 2, 3, 5]]
    got, expected, counts = both_ways(audio)
    assert got.shape == (4, 8, 512)
    assert_close(got, expected, TOLERANCE)
    assert counts["shared"] > counts["plain"]
    assert counts["shared"] + counts["plain"] == 4 * 8


@pytest.mark.parametrize(
    "preset",
    ["openl3-linear-music", pytest.param("openl3-mel256-music", marks=pytest.mark.slow)],
)
def test_equals_window_by_window_on_other_inputs(both_ways, preset):
    got, expected, counts = both_ways(sounds(0.32)[4:], preset)
    assert_close(got, expected, TOLERANCE)
    assert counts["shared"] > counts["plain"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("multiple", "first", "seconds"),
    [(2, 3, 1), (12, 0, 2)],
)
def test_equals_window_by_window_at_multiples_of_the_native_hop(
    both_ways, multiple, first, seconds
):
    hop = 1000 * multiple * NATIVE / RATE
    audio = np.tile(sounds(0.5)[first:], 2 * seconds)
    got, expected, counts = both_ways(audio, hop=hop)
    assert_close(got, expected, TOLERANCE)
    assert counts["shared"]


HEADS = [
    {"embedding_size": 6144},
    {"grid": (2, "all"), "pooling": "mean+std"},
    *(
        pytest.param(head, marks=pytest.mark.slow)
        for head in (
            {"grid": (3, 5), "pooling": "mean"},
            {"grid": (3, 5), "pooling": "gem"},
            {"pooling": "fusion"},
        )
    ),
]


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_every_kind_of_head(both_ways, head):
    audio = np.concatenate([sounds(0.2)[5], sounds(0.2)[3]])[None]
    got, expected, counts = both_ways(audio, **head)
    assert_close(got, expected, TOLERANCE)
    assert counts["shared"]


FRAME_HEADS = [
    {"grid": ("all", 1)},
    pytest.param({"grid": (3, 1)}, marks=pytest.mark.slow),
    pytest.param(
        {"layers": ("block2", "block4"), "grid": (4, 1), "pooling": "max+mean"},
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("head", FRAME_HEADS, ids=str)
def test_frame_heads(both_ways, head):
    """Their windows are thirteen columns apart: only longer runs pay."""
    got, expected, counts = both_ways(steady(3.5), time="frame", **head)
    assert_close(got, expected, TOLERANCE)
    assert counts["shared"]


@pytest.mark.backends
@slow_on("jax")
def test_every_layer(both_ways):
    layers = tuple(name for name in openl3.LAYERS if name != "block4")
    got, expected, counts = both_ways(sounds(0.25)[5:], layers=layers, pooling="mean")
    assert counts["shared"]
    ends = np.cumsum([openl3.map_shape(layer, 128, 199)[2] for layer in layers])
    for layer, values, wanted in zip(
        layers,
        np.split(numpy(got)[0], ends[:-1], axis=1),
        np.split(expected[0], ends[:-1], axis=1),
        strict=True,
    ):
        errors = np.linalg.norm(values - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        assert errors.max() < TOLERANCE, layer


@pytest.mark.slow
def test_does_not_depend_on_how_windows_are_dealt_out(both_ways, seeded_model):
    audio = sounds(0.6)[4:]
    whole, expected, _ = both_ways(audio)
    pieces, _ = get_timestamp_embeddings(audio, seeded_model("openl3-mel128-music", batch_size=3))
    assert_close(whole, expected, TOLERANCE)
    assert_close(pieces, expected, TOLERANCE)


def test_a_steady_sound_is_shared_as_a_whole(seeded_model, count_windows):
    model = seeded_model("openl3-mel128-music")
    counts = count_windows(model)
    get_timestamp_embeddings(np.zeros((1, 20 * NATIVE), np.float32), model)
    assert counts == {"plain": 0, "shared": 20}


def test_falls_back_where_it_does_not_pay(seeded_model, count_windows):
    audio = sounds(0.2)[5:]
    for hop, options in ((50.0, {}), (None, {"subsampling": "blur"})):
        model = seeded_model("openl3-mel128-music", **options)
        counts = count_windows(model)
        get_timestamp_embeddings(audio, model, hop)
        assert counts == {"plain": 4 if hop else 5, "shared": 0}
    model = seeded_model("openl3-mel128-music")
    counts = count_windows(model)
    get_timestamp_embeddings(audio[:, :1000], model)
    assert counts == {"plain": 1, "shared": 0}


# The parts.


STRIPS = {  # layer: width, left and right strip of mel inputs, right strip of linear
    "logmel": (199, 0, 9, 0),
    "conv1": (199, 1, 10, 1),
    "conv2": (199, 2, 11, 2),
    "block1": (99, 1, 5, 1),
    "conv3": (99, 2, 6, 2),
    "conv4": (99, 3, 7, 3),
    "block2": (49, 2, 3, 2),
    "conv5": (49, 3, 4, 3),
    "conv6": (49, 4, 5, 4),
    "block3": (24, 2, 2, 2),
    "conv7": (24, 3, 3, 3),
    "conv8": (24, 4, 4, 4),
}


def small_network():
    weights = openl3.fold(openl3.random_weights(3))
    return weights, np.random.default_rng(6)


def test_widths_of_the_strips():
    weights, _ = small_network()
    for width, tail, column in ((199, 9, 2), (197, 0, 3)):
        strips = sharing._Strips(
            np.zeros((1, 200, 8, 1), np.float32),
            np.zeros((1, 0, 8, 1), np.float32),
            np.zeros((1, tail, 8, 1), np.float32),
            np.zeros(1, np.int32),
            width,
        )
        layers = dict(sharing._layers(sharing._frames_first(weights), strips))
        for name, expected in STRIPS.items():
            x = layers[name]
            assert (x.n_left, x.n_right) == (expected[1], expected[column]), name
            if tail:
                assert x.width == expected[0], name


@pytest.mark.backends
@slow_on("jax")
def test_maps_equal_those_of_windows_apart():
    """Two runs side by side on one axis, of eight bands: every layer, at every column."""
    weights, rng = small_network()
    runs, lag = [3, 2], 16
    long = rng.uniform(-80, 0, (1, 2 * 232, 8, 1)).astype("float32")
    at = np.concatenate(
        [start + lag * np.arange(n) for start, n in zip((0, 232), runs, strict=True)]
    )
    tails = rng.uniform(-80, 0, (5, 8, 9, 1)).astype("float32")
    windows = np.stack([long[0, a : a + 190].transpose(1, 0, 2) for a in at])
    windows = np.concatenate([windows, tails], axis=2)
    got = sharing.feature_maps(weights, long, tails, at.astype("int32"), 199, openl3.LAYERS)
    expected = openl3.feature_maps(weights, windows, openl3.LAYERS)
    for layer in openl3.LAYERS:
        wanted = numpy(expected[layer])
        error = np.abs(numpy(got[layer]) - wanted).max()
        assert error < TOLERANCE * np.abs(wanted).max(), layer


# What the front end computes.


def distinct_frames(name, hop, n_windows):
    front_end = FRONT_ENDS[name]
    return len(frame_table(np.arange(n_windows) * hop, front_end).starts)


@pytest.mark.parametrize("name", ["mel128", "mel256"])
def test_openl3_computes_seventeen_frames_for_one_more_window(name):
    """Eight that others share, and nine that the window's end cuts off; 182 of 199 are shared."""
    counts = [distinct_frames(name, NATIVE, n) for n in (1, 2, 3, 50)]
    assert counts == [199 + 17 * (n - 1) for n in (1, 2, 3, 50)]


def test_linear_computes_eight_frames_for_one_more_window():
    assert distinct_frames("linear", NATIVE, 50) == 197 + 8 * 49


@pytest.mark.parametrize(("hop", "frames"), [(640, 4), (160, 1), (480, 3)])
def test_yamnet_computes_only_a_hops_frames_for_one_more_window(hop, frames):
    assert distinct_frames("yamnet", hop, 50) == 96 + frames * 49
