"""The dense variant against the whole clip's map, computed at once in the plainest way."""

import numpy as np
import pytest

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import openl3
from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.errors import OptionError
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests import seeded_audio
from tests.comparing import assert_close, numpy

TOLERANCE = 1e-5
NATIVE = 1936
PRESET = "openl3-mel128-music"
FRONT_END = FRONT_ENDS["mel128"]
MARGIN = 6  # columns of the last map beyond the first and the last window


def clip(seconds):
    """Notes that fade: windows' own maxima differ from the clip's."""
    x = seeded_audio.clip("notes", 48000, seconds)
    return x * np.linspace(1, 0.1, len(x), dtype="float32")


def last_map(audio, n_windows, start=-24000):
    """The last map of a whole clip, whose level is the clip's [shape=(bands, columns, 512)].

    Its column number MARGIN is the first of a window that starts at sample `start`.
    """
    length, hop = FRONT_END.frame_length, FRONT_END.frame_hop
    n_frames = 8 * (n_windows - 1 + 2 * MARGIN) + 200
    starts = np.arange(n_frames) * hop + start - 8 * MARGIN * hop
    padded = np.pad(audio, (-starts[0], starts[-1] + length))
    frames = padded[(starts - starts[0])[:, None] + np.arange(length)] * FRONT_END.taper()
    amplitudes = np.abs(np.fft.rfft(frames)) @ FRONT_END.bands()
    decibels = 10 * np.log10(np.maximum(amplitudes, 1e-10) / amplitudes.max())
    log_mel = np.maximum(decibels, -80).T[None, :, :, None].astype("float32")
    weights = openl3.fold(openl3.random_weights(1))
    return numpy(openl3.feature_maps(weights, log_mel, ["conv8"])["conv8"])[0]


@pytest.fixture(scope="module")
def dense():
    return load_model(model=PRESET, weights="random:1", framing="dense")


def windows_of(columns, n_windows, step=1):
    return [columns[:, MARGIN + step * i :][:, :24] for i in range(n_windows)]


@pytest.mark.backends
def test_windows_are_pieces_of_the_clips_map(dense):
    audio = np.stack([clip(0.5), clip(0.5)[::-1]])
    got, timestamps = get_timestamp_embeddings(audio, dense)
    assert got.shape == (2, 13, 512)
    np.testing.assert_allclose(numpy(timestamps)[0], 1000 * np.arange(13) * NATIVE / 48000)
    for sound, embeddings in zip(audio, numpy(got), strict=True):
        windows = windows_of(last_map(sound, 13), 13)
        assert_close(embeddings, [x.max(axis=(0, 1)) for x in windows], TOLERANCE)


def test_every_second_window_and_scenes(dense):
    audio = clip(0.5)
    columns = last_map(audio, 13)
    wanted = np.stack([x.max(axis=(0, 1)) for x in windows_of(columns, 7, step=2)])
    got, _ = get_timestamp_embeddings(audio[None], dense, 2000 * NATIVE / 48000)
    assert_close(numpy(got)[0], wanted, TOLERANCE)
    scene = get_scene_embeddings(audio[None], dense, 2000 * NATIVE / 48000)
    assert_close(numpy(scene)[0], wanted.mean(axis=0), TOLERANCE)


def test_frames_are_those_of_the_clips_map():
    model = load_model(
        model=PRESET, weights="random:1", framing="dense", time="frame", grid=("all", 1)
    )
    audio = clip(0.5)
    got, _ = get_timestamp_embeddings(audio[None], model)
    options = model.ensemble.networks[0].options
    frames = last_map(audio, 13, start=-geometry.first_frame_centre(options))
    frames = frames[:, MARGIN + geometry.kept_frames(options)[0] :][:, :13]
    assert_close(numpy(got)[0], frames.transpose(1, 0, 2).reshape(13, -1), TOLERANCE)


def test_short_clips_beside_a_long_one_cost_what_they_cost_alone(dense, monkeypatch):
    encoder = dense.ensemble.networks[0].encoder
    compute, computed = encoder.amplitudes, []

    def counting(frames):
        computed.append(len(frames))
        return compute(frames)

    monkeypatch.setattr(encoder, "amplitudes", counting)
    hop = dense.ensemble.hop(dense.hop_size)
    alone = dense.ensemble.embed([clip(0.2)], hop)[0]
    cost = sum(computed)
    computed.clear()
    together = dense.ensemble.embed([clip(0.2)] * 20 + [clip(2.0)], hop)
    assert sum(computed) < 21 * cost + 3 * 2.0 * 48000 / FRONT_END.frame_hop
    for embeddings in together[:20]:
        assert_close(embeddings, alone, TOLERANCE)


def test_amplitudes_of_long_clips_are_not_kept(dense, monkeypatch):
    audio = np.stack([clip(0.9), clip(0.9)[::-1]])
    kept, _ = get_timestamp_embeddings(audio, dense)
    monkeypatch.setattr("hear_openl3_yamnet.engine.dense.KEPT_BYTES", 0)
    recomputed, _ = get_timestamp_embeddings(audio, dense)
    assert_close(recomputed, numpy(kept), TOLERANCE)


@pytest.mark.parametrize(
    "options",
    [pytest.param({"batch_size": 2}, marks=pytest.mark.slow), {"memory_limit": 60_000_000}],
)
def test_does_not_depend_on_what_is_held_at_once(dense, options):
    audio = np.stack([clip(0.9), clip(0.9)[::-1]])
    model = load_model(model=PRESET, weights="random:1", framing="dense", **options)
    whole, _ = get_timestamp_embeddings(audio, dense)
    pieces, _ = get_timestamp_embeddings(audio, model)
    assert_close(pieces, numpy(whole), TOLERANCE)


def test_is_not_the_published_function_and_says_so(dense):
    exact = load_model(model=PRESET, weights="random:1")
    assert exact.config["framing"] == "exact"
    assert dense.config["framing"] == "dense"
    assert "dense" in repr(dense)
    assert "dense" not in repr(exact)
    audio = clip(0.3)[None]
    one, other = (numpy(get_scene_embeddings(audio, model)) for model in (exact, dense))
    assert np.linalg.norm(one - other) > 1e-3 * np.linalg.norm(one)


@pytest.mark.parametrize("hop", [50.0, 10.0, 60.5])
def test_other_hops_are_refused(dense, hop):
    with pytest.raises(OptionError, match=r"multiple of the last map's frame, 40\.3333 ms"):
        get_timestamp_embeddings(clip(0.2)[None], dense, hop)


@pytest.mark.parametrize("options", [{"model": "yamnet"}, {"model": PRESET, "subsampling": "blur"}])
def test_is_openl3s_alone(options):
    with pytest.raises(OptionError, match="framing='dense' is made for OpenL3"):
        load_model(weights="random:1", framing="dense", **options)
