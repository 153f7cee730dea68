"""Synthetic sounds are in tune, without aliasing, and differ between streams."""

import numpy as np
import pytest

from hear_openl3_yamnet.synthesis import speech
from hear_openl3_yamnet.synthesis.notes import METHODS, midi_to_hz
from hear_openl3_yamnet.synthesis.percussion import STROKES
from hear_openl3_yamnet.synthesis.phonemes import WORDS
from hear_openl3_yamnet.synthesis.speech import SpeechError, Voice, say, speak
from hear_openl3_yamnet.synthesis.streams import stream

RATE = 48_000


def spectrum(samples):
    """Return frequencies [Hz] and power of a sound, padded to four times its length."""
    n = 4 * len(samples)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n)) ** 2
    return np.arange(len(power)) * RATE / n, power


def centroid(samples):
    frequency, power = spectrum(samples)
    return (frequency * power).sum() / power.sum()


def periodicity(samples, lags):
    """Return the autocorrelation of a sound at fractional lags [samples]; it is 1 at lag 0."""
    _, power = spectrum(samples)
    finer = 4
    correlation = np.fft.irfft(power, finer * 2 * (len(power) - 1))
    return np.interp(finer * lags, np.arange(len(correlation)), correlation) / correlation[0]


@pytest.mark.parametrize("name", METHODS)
def test_notes_are_in_tune(name):
    for i, pitch in enumerate([21, 38, 55, 69, 84, 96, 108]):
        note = METHODS[name](pitch, 100, 1.0, RATE, stream("test", name, i)).astype(float)
        period = RATE / midi_to_hz(pitch)
        cents = np.arange(-50, 51)
        several = np.ceil(300 / period)  # so that a sample is few cents
        strength = periodicity(note, several * period * 2 ** (-cents / 1200))
        assert strength.max() > 0.3
        # noise and stiffness make the maximum broad, most so at low pitches
        assert abs(cents[strength.argmax()]) <= (15 if pitch >= 55 else 45)
        at_period, *at_parts = periodicity(note, period / np.arange(1, 4))
        assert at_period > max(at_parts) - 0.02


@pytest.mark.parametrize("name", METHODS)
def test_notes_are_whole_and_as_loud_as_asked(name):
    for velocity in (1, 60, 127):
        note = METHODS[name](60, velocity, 0.35, RATE, stream("test", name, 1))
        assert note.dtype == np.float32
        assert note.shape == (round(0.35 * RATE),)
        assert np.abs(note).max() == pytest.approx(0.9 * (velocity / 127) ** 1.5, rel=1e-5)
        assert note[-1] == 0


@pytest.mark.parametrize("name", METHODS)
def test_a_generator_is_an_instrument(name):
    def play(*index):
        return METHODS[name](60, 100, 0.2, RATE, stream("test", *index))

    np.testing.assert_array_equal(play("a", 1), play("a", 1))
    for other in [("a", 2), ("b", 1)]:
        assert np.abs(play("a", 1) - play(*other)).max() > 0.05


def high_overtones(samples, pitch):
    """Return the share of the power above 4.5 times the fundamental."""
    frequency, power = spectrum(samples)
    return power[frequency > 4.5 * midi_to_hz(pitch)].sum() / power.sum()


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"blown", "organ"}))
def test_harder_notes_are_brighter(name):
    def note(velocity, i):
        return METHODS[name](48, velocity, 0.5, RATE, stream("test", name, i))

    shares = [high_overtones(note(120, i), 48) / high_overtones(note(30, i), 48) for i in range(8)]
    assert np.median(shares) > 1.15


@pytest.mark.parametrize("name", ["additive", "frequency-modulation", "subtractive",
                                  "phase-distortion"])  # fmt: skip
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_notes_do_not_alias(name, rate):
    pitch = 97
    for i in range(5):
        note = METHODS[name](pitch, 127, 1.0, rate, stream("test", name, i)).astype(float)
        power = np.abs(np.fft.rfft(note * np.hanning(len(note)))) ** 2
        harmonic = np.fft.rfftfreq(len(note), 1 / rate) / midi_to_hz(pitch)
        between = np.abs(harmonic - np.round(harmonic)) > 0.25
        assert power[between].sum() < 2e-4 * power.sum()


def test_strokes_differ_and_are_whole():
    strokes = {}
    for name, stroke in STROKES.items():
        strokes[name] = stroke(180.0, 127, 0.8, RATE, stream("test", "strokes", 1))
        assert strokes[name].dtype == np.float32
        assert strokes[name].shape == (round(0.8 * RATE),)
        assert np.abs(strokes[name]).max() == pytest.approx(0.9, rel=1e-5)
        again = stroke(180.0, 127, 0.8, RATE, stream("test", "strokes", 1))
        np.testing.assert_array_equal(strokes[name], again)
    assert len(strokes) >= 10
    assert len({sound.tobytes() for sound in strokes.values()}) == len(strokes)


@pytest.mark.parametrize("tuning", [100.0, 230.0])
def test_open_strokes_ring_at_their_tuning(tuning):
    for i in range(5):
        sound = STROKES["open"](tuning, 100, 0.8, RATE, stream("test", "open", i))
        frequency, power = spectrum(sound[RATE // 10 :].astype(float))
        loudest = frequency[power.argmax()]
        assert loudest / tuning == pytest.approx(round(loudest / tuning), abs=0.04)


def test_streams_are_apart():
    names = [("a", "b"), ("a", "c"), ("ab", ""), ("", "ab"), ("b", "a")]
    keys = [(name, index, seed) for name in names for index in [(), (0,), (1,), (0, 0)]
            for seed in (0, 1)]  # fmt: skip
    drawn = {stream(*name, *index, seed=seed).integers(2**60) for name, index, seed in keys}
    assert len(drawn) == len(keys)


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_can_be_spoken(word):
    rng = stream("test", word)
    sound = speak(word, Voice.draw(rng), rng=rng)
    assert sound.dtype == np.float32
    assert 0.12 * RATE < len(sound) < 1.3 * RATE
    assert np.abs(sound).max() == pytest.approx(0.9, rel=1e-3)


def test_voices_have_their_pitch_and_tract():
    def say_no(f0, tract):
        voice = Voice(f0=f0, tract=tract, melody=0, jitter=0, breath=0)
        return speak("no", voice, rng=stream("test", "no")).astype(float)

    for f0 in (100, 140, 230):
        lags = np.arange(RATE / 300, RATE / 70)
        strength = periodicity(say_no(f0, 1.0), lags)
        assert RATE / lags[strength.argmax()] == pytest.approx(f0, rel=0.03)
    assert centroid(say_no(120, 1.25)) > 1.1 * centroid(say_no(120, 1.0))


def test_words_outside_the_vocabulary_are_refused():
    with pytest.raises(SpeechError, match=r"expected one of 35 words: backward, .* 'hullo'"):
        speak("hullo", Voice(120, 1.0), rng=stream("test", "hullo"))


def test_without_espeak_ng_saying_tells_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not speech.has_espeak()
    with pytest.raises(SpeechError, match=r"not installed .* apt-get install espeak-ng"):
        say("seven")


@pytest.mark.skipif(not speech.has_espeak(), reason="espeak-ng is not installed")
def test_espeak_ng_speaks():
    low, high = (say("seven", "en-us+f2", pitch=p, sample_rate=16_000) for p in (10, 90))
    for sound in (low, high):
        assert 0.2 < len(sound) / 16_000 < 0.9
        assert np.abs(sound).max() == pytest.approx(0.9, rel=1e-3)
    np.testing.assert_array_equal(high, say("seven", "en-us+f2", pitch=90, sample_rate=16_000))
    assert low.shape != high.shape or np.abs(low - high).max() > 0.1
    with pytest.raises(SpeechError, match="cannot say 'seven' with the voice 'nobody'"):
        say("seven", "nobody")
    with pytest.raises(SpeechError, match="it said nothing"):
        say("")
