# SPDX-License-Identifier: BSD-3-Clause
"""What a schedule costs, in cycles, and its scratch."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import NamedTuple

from .._core import axis as spans
from .._core import conv as problem
from .._core import table
from . import constants as costs
from .work import CoreAxis, Cut, Schedule, Work


class SpanKind(NamedTuple):
    """A span of output positions, without its place: see conv.pxd."""

    count: int
    taps: int
    valid: int  # pairs of a position and a tap that read the input
    phases: int
    length: int


class Box(NamedTuple):
    """Boxes of one kind."""

    count: int
    pixels: int
    taps: int  # that may read the input
    valid: int  # pairs of a pixel and a tap that read it
    rows: int  # of the strip of a channel
    run: int  # pixels side by side in source and output
    runs: int
    height: SpanKind
    width: SpanKind


class Boxes(NamedTuple):
    """The boxes between the cuts, by kind, and the sizes of the largest."""

    kinds: tuple[Box, ...]
    pixels: int
    strip: int  # elements of a channel in the strip, for the taps of one block of k
    width: int  # the same along a row

    @property
    def count(self) -> int:
        return sum(box.count for box in self.kinds)


@lru_cache(maxsize=128)  # the algorithms and orientations of a plan look at the same cuts
def boxes_of(
    axes: tuple[CoreAxis, ...],
    cuts: tuple[Cut, ...],
    separate: tuple[bool, ...],
    windows: tuple[int, ...],
) -> Boxes:
    """The boxes between the cuts, counted by kind."""
    found = [
        spans.kinds(axis, cut.points, cut.size, apart, window)
        for axis, cut, apart, window in zip(axes, cuts, separate, windows, strict=True)
    ]
    kinds, longest, most = zip(*found, strict=True)
    kinds = [[(count, SpanKind(*kind)) for count, kind in axis] for axis in kinds]
    boxes = tuple(_box(axes, parts) for parts in product(*kinds))
    return Boxes(boxes, pixels=prod(longest), strip=prod(most), width=most[3])


def _box(axes: tuple[CoreAxis, ...], parts: tuple[tuple[int, SpanKind], ...]) -> Box:
    (count_n, n), (count_d, d), (count_h, h), (count_w, w) = parts
    rows = n.count * d.phases * d.length * h.phases * h.length * w.phases
    pixels = n.count * d.count * h.count * w.count
    run, dense = w.count, w.length == w.count == axes[3].dst
    for axis, span in ((axes[2], h), (axes[1], d), (axes[0], n)):
        if not dense and span.count > 1:
            break
        run *= span.count
        dense = dense and span.length == span.count == axis.dst
    return Box(
        count=count_n * count_d * count_h * count_w,
        pixels=pixels,
        taps=d.taps * h.taps * w.taps,
        valid=n.count * d.valid * h.valid * (w.valid if run == w.count else w.count * w.taps),
        rows=rows,
        run=run,
        runs=pixels // run,
        height=h,
        width=w,
    )


def scratch_bytes(work: Work, schedule: Schedule, boxes: Boxes) -> int:
    """What `Problem` will book for a thread."""
    spec = work.spec
    return problem.scratch_bytes(
        isa=work.machine.isa,
        dtype=spec.arithmetic.tile,
        block_k=work.blocks.size,
        wei=work.kernel,
        dst_h=work.axes[2].outputs,
        width=schedule.width,
        task_panels=schedule.task_panels,
        panel_pixels=schedule.panel,
        pixels_wide=schedule.orientation == "pixels",
        in_place_store=schedule.orientation in work.in_place_store,
        wei_native=work.wei_direct,
        channels_first=work.channels_first or not schedule.in_regions,
        border=boxes.width if work.axes[3].border else 0,
        pixels=boxes.pixels,
        strip=boxes.strip,
    )


def cost(work: Work, schedule: Schedule, boxes: Boxes) -> float:
    """What the thread that ends last has to do."""
    task_cost = Cost.of(work, schedule)
    tasks, total, longest = 0, 0.0, 0.0
    for box in boxes.kinds:
        task = task_cost.task(box)
        many = box.count * task_cost.shares * work.spec.groups
        tasks += many
        total += many * task
        longest = max(longest, task)
    if not tasks:
        return 0.0
    # Tasks of equal length end in rounds; and at the end threads wait for the one that was late.
    threads = min(work.machine.threads, tasks)
    waiting = longest * (threads - 1) / threads * costs.WAITING_SHARE
    return max(ceil(tasks / threads) * total / tasks, longest) + waiting


class Cost(NamedTuple):
    """What the parts of a task cost."""

    work: Work
    schedule: Schedule
    shares: int  # tasks that divide the output channels of a box
    channels: float  # output channels of a task
    blocks: int  # of k
    cycle: float  # of a vector's multiply-add
    lines: float  # of the cache in a vector
    in_place: bool  # the input is read where it lies
    vector: float  # to copy a vector of it, or to read it for the first time
    fixed: float  # of any box: to begin, and the weights

    @classmethod
    def of(cls, work: Work, schedule: Schedule) -> Cost:
        """Those of a schedule."""
        spec = work.spec
        panels = ceil(spec.c_out / schedule.width)
        shares = ceil(panels / schedule.task_panels)
        vector_bytes = work.machine.lanes * spec.tile_dtype.itemsize
        lines, cycle = vector_bytes / costs.LINE_BYTES, max(0.5, vector_bytes / costs.CYCLE_BYTES)
        blocks = work.blocks.number(spec.c_in * work.taps)
        in_place = work.reads_in_place(schedule.in_regions)
        if in_place:
            vector = costs.TOUCH_FAR * lines if work.far_src else 0.0
        else:
            vector = costs.COPY_FAR * lines if work.far_src else costs.COPY_VECTOR
            vector += costs.COPY_CONVERT if work.copying.converts else 0
        channels = spec.c_out / shares
        weight = cycle * costs.WEIGHT_VECTOR / work.machine.lanes
        if not work.prepared:
            weight += costs.PACK_ELEMENT if work.wei_direct else costs.PACK_STRIDED
        return cls(
            work=work,
            schedule=schedule,
            shares=shares,
            channels=channels,
            blocks=blocks,
            cycle=cycle,
            lines=lines,
            in_place=in_place,
            vector=vector,
            fixed=costs.TASK * blocks + (costs.TAP + weight * channels * spec.c_in) * work.taps,
        )

    def task(self, box: Box) -> float:
        """A box, and the output channels of a task."""
        return self.fixed + self._input(box) + self._tiles(box) + self._output(box)

    def _input(self, box: Box) -> float:
        """Strips and panels, or the first look at the input where it lies."""
        c_in, lanes, panel = self.work.spec.c_in, self.work.machine.lanes, self.schedule.panel
        length, step = box.width.length, self.work.copying.step
        if self.in_place:
            cycles = c_in * box.rows * self.vector * ceil(length / lanes)
        elif self.work.channels_first or not self.schedule.in_regions:
            element = costs.COPY_ACROSS if self.work.copying.across else costs.COPY_STRIDED
            strided = element * length if step > 1 else 0
            row = max(strided, self.vector * ceil(length / lanes))
            cycles = c_in * box.rows * (costs.COPY_ROW + row)
        else:
            # A row of pixels that follow one another like their channels is one copy.
            length, row = (1, c_in * length) if step == c_in else (length, c_in)
            cycles = box.rows * length * (costs.COPY_ROW + self.vector * ceil(row / lanes))
        if panel:
            panels = ceil(box.pixels / panel)
            breaks = 0 if box.width.length == box.width.count else box.pixels / box.width.count
            segments = panels + breaks
            vectors = panels * ceil(panel / lanes) + breaks
            steps = c_in * box.taps
            cycles += steps * (costs.GATHER_SEGMENT * segments + costs.GATHER_VECTOR * vectors)
        return cycles

    def _tiles(self, box: Box) -> float:
        work, schedule, lanes, cycle = self.work, self.schedule, self.work.machine.lanes, self.cycle
        steps = work.spec.c_in * box.taps
        run, runs = (box.pixels, 1) if schedule.panel else (box.run, box.runs)
        near = 0.0  # bring operands from the second-level cache
        if schedule.orientation == "pixels":
            high, wide, tall = self.channels, runs * ceil(run / lanes), schedule.width
            tiles = ceil(high / tall) * wide / 2
            sums = tall * (4 if tall * 2 < table.SUMS_IN_FLIGHT else 2)
            if tall == 1 and box.height.taps > 1 and box.height.count > 1:  # the stencil tile
                sums = 4 * min(4, box.height.count)
            if steps and not schedule.panel:
                # A tile touches its two vectors and a line more; the taps of a lane share them.
                shared = box.width.taps // box.width.phases
                near = steps / shared * costs.STRIP_VECTOR * tiles * (2 + 1 / self.lines)
        else:
            high, wide = box.pixels, ceil(self.channels / lanes)
            heights = ceil(run / work.machine.rows)
            tiles = runs * heights * wide / 2
            sums = run // heights * min(2, wide)
            if schedule.in_regions:
                steps = work.spec.c_in * box.valid / box.pixels  # regions leave padding out
        if schedule.panel:
            near = steps * costs.PANEL_VECTOR * tiles * 2
        flight = table.SUMS_IN_FLIGHT / sums
        idle = flight if flight > 1 else 1 + costs.LATE * flight**4
        return (
            high * wide * (cycle * steps * idle + costs.SUM_VECTOR * self.blocks)
            + cycle * near
            + costs.TILE * tiles * self.blocks
        )

    def _output(self, box: Box) -> float:
        """The way of sums that tiles cannot store in place, and what memory takes."""
        run, runs = (box.pixels, 1) if self.schedule.panel else (box.run, box.runs)
        lanes, cycles = self.work.machine.lanes, 0.0
        if self.schedule.orientation == "pixels" and run % lanes:
            cycles = costs.EDGE_ROW * self.channels * runs * self.blocks
        work, orientation = self.work, self.schedule.orientation
        epilogue = 0.0 if work.simple else costs.EPILOGUE_ELEMENT
        if orientation == "pixels" or orientation in work.contiguous:
            far = costs.STORE_FAR * self.lines if self.work.far_dst else 0
            cycles += far * self.channels * runs * ceil(run / lanes)
            if orientation not in work.contiguous:
                epilogue = costs.EPILOGUE_STRIDED + costs.SCATTERED * (far > 0)
        else:
            epilogue = 2 * epilogue + (
                costs.TRANSPOSE_FAR if self.work.far_dst else costs.TRANSPOSE_ELEMENT
            )
        return cycles + epilogue * box.pixels * self.channels
