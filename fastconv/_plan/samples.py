# SPDX-License-Identifier: BSD-3-Clause
"""The tables of resampling: which inputs outputs are made of, as the core and its kernels read
them."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, prod
from typing import Any

import numpy as np

from .._core import resample
from .._core.conv import address
from .._spec.sampling import Sampled
from . import constants as costs

PLACE = np.dtype(np.intp)


def integers(values: Any) -> np.ndarray:
    """What the core reads of numbers, and of tuples of them, one after the other."""
    return np.concatenate([np.ravel(value) for value in values]).astype(PLACE)


def slots(indices: tuple[np.ndarray, ...], sizes: tuple[int, ...]) -> tuple[int, int]:
    """Rows of depth and height that an output is made of; zeros, if those are too many to keep."""
    spans = []
    for index, n in zip(indices, sizes, strict=True):
        last, first = index.max(1), np.where(index < 0, n, index).min(1)
        spans.append(max(1, int((last - first).max()) + 1))
    return tuple(spans) if prod(spans) <= resample.MOST_SLOTS else (0, 0)


def axis_table(axis: Sampled, step: int, dtype: np.dtype) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """Depth or height, `step` bytes from element to element: see axis_t of _core/resample.pyx."""
    index, weight = axis.taps
    count = (index >= 0).sum(1)
    nothing, one, several = resample.KINDS
    kind = np.where((count == 1) & (weight[:, 0] == 1), one, several)
    index = np.ascontiguousarray(index, PLACE)
    arrays = (
        np.where(count == 0, nothing, kind).astype(np.int8),
        count.astype(PLACE),
        index,
        index * step,
        np.ascontiguousarray(weight, np.float64),
        np.ascontiguousarray(weight, dtype),
    )
    return (axis.n, axis.outputs, index.shape[1], *map(address, arrays)), arrays


def cuts(width: Sampled, inner: int, lanes: int) -> list[tuple[int, int]]:
    """Parts of the width: some pixels of the output each, which are a vector or more, unless those
    would be made of too many of the input."""
    wanted = max(1, ceil(max(width.n, width.outputs) * inner / costs.RESAMPLE_WIDTH))
    vectors = width.outputs // ceil(lanes / inner)
    number = min(wanted, vectors if width.n <= costs.RESAMPLE_REACH * vectors else width.outputs)
    ends = [width.outputs * i // number for i in range(number + 1)]
    return list(pairwise(ends))


def block(
    spec: Any,
    dtype: np.dtype,
    inner: int,
    lanes: int,
    first: int,
    end: int,
    index: np.ndarray,
    weight: np.ndarray,
) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """A part of the width: see block_t of _core/resample.pyx."""
    there = index >= 0
    low = int(index[there].min()) if there.any() else 0
    high = int(index.max()) + 1 if there.any() else 1
    real = _weights(spec, dtype, weight, there)
    if inner >= lanes:
        place = np.where(there, index - low, 0) * inner
        count = np.maximum(there.sum(1), 1).astype(PLACE)
        taps = index.shape[1]
        every = taps if (count == taps).all() else 0
        arrays = (count, np.ascontiguousarray(place, PLACE), np.ascontiguousarray(real))
        at_count, at_place, at_weight = map(address, arrays)
        told = (end - first, taps, every, 0, at_count, at_place, 0, at_weight, 0, 0, 0, 0)
        return (first, end, low, high, *told), arrays
    # A vector that begins at the last element of a row would read beyond it.
    least = max(0, spec.axes[2].n - ceil(lanes / inner))
    low, high = min(low, least), max(high, min(spec.axes[2].n, low + ceil(lanes / inner)))
    told, arrays = _groups(dtype, inner, lanes, index - low, real, there, high - low, spec.copies)
    return (first, end, low, high, *told), arrays


def _weights(spec: Any, dtype: np.dtype, weight: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Weights as kernels take them: of what is copied, all bits or none."""
    if spec.copies:
        return -there.astype(dtype)
    return np.where(there, weight, 0).astype(dtype)


def _groups(
    dtype: np.dtype,
    inner: int,
    lanes: int,
    index: np.ndarray,
    weight: np.ndarray,
    there: np.ndarray,
    pixels: int,
    copies: bool,
) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """The tables of the outputs of a row: see fc_samples of src_c/fc_kernels.h."""
    length = pixels * inner
    elements = len(index) * inner
    at = np.arange(0, elements, lanes)
    at = np.minimum(at, max(0, elements - lanes))
    output = np.minimum(at[:, None] + np.arange(lanes), elements - 1)
    pixel, part = output // inner, output % inner
    found = there[pixel].transpose(0, 2, 1)  # (group, tap, lane)
    place = (index[pixel] * inner + part[..., None]).transpose(0, 2, 1)
    by = weight[pixel].transpose(0, 2, 1)
    base = np.where(found, place, length).min(2)
    base = np.maximum(0, np.minimum(base, length - lanes))
    every_found = copies | found.all((1, 2))

    def fits(base):
        return every_found & (~found | (place - base[..., None] < lanes)).all((1, 2))

    first = np.broadcast_to(base.min(1, keepdims=True), base.shape)
    together, near = fits(first), fits(base)
    base = np.where(together[:, None], first, base)
    away = place - base[..., None]
    # A lane with fewer taps than others reads the 0 behind the row.
    away = np.where(found, away, 0 if copies else length - base[..., None])
    if dtype.itemsize == 8:
        pairs = 2 * np.repeat(away, 2, 2) + np.tile([0, 1], lanes)
        away = np.concatenate([away, np.zeros_like(away)], 2)
        away = np.where(near[:, None, None], pairs, away)
    count = np.maximum(found.any(2).sum(1), 1).astype(PLACE)
    taps = index.shape[1]
    every = taps if (count == taps).all() else 0
    arrays = (
        at.astype(PLACE),
        count,
        np.ascontiguousarray(base, PLACE),
        _in_lines(away.astype(np.int32)),
        _in_lines(by),
        np.where(together, resample.TOGETHER, np.where(near, resample.NEAR, resample.FAR)).astype(
            np.int8
        ),
    )
    whole = taps == 1 and bool(copies and found.all() and near.all())
    regular, step = _regular(at, base[:, 0], away[:, 0], lanes)
    return (len(at), taps, every, *map(address, arrays), whole, regular, step), arrays


def _regular(at: np.ndarray, base: np.ndarray, place: np.ndarray, lanes: int) -> tuple[int, int]:
    """How many groups at first differ in their base only, and by how much from one to the next."""
    number = np.arange(len(at))
    step = int(base[1] - base[0]) if len(base) > 1 else 0
    same = (place == place[0]).all(1) & (base == base[0] + step * number) & (at == lanes * number)
    return int(np.append(same, False).argmin()), step


def _in_lines(array: np.ndarray) -> np.ndarray:
    """A contiguous copy that begins a line of the cache, so that no vector of it crosses one."""
    memory = np.empty(array.nbytes + costs.LINE_BYTES, np.uint8)
    start = -address(memory) % costs.LINE_BYTES
    aligned = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    aligned[...] = array
    return aligned
