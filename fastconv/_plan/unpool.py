# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling: what the core runs, and what happens where indices point into other planes."""

from __future__ import annotations

from functools import partial
from math import inf, prod

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
from .pooling import in_eight


def candidate(call) -> Candidate:
    """Plane by plane."""
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
    spec = call.spec
    problem, in_place = _problem(call)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    elements = prod(spec.input_shape) + prod(spec.output_shape)
    operations = costs.OPERATIONS_PER_ELEMENT * elements
    each = max(threads, problem.tasks * costs.OPERATIONS_PER_CHUNK // operations)
    check, tasks = unpool.check(problem), unpool.tasks(problem)

    def run_arrays(inputs, outs) -> bool:
        arrays = (address(inputs[0]), 0, 0, 0, 0, address(outs[0]), threads, call.shared, each)
        if not run(check, *arrays, address(inputs[1])):
            # Some index points into another plane, or nowhere.
            copy(outs[0], in_numpy(spec, *inputs))
            return True
        return run(tasks, *arrays, address(inputs[1]))

    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=() if in_place else ("out: a plane at a time",),
    )


def _tile_of(dtype: np.dtype) -> str:
    """The dtype of planes in scratch, by its letter."""
    if is_narrow(dtype):
        return "f"
    if dtype.kind == "f":
        return "d"
    return "q" if dtype.itemsize == 8 else "i"


def _problem(call) -> tuple[unpool.Problem, bool]:
    """What the core runs, and whether planes are written where they lie."""
    spec, last = call.spec, call.spec.channels_last
    tile = _tile_of(spec.dtype)
    dtype = TILES[tile]
    src = call.inputs[0].layout(dtype, spec.rank, last)
    index = call.inputs[1].layout(np.dtype(np.int64), spec.rank, last)
    dst = call.outputs[0].layout(dtype, spec.rank, last)
    in_place = dst.native and _is_dense(dst, spec.outputs)
    unsigned = spec.dtype.kind == "u" and spec.dtype.itemsize == dtype.itemsize
    flip = (1 << (8 * dtype.itemsize - 1)) * unsigned
    weight = spec.weights
    problem = unpool.Problem(
        isa=call.isa,
        dtype=tile,
        pooled=(spec.batch, spec.channels, *spec.lengths),
        sizes=spec.sizes,
        src=src,
        dst=dst,
        index=index,
        weight=weight,
        step=min(weight[2:]),
        column_major=spec.convention == "flat_column_major",
        overlap=spec.overlap,
        in_place=in_place,
        flip=in_eight(np.array(flip, f"u{dtype.itemsize}")),
        how=(storage(dtype), dst.storage),
    )
    return problem, in_place


def _is_dense(layout: Layout, sizes: tuple[int, int, int]) -> bool:
    """Whether a plane lies in C order, without gaps."""
    step = layout.itemsize
    for size, stride in zip(reversed(sizes), reversed(layout.strides[2:]), strict=True):
        if size > 1 and stride != step:
            return False
        step *= size
    return True
