# SPDX-License-Identifier: BSD-3-Clause
"""Adaptive, global and fractional pools: how their work is divided, and what the core runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil, inf, prod

import numpy as np

from .._core import scratch, table, uneven
from .._core.conv import address
from .._core.parallel import run
from .._spec.dtypes import TILES
from .._spec.pool_reference import as_given, converted, in_order
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


def _parts(spec: UnevenSpec) -> tuple[int, int, int] | None:
    """Into how many parts along each axis a plane is cut that is too large for one task, which no
    signal interrupts; None: it is not."""
    whole = spec.kernel is None and spec.outputs == (1, 1, 1) and not spec.convention
    if not whole or prod(spec.lengths) <= costs.POOL_PLANE:
        return None
    left, found = ceil(prod(spec.lengths) / costs.POOL_PLANE_PART), []
    for n in spec.lengths:
        found.append(min(n, left))
        left = ceil(left / found[-1])
    return tuple(found)


def _part_of_parts(call, parts: tuple[int, int, int]) -> Part:
    """Each plane in parts, whose results become one."""
    spec = call.spec
    dtype = TILES[tile_of(spec, True)] if spec.summed else spec.dtype
    inner = replace(spec, outputs=parts, apart=True, dtype=dtype)
    part = _part(call.with_results(inner))

    def run_arrays(inputs, outs) -> bool:
        found = np.empty(inner.output_shape, inner.dtype)
        part.engine.run(inputs, (found,))
        with np.errstate(all="ignore"):
            outs[0][...] = as_given(spec, converted(_joined(inner, found), spec.dtype))
        return True

    return part._replace(engine=call.engine(run_arrays))


def _joined(inner: UnevenSpec, found: np.ndarray) -> np.ndarray:
    """The result of each plane, (N, C, 1, 1, 1), from those of its parts."""
    values = in_order(inner, found)
    values = values.reshape(*values.shape[:2], -1)
    if inner.kind == "average":
        cells = prod(np.ix_(*(end - first for first, end in inner.windows()))).ravel()
        values = np.cumsum(values * cells, -1)[..., -1:] / cells.sum()
    elif inner.kind == "lp" and inner.power != inf:
        powers = values.astype(np.float64) ** inner.power
        values = np.cumsum(powers, -1)[..., -1:] ** (1 / inner.power)
    else:
        better = np.minimum if inner.kind == "min" else np.maximum
        values = better.reduce(values, -1, keepdims=True)
    return values[..., None, None]


def _part(call) -> Part:
    parts = _parts(call.spec)
    if parts is not None:
        return _part_of_parts(call, parts)
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
    if in_place and pixels and _is_a_row(spec, src):
        length, planes = prod(spec.lengths), _planes_at_once(spec, src, dst)
        first = np.arange(planes) * length
        tables = np.concatenate([[0, 1, 0, 1], first, first + length])[None]
        sizes = Sizes(spec.batch, spec.channels, 1, 1, length)
        src = replace(src, strides=(*src.strides[:2], 0, 0, size))
        if planes > 1:
            sizes = Sizes(spec.batch * spec.channels // planes, 1, 1, 1, planes * length)
            outputs = (1, 1, planes)
            src = replace(src, strides=(sizes.w * size, 0, 0, 0, size))
            dst = replace(dst, strides=(planes * dst.itemsize, 0, 0, 0, dst.itemsize))
    depth, height, _ = spec.most
    rows = costs.POOL_STRIP_BYTES // (size * spec.lengths[2])
    rows = max(1, min(rows, spec.lengths[1], costs.POOL_ROWS))
    lines, most = outputs[0] * outputs[1], 16 * costs.POOL_OPERATIONS
    wanted = min(spec.flops / (call.threads * costs.TASKS_PER_THREAD), most)
    tasks = max(1, round(spec.flops / max(costs.POOL_OPERATIONS, wanted)))
    part = 1
    if not pixels:
        groups = ceil(sizes.c / costs.POOL_PART)
        part = min(sizes.c, ceil(groups / ceil(tasks / (sizes.n * lines))) * costs.POOL_PART)
    each = ceil(sizes.n * ceil(sizes.c / part) * lines / tasks)
    results = [dst] if index is None else [dst, index]
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
        joined=all(_dense((*sizes[:2], *outputs), to.strides, to.itemsize) for to in results),
        part=part,
        each=each,
        held=min(each, max(1, costs.POOL_COLUMNS // (sizes.w + depth))),
        pixels=pixels,
        in_place=in_place,
        flip=in_eight(np.array(flip, f"u{size}")) if flip else None,
        power=spec.power,
        low=in_eight(bits_of(spec.worst, spec.source, dtype) ^ np.array(flip, f"u{size}")),
        value_how=(storage(dtype), dst.storage),
        index_how=(storage(np.dtype(np.int64)), index.storage if index else 0),
        most_rows=depth * height if in_place else rows,
        most_runs=depth,
        rows=rows,
        table_plane=0 if spec.kernel is None else 2 * sum(spec.outputs),
    )
    return problem, tables, in_place, pixels


def _dense(sizes: Sequence[int], strides: Sequence[int], itemsize: int) -> bool:
    """Whether elements follow one another, axis after axis."""
    for n, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if n != 1 and stride != itemsize:
            return False
        itemsize *= n
    return True


def _is_a_row(spec: UnevenSpec, src: Layout) -> bool:
    """Whether windows are planes whose elements follow one another."""
    whole = spec.kernel is None and spec.outputs == (1, 1, 1) and not spec.convention
    return whole and _dense(spec.lengths, src.strides[2:], src.itemsize)


def _planes_at_once(spec: UnevenSpec, src: Layout, dst: Layout) -> int:
    """How many such planes are done as windows of one row: 1, unless all of them follow one
    another, in input and output."""
    results = (spec.batch, spec.channels, 1, 1, 1)
    if not _dense(spec.sizes, src.strides, src.itemsize):
        return 1
    if not _dense(results, dst.strides, dst.itemsize):
        return 1
    planes, most = spec.batch * spec.channels, max(1, costs.POOL_COLUMNS // prod(spec.lengths))
    return max(count for count in range(1, most * 4 + 1) if planes % count == 0)
