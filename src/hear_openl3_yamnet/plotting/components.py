"""Principal components, and three of them shown as one colour."""

import numpy as np

_SMALLEST_DEVIATION = 1e-6
"""Relative to the largest value. Rows that differ by less are equal up to rounding."""


def principal_components(rows: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Project rows on the directions of largest variance.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_rows, size)]
        Finite values.
    n : int
        Number of components.

    Returns
    -------
    coordinates : np.ndarray [shape=(n_rows, n), dtype=float64]
        In the units of the rows. The signs are chosen so that the coordinate with the largest
        absolute value is positive. Few or equal rows have fewer components: the others are zeros.
    shares : np.ndarray [shape=(n,), dtype=float64]
        The share of each component in the variance of the rows.
    """
    centred = np.asarray(rows, np.float64) - np.mean(rows, axis=0, dtype=np.float64)
    # the smaller of the two products has the same eigenvalues
    tall = centred.shape[0] > centred.shape[1]
    product = centred.T @ centred if tall else centred @ centred.T
    values, vectors = np.linalg.eigh(product)
    values, vectors = values[::-1][:n], vectors[:, ::-1][:, :n]
    values = np.where(values > (_SMALLEST_DEVIATION * np.abs(rows).max()) ** 2, values, 0.0)
    found = (centred @ vectors if tall else vectors * np.sqrt(values)) * (values > 0)
    coordinates = np.zeros((len(centred), n))
    coordinates[:, : found.shape[1]] = found
    furthest = np.abs(coordinates).argmax(axis=0)
    coordinates *= np.where(coordinates[furthest, np.arange(n)] < 0, -1.0, 1.0)
    shares = np.zeros(n)
    if values.any():
        shares[: len(values)] = values / np.trace(product)
    return coordinates, shares


def common_scale(coordinates: np.ndarray) -> float:
    """Return a divisor that brings nearly all coordinates into [-1, 1].

    Parameters
    ----------
    coordinates : np.ndarray [shape=(n, n_components)]

    Returns
    -------
    float
        The 99th percentile of the absolute values: an outlier changes it less than the largest
        value. The largest value if that percentile is zero. 1 if all values are zero.
    """
    distances = np.abs(coordinates)
    return float(np.percentile(distances, 99)) or float(distances.max()) or 1.0


def colours(coordinates: np.ndarray) -> np.ndarray:
    """Show three coordinates as one colour each, so that near points have similar colours.

    The first coordinate is the lightness, which is also visible in grey. The second goes from blue
    to yellow, which nearly all readers can tell apart. The third goes from green to red.

    Parameters
    ----------
    coordinates : np.ndarray [shape=(n, 3)]
        In [-1, 1], all on the same scale.

    Returns
    -------
    np.ndarray [shape=(n, 3), dtype=float64]
        sRGB in [0, 1].
    """
    first, second, third = coordinates.T
    return _oklab_to_srgb(0.62 + 0.3 * first, 0.2 * third, 0.2 * second)


def _oklab_to_srgb(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Convert from Oklab (Ottosson 2020, "A perceptual color space for image processing")."""
    roots = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    matrix = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(matrix @ roots**3, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(srgb, 0, 1).T  # 1.055 - 0.055 may round above 1
