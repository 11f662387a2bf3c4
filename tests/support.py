# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the engine share: lists, numbers, memory layouts and the error bound."""

from math import prod

import numpy as np

from fastconv._spec import conv as spec
from fastconv._spec import reference
from fastconv._spec.dtypes import BLOCK_K

DTYPES = ("f4", "f8")
WORDS = ("valid", "full", "same", "same_upper", "same_lower", "same_torch")


def numbers(shape, dtype="f4", seed=0):
    """Normal random numbers, of a seed and a shape always the same."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


# ---- the truth ---------------------------------------------------------------------------------


def spec_of(x, w, **said):
    """The specification of ``convN(x, w, **said)`` for arrays or lists."""
    x, w = np.asarray(x), np.asarray(w)
    rank = w.ndim - 2
    return spec.make_conv_spec(f"conv{rank}d", rank, x.shape, x.dtype, w.shape, w.dtype, **said)


def truth(x, w, bias=None, **said):
    """The convolution in float64."""
    x, w = np.asarray(x), np.asarray(w)
    wide = spec_of(x.astype("f8"), w, **said)
    return reference.convolve(wide, x, w, bias)


def per_channel(problem, bias):
    """`bias` in the form that broadcasts with an output."""
    channels = (-1,) + (1,) * problem.rank
    return np.zeros(channels[1:]) if bias is None else np.reshape(np.asarray(bias, "f8"), channels)


def tolerance(x, w, bias=None, **said):
    """The largest error of each output that the order of summation allows."""
    problem = spec_of(x, w, **said)
    size = reference.magnitude(problem, x, w) + np.abs(per_channel(problem, bias))
    if problem.dtype == np.float64:
        return 1e-12 * size
    depth = problem.c_in * prod(problem.wei)
    return 2.0**-24 * (BLOCK_K + depth / BLOCK_K + 8) * size


def assert_right(got, x, w, bias=None, **said):
    """`got` is the convolution: shape, dtype, and each number within its tolerance."""
    problem = spec_of(x, w, **said)
    assert got.shape == problem.output_shape
    assert got.dtype.newbyteorder("=") == problem.dtype
    error = np.abs(got.astype("f8") - truth(x, w, bias, **said))
    assert np.isfinite(got).all()
    excess = (error - tolerance(x, w, bias, **said)).max(initial=0)
    assert excess <= 0, f"{excess} more than the bound, {problem}"


def assert_same_bits(got, expected):
    """Equal in every bit; only the sign of a zero and the payload of a NaN may differ."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    whole = f"i{got.itemsize}"
    pair = [np.where(np.isnan(a), 0, a + 0.0).view(whole) for a in (got, expected)]
    np.testing.assert_array_equal(*pair)


# ---- memory ------------------------------------------------------------------------------------
# Each takes an array and returns one of the same shape and kind, in another memory.


def steps(a):
    """Every second or third cell of a larger array."""
    large = np.full([3 * n + 1 if i % 2 else 2 * n + 1 for i, n in enumerate(a.shape)], 7, a.dtype)
    view = large[tuple(slice(1, None, 3 if i % 2 else 2) for i in range(a.ndim))]
    view = view[tuple(slice(n) for n in a.shape)]
    view[...] = a
    return view


def misaligned(a):
    memory = np.zeros(a.nbytes + 1, np.uint8)
    view = np.ndarray(a.shape, a.dtype, memory, 1)
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def block(a):
    """Part of a larger array, rows whole numbers of elements apart."""
    large = np.full([n + 2 for n in a.shape], 7, a.dtype)
    view = large[tuple(slice(1, 1 + n) for n in a.shape)]
    view[...] = a
    return view


def between(a):
    """Rows with a step that is no whole number of elements."""
    size = a.dtype.itemsize
    raw = np.zeros((*a.shape[:-1], a.shape[-1] * size + 3), np.uint8)
    view = np.ndarray(a.shape, a.dtype, raw, 0, (*raw.strides[:-1], size))
    view[...] = a
    return view


WRITEABLE = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "channels last": lambda a: (
        np.ascontiguousarray(np.moveaxis(a, 1, -1)).swapaxes(1, -1)
        if a.ndim == 3
        else np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)
    ),
    "steps": steps,
    "backwards": lambda a: np.flip(np.flip(a).copy()),
    "swapped": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "misaligned": misaligned,
    "swapped steps": lambda a: steps(a.astype(a.dtype.newbyteorder("S"))),
    "block": block,
    "between": between,
}
READABLE = WRITEABLE | {
    "read-only": read_only,
    "one row": lambda a: np.broadcast_to(a[..., :1, :], a.shape),
    "one column": lambda a: np.broadcast_to(a[..., :1], a.shape),
    "one channel": lambda a: np.broadcast_to(a[:, :1], a.shape),
}
