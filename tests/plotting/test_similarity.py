"""The matrix of cosines between the moments of one clip or of two."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hear_openl3_yamnet.plotting import plot_similarity
from hear_openl3_yamnet.plotting.similarity import MOST_MOMENTS


def axes():
    return Figure(figsize=(6, 4)).add_subplot()


def test_similarity_has_times_on_both_axes():
    rows = np.eye(4)[[0, 1, 2, 0]]
    drawn = plot_similarity(rows, np.arange(4) * 500.0, axes=axes())
    image = drawn.images[0]
    assert image.get_extent() == [-0.25, 1.75, 1.75, -0.25]
    assert image.get_array()[0, 3] == image.get_array()[3, 0] == 1
    assert image.get_array()[0, 1] == 0
    other = plot_similarity(rows, np.arange(4) * 500.0, (rows[:2], np.array([0.0, 100.0])), axes())
    assert other.images[0].get_array().shape == (4, 2)


@pytest.mark.parametrize("angle", [0.0, 0.6, 1.1])
def test_two_clips_have_all_colours_even_if_they_differ_much(angle):
    fan = np.linspace(0, 0.4, 5)
    rows = np.stack([np.cos(fan), np.sin(fan)], axis=1)
    turned = np.stack([np.cos(fan + angle), np.sin(fan + angle)], axis=1)
    times = np.arange(5) * 100.0
    image = plot_similarity(rows, times, (turned, times), axes()).images[0]
    assert image.get_clim() == pytest.approx((np.cos(0.4 + angle), np.cos(max(angle - 0.4, 0))))
    assert plot_similarity(rows, times, axes=axes()).images[0].get_clim()[1] == 1


def test_two_constant_clips_have_one_colour():
    rows, times = np.ones((3, 4), np.float32), np.arange(3) * 100.0
    drawn = plot_similarity(rows, times, (-rows, times), axes())
    low, high = drawn.images[0].get_clim()
    assert (low, high) == pytest.approx((-1.001, -1))
    drawn.figure.canvas.draw()


def test_similarity_of_a_long_clip_is_of_averages():
    n = 2 * MOST_MOMENTS + 1
    rows = np.repeat(np.random.default_rng(1).normal(size=(n // 2 + 1, 3)), 2, axis=0)[:n]
    image = plot_similarity(rows, np.arange(n) * 10.0, axes=axes()).images[0]
    wanted = rows[: n // 3 * 3].reshape(-1, 3, 3).mean(axis=1)
    assert image.get_array().shape == (len(wanted), len(wanted))
    cosine = wanted[0] @ wanted[7] / np.linalg.norm(wanted[0]) / np.linalg.norm(wanted[7])
    assert image.get_array()[0, 7] == pytest.approx(cosine)
