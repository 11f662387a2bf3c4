# SPDX-License-Identifier: BSD-3-Clause
"""What the tests convolve: numbers of every dtype, and layouts of them in memory."""

import ml_dtypes
import numpy as np

from fastconv._spec.dtypes import is_integer

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = (*map(np.dtype, ("f2", "f4", "f8")), BF16)
COMPLEX = tuple(map(np.dtype, ("c8", "c16")))
INTEGERS = tuple(map(np.dtype, ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")))
BOOL = np.dtype("?")
EVERY = (*FLOATS, *COMPLEX, BOOL, *INTEGERS)
DTYPES = ("f4", "f8")


def numbers(shape, dtype="f4", seed=0):
    """Of a seed and a shape always the same: normal, or any that an integer can be."""
    dtype = np.dtype(dtype)
    random = np.random.default_rng((seed, *shape))
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if is_integer(dtype):
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if dtype.kind == "c":
        pairs = random.standard_normal((*shape, 2))
        return pairs.view("c16")[..., 0].astype(dtype)
    return random.standard_normal(shape).astype(dtype)


# ---- memory ------------------------------------------------------------------------------------
# Each takes an array and returns one of the same shape and kind, in another memory.


def have_common_dtype(*arrays):
    """Whether NumPy promotes them to one dtype: with bfloat16 of ml_dtypes before 0.7, few are."""
    try:
        return bool(np.result_type(*(array.dtype for array in arrays)))
    except TypeError:
        return False


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
