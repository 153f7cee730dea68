"""Downsampling by a whole factor: an exact polyphase filter without delay."""

import numpy as np
import pytest

from hear_openl3_yamnet.audio.downsampling import downsample


def tone(hertz, sample_rate, n_samples):
    return np.cos(2 * np.pi * hertz * np.arange(n_samples) / sample_rate).astype(np.float32)


def test_equal_rates_give_the_audio_itself():
    audio = np.zeros((2, 10), np.float32)
    assert downsample(audio, 16000, 16000) is audio


@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 1000, 48000])
def test_lengths_are_rounded_up_and_types_kept(n_samples):
    got = np.stack(downsample(np.ones((3, n_samples), np.float32), 48000, 16000))
    assert got.shape == (3, -(-n_samples // 3))
    assert got.dtype == np.float32


def test_equals_filtering_and_keeping_every_third_sample():
    impulse = np.zeros((1, 3001), np.float32)
    impulse[0, 1500] = 1
    # every third sample of the response, at each of the three phases, is the whole response
    phases = [downsample(np.roll(impulse, -phase), 48000, 16000)[0] for phase in range(3)]
    response = np.stack(phases, axis=1).ravel()[:3001]
    np.testing.assert_allclose(response[:1500], response[1501:][::-1], atol=1e-9)  # no delay
    audio = np.random.default_rng(0).uniform(-1, 1, (1, 5000)).astype(np.float32)
    filtered = np.convolve(audio[0].astype(np.float64), response.astype(np.float64))[1500:][:5000]
    np.testing.assert_allclose(downsample(audio, 48000, 16000)[0], filtered[::3], atol=1e-6)


@pytest.mark.parametrize("hertz", [0, 100, 1000, 4000, 7000, 7500])
def test_what_yamnet_hears_stays(hertz):
    got = downsample(tone(hertz, 48000, 48000)[None], 48000, 16000)[0]
    inside = slice(400, -400)
    np.testing.assert_allclose(got[inside], tone(hertz, 16000, 16000)[inside], atol=1e-4)


@pytest.mark.parametrize("hertz", [8020, 8500, 12000, 15900, 20000, 23900])
def test_what_would_fold_back_is_gone(hertz):
    got = downsample(tone(hertz, 48000, 48000)[None], 48000, 16000)[0]
    assert np.abs(got[400:-400]).max() < 1e-4  # −80 dB


def test_clips_do_not_mix():
    audio = np.random.default_rng(1).uniform(-1, 1, (3, 999)).astype(np.float32)
    together = downsample(audio, 48000, 16000)
    for clip, got in zip(audio, together, strict=True):
        np.testing.assert_array_equal(downsample(clip[None], 48000, 16000)[0], got)
