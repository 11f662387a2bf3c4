# SPDX-License-Identifier: BSD-3-Clause
"""A small picture for the tests of ``fastconv filter``, and what a filter makes of it."""

import numpy as np

WIDTH, HEIGHT = 31, 23  # unequal primes


def photograph(channels, dtype=np.uint8):
    """Smooth colours with an edge and some noise, (height, width, channels)."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0 : 1 : 1j * HEIGHT, 0 : 1 : 1j * WIDTH]
    planes = [rows * (c + 1) / channels + columns / (c + 2) for c in range(channels)]
    picture = np.stack(planes, axis=-1) / 2 + 0.2 * (columns > 0.6)[..., None]
    picture += 0.05 * rng.standard_normal(picture.shape)
    top = np.iinfo(dtype).max
    return (np.clip(picture, 0, 1) * top).astype(dtype)


def filtered(plane, taps, mode="edge", **said):
    """The plain sum over taps with a border of `numpy.pad`, in float64."""
    height, width = taps.shape
    margins = [((n - 1) // 2, n // 2) for n in taps.shape]
    padded = np.pad(plane.astype(np.float64), margins, mode, **said)
    total = np.zeros(plane.shape)
    for row in range(height):
        for column in range(width):
            part = padded[row : row + plane.shape[0], column : column + plane.shape[1]]
            total += taps[row, column] * part
    return total


def saturated(values, dtype):
    return np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype)


def close(got, expected):
    """Equal but for a rounding that fell to the other side."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    return np.abs(got.astype(np.int64) - expected.astype(np.int64)).max() <= 1
