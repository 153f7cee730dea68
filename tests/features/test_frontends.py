"""Front ends against a plain NumPy version in float64, and the sharing of STFT frames."""

import numpy as np
import pytest
from keras import ops

from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frames import (
    cut_frames,
    cut_frames_of_excerpts,
    excerpt_of,
    frame_table,
)
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests.comparing import numpy

pytestmark = pytest.mark.backends


def amplitudes_of(frames, front_end):
    return numpy(frontends.band_amplitudes(frames, front_end.bands(), front_end.fft_length))


def log_mel(audio, starts, front_end):
    table = frame_table(np.asarray(starts), front_end)
    amplitudes = amplitudes_of(cut_frames(audio, table, front_end), front_end)
    return numpy(frontends.log_mel(amplitudes, table.index, front_end))


def twin(window, front_end):
    """One window's log-mel, frame by frame: of what lies in the window and nothing else."""
    window = np.pad(window.astype(np.float64), (0, front_end.frame_length))
    taper = np.hanning(front_end.frame_length + 1)[:-1]  # periodic
    columns = []
    for i in range(front_end.n_frames):
        frame = window[i * front_end.frame_hop :][: front_end.frame_length] * taper
        columns.append(np.abs(np.fft.rfft(frame, front_end.fft_length)) @ front_end.bands())
    bands = np.stack(columns, axis=1)
    if front_end.name == "yamnet":
        return np.log(bands + 0.001)
    return np.maximum(10 * np.log10(np.maximum(bands, 1e-10) / max(bands.max(), 1e-10)), -80)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_equals_a_plain_version(name):
    front_end = FRONT_ENDS[name]
    rng = np.random.default_rng(0)
    audio = 0.1 * rng.standard_normal(2 * front_end.window).astype(np.float32)
    starts = np.array([0, front_end.window // 3, front_end.window])
    got = log_mel(audio, starts, front_end)
    assert got.shape == (3, front_end.n_bands, front_end.n_frames, 1)
    assert got.dtype == np.float32
    for window, start in zip(got, starts, strict=True):
        expected = twin(audio[start : start + front_end.window], front_end)
        np.testing.assert_allclose(window[:, :, 0], expected, atol=2e-3)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_windows_beyond_the_clip_see_zeros(name):
    front_end = FRONT_ENDS[name]
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 1000).astype(np.float32)
    half = front_end.window // 2
    padded = np.pad(audio, (half, half))
    clip, silence = log_mel(audio, [-half, 10**6], front_end)
    np.testing.assert_allclose(clip, log_mel(padded, [0], front_end)[0], atol=1e-4)
    expected = np.log(np.float32(1e-3)) if name == "yamnet" else 0.0
    np.testing.assert_allclose(silence, expected, rtol=1e-6)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_frames_are_shared_where_windows_overlap(name):
    front_end = FRONT_ENDS[name]
    hop = 5 * front_end.frame_hop
    table = frame_table(np.arange(20) * hop, front_end)
    whole = np.arange(front_end.n_whole + 19 * 5) * front_end.frame_hop
    cut_short = front_end.n_frames - front_end.n_whole
    assert len(table.starts) == len(whole) + 20 * cut_short
    shared = table.starts[table.lengths == front_end.frame_length]
    np.testing.assert_array_equal(shared, whole)
    offsets = np.arange(front_end.n_frames) * front_end.frame_hop
    for window, index in enumerate(table.index):
        np.testing.assert_array_equal(table.starts[index], window * hop + offsets)
        inside = np.minimum(front_end.window - offsets, front_end.frame_length)
        np.testing.assert_array_equal(table.lengths[index], inside)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_shared_frames_are_those_of_a_window_alone(name):
    front_end = FRONT_ENDS[name]
    audio = np.random.default_rng(1).uniform(-1, 1, 2 * front_end.window).astype(np.float32)
    starts = np.array([0, 800, 801, 2 * front_end.frame_hop])
    together = log_mel(audio, starts, front_end)
    for window, start in zip(together, starts, strict=True):
        # batched transforms and products may round otherwise in the last place
        np.testing.assert_allclose(window, log_mel(audio, [start], front_end)[0], atol=1e-3)


def test_openl3_windows_have_their_own_reference_unless_given_one():
    front_end = FRONT_ENDS["mel128"]
    amplitudes = np.random.default_rng(2).uniform(0.1, 1, (300, 128)).astype(np.float32)
    index = np.stack([np.arange(199), np.arange(199) + 101]).astype(np.int32)
    own = numpy(frontends.log_mel(amplitudes, index, front_end))
    np.testing.assert_allclose(own.max(axis=(1, 2, 3)), 0, atol=1e-6)
    given = numpy(frontends.log_mel(amplitudes, index, front_end, np.float32([10.0, 100.0])))
    largest = amplitudes[index].max(axis=(1, 2))
    shift = 10 * np.log10(largest) - [10, 20]
    np.testing.assert_allclose(
        given - own, np.broadcast_to(shift[:, None, None, None], own.shape), atol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "lowest", "highest"), [("mel128", 0, 24000), ("yamnet", 125, 7500)]
)
def test_mel_bands_cover_the_networks_range(name, lowest, highest):
    front_end = FRONT_ENDS[name]
    bands = front_end.bands()
    assert bands.shape == (front_end.fft_length // 2 + 1, front_end.n_bands)
    hertz = np.linspace(0, front_end.sample_rate / 2, len(bands))
    heard = hertz[bands.sum(axis=1) > 0]
    width = hertz[1]
    assert lowest <= heard[0] <= lowest + width
    assert highest - width <= heard[-1] <= highest
    centres = bands.argmax(axis=0)
    assert np.all(np.diff(centres) >= 0)


@pytest.mark.parametrize("name", ["mel128", "mel256"])
def test_mel_filters_of_openl3_are_those_of_librosa(name):
    import librosa

    front_end = FRONT_ENDS[name]
    expected = librosa.filters.mel(
        sr=front_end.sample_rate, n_fft=front_end.fft_length, n_mels=front_end.n_bands
    )
    # float64 is rounded once here and twice there
    np.testing.assert_allclose(front_end.bands(), expected.T, rtol=0, atol=1e-7 * expected.max())


@pytest.mark.parametrize("name", ["mel128", "yamnet"])
def test_tensors_are_cut_into_the_same_frames(name):
    front_end = FRONT_ENDS[name]
    audio = np.random.default_rng(1).normal(size=30000).astype(np.float32)
    table = frame_table(np.array([-3000, -1064, 5000]), front_end)
    excerpt, starts = excerpt_of(audio, table, front_end)
    arrays = excerpt, starts.astype(np.int32), table.lengths.astype(np.int32)
    got = cut_frames_of_excerpts(*map(ops.convert_to_tensor, arrays), front_end)
    np.testing.assert_array_equal(numpy(got), cut_frames(audio, table, front_end))


def test_the_table_of_moved_windows_is_moved():
    front_end = FRONT_ENDS["mel128"]
    windows = np.array([0, 1936, 2000])
    table, moved = (frame_table(windows + by, front_end) for by in (0, -7))
    np.testing.assert_array_equal(moved.starts, table.starts - 7)
    np.testing.assert_array_equal(moved.lengths, table.lengths)
    np.testing.assert_array_equal(moved.index, table.index)
    starts, lengths = moved.starts[moved.index], moved.lengths[moved.index]
    np.testing.assert_array_equal(starts[:, :2], windows[:, None] - 7 + [0, 242])
    assert (starts + lengths <= windows[:, None] - 7 + front_end.window).all()
