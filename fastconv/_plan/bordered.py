# SPDX-License-Identifier: BSD-3-Clause
"""Transposed convolutions with a border that copies cells: what falls into the padding is added to
the cells that the border copies.

A transposed convolution without a border makes the output with its padding. Then the padding is
added to the cells, an axis after the other; and a convolution with a kernel of 1 does the epilogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._spec.axis import Axis
from .._spec.borders import Border, reach
from .._spec.epilogue import Epilogue
from .._spec.transpose import TransposeSpec
from .finish import Finish, finish
from .layout import Layout
from .plan import Plan
from .tiled import Call
from .variants import run as run_plan
from .weights import LayerWeights, Weights

ADDED_BYTES = 256 * 1024  # that are added to a cell at a time


def ends(axis: Axis, n: int) -> tuple[int, int]:
    """The first place that an axis of `n` inputs falls to, or that is an output; and the end."""
    last = (n - 1) * axis.stride + axis.span - axis.before
    return min(0, -axis.before), max(axis.n, last)


def spills(spec: TransposeSpec) -> bool:
    """Whether anything falls into a border that copies cells."""
    pairs = zip(spec.axes, spec.inputs, strict=True)
    return any(axis.border and ends(axis, n) != (0, axis.n) for axis, n in pairs)


class Bordered(NamedTuple):
    """What runs."""

    spec: TransposeSpec
    inner: Plan  # of the output with its padding
    last: Finish

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run it; `packed` is what `pack` returned."""
        spec, inner = self.spec, self.inner
        whole = np.empty(inner.output_shape, inner.spec.dtype)
        if packed is None:
            run_plan(inner, src, wei, None, None, None, whole)
        else:
            _, panels, _ = packed.ready(inner)
            run_plan(inner, src, packed.array, panels, None, None, whole, packed)
        with np.errstate(all="ignore"):
            for number in range(3 - spec.rank, 3):
                whole = _added(whole, spec, number)
        self.last.run(whole, bias, residual, dst)
        return True

    @staticmethod
    def pack(weights: Weights) -> LayerWeights:
        """The weights of a layer, for `inner`, which has no bias."""
        return LayerWeights(weights.array, None)


def _added(whole: np.ndarray, spec: TransposeSpec, number: int) -> np.ndarray:
    """The cells of an axis, to which its padding is added."""
    axis = spec.axes[number]
    if not axis.border:
        return whole
    first, end = ends(axis, spec.inputs[number])
    cells = np.moveaxis(whole, number - 3 - spec.channels_last, 0)
    for low, high in ((first, 0), (axis.n, end)):
        for start, stop in _runs(axis, low, high):
            padding = cells[start - first : stop - first]
            to, last = reach(axis.border, np.array([start, stop - 1]), axis.n) - first
            if to == last:
                _add_each(cells[to], padding)
            elif to < last:
                cells[to : last + 1] += padding
            else:
                cells[last : to + 1] += padding[::-1]
    kept = slice(-first, axis.n - first)
    index = [slice(None)] * whole.ndim
    index[number - 3 - spec.channels_last] = kept
    return whole[tuple(index)]


def _runs(axis: Axis, low: int, high: int) -> Iterator[tuple[int, int]]:
    """[low, high) in pieces whose cells are one, or neighbours in this or the opposite order."""
    length = axis.n - (axis.border == Border.MIRROR)
    if axis.border == Border.EDGE or length == 0:
        length = max(high, -low)
    while low < high:
        stop = min(high, (low // length + 1) * length)
        yield low, stop
        low = stop


def _add_each(cell: np.ndarray, padding: np.ndarray) -> None:
    """Add to a cell, in the order of the padding: `accumulate` keeps it, other sums do not."""
    many = max(1, ADDED_BYTES // max(1, cell.nbytes))
    for start in range(0, len(padding), many):
        some = np.concatenate((cell[None], padding[start : start + many]))
        cell[...] = np.add.accumulate(some, axis=0, dtype=cell.dtype)[-1]


def bordered(call: Call) -> Bordered:
    """The plans."""
    spec = call.spec
    inner = _inner(spec)
    rank, last = spec.rank, spec.channels_last
    whole = Layout.contiguous(inner.output_shape, inner.dtype, inner.sum_dtype, rank, last)
    arrays = replace(call.arrays, dst=whole, residual=None, residual_is_out=False)
    dtypes = (*call.dtypes[:2], None)
    first = call.make(replace(call, spec=inner, arrays=arrays, dtypes=dtypes, copies=()))
    return Bordered(spec, first, finish(call, inner.output_shape))


def _inner(spec: TransposeSpec) -> TransposeSpec:
    """That of the output with its padding, as sums."""
    axes = []
    for axis, n in zip(spec.axes, spec.inputs, strict=True):
        if axis.border:
            first, end = ends(axis, n)
            axis = Axis(end - first, *axis[1:4], axis.before + first, 0)
        axes.append(axis)
    return replace(spec, axes=tuple(axes), dtype=spec.sum_dtype, epilogue=Epilogue())
