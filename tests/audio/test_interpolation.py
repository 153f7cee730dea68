"""The rate is raised as resampy 0.2.2 does it, with which openl3's recorded outputs were made."""

import numpy as np

from hear_openl3_yamnet.audio.interpolation import raise_rate


def test_the_numbers_are_resampys():
    noise = np.random.Generator(np.random.PCG64(3)).standard_normal(441)
    found = raise_rate(noise, 44_100, 48_000)
    assert found.shape == (480,)
    # resampy.resample(noise, 44100, 48000, filter="kaiser_best")
    expected = [1.953892748, -2.290777138, -0.02354910945, -1.247219833, 0.4509952329, -1.676403302]
    np.testing.assert_allclose(found[[0, 1, 100, 240, 478, 479]], expected, atol=1e-6)


def test_a_tone_stays_a_tone():
    tone = np.sin(2 * np.pi * 1000 * np.arange(4410) / 44_100)
    expected = np.sin(2 * np.pi * 1000 * np.arange(4800) / 48_000)
    inner = slice(200, -200)  # the ends lack neighbours
    np.testing.assert_allclose(raise_rate(tone, 44_100, 48_000)[inner], expected[inner], atol=1e-5)
