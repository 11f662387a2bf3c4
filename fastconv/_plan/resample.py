# SPDX-License-Identifier: BSD-3-Clause
"""Interpolation and unpooling: what is one row, its tables, and how the work is divided."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from math import ceil, inf, prod
from typing import Any, NamedTuple

import numpy as np

from .._core import measure, resample, scratch, table
from .._core.conv import address
from .._core.parallel import run
from .._core.table import KINDS
from .._spec import resample as truth
from .._spec.dtypes import components, is_integer
from .._spec.sampling import Sampled
from . import constants as costs
from .candidate import Candidate, Part
from .layout import Layout, storage
from .plan import PLAN_BYTES
from .settings import default_threads

PLACE = np.dtype(np.intp)


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
    threads = _threads(call)
    problem, memory = _problem(call, view, threads)
    threads = min(threads, problem.tasks)
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


def _threads(call: Any) -> int:
    """As many as were asked for; by default fewer where little is moved."""
    if not call.shared:
        return call.threads
    limit = min(default_threads(), measure.openmp_threads())
    return max(1, min(limit, call.moved_bytes // costs.RESAMPLE_THREAD_BYTES))


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
            and all(step % size == 0 for rows in sides for step in (*rows.bytes, rows.pixel_bytes))
        ):
            dtype = np.dtype(np.int64 if size == 8 else np.int32)
            src, dst = (
                rows._replace(storage=KINDS[kind], element_bytes=size, in_place=True)
                for rows in sides
            )
            return View(dtype, src, dst, view.channels, pixel // size)
    return view


# ---- what the core runs ------------------------------------------------------------------------


def _problem(call: Any, view: View, threads: int) -> tuple[resample.Problem, int]:
    """What the core runs, and the bytes of its tables."""
    spec = call.spec
    depth, height, width = spec.axes
    lanes, _ = table.tile_rows(call.isa, _letter(view.dtype))
    pixels = view.inner >= lanes
    axes = [
        _axis(axis, step, view.dtype)
        for axis, step in zip((depth, height), view.src.bytes[2:], strict=True)
    ]
    index, weight = width.taps
    cuts = _cuts(width, view.inner, lanes)
    blocks = [
        _block(spec, view, lanes, pixels, *cut, index[slice(*cut)], weight[slice(*cut)])
        for cut in cuts
    ]
    uneven = not spec.copies and bool((index < 0).any())
    src, dst = view.src, view.dst
    if not pixels:
        src = src._replace(
            in_place=src.in_place
            and src.pixel_bytes == view.inner * view.dtype.itemsize
            and width.n * view.inner >= lanes
        )
        dst = dst._replace(
            in_place=dst.in_place
            and dst.pixel_bytes == view.inner * view.dtype.itemsize
            and width.outputs * view.inner >= lanes
        )
    else:
        src = src._replace(
            in_place=src.in_place and src.pixel_bytes == view.inner * view.dtype.itemsize
        )
    alone = all(taps[0].shape[1] == 1 for taps in (depth.taps, height.taps))
    if uneven and alone and not pixels:
        src = src._replace(in_place=False)  # what a vector must not read is a 0 behind the row
    rows = spec.batch * view.channels * depth.outputs * height.outputs
    tables = [array for axis in axes for array in axis[1]] + [a for b in blocks for a in b[1]]
    problem = resample.Problem(
        isa=call.isa,
        dtype=_letter(view.dtype),
        src=src,
        dst=dst,
        depth=axes[0][0],
        height=axes[1][0],
        batch=spec.batch,
        channels=view.channels,
        inner=view.inner,
        pixels=pixels,
        holes=any((axis.taps[0] < 0).any() for axis in (depth, height)),
        blocks=[block[0] for block in blocks],
        task_rows=_task_rows(rows, len(blocks), call.moved_bytes, threads),
        slots=_slots(depth, height),
        saturate=is_integer(spec.dtype) and not spec.copies,
        sum_storage=storage(view.dtype),
        tables=tables,
    )
    return problem, sum(array.nbytes for array in tables)


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


def _slots(depth: Sampled, height: Sampled) -> tuple[int, int]:
    """Rows of depth and height that an output is made of; zeros, if those are too many to keep."""
    spans = []
    for axis in (depth, height):
        index, _ = axis.taps
        last, first = index.max(1), np.where(index < 0, axis.n, index).min(1)
        spans.append(max(1, int((last - first).max()) + 1))
    return tuple(spans) if prod(spans) <= resample.MOST_SLOTS else (0, 0)


def _axis(axis: Sampled, step: int, dtype: np.dtype) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """Depth or height, `step` bytes from element to element: see axis_t of _core/resample.pyx."""
    index, weight = axis.taps
    count = (index >= 0).sum(1)
    nothing, one, several = resample.KINDS
    kind = np.where((count == 1) & (weight[:, 0] == 1), one, several)
    index = np.ascontiguousarray(index, PLACE)
    arrays = (
        np.where(count == 0, nothing, kind).astype(np.int8),
        count.astype(PLACE),
        index,
        index * step,
        np.ascontiguousarray(weight, np.float64),
        np.ascontiguousarray(weight, dtype),
    )
    return (axis.n, axis.outputs, index.shape[1], *map(address, arrays)), arrays


def _cuts(width: Sampled, inner: int, lanes: int) -> list[tuple[int, int]]:
    """Parts of the width: some pixels of the output each, which are a vector or more, unless there
    are no more."""
    wanted = ceil(max(width.n, width.outputs) * inner / costs.RESAMPLE_WIDTH)
    number = max(1, min(wanted, width.outputs // ceil(lanes / inner)))
    ends = [width.outputs * i // number for i in range(number + 1)]
    return list(pairwise(ends))


def _block(
    spec: Any,
    view: View,
    lanes: int,
    pixels: bool,
    first: int,
    end: int,
    index: np.ndarray,
    weight: np.ndarray,
) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """A part of the width: see block_t of _core/resample.pyx."""
    there = index >= 0
    low = int(index[there].min()) if there.any() else 0
    high = int(index.max()) + 1 if there.any() else 1
    real = _weights(spec, view.dtype, weight, there)
    if pixels:
        place = np.where(there, index - low, 0) * view.inner
        count = np.maximum(there.sum(1), 1)
        taps = index.shape[1]
        every = taps if (count == taps).all() else 0
        arrays = _tables(count, place, real)
        places = map(address, arrays)
        return (first, end, low, high, end - first, taps, every, 0, *_three(places), 0), arrays
    # A vector that begins at the last element of a row would read beyond it.
    least = max(0, spec.axes[2].n - ceil(lanes / view.inner))
    low, high = min(low, least), max(high, min(spec.axes[2].n, low + ceil(lanes / view.inner)))
    told, arrays = _groups(view, lanes, index - low, real, there, high - low, spec.copies)
    return (first, end, low, high, *told), arrays


def _three(places) -> tuple[int, int, int, int]:
    """Addresses of counts, places and weights, where a row has bases and places."""
    count, place, weight = places
    return count, place, 0, weight


def _tables(count: np.ndarray, place: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    return (
        np.ascontiguousarray(count, PLACE),
        np.ascontiguousarray(place, PLACE),
        np.ascontiguousarray(weight),
    )


def _weights(spec: Any, dtype: np.dtype, weight: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Weights as kernels take them: of what is copied, all bits or none."""
    if spec.copies:
        return -there.astype(dtype)
    return np.where(there, weight, 0).astype(dtype)


def _groups(
    view: View,
    lanes: int,
    index: np.ndarray,
    weight: np.ndarray,
    there: np.ndarray,
    pixels: int,
    copies: bool,
) -> tuple[tuple, tuple[np.ndarray, ...]]:
    """The tables of the outputs of a row: see fc_samples of src_c/fc_kernels.h."""
    inner, length = view.inner, pixels * view.inner
    elements = len(index) * inner
    at = np.arange(0, elements, lanes)
    at = np.minimum(at, max(0, elements - lanes))
    output = np.minimum(at[:, None] + np.arange(lanes), elements - 1)
    pixel, part = output // inner, output % inner
    found = there[pixel].transpose(0, 2, 1)  # (group, tap, lane)
    place = (index[pixel] * inner + part[..., None]).transpose(0, 2, 1)
    by = np.ascontiguousarray(weight[pixel].transpose(0, 2, 1))
    base = np.where(found, place, length).min(2)
    base = np.maximum(0, np.minimum(base, length - lanes))
    every_found = copies | found.all((1, 2))

    def fits(base):
        return every_found & (~found | (place - base[..., None] < lanes)).all((1, 2))

    first = np.broadcast_to(base.min(1, keepdims=True), base.shape)
    together, near = fits(first), fits(base)
    base = np.where(together[:, None], first, base)
    away = place - base[..., None]
    # A lane with fewer taps than others reads the 0 behind the row.
    away = np.where(found, away, 0 if copies else length - base[..., None])
    if view.dtype.itemsize == 8:
        pairs = 2 * np.repeat(away, 2, 2) + np.tile([0, 1], lanes)
        away = np.concatenate([away, np.zeros_like(away)], 2)
        away = np.where(near[:, None, None], pairs, away)
    count = np.maximum(found.any(2).sum(1), 1).astype(PLACE)
    taps = index.shape[1]
    every = taps if (count == taps).all() else 0
    arrays = (
        at.astype(PLACE),
        count,
        np.ascontiguousarray(base, PLACE),
        np.ascontiguousarray(away, np.int32),
        by,
        np.where(together, resample.TOGETHER, np.where(near, resample.NEAR, resample.FAR)).astype(
            np.int8
        ),
    )
    return (len(at), taps, every, *map(address, arrays)), arrays
