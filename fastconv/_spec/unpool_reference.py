# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling in NumPy: what runs where indices point into other planes, and the slow truth."""

from __future__ import annotations

import numpy as np

from .pooling import is_narrow
from .unpool import UnpoolSpec


def find(spec: UnpoolSpec, indices: np.ndarray) -> np.ndarray:
    """Where each value goes in the output, as a C-contiguous array (N, C, D, H, W): -1 where it is
    left out. Raises ValueError for the first index that points nowhere."""
    index = _in_order(spec, indices).astype(np.int64)
    weight, sizes = spec.weights, spec.sizes
    n, c = np.indices(index.shape[:2]).reshape(2, *index.shape[:2], 1, 1, 1)
    # Of batch and channel those whose weight is 0 are those of the value; the others are digits of
    # the index, the largest first.
    rest, found = index.copy(), [n + 0 * index, c + 0 * index, 0 * index, 0 * index, 0 * index]
    order = sorted((a for a in range(5) if weight[a] and sizes[a] > 1), key=lambda a: -weight[a])
    for a in order:
        found[a] = rest // weight[a]
        rest = rest - found[a] * weight[a]
    bad = index != -1
    bad &= np.any([(rest != 0), *(found[a] >= sizes[a] for a in order)], axis=0) | (index < 0)
    if bad.any():
        where = _as_given(spec, bad)
        at = tuple(map(int, np.argwhere(where)[0]))
        most = sum(w * (size - 1) for w, size in zip(weight, sizes, strict=True))
        place = ", ".join(map(str, at))
        size = spec.outputs[3 - spec.rank :]
        raise ValueError(
            f"{spec.name}: indices[{place}] is {int(np.asarray(indices)[at])}, "
            f"but it must be from 0 to {most}, or -1, for an output of size {size}; see output_size"
        )
    offset = 0
    for a in range(5):
        offset = offset * sizes[a] + found[a]
    return np.where(index == -1, -1, offset)


def unpool(spec: UnpoolSpec, input: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The output; of several values of a place the last one in the order of the input, the largest
    one, or their sum."""
    values, places = np.asarray(input), _as_given(spec, find(spec, indices))
    flat = np.zeros(spec.sizes, spec.dtype).reshape(-1)
    values, places = values[places >= 0], places[places >= 0]
    flat[places] = values  # the last one stays
    with np.errstate(all="ignore"):
        if spec.overlap == "max":
            np.maximum.at(flat, places, values)
        elif spec.overlap == "sum":
            # Of float16 and bfloat16 in float32, which is rounded once.
            sums = np.zeros(flat.shape, np.float32 if is_narrow(spec.dtype) else spec.dtype)
            np.add.at(sums, places, values.astype(sums.dtype))
            flat = sums.astype(spec.dtype)
    return _as_given(spec, flat.reshape(spec.sizes))


def _in_order(spec: UnpoolSpec, array: np.ndarray) -> np.ndarray:
    if not spec.batched:
        array = array[None]
    if spec.channels_last:
        array = np.moveaxis(array, -1, 1)
    return array.reshape(*array.shape[:2], *(1,) * (3 - spec.rank), *array.shape[2:])


def _as_given(spec: UnpoolSpec, array: np.ndarray) -> np.ndarray:
    array = array.reshape(*array.shape[:2], *array.shape[5 - spec.rank :])
    if spec.channels_last:
        array = np.moveaxis(array, 1, -1)
    return array if spec.batched else array[0]
