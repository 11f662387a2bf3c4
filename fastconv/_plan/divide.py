# SPDX-License-Identifier: BSD-3-Clause
"""How the outputs of convolutions in a row are divided into bands, and the plans of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from math import prod
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.dtypes import TOTALS
from .._spec.spec import Spec
from . import constants as costs
from . import machine
from .bands import Band, Bands, by_input
from .composed import PARTS
from .layout import Layout
from .plan import Plan
from .tiled import Arrays, Call


def _steps(sizes: tuple[int, ...], most: int) -> list[int]:
    """Lengths of bands on each axis: as many positions as allowed, the last axes whole first; and
    as even as can be."""
    steps = []
    for size in reversed(sizes):
        step = min(size, max(1, most))
        pieces = -(-size // step)
        steps.insert(0, -(-size // pieces))
        most = 1 if pieces > 1 else most // size
    return steps


class Cuts(NamedTuple):
    """How a call may be divided."""

    axes: tuple[Axis, Axis, Axis]  # of the first convolution
    sizes: tuple[int, int, int, int]  # of batch and space; 1: an axis that is not cut
    position_bytes: int  # of what lies between, for one position


def _boxes(cuts: Cuts, least: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """(first, end) on the axes of batch and space, of each of at least so many bands, if there are
    as many positions."""
    sizes = cuts.sizes
    budget = min(int(machine.caches()["L2"] * costs.BAND_SHARE), costs.BAND_BYTES)
    total = -(-prod(sizes) * cuts.position_bytes // budget)  # bands, which threads share evenly
    total = -(-total // least) * least
    steps = _steps(sizes, min(budget // cuts.position_bytes, -(-prod(sizes) // total)))
    return product(
        *(
            [(first, min(first + step, size)) for first in range(0, size, step)]
            for size, step in zip(sizes, steps, strict=True)
        )
    )


def divide(
    call: Call, names: tuple[str, ...], cuts: Cuts, specs: Callable, weights: tuple
) -> Bands:
    """The better way: a band for a thread, or all threads for a band.

    `specs` (batch, axes of the first convolution, outputs on each axis) are the convolutions of a
    band, whose weights have these layouts and dtypes."""
    threads = call.threads

    def divided(call: Call, least: int) -> tuple[Band, ...]:
        return _divided(call, cuts, specs, weights, least)

    each = divided(replace(call, prepared=True), 1)
    found = [Bands(call.spec, names, each, threads, call.shared, True)]
    if threads == 1 and (call.prepared or len(each) > 1):
        return replace(found[0], whole=False)
    if len(each) == 1 and not call.prepared:
        found[0] = replace(found[0], each=divided(call, 1), prepared=False)
        if threads == 1:
            return found[0]
    each = divided(replace(call, threads=1, prepared=True), threads)
    if len(each) > 1 and not any(by_input(plan) for band in each for plan in band.plans):
        few = min(threads, len(each))
        found.append(Bands(call.spec, names, each, few, call.shared, False))
    return min(found, key=lambda one: one.cost)


def _divided(call: Call, cuts: Cuts, specs, weights, least: int) -> tuple[Band, ...]:
    """The bands of a call, planned; those alike share plans. Signals are looked at between two."""
    least *= max(1, -(-call.spec.flops // (costs.OPERATIONS_PER_CHUNK * least)))
    plans, found = {}, []
    whole = [(0, axis.outputs) for axis in cuts.axes]
    piece = cache(Axis.piece)
    for images, *space in _boxes(cuts, least):
        space = [
            all_of if size == 1 else box
            for box, size, all_of in zip(space, cuts.sizes[1:], whole, strict=True)
        ]
        parts = [piece(axis, *box) for axis, box in zip(cuts.axes, space, strict=True)]
        reads, axes = zip(*parts, strict=True)
        copies = any(isinstance(part, np.ndarray) for part in reads)
        kind = images[1] - images[0], axes, tuple(end - first for first, end in space)
        if (kind, copies) not in plans:
            plans[kind, copies] = _planned(call, specs(*kind), weights, copies)
        batch = slice(*images)
        # Along an axis that is not cut, a later convolution may have more outputs than the first.
        ends = (
            slice(None) if box == all_of else slice(*box)
            for box, all_of in zip(space, whole, strict=True)
        )
        writes = _index(call.spec, batch, tuple(ends))
        places = _places(call, images[0], [box[0] for box in space], reads)
        read = _index(call.spec, batch, reads)
        found.append(Band(read, copies, writes, places, plans[kind, copies]))
    return tuple(found)


def _places(call: Call, image: int, space: list[int], reads: tuple) -> tuple[int, int, int]:
    """Bytes from the first element of input, residual and output to that of a band."""
    starts = [0 if isinstance(part, np.ndarray) else part.start or 0 for part in reads]

    def place(layout: Layout | None, firsts: list[int]) -> int:
        if layout is None:
            return 0
        batch, _, *others = layout.strides
        return image * batch + sum(map(mul, firsts, others))

    arrays = call.arrays
    return place(arrays.src, starts), place(arrays.residual, space), place(arrays.dst, space)


def _index(spec: Spec, images: slice, space: tuple) -> tuple:
    """An index of all axes of an array, from one of batch and space."""
    space = space[3 - spec.rank :]
    index = (*space, slice(None)) if spec.channels_last else (slice(None), *space)
    return (images, *index) if spec.batched else index


# ---- their plans -------------------------------------------------------------------------------


def _planned(call: Call, row: tuple[ConvSpec, ...], weights, copies: bool) -> tuple[Plan, ...]:
    """Those of the convolutions of a band: between two of them arrays are contiguous."""
    given, plans = call.arrays, []
    source, *_, added = call.dtypes
    sums = TOTALS[call.spec.arithmetic.total]
    for spec, (wei, dtype) in zip(row, weights, strict=True):
        tile, total = spec.tile_dtype, TOTALS[spec.arithmetic.total]
        shape = spec.rank, spec.channels_last
        first, last = spec is row[0], spec is row[-1]
        if first and not copies:
            sizes = [axis.n for axis in spec.axes]
            src = _placed(given.src, spec, spec.groups * spec.c_in, sizes)
        else:
            src = Layout.contiguous(spec.input_shape, source, tile, *shape)
        residual = None
        if last:
            dst, residual = (
                layout and _placed(layout, spec, spec.groups * spec.c_out, spec.outputs)
                for layout in (given.dst, given.residual)
            )
            if total != sums:  # of the last convolution, not as they are stored
                dst, residual = (
                    layout and replace(layout, native=False) for layout in (dst, residual)
                )
        else:
            dst = Layout.contiguous(spec.output_shape, spec.dtype, total, *shape)
        arrays = Arrays(src, wei, dst, residual, given.residual_is_out and last)
        dtypes = (source, dtype, added if last else None)
        far = (
            _is_far(call.spec.input_shape, tile) if first else None,
            _is_far(call.spec.output_shape, tile) if last else None,
        )
        plans.append(_make(call, spec, arrays, dtypes, far))
        source = spec.dtype
    return tuple(plans)


def _placed(layout: Layout, spec: ConvSpec, channels: int, sizes: Any) -> Layout:
    """That of a band of an array."""
    return layout.placed((spec.batch, channels, *sizes), layout.strides)


def _is_far(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether an array is larger than the second level of the cache."""
    return prod(shape) * dtype.itemsize > machine.caches()["L2"]


def _make(call: Call, spec: ConvSpec, arrays: Arrays, dtypes: tuple, far: tuple) -> Plan:
    threads = call.threads
    if call.shared:
        threads = max(1, min(threads, spec.flops // costs.OPERATIONS_PER_THREAD))
    algorithm = call.algorithm if call.algorithm in PARTS else "auto"
    return call.make(
        replace(
            call, spec=spec, arrays=arrays, dtypes=dtypes, algorithm=algorithm, threads=threads,
            copies=(), far=far,
        )
    )  # fmt: skip
