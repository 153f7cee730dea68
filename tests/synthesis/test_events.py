"""Events, backgrounds, mixtures and rooms."""

import numpy as np
import pytest

from hear_openl3_yamnet.synthesis import mixing, rooms
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.streams import stream


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
