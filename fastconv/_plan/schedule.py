# SPDX-License-Identifier: BSD-3-Clause
"""Ways to cut the work of a convolution: boxes of pixels, panels of weights.

A schedule never changes a result, only the time it takes: each output is summed in the same
order whatever box, panel or orientation it falls into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from math import ceil, isqrt, prod
from typing import NamedTuple

from .._spec.axis import Axis
from . import constants as costs
from .cost import boxes_of, cost, scratch_bytes
from .work import Cut, Schedule, Work, axes_of, operations, valid_share


class Points(NamedTuple):
    """Where the axes are cut, whatever the size of boxes."""

    axes: tuple[tuple[int, ...], ...]
    longest: tuple[int, ...]  # interval of each axis

    @classmethod
    def of(cls, axes: Iterable[tuple[int, ...]]) -> Points:
        axes = tuple(axes)
        return cls(axes, tuple(max(b - a for a, b in pairwise(points)) for points in axes))


def cut_boxes(points: Points, pixels: int, lanes: int, even: bool) -> tuple[int, ...]:
    """Sizes of boxes of about `pixels`, the innermost axes whole as far as possible; or even in
    height and depth, which share more input among the taps of both."""
    sizes = []
    room = pixels
    for i in range(3, -1, -1):
        longest = points.longest[i]
        size = max(1, isqrt(room) if even and i == 2 else room)
        if i == 3 and longest > size > 2 * lanes:
            size -= size % (2 * lanes)
        size = min(size, longest)
        sizes.append(size)
        room = room // size if size == longest or (even and i == 2) else 1
    return tuple(reversed(sizes))


def points_worth_cutting(axes: tuple[Axis, ...]) -> list[Points]:
    """None; and those where the taps that are valid change, if that saves work."""
    plain = [(0, axis.outputs) for axis in axes]
    saving = [valid_share(axis) < 1 - costs.SKIPPED_SHARE for axis in axes]
    # Each tap that reads padding changes what is valid, at most twice.
    most = prod(min(axis.outputs, 2 * axis.k) for s, axis in zip(saving, axes, strict=True) if s)
    if not any(saving) or most > costs.BOXES_WORTH:
        return [Points.of(plain)]
    changes = (x.changes() if s else p for s, x, p in zip(saving, axes, plain, strict=True))
    return [Points.of(plain), Points.of(changes)]


def separations(work: Work) -> list[tuple[bool, ...]]:
    """Axes whose strips may have a phase for each tap: none, or all from one on."""
    several = [axis.k > 1 for axis in work.axes]
    starts = [] if work.panels else [first for first in (3, 2, 1) if several[first]]
    return [(False,) * 4] + [tuple(i >= first and several[i] for i in range(4)) for first in starts]


def longest_task(work: Work, width: int) -> tuple[int, int]:
    """The most pixels and panels of a task, which looks at no signals: it must end in a fraction of
    a second, and so must the packing of its weights."""
    spec, most = work.spec, costs.OPERATIONS_PER_CHUNK
    pixels = prod(axis.outputs for axis in work.axes) * spec.groups * most // operations(spec)
    panel = costs.OPERATIONS_PER_ELEMENT * width * spec.c_in * work.taps
    panels = ceil(spec.c_out / width) if work.prepared else most // max(1, panel)
    return max(1, pixels), max(1, panels)


def candidates(work: Work, orientation: str) -> Iterator[tuple[float, Schedule]]:
    """Schedules worth comparing, with their costs."""
    spec, machine, axes = work.spec, work.machine, work.axes
    lanes, rows = machine.lanes, machine.rows
    if orientation == "pixels":
        width = ceil(spec.c_out / ceil(spec.c_out / rows))
        width += width % work.components  # both components of a complex channel
        panel = 2 * lanes if work.panels else 0
    else:
        width = 2 * lanes if spec.c_out > lanes else lanes
        panel = rows if work.panels else 0
    panels = ceil(spec.c_out / width)
    copied = work.panels or not work.reads_in_place(orientation == "channels")
    shapes = (False, True) if axes[1].k > 1 and axes[2].k > 1 and copied else (False,)
    total = prod(axis.outputs for axis in axes)
    wanted = machine.threads * costs.TASKS_PER_THREAD
    longest, most_panels = longest_task(work, width)
    sizes = (*costs.PIXELS, total * spec.groups // wanted, total)
    sizes = {min(total, longest, max(1, size)) for size in sizes}
    weight_bytes = prod(spec.weight_shape) * spec.tile_dtype.itemsize
    packs_slowly = not work.prepared and not work.wei_direct
    core_axes = axes_of(spec)
    worth_cutting = points_worth_cutting(axes)
    ways = list(product(range(len(worth_cutting)), separations(work), shapes))
    seen = set()
    found = False
    for size in sorted(sizes, reverse=True):
        if found and total // size > costs.BOXES_WORTH:
            break  # smaller ones are for kernels of which nothing larger fits
        box_of = {
            (number, even): cut_boxes(points, size, lanes, even)
            for number, points in enumerate(worth_cutting)
            for even in shapes
        }
        for number, separate, even in ways:
            box = box_of[number, even]
            if (number, separate, box) in seen:
                continue
            seen.add((number, separate, box))
            cuts = tuple(map(Cut, worth_cutting[number].axes, box))
            boxes = boxes_of(core_axes, cuts, separate, work.blocks.windows)
            least = Schedule(orientation, separate, cuts, width, task_panels=1, panel=panel)
            if scratch_bytes(work, least, boxes) > machine.scratch:
                continue
            found = True
            tasks = spec.groups * boxes.count
            parts = (1, *(ceil(n * machine.threads / tasks) for n in (1, 2, 4) if tasks < wanted))
            for task_panels in {min(most_panels, ceil(panels / part)) for part in parts}:
                schedule = least._replace(task_panels=task_panels)
                while scratch_bytes(work, schedule, boxes) > machine.scratch:
                    schedule = schedule._replace(task_panels=ceil(schedule.task_panels / 2))
                yield cost(work, schedule, boxes), schedule
                if packs_slowly and boxes.count > 1 and weight_bytes <= costs.AHEAD_BYTES:
                    schedule = schedule._replace(ahead=True)
                    yield costs.AHEAD_WORTH * cost(work, schedule, boxes), schedule
