# SPDX-License-Identifier: BSD-3-Clause
"""How the work of a convolution is cut: boxes of pixels, strips of weights, and their cost.

A schedule never changes a result, only the time it takes: each output is summed in the same
order whatever box, strip or orientation it falls into.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import ceil, prod
from typing import NamedTuple

from . import costs
from .kernels.problem import spans
from .sizes import inside
from .spec import ConvSpec


# Pixels of a box worth trying; the least is what a strip of a large kernel may leave room for.
PIXELS = (1, 32, 128, 256, 512, 1024, 4096, 16384)


class Axis(NamedTuple):
    """One of batch, depth, height, width."""

    src: int
    dst: int
    taps: int
    stride: int
    dilation: int
    pad: int


class Cut(NamedTuple):
    """The spans of an axis: each interval between `points` in equal pieces of at most `size`."""

    points: tuple[int, ...]
    size: int


class SpanKind(NamedTuple):
    """A span of output positions, without its place: see problem.pxd."""

    count: int
    taps: int
    lanes: int
    length: int


class Machine(NamedTuple):
    """What a schedule is made for."""

    isa: str
    lanes: int  # numbers in a vector
    rows: int  # of the tallest tile two vectors wide
    threads: int
    scratch: int  # bytes a thread may take


@dataclass(frozen=True, slots=True)
class Schedule:
    orientation: str  # what lies in vectors: "pixels" or "channels"
    separate: tuple[bool, bool, bool, bool]  # axes whose strips have a lane for each tap
    cuts: tuple[Cut, ...]  # the spans of each axis
    width: int  # output channels of a strip of weights
    task_strips: int
    panel: int  # pixels of a panel; 0: pixels are read where they lie
    cost: float = 0.0


def axes_of(spec: ConvSpec) -> tuple[Axis, Axis, Axis, Axis]:
    """Batch, depth, height, width; the batch is an axis with one tap."""
    spatial = (
        Axis(src, dst, taps, stride, dilation, pad[0])
        for src, dst, taps, stride, dilation, pad in zip(
            spec.src, spec.dst, spec.wei, spec.stride, spec.dilation, spec.pad, strict=True
        )
    )
    return (Axis(spec.batch, spec.batch, 1, 1, 1, 0), *spatial)


def block_k(c_in: int, wei: tuple[int, int, int]) -> int:
    """Numbers of k in a block: equal numbers of whole channels, or of whole kernel rows."""
    taps = prod(wei)
    unit = next((size for size in (taps, wei[2]) if size <= costs.BLOCK_K), 1)
    units = c_in * taps // unit
    blocks = ceil(units / (costs.BLOCK_K // unit))
    return ceil(units / blocks) * unit if blocks else unit


def changes(axis: Axis) -> tuple[int, ...]:
    """Output positions at which the taps that meet input change."""
    return tuple(sorted({0, axis.dst}.union(*(_inside(axis, tap) for tap in range(axis.taps)))))


def met_share(axis: Axis) -> float:
    """The share of (output, tap) pairs of an axis that meet input."""
    met = sum(end - first for first, end in (_inside(axis, tap) for tap in range(axis.taps)))
    return met / (axis.taps * axis.dst) if axis.dst else 1.0


def _inside(axis: Axis, tap: int) -> tuple[int, int]:
    first, end = inside(axis.src, axis.dst, axis.stride, tap * axis.dilation - axis.pad)
    return min(first, axis.dst), min(end, axis.dst)


def pads(spec: ConvSpec) -> bool:
    """Whether any tap of any output falls on padding."""
    return any(met_share(axis) < 1 for axis in axes_of(spec))


def boxes(axes, points, pixels: int, lanes: int) -> tuple[Cut, ...]:
    """Cut the axes into boxes of about `pixels`, the innermost axes whole as far as possible."""
    cuts = []
    room = pixels
    for i in range(3, -1, -1):
        size = max(1, room)
        longest = max(b - a for a, b in pairwise(points[i]))
        if i == 3 and longest > size > 2 * lanes:
            size -= size % (2 * lanes)
        cuts.append(Cut(points[i], min(size, longest)))
        room = room // longest if longest <= size else 1
    return tuple(reversed(cuts))


class Work(NamedTuple):
    """What a schedule is to be made for, and what is known about the arrays."""

    spec: ConvSpec
    machine: Machine
    panels: bool  # gather pixels into panels, or read them where they lie
    in_place: bool  # the input may be read without a copy
    straight: bool  # tiles may write the output
    prepared: bool  # the weights come packed
    exact: bool  # no span may mix taps on padding with taps on input


def candidates(work: Work, orientation: str) -> Iterator[Schedule]:
    """Schedules worth comparing, with their costs."""
    spec, machine = work.spec, work.machine
    axes = axes_of(spec)
    plain = [(0, axis.dst) for axis in axes]
    broken = [changes(axis) for axis in axes]
    saving = [met_share(axis) < 1 - costs.SKIPPED_SHARE for axis in axes]
    options = [broken] if work.exact else [plain]
    if any(saving) and not work.exact:
        options.append([b if s else p for s, b, p in zip(saving, broken, plain, strict=True)])
    separations = [(False,) * 4]
    if not work.panels:
        several = [axis.taps > 1 for axis in axes]
        for first in (3, 2, 1):
            if several[first]:
                separations.append(tuple(i >= first and several[i] for i in range(4)))
    total = prod(axis.dst for axis in axes)
    wanted = machine.threads * costs.TASKS_PER_THREAD
    sizes = {min(total, max(1, size)) for size in (*PIXELS, total * spec.groups // wanted, total)}
    lanes, rows = machine.lanes, machine.rows
    if orientation == "pixels":
        width = ceil(spec.c_out / ceil(spec.c_out / rows))
        panel = 2 * lanes if work.panels else 0
    else:
        width = 2 * lanes if spec.c_out > lanes else lanes
        panel = rows
    strips = ceil(spec.c_out / width)
    for points, separate in product(options, separations):
        for cuts in {boxes(axes, points, size, lanes) for size in sizes}:
            kinds = kinds_of_box(axes, cuts, separate)
            tasks = spec.groups * sum(count for count, _ in kinds)
            for share in {strips, max(1, strips * tasks // wanted)} if tasks < wanted else {strips}:
                schedule = Schedule(orientation, separate, cuts, width, share, panel)
                while scratch_bytes(work, schedule, kinds) > machine.scratch and share > 1:
                    share = ceil(share / 2)
                    schedule = replace(schedule, task_strips=share)
                if scratch_bytes(work, schedule, kinds) <= machine.scratch or total == 1:
                    yield replace(schedule, cost=cost(work, schedule, kinds))


def kinds_of_box(axes, cuts, separate) -> list[tuple[int, tuple[SpanKind, ...]]]:
    """The boxes, counted by what their four spans are like."""
    kinds = [
        spans(axis, cut.points, cut.size, apart)
        for axis, cut, apart in zip(axes, cuts, separate, strict=True)
    ]
    return [
        (prod(count for count, _ in box), tuple(SpanKind(*kind) for _, kind in box))
        for box in product(*kinds)
    ]


def scratch_bytes(work: Work, schedule: Schedule, kinds) -> int:
    """About what `Problem` will book for a thread."""
    spec = work.spec
    taps = prod(spec.wei)
    depth = block_k(spec.c_in, spec.wei)
    pixels = max(prod(kind.count for kind in box) for _, box in kinds)
    strip = max(prod(kind.lanes * kind.length for kind in box) for _, box in kinds)
    numbers = schedule.width * depth + ceil(depth / taps) * (strip + 16)
    if schedule.panel:
        numbers += (pixels + schedule.panel) * depth
    if schedule.orientation == "channels" or not work.straight:
        numbers += (pixels + 16) * schedule.width * schedule.task_strips
    return numbers * spec.dtype.itemsize + depth * 24 + 4096


def cost(work: Work, schedule: Schedule, kinds) -> float:
    """Vector multiply-adds that would take as long, on the thread that ends last."""
    spec, machine = work.spec, work.machine
    lanes = machine.lanes
    strips = ceil(spec.c_out / schedule.width)
    blocks = max(1, ceil(spec.c_in * prod(spec.wei) / block_k(spec.c_in, spec.wei)))
    shares = ceil(strips / schedule.task_strips)
    channels = spec.c_out / shares
    tasks, total, longest = 0, 0.0, 0.0
    for count, box in kinds:
        pixels = prod(kind.count for kind in box)
        depth = spec.c_in * prod(kind.taps for kind in box)
        task = costs.TASK * blocks
        if not work.in_place:
            rows = spec.c_in * prod(kind.lanes * kind.length for kind in box[:3]) * box[3].lanes
            task += rows * (costs.FILL_ROW + costs.FILL_VECTOR * ceil(box[3].length / lanes))
        if not work.prepared:
            task += costs.PACK_NUMBER * channels * spec.c_in * prod(spec.wei)
        if schedule.orientation == "pixels":
            run, runs = (pixels, 1) if schedule.panel else _runs(spec, box)
            vectors = runs * ceil(run / lanes)
            high, wide, tall = channels, vectors, schedule.width
        else:
            vectors = ceil(pixels / schedule.panel) * ceil(schedule.panel / lanes)
            high, wide, tall = pixels, ceil(channels / lanes), min(pixels, schedule.panel)
        if schedule.panel:
            breaks = 0 if box[3].length == box[3].count else pixels / box[3].count
            pieces = breaks + ceil(pixels / schedule.panel)
            task += depth * (costs.GATHER_SEGMENT * pieces + costs.GATHER_VECTOR * (vectors + breaks))
            task += ceil(high / tall) * wide * depth * costs.PANEL_VECTOR
        else:
            # Vectors of the source that a tile touches: the taps of a lane share most of them.
            shared = box[3].taps // box[3].lanes
            seen = depth / shared * (2 + 64 / machine.lanes / spec.dtype.itemsize)
            task += ceil(high / tall) * wide / 2 * seen * costs.STRIP_VECTOR
        sums = tall * (4 if tall <= 3 else 2)
        if tall == 1 and box[2].taps > 1 and box[2].count > 1:  # the stencil tile
            sums = 4 * min(4, box[2].count)
        idle = max(1.0, costs.SUMS_IN_FLIGHT / sums)
        task += high * wide * (depth * idle + costs.SUM_VECTOR * blocks)
        task += blocks * ceil(high / tall) * ceil(wide / 2) * costs.TILE
        if schedule.orientation == "channels" or not work.straight:
            task += costs.TURN_NUMBER * pixels * channels
        many = count * shares * spec.groups
        tasks += many
        total += many * task
        longest = max(longest, task)
    threads = min(machine.threads, max(1, tasks))
    # At the end threads wait for the one that has begun the last task.
    waiting = longest * (threads - 1) / threads * costs.WAITING_SHARE
    return max(total / threads + waiting, longest)


def _runs(spec: ConvSpec, box: tuple[SpanKind, ...]) -> tuple[int, int]:
    """Length and number of the runs in which direct walks a box: axes that are dense join."""
    run = box[3].count
    dense = box[3].length == run and run == spec.dst[2]
    rest = 1
    for i in (2, 1, 0):
        if dense or box[i].count == 1:
            run *= box[i].count
            dense = dense and box[i].length == box[i].count == (0, *spec.dst)[i]
        else:
            rest = prod(kind.count for kind in box[: i + 1])
            break
    return run, rest
