# SPDX-License-Identifier: BSD-3-Clause
"""grouped: few channels a group, whole planes of the output with several groups in a vector."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil, gcd, prod
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from .._core import grouped, scratch, table
from .._spec.axis import Axis
from .._spec.borders import Border
from .._spec.conv import ConvSpec
from . import constants as costs
from .candidate import Candidate, Packer, Part, chunk, idle, make_engine, runner
from .depthwise import cut, fitting, is_far
from .joined import forms
from .plan import PLAN_BYTES
from .tiled import Call, make_problem
from .work import Cut, Schedule, Work, extent, operations, positions, valid_share


def refuses(spec: ConvSpec, isa: str) -> str | None:
    """Groups that do not fit into a vector, and numbers of two components."""
    lanes, _ = table.tile_rows(isa, spec.arithmetic.tile)
    for count, what in ((spec.c_in, "input"), (spec.c_out, "output")):
        if count > lanes:
            return f"a group has {count} {what} channels, a vector {lanes}"
    if not spec.c_in * spec.taps:
        return "there is nothing to multiply"
    if spec.c_in == spec.c_out == 1:
        return "a group has one input and one output channel, which depthwise is for"
    if spec.components == 2:
        return "complex numbers"
    return None


class Way(NamedTuple):
    """How planes are cut and read."""

    groups: int  # of a vector
    in_place: bool  # pixels are read where they lie in the input, or in a part of it ...
    transposes: bool  # ... that is transposed
    box: tuple[int, ...]  # sizes of the largest box of a task, of one image
    share: int  # vectors of a task


def candidate(call: Call) -> Candidate:
    """The cheaper one of the axes as they are and of those that are joined."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = [(seen, _way(seen)) for seen in forms(call)]
    cost, seen, way = min(
        ((_cost(seen.work, way), seen, way) for seen, way in found), key=itemgetter(0)
    )
    return Candidate(cost, partial(_part, call, seen, way))


def _way(call: Call) -> Way:
    """The largest boxes: enough tasks for all threads, none of which takes long."""
    work, src = call.work, call.components.src
    spec, itemsize = work.spec, work.spec.tile_dtype.itemsize
    groups = min(spec.groups, work.machine.lanes // max(spec.c_in, spec.c_out))
    readable = src.native and not any(
        axis.border is Border.CONSTANT and axis.reads_border for axis in work.axes
    )
    side_by_side = src.strides[1] == itemsize or spec.groups * spec.c_in == 1
    transposes = readable and not side_by_side and src.strides[4] == itemsize
    in_place = readable and (side_by_side or transposes)
    vectors = ceil(spec.groups / groups)
    wanted = work.machine.threads * costs.TASKS_PER_THREAD if work.machine.threads > 1 else 1
    wanted = max(wanted, ceil(operations(spec) / costs.OPERATIONS_PER_CHUNK))
    # What a task reads of a large input has to stay in the cache: it takes a part of the channels
    # of each pixel, while memory is fast along rows.  So do its copy and its sums.
    bounded = is_far(work) or not in_place or transposes or not work.in_place_store
    together = vectors if is_far(work) and not transposes else 1
    sizes = [1, *(axis.outputs for axis in work.axes[1:])]
    sizes = cut(sizes, ceil(wanted / (spec.batch * (vectors // together))))
    if bounded:
        taken = partial(_task_bytes, work, vectors=together, groups=groups)
        sizes = fitting(work, sizes, taken, work.machine.scratch, reads=True)
    boxes = prod(ceil(axis.outputs / size) for axis, size in zip(work.axes, sizes, strict=True))
    shares = ceil(vectors / together)
    share = max(1, shares * boxes // max(boxes, wanted))
    return Way(groups, in_place, transposes, tuple(sizes), share * together)


def _task_bytes(work: Work, sizes: list[int], vectors: int, groups: int) -> int:
    """About what a box takes of some vectors of the input, and of one of sums."""
    inputs = prod(map(extent, work.axes[1:], sizes[1:])) * vectors * groups * work.spec.c_in
    return (inputs + prod(sizes) * work.machine.lanes) * work.spec.tile_dtype.itemsize


def _cost(work: Work, way: Way) -> float:
    """An estimate in cycles."""
    spec, (_, depth, height, width) = work.spec, work.axes
    lanes, bytes_ = work.machine.lanes, work.machine.lanes * spec.tile_dtype.itemsize
    cycle, share = max(0.5, bytes_ / costs.CYCLE_BYTES), bytes_ / costs.LINE_BYTES
    blocks = work.blocks.number(spec.c_in * spec.taps)
    vectors = spec.batch * ceil(spec.groups / way.groups)
    planes = vectors * depth.outputs
    parts = ceil(height.outputs / way.box[2]) * ceil(width.outputs / way.box[3])
    steps = spec.c_in * spec.taps * valid_share(depth) * valid_share(height)
    columns, pixels = _columns(width, way, *grouped.pixels(work.machine.isa, spec.arithmetic.tile))
    lines = planes * height.outputs
    total = lines * steps * (pixels * cycle * costs.GROUPED_STEP + columns * costs.GROUPED_TAP)
    total += planes * parts * costs.GROUPED_PLANE * blocks
    total += vectors * parts * spec.c_in * spec.taps * costs.PLANE_TAP
    total += lines * width.outputs * costs.GROUPED_VECTOR * blocks
    # Each pixel once for a column, as a vector for each of its channels.
    rows = depth.k * ceil(height.outputs / way.box[2]) * _rows(height, way.box[2])
    _, apart = _shares(width)
    each = min(apart, width.k) * (pixels + columns * ceil(width.k / apart))
    spread = spec.c_in if way.groups > 1 else blocks
    vector = costs.SPREAD_VECTOR if width.stride == 1 else costs.SPREAD_STRIDED
    total += planes * rows * each * spread * vector * share
    images = spec.batch * spec.groups
    outputs = images * spec.c_out * depth.outputs * height.outputs * width.outputs
    read = images * spec.c_in * prod(map(positions, work.axes[1:], way.box[1:]))
    if way.transposes:
        total += read * costs.TRANSPOSE_PLANE
    elif not way.in_place and work.copying.step == spec.groups * spec.c_in:  # rows as they lie
        total += read * costs.COPY_VECTOR / lanes
    elif not way.in_place:
        total += read * (costs.STRIDED + costs.COPY_ROW / lanes)
    if "channels" not in work.contiguous:
        total += outputs * costs.GROUPED_TRANSPOSED
    if not work.simple:
        total += outputs * costs.EPILOGUE_ELEMENT
    if not work.prepared:
        packed = costs.PACK_ELEMENT if work.wei_direct else costs.PACK_STRIDED
        total += spec.groups * spec.c_out * spec.c_in * spec.taps * packed
    return total / work.machine.threads


def _shares(axis: Axis) -> tuple[int, int]:
    """`together` and `apart` of what the outputs of an axis read: see fc_kernels.h."""
    dilation = axis.dilation if axis.k > 1 else 1  # one tap has none
    common = gcd(axis.stride, dilation)
    return dilation // common, axis.stride // common


def _rows(axis: Axis, outputs: int) -> int:
    """Rows that so many outputs read, each counted once."""
    together, apart = _shares(axis)
    together = min(together, outputs)
    some = ceil(outputs / together)
    return together * min((some - 1) * apart + axis.k, some * axis.k)


def _columns(width: Axis, way: Way, wide: int, narrow: int) -> tuple[int, int]:
    """How many columns of pixels a row has, and their pixels, with those beyond the end of a box;
    those of a column share what they read."""
    together, boxes = min(_shares(width)[0], way.box[3]), ceil(width.outputs / way.box[3])
    outputs, found = ceil(way.box[3] / together), []
    for some in range(wide):
        columns = some + max(0, ceil((outputs - some * narrow) / wide))
        pixels = some * narrow + (columns - some) * wide
        found.append((pixels + columns, columns, pixels))
    _, columns, pixels = min(found)
    return boxes * columns * together, boxes * pixels * together


def _index(spec, lanes: int, groups: int) -> bytes:
    """Where each 32 bits of a vector find each input channel of their group."""
    if groups == 1:
        return b""
    group = np.minimum(np.arange(lanes) // spec.c_out, groups - 1)
    place = group * spec.c_in + np.arange(spec.c_in)[:, None]
    each = spec.tile_dtype.itemsize // 4
    parts = place[:, :, None] * each + np.arange(each)
    return parts.astype(np.int32).tobytes()


def _part(asked: Call, call: Call, way: Way) -> Part:
    """What runs for a call, perhaps with axes that are joined."""
    work = call.work
    spec, lanes = work.spec, work.machine.lanes
    cuts = tuple(
        Cut((0, axis.outputs), size) for axis, size in zip(work.axes, way.box, strict=True)
    )
    width = way.groups * spec.c_out
    schedule = Schedule("channels", (False,) * 4, cuts, width, way.share, panel=0)
    one = replace(spec, groups=1, c_out=spec.groups * spec.c_out)  # each reads its own inputs
    problem = make_problem(
        work._replace(spec=one, channels_first=False),
        call.components,
        schedule,
        call.kernel_epilogue,
        grouped.Groups,
        in_place=way.in_place,
        masked=True,
        far=is_far(work) and not way.transposes,
        large=False,
        weights_in_place=False,
        task_groups=1,
        interleaved=1,
        inputs=way.groups * spec.c_in,
        all_inputs=spec.groups * spec.c_in,
        index=_index(spec, lanes, way.groups),
        transposes=way.transposes,
    )
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    each = chunk(call.spec, problem.tasks, threads)
    engine = make_engine(
        asked,
        runner(grouped.tasks(problem), threads, call.shared, each),
        bias_room=np.zeros(lanes, call.bias_dtype),
        pack=Packer(problem, threads, call.shared).pack,
        packing=("grouped", call.isa, call.spec.tile_dtype),
        memory=PLAN_BYTES + problem.memory_bytes,
    )
    copies = [] if way.in_place and not way.transposes else ["input: strips of the cache's size"]
    if "channels" not in work.in_place_store:
        copies.append("out: through a buffer that fits into the cache")
    if not call.prepared:
        copies.append("weight: a panel at a time")
    return Part(
        engine=engine,
        isa=call.isa,
        orientation="channels",
        threads=threads,
        tile=(grouped.pixels(call.isa, spec.arithmetic.tile)[0], lanes),
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=tuple(copies),
    )
