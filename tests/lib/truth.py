# SPDX-License-Identifier: BSD-3-Clause
"""What a convolution has to give, and how far from it a result may be."""

from dataclasses import replace

import numpy as np

from fastconv._spec import reference
from fastconv._spec.conv import make_conv_spec
from fastconv._spec.dtypes import BLOCK_K, is_integer

# The worst errors of activations, seen on generic, AVX2 and AVX-512 in ulp, rounded up.
WORST = {
    "sigmoid": {"f4": 2.3, "f8": 2.3},
    "tanh": {"f4": 2.6, "f8": 2.8},
    "silu": {"f4": 3.2, "f8": 3.2},
    "gelu": {"f4": 8.0, "f8": 9.0},
    "hardswish": {"f4": 2.0, "f8": 2.0},
}


def specified(x, w, bias=None, residual=None, **said):
    """The specification of ``convN(x, w, bias, residual=residual, **said)``, for lists, too."""
    x, w = np.asarray(x), np.asarray(w)
    rank = w.ndim - 2
    arrays = (x.shape, x.dtype, w.shape, w.dtype)
    given = {"bias": bias is not None, "residual": residual is not None}
    return make_conv_spec(f"conv{rank}d", rank, *arrays, **said, **given)


def truth(x, w, bias=None, residual=None, out=None, **said):
    """(what the reference says, how far from it a result may be); of integers it is exact, else
    in float64 or complex128, as if it were not rounded to the dtype of the output."""
    x, w = np.asarray(x), np.asarray(w)
    problem = specified(x, w, bias, residual, **said)
    if problem.flipped:
        w = w[(..., *[slice(None, None, -1)] * problem.rank)]
    if problem.arithmetic.integer:
        return reference.convolve(problem, x, w, bias, residual, out), 0
    wide = reference.wide(problem)
    expected = reference.convolve(replace(problem, dtype=wide), x, w, bias, residual, out)
    size = scale_of(problem, reference.magnitude(problem, x, w), bias, residual, out)
    return expected, bound_of(problem, expected, size)


def scale_of(problem, size, bias, residual, out):
    """What the error of a sum of that size and of all that is added to it is measured by."""
    size, wide = abs(problem.epilogue.alpha) * size, reference.wide(problem)
    for factor, addend in ((1, residual), (problem.epilogue.beta, out)):
        if addend is not None and factor != 0:
            size = size + np.abs(factor * addend.astype(wide))
    if bias is not None:
        shape = (-1,) if problem.channels_last else (-1, *[1] * problem.rank)
        size = size + np.abs(np.asarray(bias).astype(wide)).reshape(shape)
    return size


def bound_of(problem, expected, size, share=None):
    """`share` is that of `size`, if it is not the one of `direct`."""
    depth = problem.c_in * problem.taps * problem.components
    single = problem.arithmetic.tile == "f"
    if share is None:
        share = 2.0**-24 * (BLOCK_K + depth / BLOCK_K + 8) if single else 1e-12
    bound = share * problem.components * size
    if problem.epilogue.activation:  # none is steeper than 1.5
        bound = 1.5 * bound + np.abs(expected) * (2.0**-20 if single else 1e-14)
    if is_integer(problem.dtype):
        return bound + 0.5
    rounding = {"float16": 2.0**-11, "bfloat16": 2.0**-8}.get(problem.dtype.name, 2.0**-24)
    narrow = problem.dtype.itemsize < (4 if single else 8) * problem.components  # than its sums
    return bound + rounding * np.abs(expected) + 2.0**-25 if narrow else bound


def assert_near(got, problem, expected, bound):
    """`got` has the shape and dtype of the problem, and each number within its bound."""
    assert got.shape == problem.output_shape
    assert got.dtype.newbyteorder("=") == problem.dtype
    if problem.arithmetic.integer:
        np.testing.assert_array_equal(got, expected)
        return
    got = got.astype(expected.dtype)
    if is_integer(problem.dtype):
        limits = np.iinfo(problem.dtype)
        expected = np.clip(expected, float(limits.min), float(limits.max))
    if problem.dtype == np.float16:  # beyond its numbers: test_dtypes.py
        got, expected = (np.clip(array, -65504, 65504) for array in (got, expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(got[~finite], expected[~finite])
    error = np.abs(got[finite] - expected[finite])
    excess = (error - np.broadcast_to(bound, expected.shape)[finite]).max(initial=0)
    assert excess <= 0, f"{excess} more than the bound, {problem}"


def assert_right(got, x, w, bias=None, residual=None, out=None, **said):
    """`got` is the convolution; `out` what it was before."""
    problem = specified(x, w, bias, residual, **said)
    assert_near(got, problem, *truth(x, w, bias, residual, out, **said))


def assert_same_bits(got, expected):
    """Equal in every bit; only the sign of a zero and the payload of a NaN may differ."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    whole = f"i{min(got.itemsize, 8)}"
    pair = [np.where(np.isnan(a), 0, a + 0.0).view(whole) for a in (got, expected)]
    np.testing.assert_array_equal(*pair)
