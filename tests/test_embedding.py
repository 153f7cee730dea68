"""`embed` takes sounds in every form, one or many, and gives the embeddings of the HEAR API."""

import tracemalloc
from collections import UserList
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet import (
    AudioError,
    AudioFileError,
    embed,
    get_scene_embeddings,
    get_timestamp_embeddings,
    load_model,
)
from hear_openl3_yamnet.audio.files import LONGEST_WHOLE_S, load_audio
from hear_openl3_yamnet.audio.sounds import opened
from hear_openl3_yamnet.errors import AudioTypeError, ModelTypeError
from tests import seeded_audio
from tests.comparing import assert_close, numpy

RATE = 16000


@pytest.fixture(scope="module")
def model():
    """One whose windows are short and cost little."""
    return load_model("yamnet", weights="random:1", layers="layer1", window_size=25)


@pytest.fixture(scope="module")
def clip():
    return seeded_audio.clip("notes", RATE, 0.5)


@pytest.fixture(scope="module")
def scene(clip, model):
    return numpy(get_scene_embeddings(clip[None], model))[0]


class Decoder:
    """An object with what `embed` uses of torchcodec's AudioDecoder, over an array.

    tests/clients/test_datasets.py has the real one.
    """

    def __init__(self, samples, rate, stated_s=None):
        self.samples, self.calls = samples, []
        seconds = samples.shape[1] / rate if stated_s is None else stated_s
        self.metadata = SimpleNamespace(
            sample_rate=rate, duration_seconds=seconds, begin_stream_seconds=0.0
        )

    def get_all_samples(self):
        return self.get_samples_played_in_range(0.0)

    def get_samples_played_in_range(self, start, stop=None):
        self.calls.append((start, stop))
        rate = self.metadata.sample_rate
        part = self.samples[:, round(start * rate) : None if stop is None else round(stop * rate)]
        return SimpleNamespace(data=part, sample_rate=rate)


# --- forms --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forms(clip, tmp_path_factory):
    """The same sound in each form."""
    path = tmp_path_factory.mktemp("forms") / "clip.wav"
    soundfile.write(path, clip, RATE, subtype="FLOAT")
    two = np.stack([clip, clip])
    row = {"array": clip, "sampling_rate": RATE}
    return {
        "array": clip,
        "float64": clip.astype(np.float64),
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "row that is not decoded": {"bytes": path.read_bytes(), "path": None},
        "row with a path": {"bytes": None, "path": str(path)},
        "pair": (clip, RATE),
        "channels and a rate that is a float": (two, float(RATE)),
        "row": row,
        "row of lists": {"array": clip.tolist(), "sampling_rate": RATE},
        "row of a data set": {"audio": row, "label": 3},
        "decoder": Decoder(two, RATE),
        "decoded": SimpleNamespace(data=two, sample_rate=RATE),
    }


def test_every_form_of_one_sound_gives_its_scene(forms, model, scene):
    for name, form in forms.items():
        got = embed(form, model)
        assert got.dtype == np.float32, name
        assert_close(got[None], scene[None], 1e-5)


def test_a_collection_may_mix_all_forms(forms, model, scene):
    expected = np.stack([scene] * len(forms))
    assert_close(embed(list(forms.values()), model), expected, 1e-5)
    assert_close(embed(iter(forms.values()), model), expected, 1e-5)


def test_collections_of_any_kind(forms, clip, model, scene):
    twice = np.stack([scene] * 2)
    collections = [
        np.stack([clip, clip]),
        (clip, clip),
        UserList([clip, clip]),
        np.array([str(forms["path"])] * 2),
        np.array([forms["path"]] * 2, dtype=object),
        np.stack([clip] * 4).reshape(2, 2, -1),  # (n_sounds, n_channels, n_samples)
        {"audio": [forms["row"]] * 2, "label": [3, 3]},  # some rows of a data set
    ]
    for collection in collections:
        assert_close(embed(collection, model), twice, 1e-5)


@pytest.mark.backends
def test_tensors_of_the_backend(clip, model, scene):
    from keras import ops

    assert_close(embed(ops.convert_to_tensor(clip), model)[None], scene[None], 1e-5)
    got = embed(ops.convert_to_tensor(np.stack([clip, clip])), model)
    assert_close(got, np.stack([scene] * 2), 1e-5)


@pytest.mark.backends
def test_tensors_of_pytorch_under_any_backend(clip, model, scene):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    two = torch.from_numpy(np.stack([clip, clip])).requires_grad_()
    assert_close(embed((two, RATE), model)[None], scene[None], 1e-5)
    assert_close(embed(two, model), np.stack([scene] * 2), 1e-5)
    assert embed(two.bfloat16(), model).shape == (2, len(scene))


@pytest.mark.backends
def test_values_are_those_of_the_api(clip, model):
    embeddings, times = embed(clip, model, timestamps=True)
    expected, expected_times = get_timestamp_embeddings(clip[None], model)
    assert_close(embeddings[None], numpy(expected), 1e-5)
    np.testing.assert_allclose(times, numpy(expected_times)[0])
    assert times.dtype == np.float64
    hopped = embed(clip, model, hop_size=100)
    assert_close(hopped[None], numpy(get_scene_embeddings(clip[None], model, 100)), 1e-5)
    assert len(embed(clip, model, timestamps=True, hop_size=100)[1]) == 5


def test_timestamps_of_many_are_lists(model):
    clips = [seeded_audio.clip("notes", RATE, seconds) for seconds in (0.3, 0.1, 0.2)]
    embeddings, times = embed(clips, model, timestamps=True, hop_size=50)
    assert [len(one) for one in embeddings] == [len(one) for one in times] == [6, 2, 4]


# --- lengths and rates --------------------------------------------------------------------------


def test_a_short_sound_is_not_padded_to_the_length_of_others(model):
    clips = [seeded_audio.clip("notes", RATE, seconds) for seconds in (0.2, 3.0, 0.05)]
    alone = np.stack([embed(clip, model) for clip in clips])
    assert_close(embed(clips, model), alone, 1e-5)


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_any_rate_is_resampled(tmp_path, model, rate):
    clip = seeded_audio.clip("notes", rate, 0.5)
    soundfile.write(tmp_path / "clip.wav", clip, rate, subtype="FLOAT")
    expected = embed(load_audio(tmp_path / "clip.wav", RATE), model)[None]
    for form in (
        (clip, rate),
        {"array": clip, "sampling_rate": rate},
        tmp_path / "clip.wav",
        Decoder(clip[None], rate),
    ):
        assert_close(embed(form, model)[None], expected, 1e-5)
    assert_close(embed(clip, model, sample_rate=rate)[None], expected, 1e-5)
    assert_close(embed([clip], model, sample_rate=rate), expected, 1e-5)


@pytest.fixture(scope="module")
def long_sound():
    rng = np.random.default_rng(1)
    n_samples = round((LONGEST_WHOLE_S + 5.3) * 8000)
    return (0.1 * rng.standard_normal(n_samples)).astype(np.float32)


def test_a_long_sound_has_the_values_of_the_whole(tmp_path, model, long_sound):
    soundfile.write(tmp_path / "long.wav", long_sound, 8000, subtype="FLOAT")
    whole = load_audio(tmp_path / "long.wav", RATE)
    scene = numpy(get_scene_embeddings(whole[None], model))
    short = seeded_audio.clip("notes", RATE, 0.1)
    for form in (tmp_path / "long.wav", (long_sound, 8000), Decoder(long_sound[None], 8000)):
        got = embed([short, form, short], model)
        assert_close(got[1:2], scene, 1e-4)
        assert_close(got[[0, 2]], np.stack([embed(short, model)] * 2), 1e-5)
    embeddings, times = embed(tmp_path / "long.wav", model, timestamps=True, hop_size=1000)
    expected, expected_times = get_timestamp_embeddings(whole[None], model, 1000)
    assert_close(embeddings[None], numpy(expected), 1e-4)
    np.testing.assert_allclose(times, numpy(expected_times)[0])


@pytest.mark.parametrize("stated_s", [81.0, 83.6])
def test_a_long_decoder_is_read_in_parts_to_its_end(stated_s):
    samples = np.random.default_rng(1).standard_normal(round(83.6 * 44100), np.float32)
    decoder = Decoder(samples[None], 44100, stated_s)
    with opened(decoder, RATE) as sound:
        blocks = list(sound.blocks)
    assert max(map(len, blocks)) == 10 * 44100
    end = 2**15 * 45 / 44100  # where frames end, too
    assert decoder.calls == [(0.0, end), (end, None)]
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_a_long_file_takes_no_more_memory_than_a_minute(tmp_path, model):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", RATE, 2) as file:
        for seed in range(40):
            file.write(np.stack([seeded_audio.clip("noise", RATE, 15, seed=seed)] * 2, axis=1))
    embed(path, model)  # loads and compiles what is needed
    tracemalloc.start()
    embed(path, model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * RATE * 4 * 3 < path.stat().st_size  # as floats, and two copies of them


def test_dense_models_see_a_long_sound_as_a_whole(monkeypatch):
    monkeypatch.setattr("hear_openl3_yamnet.audio.sounds.LONGEST_WHOLE_S", 0.5)
    dense = load_model("openl3-mel128-env", weights="random:1", framing="dense")
    sound = seeded_audio.clip("notes", dense.sample_rate, 1.2)
    assert_close(embed(sound, dense)[None], numpy(get_scene_embeddings(sound[None], dense)), 1e-5)


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sound", "error", "message"),
    [
        (np.zeros(0, np.float32), AudioError, "at least one sample"),
        (np.full(9, np.nan, np.float32), AudioError, "finite"),
        (np.zeros(9, np.int16), AudioTypeError, "Divide 16-bit samples"),
        ((np.zeros((9, 2)), RATE), AudioError, r"channels of a sound come first.*\(9, 2\)"),
        ((np.zeros((1, 1, 9)), RATE), AudioError, "1-D"),
        ((np.zeros(9), 0), AudioError, "whole number of hertz, 100 to .*Received: 0"),
        ((np.zeros(9), 4410.5), AudioError, "whole number of hertz"),
        ({"array": np.zeros(9), "sampling_rate": None}, AudioError, "Received: None"),
        ({"bytes": b"", "path": None}, AudioError, "keys array and sampling_rate.*bytes, path"),
        ("missing.wav", AudioFileError, "missing.wav: no such file"),
    ],
)
def test_a_fault_is_named_alone_and_in_a_collection(sound, error, message, model, clip):
    with pytest.raises(error, match=rf"^(?!sound ).*{message}"):
        embed(sound, model)
    with pytest.raises(error, match=f"^sound 1: .*{message}"):
        embed([clip, sound], model)


def test_what_is_no_sound_is_refused(model, clip):
    for nothing in (3, None, object()):
        with pytest.raises(AudioTypeError, match="a sound, or a collection of sounds"):
            embed(nothing, model)
        with pytest.raises(AudioTypeError, match=r"^sound 0: A sound must be a file "):
            embed([nothing], model)
    with pytest.raises(AudioError, match="at least one sound"):
        embed([], model)
    with pytest.raises(AudioTypeError, match="sound 0"):
        embed(clip.tolist(), model)  # a list of numbers: sounds without shapes
    with pytest.raises(ModelTypeError):
        embed(clip, "yamnet")


def test_a_decoder_that_fails_is_a_file_error(model):
    class Broken(Decoder):
        def get_all_samples(self):
            raise RuntimeError("invalid data")

    with pytest.raises(AudioFileError, match="torchcodec cannot decode it: invalid data"):
        embed(Broken(np.zeros((1, 9), np.float32), RATE), model)


def test_loud_samples_are_warned_of(model):
    with pytest.warns(UserWarning, match="audio reaches from"):
        embed(3 * np.ones(800, np.float32), model)
