# SPDX-License-Identifier: BSD-3-Clause
"""fold: where the arrays lie, and how the sums are divided into tasks."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any, NamedTuple

from .._core import rows as core
from .._core import scratch
from .._core.table import ACTIVATIONS, KINDS
from .._spec.columns import FoldSpec
from .._spec.dtypes import TOTALS, components
from . import constants as costs
from .candidate import Candidate, Part
from .layout import storage
from .moves import idle, runner
from .work import core_axis

# How numbers are stored that are sums as they are, by the dtype of sums; integers wrap.
AS_SUMS = {"f": ("F32",), "d": ("F64",), "i": ("I32", "U32"), "q": ("I64", "U64")}


class Place(NamedTuple):
    """An array as the core sees it: see place_t of _core/rows.pyx."""

    storage: int
    image: int
    channel: int
    part: int
    taps: tuple[int, int, int]
    axes: tuple[int, int, int]

    def holds_sums(self, spec: FoldSpec) -> bool:
        """Whether rows of sums are added where they lie."""
        size = TOTALS[spec.sums].itemsize
        *_, row, step = self.axes
        kinds = [KINDS[name] for name in AS_SUMS[spec.sums]]
        return self.storage in kinds and step == size and row % size == 0


def _columns(spec: FoldSpec, seen: Any) -> Place:
    """The input: rows (c, tap), columns (window)."""
    image, tap, column = seen.strides if spec.batched else (0, *seen.strides)
    taps, axes = [], []
    for axis in reversed(spec.axes):
        taps.append(tap)
        axes.append(column)
        tap, column = tap * axis.k, column * axis.outputs
    size = seen.dtype.itemsize // components(seen.dtype)
    return Place(storage(seen.dtype), image, tap, size, tuple(taps[::-1]), tuple(axes[::-1]))


def _image(spec: FoldSpec, seen: Any) -> Place:
    """What is returned."""
    image, *rest = seen.strides if spec.batched else (0, *seen.strides)
    channel, *axes = (rest[-1], *rest[:-1]) if spec.channels_last else rest
    size = seen.dtype.itemsize // components(seen.dtype)
    axes = (0,) * (3 - spec.rank) + tuple(axes)
    return Place(storage(seen.dtype), image, channel, size, (0, 0, 0), axes)


def _task(spec: FoldSpec, image: Place, threads: int) -> tuple[int, int, int]:
    """Lines, rows and columns of a task, whose sums stay in the first level of the cache; or in the
    second, where a tap falls into few of its rows."""
    size = TOTALS[spec.sums].itemsize
    _, rows, columns = (axis.n for axis in spec.axes)
    parts = components(spec.dtype)
    lines = spec.batch * spec.channels * parts
    wanted = prod((lines, *(axis.n for axis in spec.axes))) // (threads * costs.TASKS_PER_THREAD)
    most = min(costs.FOLD_TASK_BYTES * spec.axes[1].stride, costs.FOLD_MOST_BYTES)
    wanted = max(costs.FOLD_LEAST, min(most // size, wanted))
    some = min(columns, wanted)
    several = max(1, min(rows, wanted // some))
    whole = several == rows and spec.axes[0].n == 1
    together = max(1, wanted // (rows * columns)) if whole else 1
    if abs(image.channel) < abs(image.axes[2]):
        # Neighbours in the image belong to different lines: these are made together.
        together = max(together, min(spec.channels * parts, costs.ACROSS_BYTES // size))
        several = max(1, min(several, costs.FOLD_ACROSS_BYTES // size // (some * together)))
    return together, several, some


def candidate(call: Any) -> Candidate:
    """The only algorithm beside the reference, so nothing is compared with its cost."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    return Candidate(costs.TASK + call.spec.flops, partial(_part, call))


def _part(call: Any) -> Part:
    """Rows of each tap added to rows of the result."""
    spec, (source,), (target,) = call.spec, call.inputs, call.outputs
    columns, image = _columns(spec, source), _image(spec, target)
    moved = prod(spec.input_shape) * spec.dtype.itemsize
    boolean = spec.dtype.kind == "b"
    problem = core.Sums(
        isa=call.isa,
        dtype=spec.sums,
        axes=[core_axis(axis) for axis in spec.axes],
        lines=(spec.batch, spec.channels, components(spec.dtype)),
        columns=columns,
        image=image,
        in_columns=columns.holds_sums(spec),
        in_image=image.holds_sums(spec),
        how=(ACTIVATIONS["CLIP" if boolean else "NONE"], storage(TOTALS[spec.sums]), int(boolean)),
        task=_task(spec, image, call.threads),
    )
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    each = max(threads, problem.tasks * costs.MOVE_CHUNK_BYTES // max(1, moved))
    said = ("input: a row at a time",) * (not columns.holds_sums(spec))
    said += ("out: through a buffer that fits into the cache",) * (not image.holds_sums(spec))
    return Part(
        engine=call.engine(runner(core.sum_tasks(problem), threads, call.shared, each)),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=said,
    )
