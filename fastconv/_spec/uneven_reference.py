# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth of adaptive, global and fractional pools in NumPy: window by window."""

from __future__ import annotations

from itertools import product

import numpy as np

from .dtypes import is_integer
from .pool_reference import as_given, converted, in_order, largest
from .uneven import UnevenSpec


@np.errstate(all="ignore")
def pool(
    spec: UnevenSpec, input: np.ndarray, samples: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and indices; averages and powers are computed in float64."""
    cells = in_order(spec, input)
    if spec.summed or not is_integer(spec.source):
        cells = cells.astype(np.float64)
    values = np.empty((spec.batch, spec.channels, *spec.outputs), cells.dtype)
    indices = np.full(values.shape, -1, np.int64)
    tables = spec.tables(samples)
    for n, c in product(range(spec.batch), range(spec.channels)):
        table = tables[(n * spec.channels + c) % len(tables)]
        sides = np.split(table, np.cumsum(np.repeat(spec.outputs, 2))[:-1])
        for place in product(*map(range, spec.outputs)):
            ranges = [range(sides[2 * a][o], sides[2 * a + 1][o]) for a, o in enumerate(place)]
            window = list(product(*ranges))
            here = (n, c, *place)
            one = cells[n : n + 1, c : c + 1]
            if spec.summed:
                values[here] = _norm(spec, np.array([one[0, 0][cell] for cell in window]))
            else:
                value, index = largest(spec, one, window, n, c)
                values[here], indices[here] = value[0, 0], index[0, 0]
    values = as_given(spec, converted(values, spec.dtype))
    return values, as_given(spec, indices.astype(spec.index_dtype)) if spec.convention else None


def _norm(spec: UnevenSpec, cells: np.ndarray) -> float:
    """The average, or the norm, of some cells."""
    if spec.omit:
        cells = cells[~np.isnan(cells)]
    if spec.kind == "average":
        return cells.sum() / len(cells) if len(cells) else np.nan
    if spec.power == np.inf:
        return abs(cells).max(initial=0)
    return (abs(cells) ** spec.power).sum() ** (1 / spec.power)
