# SPDX-License-Identifier: BSD-3-Clause
"""The truth of operations that move elements: element by element, or tap by tap."""

from itertools import product

import numpy as np


def position(at, n, mode):
    """Which of `n` elements lies at `at`, one step at a time; None: the constant."""
    while not 0 <= at < n:
        if mode == "constant":
            return None
        if mode == "edge":
            at = min(max(at, 0), n - 1)
        elif mode == "wrap":
            at += n if at < 0 else -n
        elif mode == "symmetric":
            at = -1 - at if at < 0 else 2 * n - 1 - at
        elif n == 1:  # a mirror around the only one
            at = 0
        else:
            at = -at if at < 0 else 2 * n - 2 - at
    return at


def padded(array, pads, modes, value=0):
    """`array` with (before, after) elements on each axis, of which negative ones crop."""
    array = np.asarray(array)
    for axis, ((before, after), mode) in enumerate(zip(pads, modes, strict=True)):
        n = array.shape[axis]
        places = [position(at, n, mode) for at in range(-before, n + after)]
        shape = [*array.shape[:axis], len(places), *array.shape[axis + 1 :]]
        result = np.full(shape, value, array.dtype.newbyteorder("="))
        for to, place in enumerate(places):
            if place is not None:
                index = (slice(None),) * axis
                result[(*index, to)] = array[(*index, place)]
        array = result
    return array


def each(value, rank):
    """One value per axis."""
    return (value,) * rank if np.ndim(value) == 0 else tuple(value)


def unfolded(x, kernel, dilation, pads, stride, modes=("constant",) * 3, value=0, last=False):
    """The columns of `x`, which has a batch axis; everything said per axis."""
    rank = len(kernel)
    if last:
        x = np.moveaxis(x, -1, 1)
    x = padded(x, ((0, 0), (0, 0), *pads), ("edge", "edge", *modes[:rank]), value)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [(n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, stride, strict=True)]
    columns = (len(x), x.shape[1] * int(np.prod(kernel)), int(np.prod(sizes)))
    result = np.empty((*x.shape[:2], *kernel, *sizes), x.dtype)
    for tap in product(*map(range, kernel)):
        for out in product(*map(range, sizes)):
            at = (o * s + t * d for o, s, t, d in zip(out, stride, tap, dilation, strict=True))
            result[(slice(None), slice(None), *tap, *out)] = x[(slice(None), slice(None), *at)]
    return result.reshape(columns)


def folded(y, sizes, kernel, dilation, pads, stride, dtype):
    """The sums of columns `y`, which have a batch axis, in `dtype`, in the order of taps."""
    outputs = [
        (n + sum(pad) - d * (k - 1) - 1) // s + 1
        for n, k, d, pad, s in zip(sizes, kernel, dilation, pads, stride, strict=True)
    ]
    taps = int(np.prod(kernel))
    batch, channels = len(y), y.shape[1] // taps
    y = y.reshape(batch, channels, *kernel, *outputs).astype(dtype)
    x = np.zeros((batch, channels, *sizes), dtype)
    for tap in product(*map(range, kernel)):
        for out in product(*map(range, outputs)):
            each_axis = zip(out, stride, tap, dilation, pads, strict=True)
            at = tuple(o * s + t * d - before for o, s, t, d, (before, _) in each_axis)
            if all(0 <= place < n for place, n in zip(at, sizes, strict=True)):
                x[(slice(None), slice(None), *at)] += y[(slice(None), slice(None), *tap, *out)]
    return x
