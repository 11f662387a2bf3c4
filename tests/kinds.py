# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of every dtype, and how far from the reference a result of them may be."""

from dataclasses import replace
from math import prod

import ml_dtypes
import numpy as np
from support import spec_of

from fastconv._spec import reference
from fastconv._spec.dtypes import BLOCK_K, is_whole

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = (*map(np.dtype, ("f2", "f4", "f8")), BF16)
COMPLEX = tuple(map(np.dtype, ("c8", "c16")))
INTEGERS = tuple(map(np.dtype, ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")))
BOOL = np.dtype("?")
EVERY = (*FLOATS, *COMPLEX, BOOL, *INTEGERS)


def numbers(shape, dtype="f4", seed=0):
    """Of a seed and a shape always the same: normal, or any that an integer can be."""
    dtype = np.dtype(dtype)
    random = np.random.default_rng((seed, *shape))
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if is_whole(dtype):
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if dtype.kind == "c":
        pairs = random.standard_normal((*shape, 2))
        return pairs.view("c16")[..., 0].astype(dtype)
    return random.standard_normal(shape).astype(dtype)


def specified(x, w, bias=None, residual=None, **said):
    """The specification of ``convN(x, w, bias, residual=residual, **said)``."""
    return spec_of(x, w, **said, bias=bias is not None, residual=residual is not None)


def truth(x, w, bias=None, residual=None, out=None, **said):
    """(what the reference says, how far from it a result may be); of integers it is exact, else
    in float64 or complex128, as if it were not rounded to the dtype of the output."""
    problem = specified(x, w, bias, residual, **said)
    if problem.flipped:
        w = w[(..., *[slice(None, None, -1)] * problem.rank)]
    if problem.arithmetic.whole:
        return reference.convolve(problem, x, w, bias, residual, out), 0
    wide = reference.wide(problem)
    expected = reference.convolve(replace(problem, dtype=wide), x, w, bias, residual, out)
    size = abs(problem.finish.alpha) * reference.magnitude(problem, x, w)
    for factor, addend in ((1, residual), (problem.finish.beta, out)):
        if addend is not None and factor != 0:
            size = size + np.abs(factor * addend.astype(wide))
    if bias is not None:
        shape = (-1,) if problem.channels_last else (-1, *[1] * problem.rank)
        size = size + np.abs(bias.astype(wide)).reshape(shape)
    return expected, _bound(problem, expected, size)


def _bound(problem, expected, size):
    depth = problem.c_in * prod(problem.wei) * problem.parts
    single = problem.arithmetic.tile == "f"
    share = 2.0**-24 * (BLOCK_K + depth / BLOCK_K + 8) if single else 1e-12
    bound = share * problem.parts * size
    if problem.finish.activation:  # none is steeper than 1.5
        bound = 1.5 * bound + np.abs(expected) * (2.0**-20 if single else 1e-14)
    if is_whole(problem.dtype):
        return bound + 0.5
    rounding = {"float16": 2.0**-11, "bfloat16": 2.0**-8}.get(problem.dtype.name, 2.0**-24)
    narrow = problem.dtype.itemsize < 8 * problem.parts
    return bound + rounding * np.abs(expected) + 2.0**-25 if narrow else bound


def assert_near(got, problem, expected, bound):
    """`got` has the shape and dtype of the problem, and each number within its bound."""
    assert got.shape == problem.output_shape
    assert got.dtype.newbyteorder("=") == problem.dtype
    if problem.arithmetic.whole:
        np.testing.assert_array_equal(got, expected)
        return
    got = got.astype(expected.dtype)
    if is_whole(problem.dtype):
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
