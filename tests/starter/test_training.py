"""The training of the starter weights: objective, learning rate, checkpoints."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from hear_openl3_yamnet.weights.reading import read_weights
from scripts.starter import batches, objective, train


def test_the_rate_rises_then_falls():
    rates = [train.learning_rate(step, 1000, 1e-3) for step in range(1000)]
    assert rates[0] < 2e-5
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates[-1] == pytest.approx(2e-5, rel=0.05)
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[100:]))


@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_unlabelled_clips_have_no_gradient(network, tiny_bank):
    import tensorflow as tf

    settings = objective.SETTINGS[network]
    bank = batches.Bank.open(tiny_bank, settings.front_end)
    inputs, targets, masks = batches.batch(bank, settings.front_end, 4, 32, 0)
    masks["pitch"][:], masks["type"][:] = 0, 1
    objective.add_labelless(targets, masks, settings)
    _, model = objective.build(network, n_frames=32)
    heads = [model.get_layer(name).kernel.value for name in ("pitch", "type")]
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=True)
        loss = model.compute_loss(inputs, targets, outputs, masks)
    without, with_labels = tape.gradient(loss, heads)
    assert not np.any(without)
    assert np.any(with_labels)


@pytest.mark.slow
def test_settled_batch_norms_keep_their_statistics(tiny_bank):
    settings = objective.SETTINGS["yamnet"]
    bank = batches.Bank.open(tiny_bank, settings.front_end)
    inputs, targets, masks = batches.batch(bank, settings.front_end, 4, 32, 0)
    objective.add_labelless(targets, masks, settings)
    for settled in (True, False):
        backbone, model = objective.build("yamnet", n_frames=32, settled=settled)
        norm, conv = backbone.get_layer("layer5_pointwise_norm"), backbone.get_layer("layer1_conv")
        kept = (norm.moving_mean, norm.beta, conv.kernel)
        before = [value.numpy().copy() for value in kept]
        model.train_on_batch(inputs, targets, sample_weight=masks)
        after = [value.numpy() for value in kept]
        assert np.array_equal(before[0], after[0]) == settled
        assert not any(np.array_equal(*pair) for pair in zip(before[1:], after[1:], strict=True))


def test_equal_lengths_have_no_loss():
    lengths = np.log(np.array([[2.0], [2.0], [20.0]], np.float32))
    costs = np.array(objective.deviation_from_mean(None, lengths))
    np.testing.assert_allclose(costs, (lengths - lengths.mean())[:, 0] ** 2, rtol=1e-5)
    assert not np.any(objective.deviation_from_mean(None, lengths[:2]))


def test_the_contrastive_loss_is_low_for_the_right_neighbour():
    same = np.repeat(np.eye(4, 128, dtype=np.float32), 2, axis=0)
    neighbours = np.arange(8) ^ 1
    right = np.mean(objective.contrastive_loss(neighbours, same))
    wrong = np.mean(objective.contrastive_loss(neighbours[::-1] ^ 2, same))
    assert right < 0.1 < wrong


@pytest.mark.slow
@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_mixed_precision_is_for_convolutions(network, tiny_bank):
    import keras

    settings = objective.SETTINGS[network]
    bank = batches.Bank.open(tiny_bank, settings.front_end)
    inputs, targets, masks = batches.batch(bank, settings.front_end, 4, 32, 0)
    objective.add_labelless(targets, masks, settings)
    losses = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        try:
            backbone, model = objective.build(network, n_frames=32)
        finally:
            keras.config.set_dtype_policy("float32")
        assert {variable.dtype for variable in model.variables} == {"float32"}
        assert keras.backend.standardize_dtype(model.outputs[0].dtype) == "float32"
        losses[policy] = model.train_on_batch(
            inputs, targets, sample_weight=masks, return_dict=True
        )["loss"]
    convolution = next(x for x in backbone.layers if isinstance(x, keras.layers.Conv2D))
    assert convolution.compute_dtype == "bfloat16"
    assert losses["mixed_bfloat16"] == pytest.approx(losses["float32"], rel=0.1)


@pytest.mark.slow
def test_training_learns_and_continues_where_it_stopped(tiny_bank, tmp_path, monkeypatch):
    settings = replace(objective.SETTINGS["yamnet"], n_clips=16, n_frames=16)
    monkeypatch.setitem(objective.SETTINGS, "yamnet", settings)
    monkeypatch.setattr(train, "_LOG_EVERY", 4)
    monkeypatch.setattr(train, "_WARM_UP", 1)
    bank = batches.Bank.open(tiny_bank, "yamnet")
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    lines = train.train("yamnet", bank, straight, n_steps=16)
    assert [line["step"] for line in lines] == [4, 8, 12, 16]
    assert lines[-1]["loss"]["type"] < lines[0]["loss"]["type"]
    assert lines[0]["loss"]["word"] is None

    train.train("yamnet", bank, broken, n_steps=16, stop_after=8)
    train.train("yamnet", bank, broken, n_steps=16)
    with np.load(straight / "state.npz") as one, np.load(broken / "state.npz") as other:
        assert one["step"] == other["step"] == 16
        for name in one.files:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-3, atol=1e-4)

    weights = read_weights(straight / "yamnet.safetensors", "yamnet")
    assert not weights["predictions/kernel"].any()
    assert (straight / "yamnet.safetensors").stat().st_size < 8e6
