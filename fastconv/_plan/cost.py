# SPDX-License-Identifier: BSD-3-Clause
"""What a schedule costs, in cycles, and its scratch."""

from __future__ import annotations

from collections.abc import Callable
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
    stored: int  # pixels side by side in the output alone, of an image
    images: int
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
    counts, (n, d, h, w) = zip(*parts, strict=True)
    rows = n.count * d.phases * d.length * h.phases * h.length * w.phases
    pixels = n.count * d.count * h.count * w.count
    run = _run(axes, (n, d, h, w), lambda axis, span: span.length == span.count == axis.dst)
    return Box(
        count=prod(counts),
        pixels=pixels,
        taps=d.taps * h.taps * w.taps,
        valid=n.count * d.valid * h.valid * (w.valid if run == w.count else w.count * w.taps),
        rows=rows,
        run=run,
        runs=pixels // run,
        stored=_run(axes[1:], (d, h, w), lambda axis, span: span.count == axis.dst),
        images=n.count,
        height=h,
        width=w,
    )


def _run(axes: tuple[CoreAxis, ...], spans: tuple[SpanKind, ...], whole: Callable) -> int:
    """Pixels that follow one another: those of an axis as long as the axes after it are whole."""
    run = 1
    for axis, span in zip(reversed(axes), reversed(spans), strict=True):
        run *= span.count
        if not whole(axis, span):
            break
    return run


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
    total += task_cost.at_end(boxes.kinds[-1])
    # Tasks of equal length end in rounds; and at the end threads wait for the one that was late.
    threads = min(work.machine.threads, tasks)
    waiting = longest * (threads - 1) / threads * costs.WAITING_SHARE
    return task_cost.ahead + max(ceil(tasks / threads) * total / tasks, longest) + waiting


def element(step_bytes: float) -> float:
    """To read or write an element that lies so far from the next one."""
    return costs.SCATTERED if step_bytes >= costs.LINE_BYTES else costs.STRIDED


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
    touch: float  # to read a vector of it for the first time
    copy: float  # ... to copy it
    fixed: float  # of any box: to begin, and the weights
    ahead: float  # before all of them: to pack the weights

    @classmethod
    def of(cls, work: Work, schedule: Schedule) -> Cost:
        """Those of a schedule."""
        spec = work.spec
        panels = ceil(spec.c_out / schedule.width)
        shares = ceil(panels / schedule.task_panels)
        vector_bytes = work.machine.lanes * spec.tile_dtype.itemsize
        lines, cycle = vector_bytes / costs.LINE_BYTES, max(0.5, vector_bytes / costs.CYCLE_BYTES)
        blocks = work.blocks.number(spec.c_in * work.taps)
        copy = costs.COPY_FAR * lines if work.far_src else costs.COPY_VECTOR
        copy += costs.COPY_CONVERT if work.copying.converts else 0
        channels = spec.c_out / shares
        weight = cycle * costs.WEIGHT_VECTOR / work.machine.lanes
        pack = costs.PACK_ELEMENT if work.wei_direct else costs.PACK_STRIDED
        ahead = 0.0
        if schedule.ahead:
            threads = min(work.machine.threads, panels * spec.groups)
            ahead = costs.REGION * (work.machine.threads > 1)
            ahead += (pack + weight) * prod(spec.weight_shape) / threads
        elif not work.prepared:
            weight += pack
        return cls(
            work=work,
            schedule=schedule,
            shares=shares,
            channels=channels,
            blocks=blocks,
            cycle=cycle,
            lines=lines,
            in_place=not work.copies(schedule),
            touch=costs.TOUCH_FAR * lines if work.far_src else 0.0,
            copy=copy,
            fixed=costs.TASK * blocks + (costs.TAP + weight * channels * spec.c_in) * work.taps,
            ahead=ahead,
        )

    def task(self, box: Box) -> float:
        """A box, and the output channels of a task."""
        return self.fixed + self._input(box, self.in_place) + self._tiles(box) + self._output(box)

    def at_end(self, box: Box) -> float:
        """The last box of an array, where vectors of pixels would reach past the array."""
        pixels = self.schedule.orientation == "pixels" and not self.schedule.panel
        if not (pixels and self.in_place and box.run % self.work.machine.lanes):
            return 0.0
        return self.shares * self._input(box, in_place=False)

    def _input(self, box: Box, in_place: bool) -> float:
        """Strips and panels, or the first look at the input where it lies."""
        c_in, lanes, panel = self.work.spec.c_in, self.work.machine.lanes, self.schedule.panel
        length, step = box.width.length, self.work.copying.step
        if in_place:
            cycles = c_in * box.rows * self.touch * ceil(length / lanes)
        elif self.work.channels_first or not self.schedule.in_regions:
            strided = self._element(step) * length if step > 1 else 0
            row = max(strided, self.copy * ceil(length / lanes))
            begin = costs.COPY_ROW_ACROSS if self.work.copying.across else costs.COPY_ROW
            cycles = c_in * box.rows * (begin + row)
        else:
            # A row of pixels that follow one another like their channels is one copy.
            length, row = (1, c_in * length) if step == c_in else (length, c_in)
            cycles = box.rows * length * (costs.COPY_ROW + self.copy * ceil(row / lanes))
        if panel:
            panels = ceil(box.pixels / panel)
            breaks = 0 if box.width.length == box.width.count else box.pixels / box.width.count
            segments = panels + breaks
            vectors = panels * ceil(panel / lanes) + breaks
            steps = c_in * box.taps
            cycles += steps * (costs.GATHER_SEGMENT * segments + costs.GATHER_VECTOR * vectors)
        return cycles

    def _element(self, step: float) -> float:
        """An element of a strip that is so many from the next one in the input."""
        itemsize = self.work.spec.tile_dtype.itemsize
        if self.work.copying.across:
            return costs.COPY_ACROSS * max(1 / self.work.spec.c_in, itemsize / costs.LINE_BYTES)
        return costs.COPY_PAIR if step == 2 else element(step * itemsize)

    def _tiles(self, box: Box) -> float:
        work, schedule, lanes, cycle = self.work, self.schedule, self.work.machine.lanes, self.cycle
        steps = work.spec.c_in * box.taps
        run, runs = (box.pixels, 1) if schedule.panel else (box.run, box.runs)
        near = load = 0.0  # bring operands from the second-level cache; and from the first
        if schedule.orientation == "pixels":
            high, wide, tall = self.channels, runs * ceil(run / lanes), schedule.width
            tiles = ceil(high / tall) * wide / 2
            columns, read = ceil(run / lanes), 1.0
            sums = tall * min(columns, 4 if tall * 2 < table.SUMS_IN_FLIGHT else 2)
            if tall == 1 and box.height.taps > 1 and box.height.count > 1:  # the stencil tile
                rows, height = min(4, box.height.count), work.axes[2]
                if height.stride % height.dilation == 0:  # its rows share what they read
                    sums = rows * min(columns, 4)
                    apart = height.stride // height.dilation
                    read = min(1.0, ((rows - 1) * apart / box.height.taps + 1) / rows)
            if not schedule.panel:  # the rows of a tile share what they load
                load = costs.LOAD_VECTOR * self.lines * read / tall
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
        flight = table.SUMS_IN_FLIGHT / 2 / cycle / sums  # of two a cycle
        idle = flight if flight > 1 else 1 + costs.LATE * flight**4
        return (
            high * wide * (max(cycle * idle, load) * steps + costs.SUM_VECTOR * self.blocks)
            + cycle * near
            + costs.TILE * tiles * self.blocks
        )

    def _output(self, box: Box) -> float:
        """The way of sums that tiles cannot store in place, and what memory takes."""
        run, runs = (box.pixels, 1) if self.schedule.panel else (box.run, box.runs)
        lanes, cycles = self.work.machine.lanes, self._buffer(box)
        if self.schedule.orientation == "pixels" and run % lanes:
            cycles += costs.EDGE_ROW * self.channels * runs * self.blocks
        elif self.schedule.orientation == "channels" and self.channels % lanes:
            cycles += costs.EDGE_ROW * box.pixels * self.blocks
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

    def _buffer(self, box: Box) -> float:
        """Sums of panels whose pixels do not follow one another in the output."""
        orientation, pieces = self.schedule.orientation, box.pixels // box.stored
        rows, row = self.channels * pieces, box.stored
        if orientation == "channels":
            pieces, rows, row = pieces // box.images, box.pixels, self.channels
        if not self.schedule.panel or orientation not in self.work.in_place_store or pieces == 1:
            return 0.0
        return rows * (costs.BUFFER_ROW + costs.BUFFER_VECTOR * ceil(row / self.work.machine.lanes))
