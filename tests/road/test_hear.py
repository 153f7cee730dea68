"""The HEAR API: what it returns, what holds for any model, what it refuses."""

import os
import warnings

import numpy as np
import pandas
import pytest
import scipy.sparse

from hear_openl3_yamnet import (
    AudioError,
    HearError,
    OptionError,
    get_scene_embeddings,
    get_timestamp_embeddings,
)
from hear_openl3_yamnet.errors import AudioTypeError, BackendError, ModelTypeError
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
API = [get_timestamp_embeddings, get_scene_embeddings]
CLOSE = 1e-4


def embeddings_of(audio, model, hop_size=None):
    return numpy(get_timestamp_embeddings(audio, model, hop_size)[0])


def notes(model, seconds, start=0.0):
    rate = model.sample_rate
    return seeded_audio.clip("notes", rate, start + seconds)[None, round(start * rate) :]


@pytest.fixture(params=["yamnet", "openl3-mel128-env"])
def model(request, seeded_model):
    return seeded_model(request.param)


@pytest.fixture
def quick(untrained_yamnet):
    return untrained_yamnet


@pytest.mark.backends
def test_shapes_types_and_times(quick):
    audio = np.zeros((3, 8001), np.float32)
    embeddings, timestamps = get_timestamp_embeddings(audio, quick, hop_size=125.0)
    scenes = get_scene_embeddings(audio, quick)
    assert tuple(embeddings.shape) == (3, 5, 1024)
    assert tuple(scenes.shape) == (3, 1024)
    for tensor in (embeddings, timestamps, scenes):
        assert numpy(tensor).dtype == np.float32
    np.testing.assert_array_equal(numpy(timestamps), [[0, 125, 250, 375, 500]] * 3)


@pytest.mark.backends
def test_tensors_are_the_backends(quick):
    from keras import ops

    audio = np.random.default_rng(0).uniform(-1, 1, (1, 4000)).astype(np.float32)
    tensor = ops.convert_to_tensor(audio)
    embeddings, timestamps = get_timestamp_embeddings(tensor, quick, 100.0)
    scenes = get_scene_embeddings(tensor, quick)
    for made in (embeddings, timestamps, scenes):
        assert ops.is_tensor(made)
        assert type(made) is type(tensor)
    np.testing.assert_array_equal(numpy(embeddings), embeddings_of(audio, quick, 100.0))


def test_default_hops_are_the_models(quick):
    audio = np.zeros((1, 16000), np.float32)
    _, timestamps = get_timestamp_embeddings(audio, quick)
    np.testing.assert_allclose(numpy(timestamps)[0], np.arange(25) * 40.0)
    np.testing.assert_array_equal(
        numpy(get_scene_embeddings(audio, quick)), numpy(get_scene_embeddings(audio, quick, 480.0))
    )


@pytest.mark.backends
def test_a_batch_gives_what_its_items_give_alone(model):
    rate = model.sample_rate
    clips = [seeded_audio.clip(name, rate, 0.7) for name in ("noise", "quiet", "notes")]
    together = embeddings_of(np.stack(clips), model, 350.0)
    scenes = numpy(get_scene_embeddings(np.stack(clips), model))
    for clip, embeddings, scene in zip(clips, together, scenes, strict=True):
        assert_close(embeddings_of(clip[None], model, 350.0)[0], embeddings, CLOSE)
        assert_close(get_scene_embeddings(clip[None], model)[0], scene, CLOSE)


@pytest.mark.backends
@slow_on("jax")
def test_shifting_by_whole_hops_shifts_embeddings(model):
    hop = 3 * model.hop_size
    n_hops = round(model.sample_rate * hop / 1000) * 4
    audio = notes(model, 1.6)
    shifted = np.pad(audio, [(0, 0), (n_hops, 0)])
    embeddings = embeddings_of(audio, model, hop)[0]
    assert_close(embeddings_of(shifted, model, hop)[0, 4:], embeddings, CLOSE)


def test_appending_silence_changes_no_window_that_lay_within_the_clip(model):
    hop = 100.0
    audio = notes(model, 1.5)
    longer = np.pad(audio, [(0, 0), (0, model.sample_rate)])
    before, after = (embeddings_of(x, model, hop)[0] for x in (audio, longer))
    assert len(after) == len(before) + 10
    # the windows that end within the clip, and those that ended in the zeros around it
    assert_close(after[: len(before)], before, CLOSE)


def test_scenes_are_the_mean_of_timestamps(model):
    audio = notes(model, 1.2)
    expected = embeddings_of(audio, model, 400.0).mean(axis=1)
    assert_close(get_scene_embeddings(audio, model, 400.0), expected, 1e-5)


@pytest.mark.backends
def test_the_same_call_gives_the_same(model):
    audio = notes(model, 0.5)
    np.testing.assert_array_equal(*(embeddings_of(audio, model, 250.0) for _ in range(2)))


@pytest.mark.backends
@pytest.mark.parametrize("dtype", ["float64", "float16", ">f4"])
def test_every_float_is_float32_inside(quick, dtype):
    audio = notes(quick, 0.5).astype(dtype)
    expected = embeddings_of(audio.astype(np.float32), quick, 100.0)
    np.testing.assert_array_equal(embeddings_of(audio, quick, 100.0), expected)


@pytest.mark.backends
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_every_float_of_the_backend(quick, dtype):
    from keras import ops

    if BACKEND == "jax" and dtype == "float64":
        pytest.skip("JAX makes them float32 itself")
    audio = ops.cast(ops.convert_to_tensor(notes(quick, 0.5)), dtype)
    expected = embeddings_of(numpy(ops.cast(audio, "float32")), quick, 100.0)
    np.testing.assert_array_equal(embeddings_of(audio, quick, 100.0), expected)


def test_arrays_need_not_be_contiguous(quick):
    stereo = np.random.default_rng(0).uniform(-1, 1, (4000, 2)).astype(np.float32)
    expected = embeddings_of(np.ascontiguousarray(stereo.T), quick, 100.0)
    np.testing.assert_array_equal(embeddings_of(stereo.T, quick, 100.0), expected)


def test_audio_is_left_as_it_was(quick):
    audio = notes(quick, 0.3)
    before = audio.copy()
    get_scene_embeddings(audio, quick)
    np.testing.assert_array_equal(audio, before)


@pytest.mark.backends
@pytest.mark.parametrize("n_samples", [1, 2, 399, 640, 641])
def test_clips_from_one_sample_up(quick, n_samples):
    audio = np.full((1, n_samples), 0.5, np.float32)
    embeddings, timestamps = get_timestamp_embeddings(audio, quick)
    assert tuple(embeddings.shape) == (1, 1 + (n_samples > 640), 1024)
    assert numpy(timestamps)[0, 0] == 0
    assert np.isfinite(numpy(embeddings)).all()
    assert np.isfinite(numpy(get_scene_embeddings(audio, quick))).all()


def test_silence_is_no_problem(model):
    audio = np.zeros((1, model.sample_rate), np.float32)
    embeddings = embeddings_of(audio, model, 500.0)
    assert np.isfinite(embeddings).all()
    np.testing.assert_allclose(embeddings[0, 1], embeddings[0, 0], rtol=1e-5, atol=1e-6)


def test_batch_sizes_change_nothing(seeded_model):
    audio = notes(seeded_model("yamnet"), 1.0)
    expected = embeddings_of(audio, seeded_model("yamnet"), 100.0)
    for size in (1, 3, 100):
        got = embeddings_of(audio, seeded_model("yamnet", batch_size=size), 100.0)
        assert_close(got, expected, CLOSE, axes=1)


@pytest.mark.parametrize("call", API)
def test_no_warning_within_the_range(quick, call):
    audio = np.array([[-1.0, 1.0, 0.0]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(audio, quick)


@pytest.mark.parametrize("call", API)
def test_one_warning_beyond_the_range(quick, call):
    audio = np.array([[-1.5, 0.5], [1.0, 32767.0]], np.float32)
    for _ in range(2):  # once a call, not once a process
        with pytest.warns(UserWarning, match=r"from -1\.5 to 3\.277e\+04.*\[-1, 1\]") as caught:
            call(audio, quick)
        assert len(caught) == 1
        assert caught[0].filename == __file__  # it points at the caller


SOUNDFILE = r"one sound of 2 channel\(s\).*audio\.mean\(axis=1\)\[None, :\].*shape \(33, 2\)"

AUDIO_ERRORS = [
    (np.zeros((33, 2), np.float32), SOUNDFILE),
    (np.zeros((33, 32), np.float32), "33 sounds of 32 sample"),
    (np.zeros((2, 1), np.float32), "one sound of 1 channel"),
    (np.zeros(16000, np.float32), r"2-D, \(n_sounds, n_samples\).*audio\[None, :\].*\(16000,\)"),
    (np.zeros((1, 2, 16000), np.float32), r"must be 2-D.*Received: shape \(1, 2, 16000\)"),
    (np.float32(0), r"must be 2-D.*Received: shape \(\)"),
    (np.zeros((0, 16000), np.float32), r"It has no sounds\. Received: shape \(0, 16000\)"),
    (np.zeros((2, 0), np.float32), r"It has no samples\. Received: shape \(2, 0\)"),
    (np.float32([[0, 0, 0], [0, np.nan, np.nan]]), "Sample 1 of sound 1 is nan"),
    (np.float32([[0, 0, -np.inf]]), "Sample 2 of sound 0 is -inf"),
    (np.array([[0, 1e39]]), "Sample 1 of sound 0 is inf"),
]
TYPE_ERRORS = [
    (np.zeros((1, 9), np.int16), r"floating-point.*Divide 16-bit.*32768\. Received: dtype int16"),
    (np.zeros((1, 9), np.int64), "floating-point samples.*Received: dtype int64"),
    (np.zeros((1, 9), bool), "Received: dtype bool"),
    (np.zeros((1, 9), np.complex64), "Received: dtype complex64"),
    (np.array([["a"]]), "Received: dtype str"),
    (np.array([[None]]), r"clip\[None, :\]\. Received: dtype object"),
    (np.ma.masked_array(np.zeros((1, 9))), r"mask would be lost.*filled.*ma\.MaskedArray"),
    (pandas.DataFrame(np.zeros((1, 9))), r"to_numpy\(\)\. Received: pandas\S+DataFrame"),
    (pandas.Series(np.zeros(9)), r"to_numpy\(\)\. Received: pandas\S+Series"),
    (scipy.sparse.eye_array(9), r"It is sparse.*Received: scipy\.sparse"),
    ([[0.0, 0.0]], "NumPy array or a dense tensor of the backend. Received: list"),
    ("clip.wav", "Received: str"),
    (None, "Received: NoneType"),
]


@pytest.mark.parametrize("call", API)
@pytest.mark.parametrize(("audio", "message"), AUDIO_ERRORS)
def test_audio_that_is_refused(quick, call, audio, message):
    with pytest.raises(AudioError, match=message) as caught:
        call(audio, quick)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("call", API)
@pytest.mark.parametrize(("audio", "message"), TYPE_ERRORS)
def test_types_that_are_refused(quick, call, audio, message):
    with pytest.raises(AudioTypeError, match=message) as caught:
        call(audio, quick)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, TypeError)


@pytest.mark.backends
def test_tensors_are_checked_as_arrays_are(quick):
    from keras import ops

    with pytest.raises(AudioTypeError, match="Received: dtype int32"):
        get_scene_embeddings(ops.zeros((1, 9), "int32"), quick)
    with pytest.raises(AudioError, match=r"Received: shape \(9,\)"):
        get_scene_embeddings(ops.zeros((9,)), quick)
    with pytest.raises(AudioError, match="Sample 0 of sound 1 is nan"):
        get_scene_embeddings(ops.convert_to_tensor(np.float32([[0, 0], [np.nan, 0]])), quick)


@pytest.mark.parametrize("shape", [(33, 33), (32, 32), (2, 2)])
def test_short_clips_that_are_not_more_than_their_samples(quick, shape):
    assert tuple(get_scene_embeddings(np.zeros(shape, np.float32), quick).shape) == (shape[0], 1024)


def _containers():
    """Tensors of the backend from which an array would lose something, or get nothing."""
    import keras

    yield keras.Input((9,)), "stands for one inside of a graph"
    if BACKEND == "tensorflow":
        import tensorflow as tf

        yield tf.RaggedTensor.from_row_lengths(tf.zeros(5), [3, 2]), "different lengths"
        yield tf.RaggedTensor.from_row_lengths(tf.zeros(6), [3, 3]), "different lengths"
        yield tf.sparse.from_dense(tf.zeros((1, 9))), r"It is sparse.*to_dense\(\)"
        yield tf.IndexedSlices(tf.zeros((1, 9)), tf.constant([0])), "It is sparse"
    elif BACKEND == "torch":
        import torch

        clips = [torch.zeros(3), torch.zeros(2)]
        yield torch.zeros((1, 9)).to_sparse(), "It is sparse"
        yield torch.zeros((1, 9)).to_sparse_csr(), "It is sparse"
        yield torch.nested.nested_tensor(clips), "different lengths"
        yield torch.nested.nested_tensor(clips, layout=torch.jagged), "different lengths"
        yield torch.zeros((1, 9), device="meta"), "stands for one inside of a graph"
    else:
        import jax.numpy as jnp
        from jax.experimental import sparse

        yield sparse.BCOO.fromdense(jnp.zeros((1, 9))), "It is sparse"


@pytest.mark.backends
@pytest.mark.filterwarnings("ignore:.*(beta state|prototype stage)")  # PyTorch's own
def test_containers_of_the_backend_are_refused(quick):
    for container, message in _containers():
        with pytest.raises(AudioTypeError, match=message):
            get_scene_embeddings(container, quick)


def _in_a_graph(function, audio):
    """Call a function of a tensor that has no values."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)(audio)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)(audio)
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return function(torch.zeros(audio.shape))


@pytest.mark.backends
def test_the_argument_of_a_graph_is_refused_and_the_layer_is_named(quick):
    audio = np.zeros((1, 9), np.float32)
    with pytest.raises((AudioTypeError, BackendError), match="HearLayer"):
        _in_a_graph(lambda tensor: get_scene_embeddings(tensor, quick), audio)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow alone builds graphs like this")
def test_inside_of_a_graph_the_error_says_what_to_do(quick):
    import tensorflow as tf

    with tf.Graph().as_default(), pytest.raises(BackendError, match="Call this outside of tf"):
        get_scene_embeddings(np.zeros((1, 9), np.float32), quick)


@pytest.mark.parametrize("call", API)
@pytest.mark.parametrize(
    ("model", "received"), [(None, "builtins.NoneType"), ("yamnet", "builtins.str"), (dict, "type")]
)
def test_models_that_are_not_ours(call, model, received):
    audio = np.zeros((1, 100), np.float32)
    with pytest.raises(
        ModelTypeError, match=f"load_model returned.*Received: .*{received}"
    ) as caught:
        call(audio, model)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("call", API)
@pytest.mark.parametrize("hop", [0, -40.0, float("nan"), float("inf"), 3_600_000.1, "native", 0.06])
def test_hops_that_are_refused(quick, call, hop):
    with pytest.raises(OptionError, match="hop_size must be") as caught:
        call(np.zeros((1, 100), np.float32), quick, hop)
    assert f"Received: hop_size={hop!r}" in str(caught.value)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, ValueError)


def test_the_longest_hop_is_an_hour(quick):
    embeddings, _ = get_timestamp_embeddings(np.zeros((1, 100), np.float32), quick, 3_600_000)
    assert tuple(embeddings.shape) == (1, 1, 1024)
