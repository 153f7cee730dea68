"""The bank that the starter weights are trained on: its sounds, features and batches."""

from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet.features import frontends
from hear_openl3_yamnet.features.frames import cut_frames, frame_table
from hear_openl3_yamnet.synthesis.instruments import ScoreNote, find_sound_font, play
from hear_openl3_yamnet.synthesis.streams import stream
from scripts.starter import batches, features, render, sounds, splits


def test_a_bank_can_be_rendered_again(tiny_bank, tmp_path, monkeypatch):
    family = sounds.FAMILIES["synthetic_notes"]
    monkeypatch.setitem(sounds.FAMILIES, "synthetic_notes", family._replace(n_clips=12))
    again = tmp_path / "again"
    assert render.render_block((again, "synthetic_notes", 0, 0))[1] == 12
    render.render_block((tmp_path / "other", "synthetic_notes", 0, 1))
    first = np.load(tiny_bank / "synthetic_notes-000/audio.npy")
    np.testing.assert_array_equal(first, np.load(again / "synthetic_notes-000/audio.npy"))
    assert not np.array_equal(first, np.load(tmp_path / "other" / "synthetic_notes-000/audio.npy"))
    before = (again / "synthetic_notes-000/audio.npy").stat().st_mtime_ns
    render.render_block((again, "synthetic_notes", 0, 0))  # exists, and is kept
    assert (again / "synthetic_notes-000/audio.npy").stat().st_mtime_ns == before


def test_any_run_of_jobs_has_all_families():
    names = [name for _, name, _, _ in render.jobs(Path(), 1.0, 0)]
    assert set(names[: len(names) // 2]) == set(sounds.FAMILIES)
    assert sum(family.n_blocks * family.n_clips for family in sounds.FAMILIES.values()) > 30_000


def test_held_back_sounds_are_not_trained():
    for factor in ("PROGRAMS", "METHODS", "KINDS", "STROKES", "WORDS", "VARIANTS", "ACCENTS"):
        trained = set(getattr(splits, f"TRAINED_{factor}"))
        held = set(getattr(splits, f"HELD_{factor}"))
        assert held
        assert not trained & held, factor
    assert set(splits.TEST_WORDS) <= set(splits.TRAINED_WORDS)
    assert sum(splits.CLASSES.values()) >= 100


def test_only_pitched_programs_are_asked_for_a_pitch(monkeypatch):
    n = splits.N_PITCHED
    asked = {*splits.PITCH_LEARN_PROGRAMS, *splits.PITCH_TEST_PROGRAMS}
    assert asked == {*splits.HELD_PITCHED_PROGRAMS} - {*splits.OFF_KEY}
    assert max(splits.HELD_PITCHED_PROGRAMS) < n < max(splits.HELD_PROGRAMS)
    # this tests the labels, not the sounds, which need an installed program
    monkeypatch.setattr(sounds, "sound_font", lambda: None)
    monkeypatch.setattr(sounds, "play", lambda notes, *_, **__: np.ones((len(notes), 4)))
    n_programs = len(splits.TRAINED_PROGRAMS)
    clips = sounds.midi_notes(0, 88 * n_programs, stream("test", "programs"))
    asked = {splits.TRAINED_PROGRAMS[c.labels["program"]]: c.labels for c in clips}
    assert tuple(asked) == splits.TRAINED_PROGRAMS
    for program, labels in asked.items():
        pitched = program < n and program not in splits.OFF_KEY
        assert ("pitch" in labels) == pitched, program


@pytest.mark.slow
@pytest.mark.skipif(find_sound_font() is None, reason="fluidsynth and FluidR3 are not installed")
def test_pitched_programs_sound_at_their_key():
    keys = np.array([43, 50, 57, 64, 71, 78])
    fundamentals = 440 * 2 ** ((keys - 69) / 12)
    frequencies = np.fft.rfftfreq(1 << 18, 1 / 48_000)
    below = {}
    for program in range(splits.N_PITCHED):
        notes = [ScoreNote(int(key), 100, 0.8) for key in keys]
        played = play(notes, program, sound_font=find_sound_font(), seconds=0.9)
        levels = []
        for sound, fundamental in zip(played, fundamentals, strict=True):
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


def tone(seconds=1.2, rng=None):
    rng = rng or np.random.default_rng(0)
    time = np.arange(round(48000 * seconds)) / 48000
    return (0.3 * np.sin(2 * np.pi * 440 * time) + 0.01 * rng.normal(size=len(time))).astype("f4")


@pytest.mark.parametrize("name", ["mel128", "yamnet"])
def test_training_input_is_the_front_ends(name):
    front_end = frontends.FRONT_ENDS[name]
    audio = tone()
    kept = features.amplitudes_in_decibels(audio, name).astype(np.float16)
    if name == "yamnet":
        from scipy.signal import resample_poly

        audio = resample_poly(audio, 1, 3)
    table = frame_table(np.array([0]), front_end)
    frames = cut_frames(audio, table, front_end)
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


def test_a_second_note_is_never_the_lower_one(tiny_bank):
    bank = batches.Bank.open(tiny_bank, "mel128")
    rng = stream("test", "layers")
    pitches = bank.labels[:, 1]
    for clip in np.flatnonzero(pitches >= 0):
        for _ in range(20):
            second = bank.second_note(int(pitches[clip]), rng)
            if second is not None:
                assert pitches[second] - pitches[clip] in (0, 7, 12, 19)
    assert bank.second_note(200, rng) is None


def test_a_second_note_is_tagged_and_leaves_the_pitch(tiny_bank, monkeypatch):
    bank = batches.Bank.open(tiny_bank, "mel128")
    second = int(np.flatnonzero(bank.labels[:, 1] >= 0)[0])
    monkeypatch.setattr(batches, "_SECOND_NOTE", 1.0)
    monkeypatch.setattr(batches.Bank, "second_note", lambda *_: second)
    inputs, targets, masks = batches.batch(bank, "mel128", 32, 48, 0)
    notes = masks["pitch"] == 1
    assert notes.any()
    assert targets["tags"][notes, bank.labels[second, 0]].all()
    assert 0 < masks["program"][notes].sum() < notes.sum()  # none where the two are as loud
    monkeypatch.setattr(batches, "_SECOND_NOTE", 0.0)
    assert not np.array_equal(inputs, batches.batch(bank, "mel128", 32, 48, 0)[0])


def test_heights_are_standardised():
    height = batches.height_of(np.arange(88))
    assert height.mean() == pytest.approx(0, abs=1e-6)
    assert height.std() == pytest.approx(1, rel=1e-6)
