# SPDX-License-Identifier: BSD-3-Clause
"""Adaptive, global and fractional pools: how their work is divided, and what the core runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import inf, prod

import numpy as np

from .._core import scratch, table, uneven
from .._core.conv import address
from .._core.parallel import run
from .._spec.dtypes import TILES
from .._spec.pooling import Sizes
from .._spec.uneven import UnevenSpec
from .._spec.uneven_reference import pool
from . import constants as costs
from .candidate import Candidate, Part
from .layout import Layout, storage
from .pooling import bits_of, flip_of, in_eight, tile_of


def candidate(call) -> Candidate:
    """The rows of a window first, then its columns."""
    if 0 in call.spec.output_shape:
        idle = Part(call.engine(lambda inputs, outs: True), call.isa)
        return Candidate(0.0, lambda: idle)
    return Candidate(float(call.spec.flops), partial(_part, call))


def reference(call) -> Candidate:
    """Window by window, in NumPy."""

    def run_arrays(inputs, outs) -> bool:
        samples = np.asarray(inputs[1]) if len(inputs) > 1 else None
        found = pool(call.spec, np.asarray(inputs[0]), samples)
        for to, values in zip(outs, found, strict=False):
            to[...] = values
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))


def _part(call) -> Part:
    spec = call.spec
    problem, shared, in_place, pixels = _problem(call)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    elements = prod(spec.input_shape) + prod(spec.output_shape)
    operations = 2 * spec.flops + costs.OPERATIONS_PER_ELEMENT * elements
    each = max(threads, problem.tasks * costs.OPERATIONS_PER_CHUNK // operations)
    tasks = uneven.tasks(problem)

    def run_arrays(inputs, outs) -> bool:
        tables = shared if shared is not None else spec.tables(np.asarray(inputs[1]))
        tables = np.ascontiguousarray(tables, np.intp)
        index = address(outs[1]) if len(outs) > 1 else 0
        return run(
            tasks, address(inputs[0]), address(tables), 0, 0, 0, address(outs[0]), threads,
            call.shared, each, index,
        )  # fmt: skip

    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        orientation="pixels" if pixels else "channels",
        threads=threads,
        tile=(1, table.tile_rows(call.isa, tile_of(spec, True))[0]),
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=() if in_place else ("input: some rows at a time",),
    )


def _problem(call) -> tuple[uneven.Problem, np.ndarray | None, bool, bool]:
    """What the core runs; the tables, if all calls have the same; whether cells are read in place,
    and whether lanes are columns."""
    spec, last = call.spec, call.spec.channels_last
    tile = tile_of(spec, True)
    dtype = TILES[tile]
    src = call.inputs[0].layout(dtype, spec.rank, last)
    dst = call.outputs[0].layout(dtype, spec.rank, last)
    index = None
    if spec.convention:
        index = call.outputs[1].layout(spec.index_dtype, spec.rank, last)
    flip, size = flip_of(spec, tile), dtype.itemsize
    plain = src.native and not flip and not spec.power
    lanes = table.tile_rows(call.isa, tile)[0]
    pixels = not (
        plain
        and src.strides[1] == src.itemsize
        and spec.channels >= lanes // 2
        and spec.kernel is None
    )
    in_place = plain and (not pixels or src.strides[4] == src.itemsize)
    sizes, outputs, tables = spec.sizes, spec.outputs, None
    if spec.kernel is None:
        tables = spec.tables()
    if in_place and pixels and _has_dense_planes(spec, src):
        # Each plane is one row, whatever else there is: the order of its sum is that of a row.
        length, at_once = prod(spec.lengths), _planes_at_once(spec, dst)
        first = np.arange(at_once) * length
        tables = np.concatenate([[0, 1, 0, 1], first, first + length])[None]
        n, c = spec.batch, spec.channels
        if at_once > 1:
            n, c = n * c // at_once, 1
            dst = replace(dst, strides=(at_once * dst.itemsize, 0, 0, 0, dst.itemsize))
        sizes, outputs = Sizes(n, c, 1, 1, at_once * length), (1, 1, at_once)
        src = replace(src, strides=(c * sizes.w * size, sizes.w * size, 0, 0, size))
    depth, height, _ = spec.most
    rows = spec.lengths[1]
    if not in_place:
        rows = max(1, min(rows, costs.POOL_STRIP_BYTES // (size * max(1, spec.lengths[2]))))
    planes = sizes.n * sizes.c if pixels else spec.batch
    work = max(1, spec.flops // max(1, planes))
    wanted = spec.flops / (call.threads * costs.TASKS_PER_THREAD)
    each = max(1, int(max(costs.POOL_OPERATIONS, min(wanted, 16 * costs.POOL_OPERATIONS)) // work))
    problem = uneven.Problem(
        isa=call.isa,
        dtype=tile,
        what="sum" if spec.summed and spec.power != inf else "argmax" if spec.convention else "max",
        omit=spec.omit,
        average=spec.kind == "average",
        sizes=sizes,
        outputs=outputs,
        src=src,
        dst=dst,
        index=index,
        weight=spec.weights if spec.convention else None,
        each=each,
        pixels=pixels,
        in_place=in_place,
        flip=in_eight(np.array(flip, f"u{size}")) if flip else None,
        power=spec.power,
        low=in_eight(bits_of(spec.worst, spec.source, dtype) ^ np.array(flip, f"u{size}")),
        value_how=(storage(dtype), dst.storage),
        index_how=(storage(np.dtype(np.int64)), index.storage if index else 0),
        most_rows=depth * height if in_place else rows,
        rows=rows,
        table_plane=0 if spec.kernel is None else 2 * sum(spec.outputs),
    )
    return problem, tables, in_place, pixels


def _has_dense_planes(spec: UnevenSpec, src: Layout) -> bool:
    """Whether this is a global pool of planes that follow one another in memory."""
    step = src.itemsize
    for n, stride in zip(reversed(spec.sizes), reversed(src.strides), strict=True):
        if n != 1 and stride != step:
            return False
        step *= n
    return not spec.convention and spec.kernel is None and spec.outputs == (1, 1, 1)


def _planes_at_once(spec: UnevenSpec, dst: Layout) -> int:
    """How many planes are done as windows of one row: 1, unless their results follow one another,
    too."""
    dense = spec.channels == 1 or dst.strides[1] == dst.itemsize
    if not dense or not (spec.batch == 1 or dst.strides[0] == spec.channels * dst.itemsize):
        return 1
    planes, most = spec.batch * spec.channels, max(1, costs.POOL_COLUMNS // prod(spec.lengths))
    return max(count for count in range(1, most * 4 + 1) if planes % count == 0)
