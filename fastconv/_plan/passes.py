# SPDX-License-Identifier: BSD-3-Clause
"""Pooling of large windows, one axis after the other: when it pays, and what the core runs."""

from __future__ import annotations

from functools import partial
from math import ceil, inf, prod

import numpy as np

from .._core import passes, scratch, table
from .._core.conv import address
from .._core.parallel import run
from .._spec.axis import Axis
from .._spec.dtypes import TILES
from .._spec.pool import PoolSpec
from . import constants as costs
from . import machine
from .candidate import Candidate, Part
from .layout import storage
from .pooling import bits_of, border_of, flip_of, in_eight, tile_of
from .work import core_axis


def refuses(call) -> str | None:
    """Why this is not for a call."""
    spec = call.spec
    if spec.convention:
        return "indices are found by direct only"
    if spec.masked or (spec.omit and spec.summed):
        return "elements are left out of averages and norms by direct only"
    if 0 not in spec.output_shape and _strip(call) is None:
        return "a window is too large for a strip"
    return None


def candidate(call) -> Candidate:
    """A few steps for each cell, whatever the window."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, lambda: Part(call.engine(lambda inputs, outs: True), call.isa))
    box, _ = _strip(call)
    return Candidate(_cost(call.spec, box), partial(_part, call))


def _added(spec: PoolSpec) -> bool:
    """Whether cells are added, not compared."""
    return spec.summed and spec.power != inf


def _steps(spec: PoolSpec) -> int:
    """Of all axes."""
    taps = [axis.k for axis in spec.axes]
    if _added(spec):
        return sum((k.bit_length() - 1) + k.bit_count() - 1 for k in taps)
    return sum((k - 1).bit_length() for k in taps)


def _cells(spec: PoolSpec, box: tuple[int, ...]) -> int:
    """Of the windows of some outputs together."""
    return prod((n - 1) * axis.stride + axis.span for n, axis in zip(box, spec.axes, strict=True))


def _cost(spec: PoolSpec, box: tuple[int, ...]) -> float:
    """In comparisons. Of sums it decides by the window alone, as it decides on the order in which
    they are added."""
    if spec.summed:
        each = costs.PASS_COPY + costs.PASS_STEP * _steps(spec)
        apart = prod(axis.stride for axis in spec.axes)
        return float(spec.batch * spec.channels * prod(spec.outputs) * apart * each)
    boxes = prod(ceil(n / one) for n, one in zip(spec.outputs, box, strict=True))
    each = costs.PASS_COPY + costs.PASS_STEP * _steps(spec)
    return float(spec.batch * spec.channels * boxes * _cells(spec, box) * each)


def _strip(call) -> tuple[tuple[int, ...], int] | None:
    """(Outputs of a task, its channels): those whose strip fits into the cache, some channels that
    lie side by side or one. Sums need a strip of a constant size only: whether there is one decides
    on the order in which they are added."""
    spec = call.spec
    dtype = TILES[tile_of(spec)]
    each = dtype.itemsize * (2 if _added(spec) else 1)
    room = int(machine.caches()["L2"] * costs.SCRATCH_SHARE) // each
    largest = costs.PASS_BYTES // each
    if _added(spec) and _box(spec, largest) is None:
        return None
    src = call.inputs[0].layout(dtype, spec.rank, spec.channels_last)
    if src.strides[1] == src.itemsize and spec.channels >= costs.PASS_CHANNELS:
        box = _box(spec, room // costs.PASS_CHANNELS)
        if box is not None:
            return box, costs.PASS_CHANNELS
    box = _box(spec, room)
    if box is None and _added(spec):
        box = _box(spec, largest)
    return None if box is None else (box, 1)


def _box(spec: PoolSpec, room: int) -> tuple[int, ...] | None:
    """Outputs whose windows have so many cells, at most: in halves of the longest axis."""
    box = list(spec.outputs)
    while _cells(spec, tuple(box)) > room:
        a = max(range(3), key=lambda a: box[a] * spec.axes[a].stride)
        if box[a] == 1:
            return None
        box[a] = ceil(box[a] / 2)
    if (
        _cells(spec, tuple(box))
        > costs.PASS_MOST * prod(n * axis.stride for n, axis in zip(box, spec.axes, strict=True))
        and tuple(box) != spec.outputs
    ):
        return None
    return tuple(box)


def _part(call) -> Part:
    spec = call.spec
    tile = tile_of(spec)
    dtype = TILES[tile]
    src = call.inputs[0].layout(dtype, spec.rank, spec.channels_last)
    dst = call.outputs[0].layout(dtype, spec.rank, spec.channels_last)
    flip, size = flip_of(spec, tile), dtype.itemsize
    lanes = table.tile_rows(call.isa, tile)[0]
    counts = columns = None
    if spec.kind == "average":
        counts = tuple(spec.counts(a) for a in range(3))
        columns = np.append(counts[2], np.ones(4 * lanes)).astype(dtype)
    box, block = _strip(call)
    step, count = (4, spec.outputs[2]) if block == 1 else (1, spec.channels)
    low = bits_of(spec.worst, spec.source, dtype) ^ np.array(flip, f"u{size}")
    problem = passes.Problem(
        isa=call.isa,
        dtype=tile,
        what="sum" if _added(spec) else "max",
        omit=spec.omit,
        padded=tuple(
            core_axis(axis)
            for axis in (
                Axis(spec.batch),
                *(axis._replace(k=1, stride=1, dilation=1) for axis in spec.axes),
            )
        ),
        axes=tuple((axis.outputs, axis.k, axis.stride, axis.dilation) for axis in spec.axes),
        channels=spec.channels,
        block=block,
        src=src,
        dst=dst,
        each=box,
        flip=in_eight(np.array(flip, f"u{size}")) if flip else None,
        power=spec.power,
        low=in_eight(low),
        border_value=border_of(spec, dtype),
        counts=counts,
        columns=columns,
        value_how=(storage(dtype), dst.storage),
        # Averages are divided by whole vectors, for which a row of outputs may have no room.
        dst_in_place=counts is None
        and dst.native
        and (dst.strides[step] == dst.itemsize or count == 1),
    )
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    operations = _cost(spec, box) + costs.OPERATIONS_PER_ELEMENT * prod(spec.output_shape)
    each = max(threads, int(problem.tasks * costs.OPERATIONS_PER_CHUNK / operations))
    tasks = passes.tasks(problem)

    def run_arrays(inputs, outs) -> bool:
        return run(
            tasks, address(inputs[0]), 0, 0, 0, 0, address(outs[0]), threads, call.shared, each
        )

    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        orientation="pixels" if block == 1 else "channels",
        threads=threads,
        tile=(1, lanes),
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=("input: strips of the cache's size",),
    )
