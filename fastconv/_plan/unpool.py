# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling: what the core runs, and what happens where indices point into other planes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil, inf, prod

import numpy as np

from .._core import scratch, unpool
from .._core.conv import address
from .._core.parallel import run
from .._spec.dtypes import TILES
from .._spec.pooling import is_narrow
from .._spec.unpool_reference import unpool as in_numpy
from . import constants as costs
from .candidate import Candidate, Part
from .layout import Layout, copy, storage
from .machine import caches
from .pooling import in_eight

MOST_BANDS = 64  # of a unit: indices may point anywhere, so that each looks at all portions


def candidate(call) -> Candidate:
    """A plane, or an image, or a band of it, at a time."""
    if 0 in call.spec.output_shape or 0 in call.spec.input_shape:

        def clear(inputs, outs) -> bool:
            outs[0][...] = 0
            return True

        return Candidate(0.0, lambda: Part(call.engine(clear), call.isa))
    return Candidate(float(call.spec.flops), partial(_part, call))


def reference(call) -> Candidate:
    """All planes at once, in NumPy."""

    def run_arrays(inputs, outs) -> bool:
        outs[0][...] = in_numpy(call.spec, *map(np.asarray, inputs))
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))


def _part(call) -> Part:
    problem, in_place = _problem(call)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    unpool_planes = _runner(call, problem, threads)

    def run_arrays(inputs, outs) -> bool:
        if unpool_planes(inputs, outs):
            return True
        # Some index points into another plane, or nowhere.
        whole = _whole_problem(call)
        if whole is None or not _runner(call, whole, threads)(inputs, outs):
            copy(outs[0], in_numpy(call.spec, *inputs))
        return True

    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=() if in_place else ("out: a band at a time",),
    )


def _runner(call, problem: unpool.Problem, threads: int) -> Callable[..., bool]:
    """What runs a problem; False: nothing is written to arrays of the user's, as some index is not
    of its unit."""
    spec = call.spec
    operations = costs.OPERATIONS_PER_ELEMENT * (prod(spec.input_shape) + prod(spec.output_shape))
    chunk = costs.OPERATIONS_PER_CHUNK
    parts = [(unpool.check(problem), problem.checks)] * (problem.found_bytes > 0 or not call.fresh)
    parts += [(unpool.tasks(problem), problem.tasks)]
    steps = [(tasks, max(threads, count * chunk // operations)) for tasks, count in parts]

    def run_arrays(inputs, outs) -> bool:
        src, index, dst = address(inputs[0]), address(inputs[1]), address(outs[0])
        found = np.empty(problem.found_bytes, np.uint8)
        return all(
            run(tasks, src, 0, address(found), 0, 0, dst, threads, call.shared, each, index)
            for tasks, each in steps
        )

    return run_arrays


def _tile_of(dtype: np.dtype) -> str:
    """The dtype of planes in scratch, by its letter."""
    if is_narrow(dtype):
        return "f"
    if dtype.kind == "f":
        return "d"
    return "q" if dtype.itemsize == 8 else "i"


def _problem(call) -> tuple[unpool.Problem, bool]:
    """What the core runs, and whether values are written where they lie."""
    spec, dst = call.spec, _layouts(call)[2]
    step, cells = dst.step(1, spec.outputs), prod(spec.outputs)
    spatial = zip(spec.outputs, dst.strides[2:], strict=True)
    across = spec.channels > 1 and abs(dst.strides[1]) < min(
        (abs(stride) for size, stride in spatial if size > 1), default=inf
    )
    in_place = dst.native and step > 0 and (not across or dst.strides[1] == dst.itemsize)
    lanes = spec.channels if across else 1
    problem = _make(
        call,
        across=across,
        group=1,
        bands=_bands(call, spec.batch * spec.channels // lanes, cells, lanes, in_place),
        weight=spec.weights,
        step=min(spec.weights[2:]),
        cells=cells,
        limit=cells,
        lanes=lanes,
        place_step=step // dst.itemsize if in_place and cells > 1 else lanes,
        column_major=spec.convention == "flat_column_major",
        in_place=in_place,
    )
    return problem, in_place


def _whole_problem(call) -> unpool.Problem | None:
    """The same where indices count elements of `out`, or of an image of it, as they lie in memory,
    so that they may point into other planes; else None."""
    spec, dst = call.spec, _layouts(call)[2]
    counted = [
        (size, stride == weight * dst.itemsize)
        for size, stride, weight in zip(spec.sizes, dst.strides, spec.weights, strict=True)
        if size > 1 and weight
    ]
    if not dst.native or not spec.weights[1] or not all(same for _, same in counted):
        return None
    across, cells = spec.channels_last, prod(size for size, _ in counted)
    images = spec.batch if spec.weights[0] else 1  # with places in common
    return _make(
        call,
        across=across,
        group=images * (1 if across else spec.channels),
        bands=_bands(call, spec.batch // images, cells, 1, True),
        weight=(0,) * 5,
        step=1,
        cells=cells,
        limit=cells,
        lanes=1,
        place_step=1,
        column_major=False,
        in_place=True,
    )


def _bands(call, groups: int, cells: int, lanes: int, in_place: bool) -> int:
    """Into how many bands places are cut: for all threads, and to fit the cache where they are in
    scratch."""
    wanted = costs.TASKS_PER_THREAD * call.threads if call.threads > 1 else 1
    bands = -(-wanted // groups)
    if not in_place:
        room = costs.SCRATCH_SHARE * caches()["L2"]
        bands = max(bands, ceil(cells * lanes * TILES[_tile_of(call.spec.dtype)].itemsize / room))
    return min(bands, cells, MOST_BANDS)


def _layouts(call) -> tuple[Layout, Layout, Layout]:
    """Those of input, indices and output."""
    rank, last, tile = call.spec.rank, call.spec.channels_last, TILES[_tile_of(call.spec.dtype)]
    input, indices = call.inputs
    return (
        input.layout(tile, rank, last),
        indices.layout(np.dtype(np.int64), rank, last),
        call.outputs[0].layout(tile, rank, last),
    )


def _make(call, *, across, weight, lanes, **more) -> unpool.Problem:
    """What the core runs: see there."""
    spec = call.spec
    src, index, dst = _layouts(call)
    tile = _tile_of(spec.dtype)
    dtype = TILES[tile]
    unsigned = spec.dtype.kind == "u" and spec.dtype.itemsize == dtype.itemsize
    flip = (1 << (8 * dtype.itemsize - 1)) * unsigned
    channel = np.zeros(unpool.PORTION, np.int64)  # of the elements of a row, or of several
    if across:
        channel = np.tile(np.arange(spec.channels), max(1, unpool.PORTION // spec.channels))
    return unpool.Problem(
        isa=call.isa,
        dtype=tile,
        pooled=(spec.batch, spec.channels, *spec.lengths),
        sizes=spec.sizes,
        across=across,
        src=src,
        src_row=_row(src, spec, across),
        index=index,
        index_row=_row(index, spec, across),
        dst=dst,
        weight=weight,
        lanes=lanes,
        lane_index=(channel * weight[1]).tobytes(),
        lane_at=(channel * (lanes > 1)).tobytes(),
        overlap="max" if spec.dtype.kind == "b" and spec.overlap == "sum" else spec.overlap,
        flip=in_eight(np.array(flip, f"u{dtype.itemsize}")),
        how=(storage(dtype), dst.storage),
        **more,
    )


def _row(layout: Layout, spec, across: bool) -> int:
    """Elements from row to row, which are lanes of a pixel, or lines; 0 where these cannot be read
    where they lie."""
    depth, height, width = spec.lengths
    step = layout.strides[1] if across else layout.strides[4]
    if not layout.native or (step != layout.itemsize and (across or width > 1)):
        return 0
    return layout.step(1, (depth, height, width if across else 1)) // layout.itemsize
