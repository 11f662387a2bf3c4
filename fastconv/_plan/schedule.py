# SPDX-License-Identifier: BSD-3-Clause
"""Ways to cut the work of a convolution: boxes of pixels, panels of weights.

A schedule never changes a result, only the time it takes: each output is summed in the same
order whatever box, panel or orientation it falls into.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from math import ceil, isqrt, prod

from . import constants as costs
from .cost import boxes_of, cost, scratch_bytes
from .work import Cut, Schedule, Work, axes_of, operations, valid_share


def cut_boxes(
    points: list[tuple[int, ...]], pixels: int, lanes: int, even: bool
) -> tuple[Cut, ...]:
    """Cut the axes into boxes of about `pixels`, the innermost axes whole as far as possible; or
    even in height and depth, which share more input among the taps of both."""
    cuts = []
    room = pixels
    for i in range(3, -1, -1):
        size = max(1, isqrt(room) if even and i == 2 else room)
        longest = max(b - a for a, b in pairwise(points[i]))
        if i == 3 and longest > size > 2 * lanes:
            size -= size % (2 * lanes)
        size = min(size, longest)
        cuts.append(Cut(points[i], size))
        room = room // size if size == longest or (even and i == 2) else 1
    return tuple(reversed(cuts))


def candidates(work: Work, orientation: str) -> Iterator[tuple[float, Schedule]]:
    """Schedules worth comparing, with their costs."""
    spec, machine = work.spec, work.machine
    axes, core_axes = work.axes, axes_of(spec)
    outputs = [axis.outputs for axis in axes]
    plain = [(0, n) for n in outputs]
    saving = [valid_share(axis) < 1 - costs.SKIPPED_SHARE for axis in axes]
    options = [plain]
    # Each tap that reads padding changes what is valid, at most twice.
    most = prod(min(axis.outputs, 2 * axis.k) for s, axis in zip(saving, axes, strict=True) if s)
    if any(saving) and most <= costs.BOXES_WORTH:
        options.append(
            [x.changes() if s else p for s, x, p in zip(saving, axes, plain, strict=True)]
        )
    separations = [(False,) * 4]
    if not work.panels:
        several = [axis.k > 1 for axis in axes]
        for first in (3, 2, 1):
            if several[first]:
                separations.append(tuple(i >= first and several[i] for i in range(4)))
    copied = work.panels or not work.reads_in_place(orientation == "channels")
    share = axes[1].k > 1 and axes[2].k > 1 and copied
    shapes = (False, True) if share else (False,)
    total = prod(outputs)
    wanted = machine.threads * costs.TASKS_PER_THREAD
    # A task looks at no signals: it must end in a fraction of a second.
    longest = max(1, total * spec.groups * costs.OPERATIONS_PER_CHUNK // operations(spec))
    sizes = (*costs.PIXELS, total * spec.groups // wanted, total)
    sizes = {min(total, longest, max(1, size)) for size in sizes}
    lanes, rows = machine.lanes, machine.rows
    if orientation == "pixels":
        width = ceil(spec.c_out / ceil(spec.c_out / rows))
        width += width % work.components  # both components of a complex channel
        panel = 2 * lanes if work.panels else 0
    else:
        width = 2 * lanes if spec.c_out > lanes else lanes
        panel = rows if work.panels else 0
    panels = ceil(spec.c_out / width)
    seen = set()
    found = False
    for size in sorted(sizes, reverse=True):
        count = total // size
        if found and count > costs.BOXES_WORTH:
            break  # smaller ones are for kernels of which nothing larger fits
        for points, separate, even in product(options, separations, shapes):
            cuts = cut_boxes(points, size, lanes, even)
            if (cuts, separate) in seen:
                continue
            seen.add((cuts, separate))
            boxes = boxes_of(core_axes, cuts, separate, work.blocks.windows)
            tasks = spec.groups * boxes.count
            parts = (1, *(ceil(n * machine.threads / tasks) for n in (1, 2, 4) if tasks < wanted))
            for share in {ceil(panels / part) for part in parts}:
                schedule = Schedule(orientation, separate, cuts, width, share, panel)
                while scratch_bytes(work, schedule, boxes) > machine.scratch:
                    if schedule.task_panels == 1:
                        break
                    schedule = replace(schedule, task_panels=ceil(schedule.task_panels / 2))
                else:
                    found = True
                    yield cost(work, schedule, boxes), schedule
