# SPDX-License-Identifier: BSD-3-Clause
"""Locally connected layers: how their work is divided, and what the core runs."""

from __future__ import annotations

from functools import partial
from math import ceil, prod

from .._core import local, scratch
from .._spec.dtypes import BLOCK_K, LOCAL_BLOCK
from . import constants as costs
from .candidate import Candidate, Part, chunk, idle, make_engine, runner
from .tiled import Call, as_tile_bytes
from .work import axes_of


def candidate(call: Call) -> Candidate:
    """The only algorithm beside the reference, so nothing is compared with its cost."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    return Candidate(costs.TASK + call.spec.macs, partial(_part, call))


def _part(call: Call) -> Part:
    """Dot products of windows and weights."""
    problem = _problem(call)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    each = chunk(call.spec, problem.tasks, threads)
    copies = ("input: some windows at a time",)
    if not _in_place(call):
        copies += (f"weight: {costs.LOCAL_ROWS} output channels of a position at a time",)
    return Part(
        engine=make_engine(call, runner(local.tasks(problem), threads, call.shared, each)),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=copies,
    )


def _problem(call: Call) -> local.Problem:
    """What the core runs."""
    spec, arrays, epilogue = call.spec, call.arrays, call.kernel_epilogue
    src, wei, dst = arrays.src, arrays.wei, arrays.dst
    numbers = _numbers(call)
    depth = max(1, spec.c_in * spec.taps * numbers)
    block = BLOCK_K if epilogue.integer else LOCAL_BLOCK
    windows, rows = spec.batch * src.components, spec.c_out * dst.components // src.components
    size = spec.tile_dtype.itemsize
    return local.Problem(
        isa=call.isa,
        dtype=spec.arithmetic.tile,
        axes=axes_of(spec),
        kernel=spec.kernel,
        groups=spec.groups,
        c_in=spec.c_in,
        c_out=spec.c_out,
        src=src,
        dst=dst,
        residual=arrays.residual or dst,
        wei=wei,
        wei_native=_in_place(call),
        border_values=as_tile_bytes(spec, spec.border_value),
        padded=any(axis.pads for axis in spec.axes),
        epilogue=epilogue,
        block=block,
        task=_task(call, windows, rows, depth),
        gathered=_most(costs.LOCAL_WINDOW_BYTES // (min(block, depth) * size), windows),
        converted=min(rows, costs.LOCAL_ROWS),
    )


def _numbers(call: Call) -> int:
    """Real numbers of an element of k."""
    return 2 if call.arrays.src.components == call.arrays.wei.components == 2 else 1


def _in_place(call: Call) -> bool:
    """Whether each row of weights lies as it is multiplied."""
    spec, arrays, wei = call.spec, call.arrays, call.arrays.wei
    alike = wei.components == _numbers(call) and arrays.dst.components == arrays.src.components
    return wei.native and alike and wei.step(spec.c_in, spec.kernel) == wei.itemsize


def _task(call: Call, windows: int, rows: int, depth: int) -> tuple[int, int, int, int]:
    """Positions, groups, rows and windows of a task: it reads weights of LOCAL_TASK_BYTES or more,
    and each of them once, if its sums leave room for all windows."""
    spec, size = call.spec, call.spec.tile_dtype.itemsize
    rows = min(rows, costs.LOCAL_TASK_ROWS)
    row_bytes = depth * size
    groups = _most(costs.LOCAL_GROUP_BYTES // (rows * row_bytes), spec.groups)
    sums = costs.LOCAL_SUM_BYTES // (groups * rows * size)
    places = prod(spec.outputs)
    shared = ceil(places * ceil(spec.groups / groups) / (call.threads * costs.TASKS_PER_THREAD))
    wanted = max(costs.LOCAL_RUN, costs.LOCAL_TASK_BYTES // (groups * rows * row_bytes))
    wanted = _most(wanted, min(places, shared))
    windows = _most(sums // _most(wanted, costs.LOCAL_RUN), windows)
    return _most(sums // windows, wanted), groups, rows, windows


def _most(number: int, limit: int) -> int:
    """The number, if it is from 1 to the limit."""
    return max(1, min(number, limit))
