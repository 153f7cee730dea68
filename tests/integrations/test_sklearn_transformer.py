"""HearEmbedding in scikit-learn: pipelines, searches, clones, processes, files."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from hear_openl3_yamnet import (
    AudioError,
    AudioFileError,
    OptionError,
    get_scene_embeddings,
    load_model,
)
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.config.options import option_names
from hear_openl3_yamnet.errors import AudioTypeError
from hear_openl3_yamnet.integrations.sklearn_transformer import HearEmbedding
from tests import seeded_audio
from tests.comparing import assert_close
from tests.seeded_weights import write_yamnet

CHEAP = {"model": "yamnet", "weights": "random:1", "layers": "layer1", "window_size": 25}

ANY_LENGTH = "clips may have any length: there is no fixed number of features"
FLOATS_ALONE = "only floating-point arrays are samples, as in the whole API"
NOT_APPLICABLE = {
    "check_n_features_in": ANY_LENGTH,
    "check_n_features_in_after_fitting": ANY_LENGTH,
    "check_transformer_general": ANY_LENGTH,  # its last line; the others are tested below
    "check_estimators_dtypes": f"integers: {FLOATS_ALONE}",
    "check_dtype_object": f"objects: {FLOATS_ALONE}",
    "check_complex_data": f"AudioTypeError is a TypeError, not a ValueError: {FLOATS_ALONE}",
    "check_estimators_empty_data_messages": "the error speaks of samples, not of features",
    "check_fit2d_predict1d": "the error speaks of clips, not of reshaping",
}


@parametrize_with_checks(
    [HearEmbedding(**CHEAP)], expected_failed_checks=lambda estimator: NOT_APPLICABLE
)
@pytest.mark.filterwarnings("ignore:audio reaches from")  # the data of scikit-learn are not audio
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def clips():
    """Sixteen clips of a tenth of a second, noise and tones in turn, and their labels."""
    rng = np.random.default_rng(0)
    t = np.arange(1600) / 16000
    noise = [0.3 * rng.uniform(-1, 1, 1600) for _ in range(8)]
    tones = [0.3 * np.sin(2 * np.pi * f * t) for f in rng.uniform(300, 3000, 8)]
    audio = np.stack([clip for pair in zip(noise, tones, strict=True) for clip in pair])
    return audio.astype(np.float32), ["noise", "tone"] * 8


@pytest.fixture(scope="module")
def model():
    return load_model(**CHEAP)


def test_the_parameters_are_load_models_options():
    parameters = list(inspect.signature(HearEmbedding).parameters)
    assert parameters[0] == "model"
    assert set(parameters[1:]) == set(option_names()) - {"hop_size"}  # of timestamps, not of scenes


def test_rows_are_scene_embeddings(clips, model):
    audio, _ = clips
    expected = get_scene_embeddings(audio, model)
    got = HearEmbedding(**CHEAP).fit_transform(audio)
    assert got.dtype == np.float32
    assert_close(got, expected, 1e-5)
    embedding = HearEmbedding(**CHEAP).fit(audio[:2])
    assert_close(embedding.transform(list(audio)), expected, 1e-5)
    assert_close(embedding.transform(audio.astype(np.float64).tolist()[:2]), expected[:2], 1e-5)


def test_files_and_arrays_of_any_length_and_rate(tmp_path, model):
    clips = [seeded_audio.clip("notes", 16000, seconds) for seconds in (0.3, 0.05, 0.05)]
    soundfile.write(tmp_path / "fast.wav", seeded_audio.clip("notes", 44100, 0.2), 44100)
    soundfile.write(tmp_path / "stereo.flac", np.zeros((800, 2)), 16000)
    given = [clips[0], tmp_path / "fast.wav", *clips[1:], str(tmp_path / "stereo.flac")]
    loaded = [load_audio(x, 16000) if isinstance(x, Path | str) else x for x in given]
    rows = HearEmbedding(**CHEAP).fit(given).transform(given)
    for row, audio in zip(rows, loaded, strict=True):
        assert_close(row[None], get_scene_embeddings(audio[None], model), 1e-5)


def test_more_than_a_batch(model):
    clips = [seeded_audio.clip("noise", 16000, seconds) for seconds in (40.0, 30.0, 20.0, 70.0)]
    expected = np.concatenate([get_scene_embeddings(clip[None], model) for clip in clips])
    assert_close(HearEmbedding(**CHEAP).fit_transform(clips), expected, 1e-5)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_arrays_and_columns_of_paths(tmp_path, shape):
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, level in zip(paths, (0.1, 0.5), strict=True):
        soundfile.write(path, level * np.ones(500), 16000)
    embedding = HearEmbedding(**CHEAP).fit(paths)
    expected = embedding.transform(paths)
    column = np.array([str(path) for path in paths], dtype=object).reshape(shape)
    np.testing.assert_array_equal(embedding.transform(column), expected)


def test_pipeline_and_grid_search_over_heads(clips):
    audio, labels = clips
    pipeline = make_pipeline(HearEmbedding(**CHEAP), LogisticRegression())
    grid = {
        "hearembedding__pooling": ["mean", "max+mean"],
        "hearembedding__scene_pooling": ["mean", "mean+std"],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(audio, labels)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ == 1.0
    sizes = {
        pooling: clone(pipeline)
        .set_params(hearembedding__pooling=pooling)
        .fit(audio, labels)
        .named_steps["logisticregression"]
        .n_features_in_
        for pooling in ("mean", "max+mean")
    }
    assert sizes == {"mean": 32, "max+mean": 64}


def test_feature_names(clips):
    embedding = HearEmbedding(**CHEAP).fit(clips[0])
    names = embedding.get_feature_names_out()
    assert names.shape == (32,)
    assert list(names[[0, 31]]) == ["yamnet_0", "yamnet_31"]
    two = HearEmbedding("yamnet+yamnet", weights="random:1", pooling="mean").fit(clips[0])
    assert two.get_feature_names_out()[-1] == "yamnet+yamnet_2047"


def test_clones_and_pickles_are_small_and_embed_alike(clips):
    audio, _ = clips
    embedding = HearEmbedding(**CHEAP).fit(audio)
    expected = embedding.transform(audio)
    pickled = pickle.dumps(embedding)
    assert len(pickled) < 10_000  # options, names and the id of the weights, but no weights
    np.testing.assert_array_equal(pickle.loads(pickled).transform(audio), expected)
    copy = clone(embedding)
    assert copy.get_params() == embedding.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(audio)
    np.testing.assert_array_equal(copy.fit(audio).transform(audio), expected)


@pytest.mark.slow
def test_processes_of_joblib(clips):
    audio, _ = clips
    embedding = HearEmbedding(**CHEAP).fit(audio)
    parallel = joblib.Parallel(n_jobs=2, backend="loky")
    halves = parallel(joblib.delayed(embedding.transform)(half) for half in np.split(audio, 2))
    assert_close(np.concatenate(halves), embedding.transform(audio), 1e-5)


def test_weights_that_change_are_noticed(tmp_path, clips):
    audio, _ = clips
    path = tmp_path / "yamnet.h5"
    given = {**CHEAP, "weights": path}
    write_yamnet(path, seed=7)
    embedding = HearEmbedding(**given).fit(audio)
    before = embedding.transform(audio)
    write_yamnet(path, seed=8)
    with pytest.raises(OptionError, match=r"are not the weights of fit.*fit again"):
        embedding.transform(audio)
    assert not np.allclose(embedding.fit_transform(audio), before)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("clip.wav", AudioTypeError, r"must be a sequence of audio files.*Received: str"),
        (7, AudioTypeError, "Received: int"),
        (np.float32(0), AudioTypeError, "Received: ndarray"),
        ([], AudioError, "at least one clip"),
        (np.zeros(9, np.float32), AudioError, r"must be 1-D.*shape \(\)"),
        (np.zeros((1, 2, 9), np.float32), AudioError, r"must be 1-D.*shape \(2, 9\)"),
        ([np.zeros(0, np.float32)], AudioError, "at least one sample"),
        ([np.float32([0, np.nan])], AudioError, "Sample 1 of sound 0 is nan"),
        (np.zeros((1, 9), np.int16), AudioTypeError, "Divide 16-bit"),
        (np.ma.masked_array(np.zeros((1, 9))), AudioTypeError, "mask would be lost"),
        ([np.ma.masked_array(np.zeros(9))], AudioTypeError, "mask would be lost"),
        (scipy.sparse.eye_array(9), AudioTypeError, "It is sparse"),
        (np.zeros((16000, 2), np.float32), AudioError, "one sound of 2 channel"),
    ],
)
def test_what_is_refused_is_refused_by_fit(given, error, message):
    with pytest.raises(error, match=message):
        HearEmbedding(**CHEAP).fit(given)


def test_files_are_read_when_they_are_embedded(tmp_path):
    embedding = HearEmbedding(**CHEAP).fit([tmp_path / "missing.wav"])
    with pytest.raises(AudioFileError, match=r"missing\.wav: no such file"):
        embedding.transform([tmp_path / "missing.wav"])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"pooling": "median"}, "pooling"), ({"model": "vggish"}, "no preset")],
)
def test_options_are_checked_by_fit(options, message):
    with pytest.raises(OptionError, match=message):
        HearEmbedding(**{**CHEAP, **options}).fit(["a.wav"])


def test_numbers_of_numpy_are_options(clips):
    audio, _ = clips
    embedding = HearEmbedding(**CHEAP, pooling="gem", gem_p=np.float32(2), batch_size=np.int64(8))
    assert embedding.fit_transform(audio).shape == (16, 32)


def test_without_scikit_learn_the_extra_is_named():
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import hear_openl3_yamnet.integrations.sklearn_transformer"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "MissingExtraError: sklearn is not installed" in done.stderr
    assert 'pip install "hear-openl3-yamnet[sklearn]"' in done.stderr
