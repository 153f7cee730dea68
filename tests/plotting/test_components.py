"""Principal components: the numbers of scikit-learn, shown as lines and colours."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from hear_openl3_yamnet.plotting import plot_components
from hear_openl3_yamnet.plotting.components import colours, principal_components


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (3, 3), (2, 9)])
def test_principal_components_are_those_of_scikit_learn(shape):
    rows = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    n = min(3, *shape)
    reference = PCA(n, svd_solver="full").fit(rows.astype(float))
    coordinates, shares = principal_components(rows, 3)
    wanted = reference.transform(rows.astype(float))
    np.testing.assert_allclose(np.abs(coordinates[:, :n]), np.abs(wanted), atol=1e-5)
    np.testing.assert_allclose(shares[:n], reference.explained_variance_ratio_, atol=1e-6)
    assert np.all(coordinates.max(axis=0) >= -coordinates.min(axis=0))


@pytest.mark.parametrize("rows", [np.full((5, 4), 0.1, np.float32), np.ones((1, 7))])
def test_equal_rows_have_no_components(rows):
    coordinates, shares = principal_components(rows, 3)
    assert coordinates.shape == (len(rows), 3)
    assert not coordinates.any()
    assert not shares.any()


def test_the_first_component_is_visible_in_grey():
    steps = np.linspace(-1, 1, 21)
    rgb = colours(np.stack([steps, 0 * steps, 0 * steps], axis=1))
    assert np.all(np.diff(rgb @ [0.2126, 0.7152, 0.0722]) > 0)
    corners = np.array(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3)).reshape(3, -1).T
    every = colours(corners)
    assert every.min() >= 0
    assert every.max() <= 1
    assert len(np.unique(every.round(3), axis=0)) == 27


def test_an_outlier_leaves_other_moments_their_colours():
    times = np.arange(200) * 100.0
    rows = np.stack([np.sin(times / 3000), 0.5 * np.cos(times / 1000), 0 * times], axis=1)
    rows[77] = [0, 0, 50]
    drawn = plot_components(rows, times, Figure().add_subplot())
    lines = np.stack([line.get_ydata() for line in drawn.lines], axis=1)
    assert np.abs(lines).max() == lines[77, 0] == 1
    others = np.delete(lines, 77, axis=0)
    assert np.ptp(others, axis=0)[1:] == pytest.approx([1.9, 0.95], abs=0.15)
    strip = np.delete(drawn.images[0].get_array()[0], 77, axis=0)
    assert np.ptp(strip, axis=0).min() > 0.2


def test_the_only_different_moment_has_the_full_height():
    rows = np.zeros((400, 3))
    rows[5] = [1, 2, 3]
    drawn = plot_components(rows, np.arange(400) * 100.0, Figure().add_subplot())
    assert drawn.lines[0].get_ydata()[5] == pytest.approx(1)
