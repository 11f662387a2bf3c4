# SPDX-License-Identifier: BSD-3-Clause
"""Elements that are only moved: the runs in which they are, and how these are divided into tasks.

An axis with its taps becomes a level: a list of runs, (bytes in the output, bytes in the input or
NOWHERE, how many, bytes in the input from one to the next), and the bytes in the output from one to
the next.
"""

from __future__ import annotations

from functools import partial
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from .._core import rows as core
from .._core.conv import address
from .._core.parallel import Tasks, run
from .._spec.dtypes import components
from .._spec.moves import Move, inner
from . import constants as costs
from .candidate import Candidate, Part
from .layout import NATIVE
from .plan import PLAN_BYTES

NOWHERE = np.iinfo(np.intp).min  # FC_NOWHERE: the constant of the border
RUN_BYTES = 5 * np.dtype(np.intp).itemsize  # of a run, and the number of its first position

Run = tuple[int, int, int, int]


class Level(NamedTuple):
    """An axis of what is moved."""

    runs: tuple[Run, ...]
    dst_step: int

    @property
    def total(self) -> int:
        """Positions of all runs."""
        return sum(run[2] for run in self.runs)

    @property
    def single(self) -> bool:
        """Elements of the input, evenly spaced."""
        return len(self.runs) == 1 and self.runs[0][1] != NOWHERE

    @property
    def src_step(self) -> int:
        """Bytes from one to the next, of a single run."""
        return self.runs[0][3]


def level_of(move: Move) -> Level:
    """An axis with its taps."""
    axis, src, tap, dst = move
    found = []
    for number in range(axis.k):
        for output, position, count, step in axis.runs(number):
            at = NOWHERE if position is None else position * src
            found.append((number * tap + output * dst, at, count, step * src))
    return Level(tuple(found), dst)


def joined(outer: Level, within: Level) -> Level | None:
    """Two levels as one, if the inner one's positions go on evenly from run to run."""
    count, one = within.total, outer.total == 1
    if not within.single or not (one or count == 1 or outer.dst_step == count * within.dst_step):
        return None
    (dst, src, _, step), runs = within.runs[0], []
    for to, at, number, apart in outer.runs:
        if at == NOWHERE:
            runs.append((to + dst, NOWHERE, number * count, 0))
        elif number == 1 or count == 1 or apart == count * step:
            runs.append((to + dst, at + src, number * count, step if count > 1 else apart))
        else:
            return None
    return Level(tuple(runs), within.dst_step if count > 1 else outer.dst_step)


def fewest(levels: list[Level], size: int) -> tuple[list[Level], int]:
    """The same with as few levels as there can be, two or more, and the bytes of an element: those
    of several numbers, if these lie side by side and their neighbours do not."""
    kept = []
    for level in levels:
        while kept and level is not None:
            one = joined(kept[-1], level)
            if one is None:
                break
            kept.pop()
            level = one
        kept.append(level)
    *rest, last = kept
    dense = last.single and last.dst_step == last.src_step == size
    if rest and dense and last.runs[0][:2] == (0, 0) and last.total * size <= costs.LINE_BYTES:
        kept, size = rest, last.total * size
    if len(kept) > 1:
        *_, rows, last = kept
        dense = last.single and last.dst_step == last.src_step == size
        if not dense and last.total < costs.SHORT_RUN < rows.total:
            kept[-2:] = last, rows
    alone = Level(((0, 0, 1, 0),), 0)
    return [alone] * (2 - len(kept)) + kept, size


def cut(level: Level, most: int) -> Level:
    """The same in runs of at most so many positions."""
    runs = []
    for dst, src, count, step in level.runs:
        for first in range(0, count, most):
            at = NOWHERE if src == NOWHERE else src + first * step
            runs.append((dst + first * level.dst_step, at, min(most, count - first), step))
    return Level(tuple(runs), level.dst_step)


def divided(levels: list[Level], size: int, threads: int) -> tuple[list[Level], tuple]:
    """The levels, in the order in which tasks count them, and what a task has: lines, rows of them,
    and runs of elements."""
    *outer, rows, elements = levels
    total = size * prod(level.total for level in levels)
    wanted = total // (threads * costs.TASKS_PER_THREAD)
    wanted = min(costs.MOVE_TASK_BYTES, max(costs.MOVE_LEAST_BYTES, wanted))
    across = [level for level in outer if level.single and abs(level.src_step) == size]
    if across and all(abs(run[3]) > size for run in elements.runs if run[2] > 1):
        # Neighbours in the input belong to different lines: these are made together.
        outer.remove(across[-1])
        outer.append(across[-1])
        lines = min(across[-1].total, max(1, costs.ACROSS_BYTES // size))
    else:
        lines = 1
    row, runs = size * elements.total, len(elements.runs)
    if row > wanted:
        elements = cut(elements, max(1, wanted // size))
        runs = max(1, len(elements.runs) * wanted // row)
    line = row * rows.total
    if lines == 1 and line < wanted:
        lines = max(1, wanted // max(1, line))
    count = rows.total if line * lines <= wanted else max(1, wanted // (row * lines))
    return [*outer, rows, elements], (lines, count, runs)


def is_across(levels: list[Level], size: int) -> bool:
    """Whether rows of several lines are rows of the input that are transposed: neighbours there are
    in different lines, and neighbours in a line are apart."""
    if len(levels) < 3 or size not in (4, 8):
        return False
    *_, lines, _, elements = levels
    return (
        lines.single
        and lines.src_step == size
        and lines.total >= costs.ACROSS
        and lines.dst_step % size == 0
        and elements.dst_step == size
        and all(run[3] % size == 0 and run[3] != size for run in elements.runs)
    )


def candidate(call: Any) -> Candidate:
    """The only algorithm beside the reference, so nothing is compared with its cost."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    return Candidate(costs.TASK, partial(_part, call))


def idle(call: Any) -> Part:
    """The result has no elements."""
    return Part(call.engine(lambda inputs, outputs: True), call.isa)


def _part(call: Any) -> Part:
    """Rows of bits."""
    spec, (source,), (target,) = call.spec, call.inputs, call.outputs
    size, parts = spec.dtype.itemsize, components(spec.dtype)
    swapped = _is_swapped(source.dtype) != _is_swapped(target.dtype)
    each = spec.moves(source.strides, target.strides) or [inner(1, 0, 0)]
    levels = [level_of(move) for move in each]
    levels, element = fewest(levels, size)
    moved = prod(spec.output_shape) * size
    levels, task = divided(levels, element, call.threads)
    with np.errstate(all="ignore"):
        number = np.asarray(spec.border_value).astype(spec.dtype).astype(source.dtype)
    tables = [_table(level) for level in levels]
    problem = core.Moves(
        across=task[0] > 1
        and not swapped
        and source.aligned
        and target.aligned
        and is_across(levels, element),
        isa=call.isa,
        size=element,
        turned=size // parts if swapped and size > parts else 0,
        value=number.tobytes() * (element // size),
        levels=[
            (level.dst_step, len(level.runs), address(runs), address(first))
            for level, (runs, first) in zip(levels, tables, strict=True)
        ],
        held=tables,
        task=task,
    )
    threads = min(call.threads, problem.tasks)
    each = max(threads, problem.tasks * costs.MOVE_CHUNK_BYTES // moved)
    memory = PLAN_BYTES + RUN_BYTES * sum(len(level.runs) for level in levels)
    return Part(
        engine=call.engine(
            runner(core.move_tasks(problem), threads, call.shared, each), memory=memory
        ),
        isa=call.isa,
        threads=threads,
        tasks=problem.tasks,
    )


def _is_swapped(dtype: np.dtype) -> bool:
    return dtype.byteorder not in "=|" and dtype.byteorder != NATIVE


def _table(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """The runs, and the number of the first position of each and behind the last."""
    runs = np.array(level.runs, np.intp)
    return runs, np.concatenate([[0], np.cumsum(runs[:, 2])]).astype(np.intp)


def runner(tasks: Tasks, threads: int, shared: bool, each: int) -> Any:
    """What does the tasks for an input and a result."""

    def run_arrays(inputs: tuple, outputs: tuple) -> bool:
        src, dst = address(inputs[0]), address(outputs[0])
        return run(tasks, src, 0, 0, 0, 0, dst, threads, shared, each)

    return run_arrays


def reference(call: Any) -> Candidate:
    """The slow truth, which the specification has."""

    def run_arrays(inputs: tuple, outputs: tuple) -> bool:
        if outputs[0].size:
            with np.errstate(all="ignore"):
                outputs[0][...] = call.spec.reference(inputs[0].astype(call.spec.dtype))
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))
