# SPDX-License-Identifier: BSD-3-Clause
"""A kernel as one factor an axis, where that gives the same taps to rounding."""

from __future__ import annotations

from functools import reduce

import numpy as np

ROUGH = 8  # eps: how far the outer product of fibres may be from taps that were rounded
SWEEPS = 4  # over the axes; nearly all that is found is found in the first two


def rank1_factors(kernel: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, ...] | None:
    """One factor an axis, of `dtype`, whose product in `dtype` is each tap w to eps(dtype) * abs(w)
    for each axis of several taps (0 where w is 0); None if none are found.

    An outer product of 1-D kernels is found at any size: the tap, the factors and their product are
    each rounded, by half an eps. All taps but those that are 0 have to be of a size where rounding
    is relative. An axis of one tap has the factor 1, unless all have one.
    """
    dtype = np.dtype(dtype)
    limits = np.finfo(dtype)
    taps = np.asarray(kernel, np.float64)
    with np.errstate(all="ignore"):
        size = np.abs(taps)
        peak = np.unravel_index(size.argmax(), taps.shape)
        largest = taps[peak]
        if not 0 < size[peak] < np.inf:
            return None
        if _far_from_rank_1(taps, peak, limits.eps):
            return None
        # The fibres through the largest tap, which is divided out of all but one of them.
        scaled = max(range(taps.ndim), key=lambda axis: taps.shape[axis] > 1)
        fibres = [
            taps[(*peak[:axis], slice(None), *peak[axis + 1 :])]
            / (1 if axis == scaled else largest)
            for axis in range(taps.ndim)
        ]
        rough = ROUGH * max(limits.eps, np.finfo(np.float64).eps)
        if not (np.abs(_product(fibres) - taps) <= rough * size).all():
            return None
        valid = [fibre != 0 for fibre in fibres]
        taps = taps[np.ix_(*valid)]
        if not np.abs(taps).min() >= limits.tiny / limits.eps:
            return None
        found = _refined(taps, [f[v] for f, v in zip(fibres, valid, strict=True)], dtype)
    if found is None:
        return None
    factors = tuple(np.zeros(len(fibre), dtype) for fibre in fibres)
    for factor, where, values in zip(factors, valid, found, strict=True):
        factor[where] = values
    return factors


def _far_from_rank_1(taps: np.ndarray, peak: tuple, eps: float) -> bool:
    """Whether one tap, in a corner, shows already that there are no factors: most kernels without
    any are refused so, in a few microseconds."""
    corner = tuple(0 if at else n - 1 for at, n in zip(peak, taps.shape, strict=True))
    one, other = float(taps[corner]), 1.0
    for axis in range(taps.ndim):
        other *= float(taps[(*peak[:axis], corner[axis], *peak[axis + 1 :])])
        one *= float(taps[peak]) if axis else 1.0
    return abs(one - other) > 2 * ROUGH * eps * abs(one)


def _refined(taps: np.ndarray, factors: list[np.ndarray], dtype: np.dtype):
    """Factors of `dtype` for taps that are not 0. The ratios of the taps to the product of the
    other factors differ by rounding; the middle of their range is the best factor."""
    wide = np.float64 if dtype.itemsize < 8 else np.longdouble
    factors = [factor.astype(dtype) for factor in factors]
    exact = taps.astype(wide)
    axes = [axis for axis in range(taps.ndim) if taps.shape[axis] > 1]
    bound = max(1, len(axes)) * np.finfo(dtype).eps * np.abs(taps)
    for _ in range(SWEEPS):
        if (np.abs(_product(factors) - taps) <= bound).all():
            return factors
        for axis in axes:
            others = [factor.astype(wide) for factor in factors]
            others[axis] = np.ones(taps.shape[axis], wide)
            ratios = exact / _product(others)
            rest = tuple(other for other in range(taps.ndim) if other != axis)
            factors[axis] = ((ratios.max(rest) + ratios.min(rest)) / 2).astype(dtype)
    return factors if (np.abs(_product(factors) - taps) <= bound).all() else None


def _product(factors: list[np.ndarray]) -> np.ndarray:
    """The outer product, in the dtype of the factors."""
    return reduce(np.multiply.outer, factors)
