"""Where windows lie and which time each stands for."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hear_openl3_yamnet import HearError, OptionError
from hear_openl3_yamnet.features import framing


@pytest.mark.parametrize(
    ("milliseconds", "sample_rate", "samples"),
    [
        (50.0, 48000, 2400),
        (50, 16000, 800),
        (480.0, 16000, 7680),
        (33.333, 48000, Fraction(1599984, 1000)),  # the decimal number, not the nearest double
        (1 / 48, 48000, 1),  # a double that stands for one sample
        (1936 * 1000 / 48000, 48000, 1936),
        (3_600_000, 48000, 172_800_000),
    ],
)
def test_hops_are_exact(milliseconds, sample_rate, samples):
    assert framing.hop_samples(milliseconds, sample_rate) == samples


@given(st.integers(1, 48_000_000), st.sampled_from([16000, 48000]))
def test_whole_samples_survive_milliseconds(samples, sample_rate):
    milliseconds = framing.hop_milliseconds(samples, sample_rate)
    assert framing.hop_samples(milliseconds, sample_rate) == samples


@pytest.mark.parametrize("hop", [0, -1.0, float("nan"), float("inf"), 3_600_001, None, "long"])
def test_hops_that_are_no_hops(hop):
    with pytest.raises(OptionError, match="above 0 and at most an hour") as caught:
        framing.hop_samples(hop, 48000)
    assert f"Received: hop_size={hop!r}" in str(caught.value)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, ValueError)


def test_hops_shorter_than_a_sample():
    with pytest.raises(OptionError, match=r"at least one sample, 0\.0625 ms at 16000 Hz.*=0\.06"):
        framing.hop_samples(0.06, 16000)


@pytest.mark.parametrize(
    ("n_samples", "hop", "count"),
    [(1, 800, 1), (799, 800, 1), (800, 800, 1), (801, 800, 2), (110400, 2400, 46), (7, 0.5, 14)],
)
def test_there_is_a_window_for_every_hop_begun(n_samples, hop, count):
    assert framing.count_windows(n_samples, Fraction(hop)) == count


def test_centres_are_rounded_one_by_one_halves_up():
    assert framing.centres(5, Fraction(5, 2)).tolist() == [0, 3, 5, 8, 10]
    assert framing.centres(3, Fraction(5, 2), first=2).tolist() == [5, 8, 10]
    assert framing.centres(2, 7).dtype == np.int64


@pytest.mark.parametrize("sample_rate", [16000, 48000])
def test_three_hours_do_not_drift(sample_rate):
    milliseconds = 33.333
    hop = framing.hop_samples(milliseconds, sample_rate)
    n_windows = framing.count_windows(3 * 3600 * sample_rate, hop)
    assert n_windows == 324004  # 10 800 000 / 33.333 = 324 003.24
    exact = [i * Fraction(33333, 1_000_000) * sample_rate for i in (1, 1000, n_windows - 1)]
    centres = framing.centres(n_windows, hop)[[1, 1000, -1]]
    assert all(
        abs(centre - at) <= Fraction(1, 2) for centre, at in zip(centres, exact, strict=True)
    )
    timestamps = framing.timestamps(n_windows, hop, sample_rate)
    np.testing.assert_allclose(timestamps, np.arange(n_windows) * milliseconds, rtol=1e-14)


@given(
    st.integers(1, 200_000),
    st.floats(1, 1000),
    st.sampled_from([16000, 48000]),
)
def test_any_length_and_hop(n_samples, milliseconds, sample_rate):
    hop = framing.hop_samples(milliseconds, sample_rate)
    n_windows = framing.count_windows(n_samples, hop)
    centres = framing.centres(n_windows, hop)
    timestamps = framing.timestamps(n_windows, hop, sample_rate)
    length = 1000 * n_samples / sample_rate
    assert centres[0] == timestamps[0] == 0
    assert timestamps[-1] < length <= timestamps[-1] + milliseconds * (1 + 1e-6)
    assert np.abs(np.diff(centres) - float(hop)).max(initial=0) <= 1
    np.testing.assert_allclose(centres * 1000 / sample_rate, timestamps, atol=501 / sample_rate)


def test_batches_deal_out_every_window_in_order():
    def dealt(*arguments):
        return [
            [(block.sound, block.first, block.count) for block in batch]
            for batch in framing.batches(*arguments)
        ]

    batches = dealt([5, 5, 5], 4)
    assert batches == [[(0, 0, 4)], [(0, 4, 1), (1, 0, 3)], [(1, 3, 2), (2, 0, 2)], [(2, 2, 3)]]
    assert dealt([1, 1], 64) == [[(0, 0, 1), (1, 0, 1)]]
    assert dealt([1, 5, 2], 4) == [[(0, 0, 1), (1, 0, 3)], [(1, 3, 2), (2, 0, 2)]]
