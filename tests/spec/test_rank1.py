# SPDX-License-Identifier: BSD-3-Clause
"""Factors of a kernel that stand for its taps: what is promised of them, and what is refused."""

from functools import reduce

import numpy as np
import pytest
from arrays import DTYPES
from hypothesis import given, settings
from hypothesis import strategies as st

from fastconv import kernels
from fastconv._spec.rank1 import rank1_factors


def joined(factors):
    return reduce(np.multiply.outer, factors)


def assert_promised(factors, taps, dtype):
    """Each tap to eps for each axis, in integers of arbitrary size: nothing here is rounded."""
    assert tuple(map(len, factors)) == taps.shape
    assert all(factor.dtype == dtype for factor in factors)
    product = joined(factors)
    assert product.dtype == dtype
    eps, axes = int(1 / np.finfo(dtype).eps), max(1, sum(n > 1 for n in taps.shape))
    for got, tap in zip(product.flat, taps.flat, strict=True):
        (a, b), (c, d) = float(got).as_integer_ratio(), float(tap).as_integer_ratio()
        assert abs(a * d - c * b) * eps <= axes * abs(c * b)


def line(rng, n):
    return rng.standard_normal(n) * rng.choice([0, 1, 1, 1], n)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None)
@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=3), seed=st.integers(0, 999))
def test_what_is_found_is_what_is_promised(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    taps = joined([line(rng, n) for n in shape]).astype(dtype)
    factors = rank1_factors(taps, dtype)
    if not taps.any():
        assert factors is None
    elif factors is not None:
        assert_promised(factors, taps, dtype)
        for factor, n in zip(factors, shape, strict=True):
            assert n > 1 or max(shape) == 1 or factor[0] == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(3, 3), (2, 7), (21, 21), (31, 31), (101, 3), (3, 3, 3), (7, 9, 5)]
)
def test_outer_products_are_found(shape, dtype):
    rng = np.random.default_rng(0)
    for _ in range(100):
        taps = joined([rng.standard_normal(n).astype(dtype) for n in shape])
        assert_promised(rank1_factors(taps, dtype), taps, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "taps",
    [
        *(kernels.gaussian(n, sigma) for n in (3, 5, 7, 9) for sigma in (0.8, n / 5)),
        *(kernels.gaussian(sigma=sigma) for sigma in (1, 2.5, 5, 6.5, 10)),
        *(kernels.mean(n) for n in (1, 2, 3, 9, 31)),
        np.ones((3, 5, 7)) / 105,
        *(kernels.sobel(n, axis=a) for n in (3, 5, 7) for a in (0, 1)),
        kernels.scharr(),
        kernels.prewitt(5),
        -kernels.sobel(),
        kernels.gaussian(5)[None],
        kernels.gaussian(5)[:, None],
        np.multiply.outer([1, 2, 1], kernels.sobel()),
        np.array([[-3.0]]),
        np.array([1.5, 0, -2.5]),
        np.array([[0, 0, 0], [0, 7, 0]]),
    ],
    ids=lambda taps: f"{taps.shape} {taps.flat[0]:.3g}",
)
def test_kernels_of_rank_1_are_found(taps, dtype):
    taps = taps.astype(dtype)
    assert_promised(rank1_factors(taps, dtype), taps, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (2, 2), (3, 5, 7), (1, 5, 3), (2, 1, 3)])
def test_one_tap_that_differs_is_seen(shape, dtype):
    """By more than all factors together may be off, where all others are exact, wherever it is."""
    exact = joined([np.arange(1.0, n + 1) for n in shape]).astype(dtype)
    assert rank1_factors(exact, dtype) is not None
    rng, axes = np.random.default_rng(0), sum(n > 1 for n in shape)
    for at in rng.choice(exact.size, min(9, exact.size), replace=False):
        for change in (8 * axes, -8 * axes):
            taps = exact.copy()
            taps.flat[at] *= 1 + change * np.finfo(dtype).eps
            assert rank1_factors(taps, dtype) is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "taps",
    [
        kernels.laplacian(),
        kernels.sharpen(),
        np.eye(3),
        np.random.default_rng(0).standard_normal((5, 5)),
        [[1, 1], [1, 0]],
        [[1, 0], [0, 0.5]],
        [[0, 0], [0, 0]],
        [[1, np.inf], [2, np.inf]],
        [[1, np.nan], [2, np.nan]],
        [[np.nan, np.nan]],
        [[-np.inf]],
    ],
    ids=str,
)
def test_other_kernels_are_refused(taps, dtype):
    assert rank1_factors(np.asarray(taps, dtype), dtype) is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_at_the_ends_of_their_range(dtype):
    """Where rounding is not relative, or a product leaves the range, there are no factors."""
    limits = np.finfo(dtype)
    small, large = limits.smallest_subnormal, limits.max
    for line in ([1, small], [small, small], [large, limits.tiny], [3 * small, 2 * small]):
        taps = np.array([line, line], dtype)
        assert rank1_factors(taps, dtype) is None
    taps = np.array([[large, large / 2], [-large, -large / 2]], dtype)
    assert_promised(rank1_factors(taps, dtype), taps, dtype)


def test_a_wider_kernel_has_to_meet_the_narrower_dtype():
    exact = np.multiply.outer([1.0, 2.0, 3.0], [1.0, 5.0])
    assert rank1_factors(exact, np.float32) is not None
    exact[1, 1] *= 1 + 1e-5
    assert rank1_factors(exact, np.float32) is None
    assert rank1_factors(exact.astype("f2"), np.float32) is not None
