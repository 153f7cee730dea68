"""HearLayer gives the embeddings of the API in a Keras model, frozen or trained."""

import os

import numpy as np
import pytest

from hear_openl3_yamnet import (
    AudioError,
    OptionError,
    get_scene_embeddings,
    get_timestamp_embeddings,
    load_model,
)
from hear_openl3_yamnet.errors import AudioTypeError
from tests import seeded_audio
from tests.comparing import assert_close, numpy

if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    pytest.skip("the layer is for TensorFlow", allow_module_level=True)

import keras
import tensorflow as tf

from hear_openl3_yamnet.integrations.keras_layer import HearLayer

OPENL3 = "openl3-mel128-env"
RATE = 16000


def load(name="yamnet", **options):
    return load_model(model=name, weights="random:1", **options)


@pytest.fixture(scope="module")
def sounds():
    """Noise and tones of 0.2 s, in turn, and their labels."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE // 5) / RATE
    noise = 0.3 * rng.uniform(-1, 1, (16, len(t)))
    tones = 0.3 * np.sin(2 * np.pi * rng.uniform(300, 3000, (16, 1)) * t)
    audio = np.stack([noise, tones], axis=1).reshape(32, -1)
    return audio.astype(np.float32), np.tile([0, 1], 16)


def classifier(model, **options):
    keras.utils.set_random_seed(0)  # of the last layer's first weights
    layer = HearLayer(model, **options)
    stack = [keras.Input((RATE // 5,)), layer, keras.layers.Dense(2)]
    network = keras.Sequential(stack)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
    return network, layer


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(OPENL3, {}, marks=pytest.mark.slow),
        (OPENL3, {"time": "frame", "layers": ("conv3",), "scene_pooling": "mean+std"}),
        ("yamnet", {"scene_pooling": "percentiles"}),
        ("yamnet", {"time": "frame", "scene_pooling": "mean+max", "normalize": "l2"}),
        ("yamnet", {"pooling": "max+mean", "scene_pooling": "sum_max_mean", "window_size": 1500}),
    ],
)
def test_embeddings_are_those_of_the_api(name, options):
    model = load(name, **options)
    clips = [seeded_audio.clip(sound, model.sample_rate, 0.8) for sound in ("notes", "chirp")]
    audio = np.stack(clips)
    scenes = HearLayer(model)(audio)
    assert scenes.dtype == "float32"
    assert_close(scenes, get_scene_embeddings(audio, model), 1e-4)
    hop = 5 * model.hop_size
    rows = HearLayer(model, timestamps=True, hop_size=hop)(audio)
    assert_close(rows, get_timestamp_embeddings(audio, model, hop)[0], 1e-4)


def test_clips_are_refused_as_the_api_refuses_them():
    layer = HearLayer(load())
    with pytest.raises(AudioTypeError, match="mask would be lost"):
        layer(np.ma.masked_array(np.zeros((1, RATE), np.float32)))
    with pytest.raises(AudioTypeError, match="different lengths"):
        layer(tf.RaggedTensor.from_row_lengths(tf.zeros(6), [3, 3]))
    with pytest.raises(AudioTypeError, match="It is sparse"):
        layer(tf.sparse.from_dense(tf.zeros((1, RATE))))
    with pytest.raises(AudioError, match="one sound of 2 channel"):
        layer(np.zeros((RATE, 2), np.float32))


def test_shapes_are_known_before_any_audio():
    model = load()
    clip = keras.Input((RATE,))
    assert HearLayer(model)(clip).shape == (None, 1024)
    assert HearLayer(model, timestamps=True, hop_size=100)(clip).shape == (None, 10, 1024)
    assert HearLayer(model).compute_output_shape((3, RATE)) == (3, 1024)


@pytest.mark.slow
def test_a_classifier_learns_on_top_of_frozen_weights(sounds):
    audio, labels = sounds
    network, layer = classifier(load())
    assert layer.trainable_weights == []
    before = [weight.numpy() for weight in layer.weights]
    network.fit(audio, labels, batch_size=32, epochs=30, verbose=0)
    assert network.evaluate(audio, labels, verbose=0)[1] == 1.0
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize("name", ["yamnet", OPENL3])
def test_gradients_reach_every_weight_when_unfrozen(name):
    model = load(name)
    layer = HearLayer(model, trainable=True)
    audio = seeded_audio.clip("notes", model.sample_rate, 0.5)[None]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(layer(audio)))
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert len(layer.trainable_variables) == {"yamnet": 2 * 27, OPENL3: 2 * 8}[name]
    for weight, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.name
        assert np.any(gradient != 0), weight.name


def test_training_through_the_network_moves_it_and_not_the_model(sounds):
    audio, labels = sounds
    model = load(layers="layer3")
    scenes = numpy(get_scene_embeddings(audio, model))
    network, layer = classifier(model, trainable=True)
    before = {weight.path: weight.numpy() for weight in layer.trainable_weights}
    losses = network.fit(audio, labels, batch_size=32, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    moved = [path for w in layer.weights if not np.array_equal(w.numpy(), before[path := w.path])]
    assert len(moved) == len(before)
    np.testing.assert_array_equal(get_scene_embeddings(audio, model), scenes)


def test_it_can_be_unfrozen_later(sounds):
    audio, labels = sounds
    network, layer = classifier(load(layers="layer1"))
    network.fit(audio, labels, verbose=0)
    layer.trainable = True
    network.compile("sgd", "mse")
    assert len(network.trainable_weights) == len(layer.weights) + 2


def test_silence_has_finite_gradients():
    model = load(scene_pooling="mean+std", layers="layer3", normalize="l2")
    layer = HearLayer(model, trainable=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(np.zeros((1, RATE), np.float32)))
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert np.isfinite(gradient).all()


def test_a_trained_network_is_saved_and_loaded(tmp_path, sounds):
    audio, labels = sounds
    network, _ = classifier(load(layers="layer2"), trainable=True)
    network.fit(audio, labels, verbose=0)
    network.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(
        loaded.predict(audio, verbose=0), network.predict(audio, verbose=0), rtol=1e-5, atol=1e-6
    )
    assert loaded.layers[0].trainable


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "yamnet+yamnet"}, r"one network.*Received: yamnet\+yamnet"),
        ({"name": OPENL3, "framing": "dense"}, "Received: framing='dense'"),
        ({"precision": "bfloat16"}, "precision='bfloat16'"),
    ],
)
def test_models_that_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        HearLayer(load(**options))


def test_other_refusals():
    model = load(layers="layer1")
    with pytest.raises(OptionError, match="hop_size must be"):
        HearLayer(model, hop_size=0)
    for shape in ((None,), (RATE, 1)):
        with pytest.raises(AudioError, match=r"of a known length.*Received: shape"):
            HearLayer(model)(keras.Input(shape))
    with pytest.raises(OptionError, match=r"no gradient if a channel is constant"):
        HearLayer(load(layers="layer1", pooling="mean+std"), trainable=True)(
            np.zeros((1, RATE), np.float32)
        )
