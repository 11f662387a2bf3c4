# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth of pooling in NumPy: window by window, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np

from .borders import Border, reach
from .dtypes import is_bfloat16, is_integer, saturated
from .pool import PoolSpec
from .pooling import Pooling
from .reference import to_odd


@np.errstate(all="ignore")
def pool(
    spec: PoolSpec, input: np.ndarray, where: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and indices of a pooling; averages and powers are computed in float64."""
    cells = in_order(spec, input)
    counted = None if where is None else in_order(spec, np.broadcast_to(where, input.shape))
    if spec.summed or not is_integer(spec.source):
        cells = cells.astype(np.float64)
    values = np.empty((spec.batch, spec.channels, *spec.outputs), cells.dtype)
    indices = np.full(values.shape, -1, np.int64)
    for place in product(*map(range, spec.outputs)):
        window = list(_window(spec, place))
        if spec.summed:
            values[..., *place] = _sum(spec, cells, counted, window, place)
        else:
            values[..., *place], indices[..., *place] = largest(spec, cells, window)
    values = as_given(spec, converted(values, spec.dtype))
    return values, as_given(spec, indices.astype(spec.index_dtype)) if spec.convention else None


def in_order(spec: Pooling, array: np.ndarray) -> np.ndarray:
    """An array as (batch, channel, depth, height, width)."""
    if not spec.batched:
        array = array[None]
    if spec.channels_last:
        array = np.moveaxis(array, -1, 1)
    return array.reshape(*array.shape[:2], *(1,) * (3 - spec.rank), *array.shape[2:])


def as_given(spec: Pooling, array: np.ndarray) -> np.ndarray:
    """The other way round."""
    array = array.reshape(*array.shape[:2], *array.shape[5 - spec.rank :])
    if spec.channels_last:
        array = np.moveaxis(array, 1, -1)
    return array if spec.batched else array[0]


def converted(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if is_integer(dtype) and values.dtype.kind == "f":
        return saturated(values, dtype)
    if is_bfloat16(dtype) and values.dtype == np.float64:
        values = to_odd(values)
    return values.astype(dtype)


def _window(spec: PoolSpec, place: tuple[int, ...]):
    """The cells of a window: (depth, height, width), or None for a constant."""
    each = []
    for axis, o in zip(spec.axes, place, strict=True):
        at = o * axis.stride - axis.before + np.arange(axis.k) * axis.dilation
        found = reach(axis.border, at, axis.n) if axis.n else np.full(axis.k, -1)
        each.append([int(f) for f in found if f >= 0 or axis.border is not Border.ZERO])
    for cell in product(*each):
        yield None if min(cell) < 0 else cell


def _sum(spec, cells, counted, window, place):
    total = np.zeros(cells.shape[:2])
    count = np.zeros(cells.shape[:2])
    for cell in window:
        value = float(spec.border_value) if cell is None else cells[..., *cell]
        here = np.ones_like(total, bool)
        if counted is not None and cell is not None:
            here &= counted[..., *cell] != 0
        if spec.omit:
            here &= ~np.isnan(value)
        value = np.where(here, value, 0)
        if spec.power == np.inf:
            total = np.maximum(total, abs(value))
        else:
            total += abs(value) ** spec.power if spec.power else value
        count += here
    if spec.kind == "lp":
        return total if spec.power == np.inf else total ** (1 / spec.power)
    if counted is None and not spec.omit:
        count = np.prod([spec.counts(a)[o] for a, o in enumerate(place)])
    return total / count


def largest(
    spec: Pooling, cells: np.ndarray, window: Iterable[tuple | None], n: int = 0, c: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The best of the cells of a window and its index, of each plane; the first is (n, c)."""
    best = np.full(cells.shape[:2], spec.worst, cells.dtype)
    index = np.full(cells.shape[:2], -1, np.int64)
    seen = np.zeros(cells.shape[:2], bool)
    weight = spec.weights if spec.convention else (0,) * 5
    ns, cs = np.indices(cells.shape[:2])
    base = (n + ns) * weight[0] + (c + cs) * weight[1]
    for cell in window:
        if cell is None:
            value = np.full_like(best, spec.border_value)
            here = np.full_like(index, -1)
        else:
            value = cells[..., *cell]
            here = base + sum(at * w for at, w in zip(cell, weight[2:], strict=True))
        larger = value > best if spec.kind == "max" else value < best
        missing = value != value
        take = (~seen | larger) & ~missing if spec.omit else ~seen | larger | missing
        best, index = np.where(take, value, best), np.where(take, here, index)
        seen |= take
    return best, index
