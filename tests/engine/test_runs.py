"""Which windows are computed together, and where they lie."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.engine.runs import (
    Run,
    deal,
    find_runs,
    frames_of_run,
    lay_out,
    pays,
    shared_lag,
)
from hear_openl3_yamnet.features.frames import frame_table
from hear_openl3_yamnet.features.frontends import FRONT_ENDS

NATIVE = 1936
MEL128, LINEAR = configure("openl3-mel128-music"), configure("openl3-linear-music")
MEL = FRONT_ENDS["mel128"]


@pytest.mark.parametrize(
    ("hop", "options", "expected"),
    [
        (Fraction(NATIVE), {}, 8),
        (Fraction(2 * NATIVE), {}, 16),
        (Fraction(12 * NATIVE), {}, 96),
        (Fraction(23 * NATIVE), {}, 184),
        (Fraction(24 * NATIVE), {}, 0),  # windows have no whole frame in common
        (Fraction(2400), {}, 0),  # 50 ms
        (Fraction(242), {}, 0),  # not on the pooling grid
        (Fraction(NATIVE), {"sharing": "off"}, 0),
        (Fraction(NATIVE), {"subsampling": "blur"}, 0),
        (Fraction(640), {"model": "yamnet"}, 0),
    ],
)
def test_which_hops_share(hop, options, expected):
    configured = configure(**{"model": "openl3-mel256-music", **options})
    assert shared_lag(configured, hop) == expected


@pytest.mark.parametrize(
    ("gpu_arithmetic", "expected"),
    [(None, 8), ("bfloat16", 8), ("float16", 8), ("tf32", 8), ("float32", 0)],
)
def test_a_gpu_that_computes_in_full_float32_shares_nothing(gpu_arithmetic, expected):
    assert shared_lag(MEL128, Fraction(NATIVE), gpu_arithmetic) == expected


@pytest.mark.parametrize("name", ["linear", "mel128", "mel256"])
def test_what_pays(name):
    options = configure(f"openl3-{name}-music")
    for lag in (8, 16, 96, 184):
        assert not pays(1, lag, options)
    assert pays(2, 8, options)
    assert pays(2, 16, options)
    assert not pays(2, 96, options)  # came out slower than one by one
    assert pays(6, 96, options)
    assert not pays(1000, 184, options)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.5, 0.5000001])), min_size=1))
def test_runs_are_the_longest_with_one_clip_and_one_maximum(windows):
    groups, maxima = (np.array(values) for values in zip(*windows, strict=True))
    runs = find_runs(groups, maxima)
    covered = np.concatenate([np.arange(run.first, run.first + run.count) for run in runs])
    np.testing.assert_array_equal(covered, np.arange(len(windows)))
    for run in runs:
        assert len(set(windows[run.first : run.first + run.count])) == 1
    for before, after in pairwise(runs):
        assert windows[before.first] != windows[after.first]


COUNTS = st.lists(st.integers(1, 200), min_size=1, max_size=20)


def runs_of(counts):
    firsts = np.cumsum([0, *counts[:-1]])
    return [Run(int(first), count) for first, count in zip(firsts, counts, strict=True)]


@given(COUNTS, st.sampled_from([8, 16, 96, 184]), st.integers(1, 64))
def test_dealing_takes_each_window_once_and_never_too_many_at_once(counts, lag, at_once):
    options = configure("openl3-mel128-music", layers=["block2", "block4"])
    alone, batches = deal(runs_of(counts), lag, at_once, options)
    together = [np.arange(run.first, run.first + run.count) for batch in batches for run in batch]
    dealt = np.concatenate([alone, *together])
    np.testing.assert_array_equal(np.sort(dealt), np.arange(sum(counts)))
    for batch in batches:
        n_frames = sum(frames_of_run(run.count, lag, options) for run in batch)
        assert n_frames <= at_once * MEL.n_frames
        assert all(pays(run.count, lag, options) for run in batch)


def test_short_runs_fill_a_batch_together():
    _, batches = deal(runs_of([3] * 40), 8, 16, MEL128)
    assert 3 <= len(batches) <= 4  # 40 runs of about 1.3 windows' frames each


@given(st.integers(1, 300), st.sampled_from([8, 16, 96]))
def test_a_run_has_whole_frames_of_the_last_map(count, lag):
    for options in (MEL128, LINEAR):
        n_frames = frames_of_run(count, lag, options)
        needed = options.front_end.n_whole + lag * (count - 1)
        assert n_frames % 8 == 0
        assert needed <= n_frames < needed + 8


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([8, 24]))
def test_the_layout_finds_each_windows_own_frames(counts, lag):
    n = sum(counts)
    table = frame_table(np.arange(n) * lag * MEL.frame_hop, MEL)
    maxima = np.repeat(np.arange(len(counts)) + 1.0, counts)
    chosen = runs_of(counts)[::2]  # the others are in another batch
    layout = lay_out(chosen, table.index, maxima, lag, MEL128)
    assert len(layout.frames) == len(layout.frame_references)
    assert len(layout.frames) % 8 == 0
    assert np.all(layout.at % 8 == 0)
    for window, at, tail, reference in zip(
        layout.windows, layout.at, layout.tails, layout.references, strict=True
    ):
        own = slice(at, at + MEL.n_whole)
        np.testing.assert_array_equal(layout.frames[own], table.index[window, : MEL.n_whole])
        np.testing.assert_array_equal(tail, table.index[window, MEL.n_whole :])
        assert set(layout.frame_references[own]) == {reference} == {maxima[window]}
