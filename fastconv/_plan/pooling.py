# SPDX-License-Identifier: BSD-3-Clause
"""Pooling: how its work is divided, and what the core runs."""

from __future__ import annotations

from functools import partial
from math import ceil, inf, prod

import numpy as np

from .._core import pooling, scratch, table
from .._core.conv import address
from .._core.parallel import run
from .._spec.axis import Axis
from .._spec.borders import Border
from .._spec.dtypes import TILES
from .._spec.pool import PoolSpec
from .._spec.pool_reference import pool
from .._spec.pooling import INT32, Pooling, is_narrow
from . import constants as costs
from .candidate import Candidate, Part
from .layout import Layout, storage
from .work import core_axis


def candidate(call) -> Candidate:
    """Each window by all of its taps."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(_idle, call))
    return Candidate(float(call.spec.flops), partial(_part, call))


def reference(call) -> Candidate:
    """Window by window, in NumPy."""

    def run_arrays(inputs, outs) -> bool:
        found = pool(call.spec, *(None if one is None else np.asarray(one) for one in inputs))
        for to, values in zip(outs, found, strict=False):
            to[...] = values
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))


def _idle(call) -> Part:
    return Part(call.engine(lambda inputs, outs: True), call.isa)


def tile_of(spec: Pooling, lanes_are_channels: bool = False) -> str:
    """The dtype, by its letter, in which cells are compared or added: one that holds all of them,
    and whose lanes hold all indices."""
    if spec.summed:
        return "f" if is_narrow(spec.source) and is_narrow(spec.dtype) else "d"
    wide = spec.source.itemsize == 8
    if spec.convention:
        weight, sizes = spec.weights, spec.sizes
        reached = _reached(spec)
        most = sum(w * max(n - 1, 0) for w, n in zip(weight[2:], reached, strict=True))
        most += lanes_are_channels * weight[1] * (sizes.c - 1)
        wide = wide or max(most, prod(reached)) >= INT32.max
    if is_narrow(spec.source) or spec.source.kind == "f":
        return "d" if wide else "f"
    return "q" if wide else "i"


def _reached(spec: Pooling) -> tuple[int, ...]:
    """Positions of each axis that places count."""
    if isinstance(spec, PoolSpec):
        return tuple(max(axis.n, axis.padded) for axis in spec.axes)
    return spec.lengths


def flip_of(spec: Pooling, tile: str) -> int:
    """The bits that are flipped so that the smallest is the largest, and unsigned integers have the
    order of signed ones."""
    size = TILES[tile].itemsize
    top, every = 1 << (8 * size - 1), (1 << 8 * size) - 1
    if spec.summed:
        return 0
    if tile in "fd":
        return top if spec.kind == "min" else 0
    unsigned = spec.source.kind == "u" and spec.source.itemsize == size
    return (every if spec.kind == "min" else 0) ^ (top if unsigned else 0)


def bits_of(value, source: np.dtype, tile: np.dtype) -> np.ndarray:
    """A number of the source as tiles hold it, as bits."""
    held = np.array(value, source if source.kind in "biuf" else tile)
    with np.errstate(over="ignore"):
        return held.astype(tile).view(f"u{tile.itemsize}")


def in_eight(bits: np.ndarray) -> bytes:
    return bits.tobytes().ljust(8, b"\0")


def border_of(spec: PoolSpec, tile: np.dtype) -> bytes:
    """What lies in the padding of a strip."""
    constant = any(axis.border is Border.CONSTANT for axis in spec.axes)
    return in_eight(bits_of(spec.border_value if constant else spec.worst, spec.source, tile))


def _part(call) -> Part:
    spec = call.spec
    problem, copies = _problem(call)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    elements = prod(spec.input_shape) + prod(spec.output_shape)
    operations = 2 * spec.flops + costs.OPERATIONS_PER_ELEMENT * elements
    each = max(threads, problem.tasks * costs.OPERATIONS_PER_CHUNK // operations)
    tasks = pooling.tasks(problem)

    def run_arrays(inputs, outs) -> bool:
        index = address(outs[1]) if len(outs) > 1 else 0
        return run(
            tasks, address(inputs[0]), address(inputs[1] if spec.masked else ONE), 0, 0, 0,
            address(outs[0]), threads, call.shared, each, index,
        )  # fmt: skip

    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        orientation="pixels" if problem.pixels else "channels",
        threads=threads,
        tile=(1, table.tile_rows(call.isa, tile_of(spec, True))[0]),
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=copies,
    )


def _problem(call) -> tuple[pooling.Problem, tuple[str, ...]]:
    """What the core runs, and what is copied on the way."""
    spec = call.spec
    last = spec.channels_last
    tile = tile_of(spec, True)
    dtype = TILES[tile]
    src = call.inputs[0].layout(dtype, spec.rank, last)
    dst = call.outputs[0].layout(dtype, spec.rank, last)
    index = None
    if spec.convention:
        index = call.outputs[1].layout(spec.index_dtype, spec.rank, last)
    lanes = table.tile_rows(call.isa, tile)[0]
    pixels = src.strides[1] != src.itemsize or spec.channels < lanes // 2
    step, size = (4, spec.outputs[2]) if pixels else (1, spec.channels)
    flip = flip_of(spec, tile)
    mask = _mask(call, dtype)
    counted = spec.kind == "average" and mask is None
    shift = _shift(spec, src)
    in_place = (
        src.native
        and not (flip or spec.power or mask)
        and not spec.reads_border
        and (not pixels or shift is not None)
    )
    padded = spec.convention and spec.reads_border
    counts = columns = None
    if counted:
        counts = tuple(spec.counts(a) for a in range(3))
        if pixels:
            columns = np.append(counts[2], np.ones(4 * lanes)).astype(dtype)
    constant = any(axis.border is Border.CONSTANT for axis in spec.axes)
    kinds = spec.source, dtype
    problem = pooling.Problem(
        isa=call.isa,
        dtype=tile,
        what="sum" if spec.summed and spec.power != inf
        else "argmax" if spec.convention else "max",
        omit=spec.omit,
        axes=tuple(map(core_axis, (Axis(spec.batch), *spec.axes))),
        channels=spec.channels,
        src=src,
        mask=mask,
        mask_border=in_eight(np.array(constant, dtype)),
        dst=dst,
        index=index,
        weight=spec.weights if spec.convention else None,
        padded_sizes=tuple(axis.padded for axis in spec.axes) if padded else None,
        each=_task(call, pixels, in_place, dtype.itemsize),
        pixels=pixels,
        in_place=in_place,
        shift=shift if in_place and pixels else 0,
        dst_in_place=dst.native and _adjacent(dst, step, size),
        index_in_place=index is not None and index.native and _adjacent(index, step, size),
        flip=in_eight(np.array(flip, f"u{dtype.itemsize}")) if flip else None,
        power=spec.power,
        low=in_eight(bits_of(spec.worst, *kinds) ^ np.array(flip, f"u{dtype.itemsize}")),
        border_value=border_of(spec, dtype),
        counts=counts,
        columns=columns,
        value_how=(storage(dtype), dst.storage),
        index_how=(storage(np.dtype(np.int64)), index.storage if index else 0),
    )  # fmt: skip
    copies = () if in_place else ("input: strips of the cache's size",)
    if not problem.dst_in_place:
        copies += ("out: a row at a time",)
    return problem, copies


ONE = np.ones(1, np.uint8)


def _mask(call, dtype: np.dtype) -> Layout | None:
    """The layout of what says which cells of an average count, if not all of them do: of `where`,
    or of `ONE` if only NaN does not count."""
    spec = call.spec
    if spec.kind != "average" or not (spec.omit or spec.masked):
        return None
    shape, strides, source, aligned = spec.input_shape, (), ONE.dtype, True
    if spec.masked:
        mask = call.inputs[1]
        source, aligned = mask.dtype, mask.aligned
        strides = tuple(
            step if n > 1 else 0 for n, step in zip(mask.shape, mask.strides, strict=True)
        )
    strides = (0,) * (len(shape) - len(strides)) + strides
    return Layout.of(shape, strides, source, aligned, dtype, spec.rank, spec.channels_last)


def _adjacent(layout: Layout, axis: int, size: int) -> bool:
    """Whether lanes lie side by side in an array."""
    return layout.strides[axis] == layout.itemsize or size == 1


def _shift(spec: PoolSpec, src: Layout) -> int | None:
    """The logarithm of how many elements there are from column to column, if vectors of columns can
    be read where they lie: of real numbers, of which none is left out, few.

    Of stride 4, four vectors are read and shuffled for each. That pays where most of their elements
    are taps, and of one window: else it is faster to shuffle once, into a strip."""
    width, apart = spec.axes[2], spec.source.kind not in "biu" and not spec.omit
    if src.strides[4] != src.itemsize:
        return None
    pays = width.stride <= 2 or (
        width.dilation == 1
        and 2 * width.k > width.stride
        and spec.taps <= prod(axis.stride for axis in spec.axes)
    )
    if pays and width.stride in costs.POOL_STRIDES and (apart or width.stride == 1):
        return width.stride.bit_length() - 1
    return 0 if width.outputs == 1 else None


def _task(call, pixels: bool, in_place: bool, size: int) -> tuple[int, int, int, int]:
    """Channels, planes, rows and columns of a task: enough work, not too much scratch, and some
    tasks for each thread."""
    spec = call.spec
    depth, height, width = spec.outputs
    columns = min(width, costs.POOL_COLUMNS)
    channels = 1 if pixels else min(spec.channels, costs.POOL_CHANNELS)
    planes, rows = depth, height
    if not in_place:
        fits = partial(_strip_fits, spec, channels, columns, size)
        while not fits(planes, rows) and (planes > 1 or rows > 1):
            planes, rows = (ceil(planes / 2), rows) if planes > 1 else (planes, ceil(rows / 2))
        while not fits(planes, rows, columns) and columns > 64:
            columns = ceil(columns / 2)
    each = channels * columns * spec.taps
    wanted = spec.flops / (call.threads * costs.TASKS_PER_THREAD)
    wanted = max(costs.POOL_OPERATIONS, min(wanted, 16 * costs.POOL_OPERATIONS))
    while planes > 1 and each * rows * planes > wanted:
        planes = ceil(planes / 2)
    while rows > 1 and each * rows * planes > wanted:
        rows = ceil(rows / 2)
    if pixels:
        channels = max(1, min(spec.channels, int(wanted // (each * rows * planes))))
    return channels, planes, rows, columns


def _strip_fits(
    spec: PoolSpec, channels: int, columns: int, size: int, planes: int, rows: int,
    narrowed: int | None = None,
) -> bool:  # fmt: skip
    outputs = (planes, rows, narrowed or columns)
    cells = prod(
        min((n - 1) * axis.stride + axis.span, n * axis.k)
        for n, axis in zip(outputs, spec.axes, strict=True)
    )
    return cells * channels * size <= costs.POOL_STRIP_BYTES
