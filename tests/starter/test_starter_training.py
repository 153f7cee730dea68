"""The bank that the starter weights are trained on, and their training."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.synthesis import mixing, rooms
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.instruments import (
    InstrumentError,
    ScoreNote,
    find_sound_font,
    play,
)
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.streams import stream
from hear_openl3_yamnet.weights.reading import read_weights
from scripts.starter import batches, features, objective, render, splits, train

FAMILIES = ("events", "synthetic_notes", "backgrounds")  # which need no program installed


@pytest.fixture(scope="module")
def tiny_bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        for name in FAMILIES:
            plan = render.PLANS[name]
            patch.setitem(render.PLANS, name, plan._replace(n_clips=12))
            render.render_part((folder, name, 0, 0))
    return folder


def tone(seconds=1.2, rng=None):
    rng = rng or np.random.default_rng(0)
    time = np.arange(round(48000 * seconds)) / 48000
    return (0.3 * np.sin(2 * np.pi * 440 * time) + 0.01 * rng.normal(size=len(time))).astype("f4")


@pytest.mark.parametrize("name", [*KINDS, *BACKGROUNDS])
def test_events_and_backgrounds(name):
    make = {**KINDS, **BACKGROUNDS}[name]
    sound = make(0.6, 48_000, stream("test", "events", 1))
    assert sound.shape == (28_800,)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
    np.testing.assert_array_equal(sound, make(0.6, 48_000, stream("test", "events", 1)))
    assert not np.array_equal(sound, make(0.6, 48_000, stream("test", "events", 2)))
    assert make(0.5, 16_000, stream("test", "events", 3)).shape == (8_000,)


def test_a_bell_is_never_silent():
    for seed in range(40):
        bell = KINDS["telephone-bell"](0.3, 16_000, stream("test", "bells", seed))
        assert np.abs(bell).max() == pytest.approx(0.9, abs=1e-3)


def test_mixing():
    rng = np.random.default_rng(1)
    loud, soft = 0.1 * rng.normal(size=9000), 0.001 * rng.normal(size=9000)
    added = mixing.mix(loud, soft, 6.0) - loud
    assert 10 * np.log10((loud**2).mean() / (added**2).mean()) == pytest.approx(6, abs=0.01)
    np.testing.assert_allclose(mixing.mix(loud, 0 * soft, 6.0), loud, rtol=1e-6)
    assert np.abs(mixing.mix(9 * loud, soft, 0.0)).max() <= 1
    assert np.abs(mixing.clip_hard(loud, 6.0)).max() == pytest.approx(
        np.abs(loud).max() * 10**-0.3, rel=1e-6
    )
    np.testing.assert_allclose(mixing.gain(loud, -20.0), loud / 10, rtol=1e-6)
    assert not np.allclose(mixing.equalise(loud, 48_000, rng), loud)
    np.testing.assert_allclose(mixing.equalise(loud, 48_000, rng, decibels=0), loud, atol=1e-6)


def test_a_room_rings_on():
    click = np.zeros(24_000, np.float32)
    click[100] = 0.5
    heard = rooms.in_room(click, rooms.draw_room(48_000, np.random.default_rng(2)))
    assert heard.shape == click.shape
    assert np.abs(heard).max() == pytest.approx(0.5, rel=1e-5)
    assert not heard[:90].round(6).any()
    assert np.abs(heard[200:]).max() > 1e-3


@pytest.mark.skipif(find_sound_font() is None, reason="fluidsynth and FluidR3 are not installed")
def test_instruments_play_the_pitch_asked_for():
    notes = [ScoreNote(69, 100, 0.4), ScoreNote(57, 60, 0.4, bend=1.0)]
    sounds = play(notes, 73, sound_font=find_sound_font(), seconds=0.5)  # a flute
    assert sounds.shape == (2, 24_000)
    for sound, expected in zip(sounds, (440.0, 220 * 2 ** (1 / 12)), strict=True):
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
        spectrum[: round(150 * (1 << 18) / 48_000)] = 0
        assert spectrum.argmax() * 48_000 / (1 << 18) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
@pytest.mark.skipif(find_sound_font() is None, reason="fluidsynth and FluidR3 are not installed")
def test_pitched_programs_sound_at_their_key():
    keys = np.array([43, 50, 57, 64, 71, 78])
    fundamentals = 440 * 2 ** ((keys - 69) / 12)
    frequencies = np.fft.rfftfreq(1 << 18, 1 / 48_000)
    below = {}
    for program in range(splits.N_PITCHED):
        notes = [ScoreNote(int(key), 100, 0.8) for key in keys]
        sounds = play(notes, program, sound_font=find_sound_font(), seconds=0.9)
        levels = []
        for sound, fundamental in zip(sounds, fundamentals, strict=True):
            held = sound[2400:36_000]
            if np.abs(held).max() < 1e-4:  # some instruments have no lowest or highest keys
                continue
            power = np.abs(np.fft.rfft(held * np.blackman(len(held)), 1 << 18)) ** 2
            interval = 12 * np.log2(np.maximum(frequencies, 1) / fundamental)
            octaves = np.abs(interval - 12 * np.round(interval / 12)) < 1.5
            asked = (frequencies > 25) & (interval < -1.5) & ~octaves
            levels.append(10 * np.log10(power[asked].max() / power.max()))
        below[program] = np.median(levels)  # single keys have thumps and other layers
    assert tuple(p for p, level in below.items() if level > -12) == splits.OFF_KEY


def test_a_missing_sound_font_is_said(tmp_path):
    with pytest.raises(InstrumentError, match=r"no\.sf2"):
        play([ScoreNote(60, 90, 0.2)], 0, sound_font=tmp_path / "no.sf2", seconds=0.3)


def test_a_bank_can_be_rendered_again(tiny_bank, tmp_path, monkeypatch):
    plan = render.PLANS["synthetic_notes"]
    monkeypatch.setitem(render.PLANS, "synthetic_notes", plan._replace(n_clips=12))
    again = tmp_path / "again"
    assert render.render_part((again, "synthetic_notes", 0, 0))[1] == 12
    render.render_part((tmp_path / "other", "synthetic_notes", 0, 1))
    first = np.load(tiny_bank / "synthetic_notes-000/audio.npy")
    np.testing.assert_array_equal(first, np.load(again / "synthetic_notes-000/audio.npy"))
    assert not np.array_equal(first, np.load(tmp_path / "other" / "synthetic_notes-000/audio.npy"))
    before = (again / "synthetic_notes-000/audio.npy").stat().st_mtime_ns
    render.render_part((again, "synthetic_notes", 0, 0))  # is there, and stays
    assert (again / "synthetic_notes-000/audio.npy").stat().st_mtime_ns == before


def test_jobs_are_fair_from_the_start():
    names = [name for _, name, _, _ in render.jobs(Path(), 1.0, 0)]
    assert set(names[: len(names) // 2]) == set(render.PLANS)
    assert sum(plan.n_parts * plan.n_clips for plan in render.PLANS.values()) > 30_000


def test_what_is_held_back_is_not_trained():
    for factor in ("PROGRAMS", "METHODS", "KINDS", "STROKES", "WORDS", "VARIANTS", "ACCENTS"):
        trained = set(getattr(splits, f"TRAINED_{factor}"))
        held = set(getattr(splits, f"HELD_{factor}"))
        assert held
        assert not trained & held, factor
    assert set(splits.TEST_WORDS) <= set(splits.TRAINED_WORDS)
    assert sum(splits.CLASSES.values()) >= 100


@pytest.mark.parametrize("name", ["mel128", "yamnet"])
def test_training_input_is_the_front_ends(name):
    front_end = frontends.FRONT_ENDS[name]
    audio = tone()
    kept = features.amplitudes_in_decibels(audio, name).astype(np.float16)
    if name == "yamnet":
        from scipy.signal import resample_poly

        audio = resample_poly(audio, 1, 3)
    table = frontends.frame_table(np.array([0]), front_end)
    frames = frontends.cut_frames(audio, table, front_end)
    amplitudes = frontends.band_amplitudes(frames, front_end.bands(), front_end.fft_length)
    expected = np.asarray(frontends.log_mel(amplitudes, table.index, front_end))

    n = front_end.n_whole  # the last frames of a window are cut off by its end
    made = 10 ** (kept[None, :n].astype(np.float32) / 10)
    shift = 0.0
    if name != "yamnet":  # its level is relative to the window's maximum
        shift = expected[:, :, :n].max()
    received = features.network_input(made, name)
    # float16 keeps decibels to 1/32 below 64, 0.03 dB being 0.007 in natural logarithms
    np.testing.assert_allclose(received, expected[:, :, :n] - shift, atol=0.04)


def test_powers_add_up_in_mixtures():
    rng = np.random.default_rng(3)
    crop, other = rng.gamma(2, 1, (2, 48, 128)).astype(np.float32)
    mixture = batches.mixed(crop, other, 10.0)
    added = (mixture**2 - crop**2).mean()
    assert 10 * np.log10((crop**2).mean() / added) == pytest.approx(10, abs=0.01)


def test_batches_depend_on_step_and_seed_alone(tiny_bank):
    bank = batches.Bank.open(tiny_bank, "mel128")
    inputs, targets, masks = batches.batch(bank, "mel128", 16, 48, 3)
    assert inputs.shape == (16, 128, 48, 1)
    assert inputs.max() == 0
    assert inputs.min() >= -80
    again = batches.batch(bank, "mel128", 16, 48, 3)[0]
    np.testing.assert_array_equal(inputs, again)
    for step, seed in [(4, 0), (3, 1)]:
        other = batches.batch(bank, "mel128", 16, 48, step, seed=seed)[0]
        assert not np.array_equal(inputs, other)
    assert set(targets) == set(masks)
    assert not masks["word"].any()  # no speech in the tiny bank
    assert masks["pitch"].any()
    assert (targets["tags"].sum(axis=1) >= 1).all()


def test_layers_keep_the_lower_note(tiny_bank):
    bank = batches.Bank.open(tiny_bank, "mel128")
    rng = stream("test", "layers")
    pitches = bank.labels[:, 1]
    for clip in np.flatnonzero(pitches >= 0):
        for _ in range(20):
            second = bank.layer(int(pitches[clip]), rng)
            if second is not None:
                assert pitches[second] - pitches[clip] in (0, 7, 12, 19)
    assert bank.layer(200, rng) is None


def test_layers_are_tagged_and_leave_the_pitch(tiny_bank, monkeypatch):
    bank = batches.Bank.open(tiny_bank, "mel128")
    second = int(np.flatnonzero(bank.labels[:, 1] >= 0)[0])
    monkeypatch.setattr(batches, "_LAYERED", 1.0)
    monkeypatch.setattr(batches.Bank, "layer", lambda *_: second)
    inputs, targets, masks = batches.batch(bank, "mel128", 32, 48, 0)
    notes = masks["pitch"] == 1
    assert notes.any()
    assert targets["tags"][notes, bank.labels[second, 0]].all()
    assert 0 < masks["program"][notes].sum() < notes.sum()  # none where the two are as loud
    monkeypatch.setattr(batches, "_LAYERED", 0.0)
    assert not np.array_equal(inputs, batches.batch(bank, "mel128", 32, 48, 0)[0])


def test_only_pitched_programs_are_asked_for_a_pitch(monkeypatch):
    n = splits.N_PITCHED
    asked = {*splits.PITCH_LEARN_PROGRAMS, *splits.PITCH_TEST_PROGRAMS}
    assert asked == {*splits.HELD_PITCHED_PROGRAMS} - {*splits.OFF_KEY}
    assert max(splits.HELD_PITCHED_PROGRAMS) < n < max(splits.HELD_PROGRAMS)
    # the labels are asked here, not the sounds, which need a program installed
    monkeypatch.setattr(render, "sound_font", lambda: None)
    monkeypatch.setattr(render, "play", lambda notes, *_, **__: np.ones((len(notes), 4)))
    n_programs = len(splits.TRAINED_PROGRAMS)
    clips = render.midi_notes(0, 88 * n_programs, stream("test", "programs"))
    asked = {splits.TRAINED_PROGRAMS[c.labels["program"]]: c.labels for c in clips}
    assert tuple(asked) == splits.TRAINED_PROGRAMS
    for program, labels in asked.items():
        pitched = program < n and program not in splits.OFF_KEY
        assert ("pitch" in labels) == pitched, program


def test_heights_are_standardised():
    height = batches.height_of(np.arange(88))
    assert height.mean() == pytest.approx(0, abs=1e-6)
    assert height.std() == pytest.approx(1, rel=1e-6)


def test_the_rate_rises_then_falls():
    rates = [train.learning_rate(step, 1000, 1e-3) for step in range(1000)]
    assert rates[0] < 2e-5
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates[-1] == pytest.approx(2e-5, rel=0.05)
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[100:]))


@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_unlabelled_clips_have_no_gradient(network, tiny_bank):
    import tensorflow as tf

    recipe = objective.RECIPES[network]
    bank = batches.Bank.open(tiny_bank, recipe.front_end)
    inputs, targets, masks = batches.batch(bank, recipe.front_end, 4, 32, 0)
    masks["pitch"][:], masks["type"][:] = 0, 1
    objective.add_labelless(targets, masks, recipe)
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
    recipe = objective.RECIPES["yamnet"]
    bank = batches.Bank.open(tiny_bank, recipe.front_end)
    inputs, targets, masks = batches.batch(bank, recipe.front_end, 4, 32, 0)
    objective.add_labelless(targets, masks, recipe)
    for settled in (True, False):
        backbone, model = objective.build("yamnet", n_frames=32, settled=settled)
        norm, conv = backbone.get_layer("layer5_pointwise_norm"), backbone.get_layer("layer1_conv")
        kept = (norm.moving_mean, norm.beta, conv.kernel)
        before = [value.numpy().copy() for value in kept]
        model.train_on_batch(inputs, targets, sample_weight=masks)
        after = [value.numpy() for value in kept]
        assert np.array_equal(before[0], after[0]) == settled
        assert not any(np.array_equal(*pair) for pair in zip(before[1:], after[1:], strict=True))


def test_even_lengths_cost_nothing():
    lengths = np.log(np.array([[2.0], [2.0], [20.0]], np.float32))
    costs = np.array(objective.deviation_from_mean(None, lengths))
    np.testing.assert_allclose(costs, (lengths - lengths.mean())[:, 0] ** 2, rtol=1e-5)
    assert not np.any(objective.deviation_from_mean(None, lengths[:2]))


def test_contrast_asks_for_the_neighbour():
    same = np.repeat(np.eye(4, 128, dtype=np.float32), 2, axis=0)
    neighbours = np.arange(8) ^ 1
    right = np.mean(objective.contrastive_loss(neighbours, same))
    wrong = np.mean(objective.contrastive_loss(neighbours[::-1] ^ 2, same))
    assert right < 0.1 < wrong


@pytest.mark.slow
@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_mixed_precision_is_for_convolutions(network, tiny_bank):
    import keras

    recipe = objective.RECIPES[network]
    bank = batches.Bank.open(tiny_bank, recipe.front_end)
    inputs, targets, masks = batches.batch(bank, recipe.front_end, 4, 32, 0)
    objective.add_labelless(targets, masks, recipe)
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
def test_training_learns_and_goes_on_where_it_stopped(tiny_bank, tmp_path, monkeypatch):
    recipe = replace(objective.RECIPES["yamnet"], n_clips=16, n_frames=16)
    monkeypatch.setitem(objective.RECIPES, "yamnet", recipe)
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
