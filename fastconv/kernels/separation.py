# SPDX-License-Identifier: BSD-3-Clause
"""Two 1-D kernels for one of 2-D."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import Array, as_matrix, as_number

EPS = float(np.finfo(np.float64).eps)


def separate(kernel: Any, tolerance: float | None = None) -> list[tuple[Array, Array]]:
    """Pairs (column, row) of 1-D arrays whose outer products sum to ``kernel``, the largest first.

    kernel
        an h x w array of finite real numbers.
    tolerance
        from 0 to below 1. A pair is left out if its singular value is at most tolerance times the
        largest one. None is max(h, w) * 2^-52: only what rounding makes is left out.

    Returns a list of pairs of float64 arrays of shapes (h,) and (w,). A kernel of rank 1 (mean,
    gaussian, sobel, scharr, prewitt) gives one pair: its column and its row through the largest
    tap, exact to rounding. Any other gives its singular value decomposition: the first n pairs are
    the best approximation by n pairs. The largest tap of each row is 1. A kernel of zeros gives
    one pair of zeros. Raises TypeError or ValueError for other values of kernel or tolerance.

    >>> from fastconv.kernels import laplacian, sobel
    >>> separate(sobel())
    [(array([1., 2., 1.]), array([-1.,  0.,  1.]))]
    >>> len(separate(laplacian()))
    2
    """
    taps = as_matrix("separate", "kernel", kernel)
    least = max(taps.shape) * EPS
    if tolerance is not None:
        least = as_number("separate", "tolerance", tolerance)
        if not 0 <= least < 1:
            raise ValueError(f"separate: tolerance is {least}, but it must be from 0 to below 1")
    if not taps.any():
        return [(np.zeros(taps.shape[0]), np.zeros(taps.shape[1]))]
    i, j = divmod(_peak(taps), taps.shape[1])
    peak = taps[i, j]
    with np.errstate(over="ignore", under="ignore"):  # a difference of inf is no rank 1
        column, row = taps[:, j].copy(), taps[i] / peak
        if np.abs(np.outer(column, row) - taps).max() <= 4 * EPS * abs(peak):
            return [(column, row)]
        left, values, right = np.linalg.svd(taps / peak, full_matrices=False)
        tops = [one[_peak(one)] for one in right]
        return [
            (left[:, k] * (values[k] * tops[k] * peak), right[k] / tops[k])
            for k in range(len(values))
            if values[k] > least * values[0]
        ]


def _peak(taps: Array) -> int:
    """Where the magnitude is largest, rather at a positive tap."""
    high, low = int(taps.argmax()), int(taps.argmin())
    return high if taps.flat[high] >= -taps.flat[low] else low
