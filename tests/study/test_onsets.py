"""Onsets: found where events begin, matched one to one."""

import numpy as np
import pytest

from hear_openl3_yamnet.study.onsets import (
    Postprocessing,
    count_onsets,
    find_onsets,
    frame_targets,
    onset_f,
)


def test_onsets_are_found_where_events_begin():
    times = np.arange(0, 4000, 50.0)
    events = [
        {"label": "a", "start": 500.0, "end": 1000.0},
        {"label": "b", "start": 700.0, "end": 900.0},
        {"label": "a", "start": 2500.0, "end": 3100.0},
    ]
    targets = frame_targets(events, times, ["a", "b"])
    found = find_onsets(0.9 * targets, times, Postprocessing(0.5, 100.0, 125.0))
    assert found[0].tolist() == [500.0, 2500.0]
    assert found[1].tolist() == [700.0]


def test_onsets_are_matched_one_to_one():
    reference = {0: np.array([100.0, 1000.0, 5000.0]), 1: np.array([300.0])}
    found = {0: np.array([150.0, 250.0, 1190.0, 8000.0]), 1: np.array([], float)}
    counts = count_onsets(reference, found, 200.0, 4000.0, 2)
    assert counts.tolist() == [[2, 1, 1], [0, 1, 1]]
    assert onset_f(counts) == pytest.approx(4 / (4 + 2 + 2))
