"""Streams: the batch call's numbers, whatever the sizes of the pushes, in bounded memory."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hear_openl3_yamnet import AudioError, OptionError, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.audio.downsampling import downsample, reach
from hear_openl3_yamnet.errors import AudioTypeError, StreamError
from hear_openl3_yamnet.streaming import LONGEST_BLOCK_S
from tests import code_blocks, seeded_audio
from tests.comparing import assert_close, numpy

CLOSE = 1e-5
OPENL3 = "openl3-mel128-env"


@pytest.fixture(scope="module")
def cheap():
    """One convolution on single STFT frames: thousands of windows a second."""
    return load_model(model="yamnet", weights="random:1", layers=("layer1",), window_size=25)


def streamed(model, audio, sizes, hop_size=None):
    """Push pieces of these sizes, then the rest; return all embeddings and times."""
    stream = model.stream(hop_size)
    pieces = [stream.push(piece) for piece in np.split(audio, np.cumsum(sizes))]
    pieces.append(stream.flush())
    embeddings, timestamps = zip(*pieces, strict=True)
    return np.concatenate(embeddings), np.concatenate(timestamps)


def assert_as_batch(model, audio, sizes, hop_size=None):
    embeddings, timestamps = streamed(model, audio, sizes, hop_size)
    expected, times = map(numpy, get_timestamp_embeddings(audio[None], model, hop_size))
    assert embeddings.dtype == np.float32
    assert_close(embeddings, expected[0], CLOSE)
    np.testing.assert_array_equal(timestamps.astype(np.float32), times[0])


@settings(max_examples=60)
@given(
    n_samples=st.integers(1, 30_000),
    sizes=st.lists(st.one_of(st.integers(0, 3), st.integers(0, 9_000)), max_size=12),
    hop=st.one_of(st.floats(8, 900), st.sampled_from([10, 33.333, 40])),
)
@example(n_samples=1, sizes=[], hop=40)
@example(n_samples=700, sizes=[1] * 700, hop=40)
@example(n_samples=30_000, sizes=[0, 0, 29_999, 0], hop=10)
@example(n_samples=30_000, sizes=[7] * 100, hop=900)
def test_any_pushes_give_what_one_call_gives(cheap, n_samples, sizes, hop):
    audio = np.random.default_rng(n_samples).uniform(-1, 1, n_samples).astype(np.float32)
    assert_as_batch(cheap, audio, sizes, hop)


@pytest.mark.parametrize("name", [pytest.param("yamnet", marks=pytest.mark.backends), OPENL3])
def test_both_networks(seeded_model, name):
    model = seeded_model(name)
    audio = seeded_audio.clip("notes", model.sample_rate, 1.4)
    ten_hops = 10 * round(model.hop_size * model.sample_rate / 1000)  # windows that share columns
    assert_as_batch(model, audio, [0, 1, 17_000, ten_hops], 2 * model.hop_size)


@pytest.mark.parametrize(
    ("name", "options", "hop"),
    [
        ("yamnet", {"time": "frame"}, None),
        ("yamnet", {"time": "frame", "layers": ("layer5", "layer7")}, None),
        ("yamnet", {"time": "frame"}, 50.0),
        ("yamnet", {"pooling": "max", "normalize": "l2", "window_size": 2000}, 333.3),
        (OPENL3, {"time": "frame", "layers": ("conv2",)}, None),
    ],
)
def test_heads(name, options, hop):
    model = load_model(model=name, weights="random:1", **options)
    audio = seeded_audio.clip("notes", model.sample_rate, 2.6)
    assert_as_batch(model, audio, [model.sample_rate // 3] * 5, hop)


@pytest.mark.parametrize("time", ["window", "frame"])
def test_an_ensemble_of_two_rates(time):
    parts = [{"layers": ("block1",), "time": time}, {"layers": ("layer3",), "time": "window"}]
    model = load_model(model=f"{OPENL3}+yamnet", weights="random:1", networks=parts)
    audio = seeded_audio.clip("notes", model.sample_rate, 2.2)
    assert_as_batch(model, audio, [1, 2, 30_001, 20_000, 31_000], 4 * 1936 / 48)


def test_a_clip_in_pieces_is_downsampled_as_the_whole():
    audio = np.random.default_rng(0).uniform(-1, 1, 9001).astype(np.float32)
    whole = downsample(audio[None], 48000, 16000)[0]
    margin = reach(48000, 16000)
    for first in (0, 3, 4002):
        piece = downsample(audio[None, first : first + 3000], 48000, 16000)[0]
        skipped = margin // 3 if first else 0
        kept = piece[skipped : len(piece) - margin // 3]
        place = first // 3 + skipped
        np.testing.assert_allclose(kept, whole[place : place + len(kept)], atol=1e-6)


def test_embeddings_come_when_their_windows_are_complete(untrained_yamnet):
    stream = untrained_yamnet.stream(hop_size=100)
    half = 15600 // 2
    assert len(stream.push(np.zeros(half - 1, np.float32))[0]) == 0
    embeddings, timestamps = stream.push(np.zeros(1, np.float32))
    assert embeddings.shape == (1, 1024)
    np.testing.assert_array_equal(timestamps, [0.0])
    embeddings, timestamps = stream.push(np.zeros(3200, np.float32))
    np.testing.assert_array_equal(timestamps, [100.0, 200.0])
    embeddings, timestamps = stream.flush()
    assert stream.n_samples == half + 3200
    np.testing.assert_array_equal(
        timestamps, np.arange(300.0, 1000 * stream.n_samples / 16000, 100)
    )


@pytest.mark.parametrize(("hop", "piece"), [(20_000, 4800), (500, 144 * 16000), (60_000, 8000)])
def test_an_hour_takes_no_more_memory_than_a_minute(cheap, hop, piece):
    stream = cheap.stream(hop)
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, piece).astype(np.float32)
    kept, n_timestamps = [], 0
    for _ in range(3600 * 16000 // piece):
        n_timestamps += len(stream.push(noise)[0])
        kept.append(stream.n_buffered)
        assert stream._samples.base is None  # no view that holds what was dropped
    window = 400
    assert max(kept) <= window + piece
    assert n_timestamps + len(stream.flush()[0]) == np.ceil(3600_000 / hop)
    assert stream.n_buffered == 0


def test_a_long_push_is_taken_in_by_pieces(cheap):
    audio = np.zeros(10 * LONGEST_BLOCK_S * 16000, np.float32)
    stream = cheap.stream(1000)
    stream.push(audio[:16000])
    tracemalloc.start()
    stream.push(audio)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < audio.nbytes / 2


@pytest.mark.backends
def test_tensors_and_other_floats_are_taken(cheap):
    from keras import ops

    audio = np.linspace(-1, 1, 1000, dtype=np.float32)
    expected = streamed(cheap, audio, [])[0]
    for pushed in (ops.convert_to_tensor(audio), audio.astype(np.float64)):
        stream = cheap.stream()
        got = np.concatenate([stream.push(pushed)[0], stream.flush()[0]])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


def test_what_is_pushed_may_be_overwritten(cheap):
    audio = np.linspace(-1, 1, 1000, dtype=np.float32)
    stream, buffer = cheap.stream(), np.empty(100, np.float32)
    embeddings = []
    for piece in np.split(audio, 10):
        buffer[:] = piece
        embeddings.append(stream.push(buffer)[0])
    embeddings.append(stream.flush()[0])
    np.testing.assert_allclose(np.concatenate(embeddings), streamed(cheap, audio, [])[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (
            np.zeros((1, 9), np.float32),
            AudioError,
            r"1-D, \(n_samples,\).*Received: shape \(1, 9\)",
        ),
        (np.zeros((9, 2), np.float32), AudioError, r"samples\.mean\(axis=1\)\. Received"),
        (np.zeros((2, 9), np.float32), AudioError, r"samples\.mean\(axis=0\)\. Received"),
        (np.float32(0), AudioError, r"must be 1-D.*Received: shape \(\)"),
        (np.ma.masked_array(np.zeros(9)), AudioTypeError, "mask would be lost"),
        (np.float32([0, np.nan]), AudioError, "Sample 1 of sound 0 is nan"),
        (np.float32([-np.inf]), AudioError, "Sample 0 of sound 0 is -inf"),
        (np.zeros(9, np.int16), AudioTypeError, "Divide 16-bit samples by 32768"),
        ([0.0, 0.0], AudioTypeError, "Received: list"),
    ],
)
def test_samples_that_are_refused_are_not_taken_in(cheap, samples, error, message):
    audio = np.linspace(-1, 1, 1000, dtype=np.float32)
    stream = cheap.stream()
    embeddings = [stream.push(audio[:500])[0]]
    with pytest.raises(error, match=message):
        stream.push(samples)
    assert stream.n_samples == 500
    embeddings += [stream.push(audio[500:])[0], stream.flush()[0]]
    np.testing.assert_array_equal(np.concatenate(embeddings), streamed(cheap, audio, [500])[0])


def test_samples_beyond_the_range_are_warned_of(cheap):
    stream = cheap.stream()
    with pytest.warns(UserWarning, match=r"from 0 to 2") as caught:
        stream.push(np.float32([0, 2]))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.push(np.float32([0, 1]))


def test_a_stream_ends_once(cheap):
    stream = cheap.stream()
    stream.push(np.zeros(10, np.float32))
    assert len(stream.flush()[0]) == 1
    for call in (stream.flush, lambda: stream.push(np.zeros(10, np.float32))):
        with pytest.raises(StreamError, match=r"has ended.*model\.stream\(\)"):
            call()


def test_a_stream_of_nothing_has_no_embeddings(cheap):
    stream = cheap.stream()
    assert stream.push(np.empty(0, np.float32))[0].shape == (0, cheap.timestamp_embedding_size)
    embeddings, timestamps = stream.flush()
    assert embeddings.shape == (0, cheap.timestamp_embedding_size)
    assert timestamps.shape == (0,)


def test_streams_of_one_model_know_nothing_of_each_other(cheap):
    one, other = seeded_audio.clip("noise", 16000, 0.2), seeded_audio.clip("notes", 16000, 0.2)
    streams = [cheap.stream(), cheap.stream()]
    pushed = [s.push(audio)[0] for audio, s in zip((one, other), streams, strict=True)]
    rows = [np.concatenate([p, s.flush()[0]]) for p, s in zip(pushed, streams, strict=True)]
    for audio, got in zip((one, other), rows, strict=True):
        np.testing.assert_array_equal(got, streamed(cheap, audio, [])[0])


@pytest.mark.parametrize("hop", [0, float("nan"), 3_600_001, "native"])
def test_hops_that_are_refused(cheap, hop):
    with pytest.raises(OptionError, match="hop_size must be"):
        cheap.stream(hop)


def test_dense_framing_is_refused():
    model = load_model(model=OPENL3, weights="random:1", framing="dense")
    with pytest.raises(OptionError, match=r"reference level from the whole clip.*framing='exact'"):
        model.stream()


@code_blocks.runs_blocks_of("streaming.md")
def test_the_page_shows_what_its_example_prints(page_blocks, monkeypatch):
    monkeypatch.chdir(code_blocks.DOCS.parent)
    example, microphone = page_blocks
    assert code_blocks.run(example, {}) == example.output
    assert not microphone.executed
    compile(microphone.code, "microphone", "exec")
