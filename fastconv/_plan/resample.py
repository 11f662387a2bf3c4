# SPDX-License-Identifier: BSD-3-Clause
"""Interpolation and unpooling: what is one row, its tables, and how the work is divided."""

from __future__ import annotations

from functools import partial
from math import ceil, inf, prod
from typing import Any, NamedTuple

import numpy as np

from .._core import resample, scratch, table
from .._core.conv import address
from .._core.parallel import run
from .._core.table import KINDS
from .._spec import resample as truth
from .._spec.dtypes import components, is_integer
from . import constants as costs
from .candidate import Candidate, Part
from .layout import Layout, storage
from .plan import PLAN_BYTES
from .samples import axis_table, block, cuts, integers, slots


class Rows(NamedTuple):
    """An array as rows of pixels, in bytes: see rows_t of _core/resample.pyx."""

    storage: int
    bytes: tuple[int, int, int, int]  # from batch to batch, channel, depth, height
    pixel_bytes: int
    element_bytes: int
    in_place: bool


class View(NamedTuple):
    """How both arrays are seen."""

    dtype: np.dtype  # that kernels compute in
    src: Rows
    dst: Rows
    channels: int  # that are not part of pixels
    inner: int  # elements of a pixel


def candidate(call: Any) -> Candidate:
    """The only algorithm beside the reference, so nothing is compared with its cost."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, lambda: Part(call.engine(lambda inputs, outputs: True), call.isa))
    return Candidate(costs.TASK + prod(call.spec.output_shape), partial(_part, call))


def reference(call: Any) -> Candidate:
    """The slow truth."""

    def run_arrays(inputs, outputs) -> bool:
        with np.errstate(all="ignore"):
            outputs[0][...] = truth.resample(call.spec, inputs[0])
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))


def _part(call: Any) -> Part:
    """Rows of the input, summed, and then resampled along themselves."""
    spec = call.spec
    view = _view(call)
    problem, memory = _problem(call, view, call.threads)
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    tasks = resample.tasks(problem)
    work = max(1, spec.flops + costs.OPERATIONS_PER_ELEMENT * call.moved_bytes // 4)
    chunk = max(threads, problem.tasks * costs.OPERATIONS_PER_CHUNK // work)

    def run_arrays(inputs, outputs) -> bool:
        src, dst = address(inputs[0]), address(outputs[0])
        return run(tasks, src, 0, 0, 0, 0, dst, threads, call.shared, chunk)

    copies = ("input: a few rows at a time",) * (not view.src.in_place)
    copies += ("out: through a buffer of a few rows",) * (not view.dst.in_place)
    return Part(
        engine=call.engine(run_arrays, memory=PLAN_BYTES + memory),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=copies,
    )


# ---- how arrays are seen -----------------------------------------------------------------------


def _view(call: Any) -> View:
    """Channels are part of pixels where they lie side by side in the output."""
    spec = call.spec
    dtype = _kernel_dtype(spec)
    parts = components(spec.dtype)
    src, dst = (
        seen.layout(dtype, spec.rank, spec.channels_last)
        for seen in (call.inputs[0], call.outputs[0])
    )
    size = dst.component_bytes
    inner, channels = parts, spec.channels
    if channels > 1 and dst.strides[1] == size * parts and src.strides[1] % parts == 0:
        even = parts == 1 or src.strides[1] == parts * src.component_bytes
        if even:
            inner, channels = channels * parts, 1
    along = inner > parts
    view = View(
        dtype,
        _rows(src, _stored(spec, call.inputs[0].dtype), inner, parts, along, dtype),
        _rows(dst, _stored(spec, call.outputs[0].dtype), inner, parts, along, dtype),
        channels,
        inner,
    )
    return _in_larger(spec, call, view) if spec.copies else view


def _kernel_dtype(spec: Any) -> np.dtype:
    """What kernels compute in: of what is copied, integers that hold its bits."""
    if not spec.copies:
        return spec.sums
    size = spec.dtype.itemsize // components(spec.dtype)
    return np.dtype(np.int64 if size == 8 else np.int32)


def _stored(spec: Any, dtype: np.dtype) -> int:
    """How numbers are stored: of what is copied, as integers."""
    if not spec.copies:
        return storage(dtype)
    size = dtype.itemsize // components(dtype)
    swapped = storage(dtype) & KINDS["SWAPPED"]
    return KINDS[{1: "U8", 2: "U16", 4: "I32", 8: "I64"}[size]] | swapped


def _rows(
    layout: Layout, stored: int, inner: int, parts: int, along: bool, dtype: np.dtype
) -> Rows:
    """An array as rows; its pixels are all channels, or one (`along` is False)."""
    *outer, pixel = layout.strides
    element = layout.component_bytes
    if along and parts == 1:
        element = layout.strides[1]
    native = stored == KINDS[{"f4": "F32", "f8": "F64", "i4": "I32", "i8": "I64"}[dtype.str[1:]]]
    steps = (*outer, pixel) if not along else (outer[0], *outer[2:], pixel)
    whole = all(step % dtype.itemsize == 0 for step in steps)
    dense = inner == 1 or element == dtype.itemsize
    return Rows(stored, tuple(outer), pixel, element, native and whole and dense)


def _in_larger(spec: Any, call: Any, view: View) -> View:
    """Pixels that lie side by side in both arrays, in elements as large as they can be."""
    pixel = view.inner * view.dst.element_bytes
    swapped = KINDS["SWAPPED"]
    for size, kind in ((8, "I64"), (4, "I32")):
        sides = (view.src, view.dst)
        if (
            pixel % size == 0
            and size > view.dst.element_bytes
            and call.inputs[0].aligned
            and call.outputs[0].aligned
            and all(rows.element_bytes * view.inner == pixel for rows in sides)
            and view.src.element_bytes == call.inputs[0].dtype.itemsize // components(spec.dtype)
            and not any(rows.storage & swapped for rows in sides)
            and all(step % size == 0 for rows in sides for step in _steps(rows, view.channels))
        ):
            dtype = np.dtype(np.int64 if size == 8 else np.int32)
            src, dst = (
                rows._replace(storage=KINDS[kind], element_bytes=size, in_place=True)
                for rows in sides
            )
            return View(dtype, src, dst, view.channels, pixel // size)
    return view


def _steps(rows: Rows, channels: int) -> tuple[int, ...]:
    """Of all axes but that of a pixel; that of the channels, if there is one."""
    batch, channel, *others = rows.bytes
    return (batch, channel * (channels > 1), *others, rows.pixel_bytes)


# ---- what the core runs ------------------------------------------------------------------------


def _problem(call: Any, view: View, threads: int) -> tuple[resample.Problem, int]:
    """What the core runs, and the bytes of its tables."""
    spec = call.spec
    depth, height, width = spec.axes
    lanes, _ = table.tile_rows(call.isa, _letter(view.dtype))
    pixels = view.inner >= lanes
    axes = [
        axis_table(axis, step, view.dtype)
        for axis, step in zip((depth, height), view.src.bytes[2:], strict=True)
    ]
    index, weight = width.taps
    parts = cuts(width, view.inner, lanes)
    blocks = [
        block(spec, view.dtype, view.inner, lanes, *cut, index[slice(*cut)], weight[slice(*cut)])
        for cut in parts
    ]
    shortest = min(end - first for first, end in parts)
    src, dst = _whole(view.src, view, width.n, lanes), _whole(view.dst, view, shortest, lanes)
    if pixels:
        dst = view.dst
    uneven = not spec.copies and not pixels and bool((index < 0).any())
    nothing, _, several = resample.KINDS
    kinds = {int(kind) for _, (each, *_) in axes for kind in np.unique(each)}
    rows = spec.batch * view.channels * depth.outputs * height.outputs
    tables = [array for axis in axes for array in axis[1]] + [a for b in blocks for a in b[1]]
    told = [integers(rows) for rows in (src, dst)] + [integers(axis[0]) for axis in axes]
    told.append(integers([each for one in blocks for each in one[0]]))
    problem = resample.Problem(
        isa=call.isa,
        dtype=_letter(view.dtype),
        **dict(zip(("src", "dst", "depth", "height", "blocks"), map(address, told), strict=True)),
        number=len(blocks),
        batch=spec.batch,
        channels=view.channels,
        inner=view.inner,
        pixels=pixels,
        holes=nothing in kinds,
        task_rows=_task_rows(rows, len(blocks), call.moved_bytes, threads),
        uneven=uneven,
        mixes=several in kinds or uneven or not src.in_place,
        slots=slots(tuple(index for _, (_, _, index, *_) in axes), (depth.n, height.n)),
        saturate=is_integer(spec.dtype) and not spec.copies,
        sum_storage=storage(view.dtype),
        tables=(*tables, *told),
    )
    return problem, sum(array.nbytes for array in tables)


def _whole(rows: Rows, view: View, pixels: int, lanes: int) -> Rows:
    """Rows that are read and written in whole vectors, so their pixels must lie side by side, and
    be a vector or more."""
    dense = rows.pixel_bytes == view.inner * view.dtype.itemsize
    return rows._replace(in_place=rows.in_place and dense and pixels * view.inner >= lanes)


def _letter(dtype: np.dtype) -> str:
    """Of a table of kernels."""
    return {"f4": "f", "f8": "d", "i4": "i", "i8": "q"}[dtype.str[1:]]


def _task_rows(rows: int, blocks: int, moved: int, threads: int) -> int:
    """Rows of a task: as many as have RESAMPLE_TASK_BYTES, or fewer, so that each thread has
    several tasks; of those that are made together, all."""
    each = max(1, moved // (rows * blocks))
    wanted = max(1, costs.RESAMPLE_TASK_BYTES // each)
    shared = ceil(rows * blocks / (threads * costs.TASKS_PER_THREAD))
    each = resample.TOGETHER_ROWS
    return min(rows, -(-min(wanted, shared) // each) * each)
