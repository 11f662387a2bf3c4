# SPDX-License-Identifier: BSD-3-Clause
"""What a schedule costs, in cycles, and its scratch."""

from __future__ import annotations

from itertools import product
from math import ceil, prod
from typing import NamedTuple

from . import costs
from .kernels import problem, spans, table
from .work import Axis, Cut, Schedule, Work


class SpanKind(NamedTuple):
    """A span of output positions, without its place: see problem.pxd."""

    count: int
    taps: int
    met: int  # pairs of a position and a tap that meet input
    lanes: int
    length: int
    elements: int  # of all lanes, for the taps of one block of k


class Box(NamedTuple):
    """Boxes of one kind."""

    count: int
    pixels: int
    taps: int  # that meet input
    met: int  # pairs of a pixel and a tap that meet input
    strip: int  # numbers of a channel in the strip
    rows: int  # of the strip of a channel
    run: int  # pixels side by side in source and output
    runs: int
    height: SpanKind
    width: SpanKind


def boxes_of(
    axes: tuple[Axis, ...],
    cuts: tuple[Cut, ...],
    separate: tuple[bool, ...],
    windows: tuple[int, ...],
) -> list[Box]:
    """The boxes between the cuts, counted by kind."""
    kinds = [
        [
            (count, SpanKind(*kind))
            for count, kind in spans.kinds(axis, cut.points, cut.size, apart, window)
        ]
        for axis, cut, apart, window in zip(axes, cuts, separate, windows, strict=True)
    ]
    return [_box(axes, parts) for parts in product(*kinds)]


def _box(axes: tuple[Axis, ...], parts: tuple[tuple[int, SpanKind], ...]) -> Box:
    (count_n, n), (count_d, d), (count_h, h), (count_w, w) = parts
    rows = n.count * d.lanes * d.length * h.lanes * h.length * w.lanes
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
        met=n.count * d.met * h.met * (w.met if run == w.count else w.count * w.taps),
        strip=n.elements * d.elements * h.elements * w.elements,
        rows=rows,
        run=run,
        runs=pixels // run,
        height=h,
        width=w,
    )


def scratch_bytes(work: Work, schedule: Schedule, boxes: list[Box]) -> int:
    """What `Problem` will book for a thread."""
    spec = work.spec
    return problem.scratch_bytes(
        isa=work.machine.isa,
        dtype=spec.dtype.char,
        block_k=work.blocks.size,
        wei=spec.wei,
        windows=work.blocks.windows,
        dst_h=spec.dst[1],
        width=schedule.width,
        task_strips=schedule.task_strips,
        panel=schedule.panel,
        pixels_wide=schedule.orientation == "pixels",
        dst_regular=work.straight,
        pixels=max(box.pixels for box in boxes),
        strip=max(box.strip for box in boxes),
    )


def cost(work: Work, schedule: Schedule, boxes: list[Box]) -> float:
    """What the thread that ends last has to do."""
    spec, machine, lanes = work.spec, work.machine, work.machine.lanes
    depth = spec.c_in * work.taps
    blocks = work.blocks.number(depth)
    shares = ceil(ceil(spec.c_out / schedule.width) / schedule.task_strips)
    channels = spec.c_out / shares
    vector_bytes = lanes * spec.dtype.itemsize
    line = costs.LINE_BYTES / vector_bytes
    cycle = max(0.5, vector_bytes / costs.CYCLE_BYTES)  # of a vector's multiply-add
    far_src = prod(spec.input_shape) * spec.dtype.itemsize > machine.cache
    far_dst = prod(spec.output_shape) * spec.dtype.itemsize > machine.cache
    fill = costs.FILL_FAR * vector_bytes / costs.LINE_BYTES if far_src else costs.FILL_VECTOR
    tasks, total, longest = 0, 0.0, 0.0
    for box in boxes:
        met = spec.c_in * box.taps
        task = costs.TASK * blocks
        vectors = ceil(box.width.length / lanes)
        if work.reads_in_place(schedule):
            if far_src:
                task += (
                    spec.c_in
                    * box.rows
                    * vectors
                    * costs.TOUCH_FAR
                    * vector_bytes
                    / costs.LINE_BYTES
                )
        else:
            task += spec.c_in * box.rows * (costs.FILL_ROW + fill * vectors)
        task += cycle * costs.WEIGHT_VECTOR * channels * depth / lanes
        if not work.prepared:
            task += costs.PACK_NUMBER * channels * depth
        run, runs = (box.pixels, 1) if schedule.panel else (box.run, box.runs)
        if schedule.orientation == "pixels":
            high, wide, tall = channels, runs * ceil(run / lanes), schedule.width
            tiles = ceil(high / tall) * wide / 2
        else:
            high, wide = box.pixels, ceil(channels / lanes)
            heights = ceil(run / machine.rows)
            tall = run // heights
            tiles = runs * heights * wide / 2
        if schedule.panel:
            panels = ceil(box.pixels / schedule.panel)
            breaks = 0 if box.width.length == box.width.count else box.pixels / box.width.count
            vectors = panels * ceil(schedule.panel / lanes) + breaks
            task += met * costs.GATHER_SEGMENT * (panels + breaks)
            task += met * costs.GATHER_VECTOR * vectors
            task += cycle * met * costs.PANEL_VECTOR * tiles * 2
        elif met and schedule.orientation == "pixels":
            # A tile touches its two vectors and a line more; the taps of a lane share them.
            lanes_met = met / (box.width.taps // box.width.lanes)
            task += cycle * lanes_met * costs.STRIP_VECTOR * tiles * (2 + line)
        sums = tall * (4 if tall * 2 < table.SUMS_IN_FLIGHT else 2)
        if schedule.orientation == "channels":
            sums = tall * min(2, wide)
        if schedule.width == 1 and box.height.taps > 1 and box.height.count > 1:  # the stencil tile
            sums = 4 * min(4, box.height.count)
        flight = table.SUMS_IN_FLIGHT / sums
        idle = flight if flight > 1 else 1 + costs.LATE * flight**4
        if schedule.in_pieces and not work.exact:
            met = spec.c_in * box.met / box.pixels  # pieces leave padding out
        task += high * wide * (cycle * met * idle + costs.SUM_VECTOR * blocks)
        task += costs.TILE * tiles * blocks
        if schedule.orientation == "pixels" and run % lanes:
            task += costs.EDGE_ROW * channels * runs * blocks
        if schedule.orientation == "channels" or not work.straight:
            task += (costs.TURN_FAR if far_dst else costs.TURN_NUMBER) * box.pixels * channels
        elif far_dst:
            task += costs.STORE_FAR * vector_bytes / costs.LINE_BYTES * high * wide
        many = box.count * shares * spec.groups
        tasks += many
        total += many * task
        longest = max(longest, task)
    if not tasks:
        return 0.0
    # Tasks of equal length end in rounds; and at the end threads wait for the one that was late.
    threads = min(machine.threads, tasks)
    waiting = longest * (threads - 1) / threads * costs.WAITING_SHARE
    return max(ceil(tasks / threads) * total / tasks, longest) + waiting
