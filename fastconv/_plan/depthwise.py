# SPDX-License-Identifier: BSD-3-Clause
"""depthwise: one input channel a group, whole planes of the output; how they are cut, and whether
they are read in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import ceil, prod
from operator import itemgetter

import numpy as np

from .._core import depthwise, scratch, table
from .._core.planes import Planes
from .._spec.axis import Axis
from .._spec.borders import Border
from .._spec.conv import ConvSpec
from . import constants as costs
from .candidate import Candidate, Packer, Part, chunk, idle, make_engine, runner
from .depthwise_cost import Way, cost
from .hook import Hook
from .joined import forms
from .plan import PLAN_BYTES
from .tiled import Call, make_problem
from .work import Cut, Schedule, Work, extent, operations


def refuses(spec: ConvSpec) -> str | None:
    """More than one number a pixel for an output."""
    if spec.c_in != 1:
        return f"a group has {spec.c_in} input channels, not one"
    if spec.components == 2 and not spec.apart:
        return "complex weights"
    return None


_choice = Hook(list)  # of the ways
choosing = _choice.set


def candidate(call: Call) -> Candidate:
    """The cheaper one of pixels and channels in vectors."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = [(cost(seen.work, way), way, seen) for seen in forms(call) for way in ways(seen)]
    least, way, seen = min(found, key=itemgetter(0))
    return Candidate(least, partial(_part, call, seen, way))


def ways(call: Call) -> list[Way]:
    """Those that can run: channels in vectors only where these lie side by side."""
    work, src = call.work, call.components.src
    spec, itemsize, width = work.spec, work.spec.tile_dtype.itemsize, work.axes[3]
    readable = src.native and src.components == 1
    readable = readable and not _reads_constant(work)
    in_rows = src.strides[4] == itemsize
    found = [_way("pixels", work, readable and in_rows and width.stride <= 2)]
    of_bytes = _is_of_bytes(call)
    if of_bytes and src.strides[4] == 1 and "pixels" in work.contiguous:
        found.append(_way("pixels", work, True, of_bytes=True))
    if spec.c_out == 1 and src.components == 1:
        if src.strides[1] == src.itemsize:
            found.append(_way("channels", work, readable))
        elif readable and in_rows and spec.groups > 1:
            way = _way("channels", work, True, transposes=True)
            if _boxes(work, way.box) <= spec.batch * max(_parts_worth(work), _tasks(work)):
                found.append(way)
        if src.strides[1] == src.itemsize and _shares_weights(call):
            in_rows = src.strides[4] == spec.groups * itemsize
            found.append(_way("pixels", work, readable and in_rows, interleaved=True))
            if of_bytes and src.strides[4] == spec.groups:
                found.append(_way("pixels", work, True, interleaved=True, of_bytes=True))
    return _choice.value(found)


def _reads_constant(work: Work) -> bool:
    """Whether a border has a value of its own."""
    return any(axis.border is Border.CONSTANT and axis.reads_border for axis in work.axes)


def _is_of_bytes(call: Call) -> bool:
    """Whether kernels can read uint8, and store it: in float32 between, with few taps."""
    spec, epilogue, arrays = call.spec, call.kernel_epilogue, call.components
    _, depth, height, width = call.work.axes
    return (
        arrays.src.storage == arrays.dst.storage == table.KINDS["U8"]
        and spec.arithmetic.tile == spec.arithmetic.total == "f"
        and epilogue.simple
        and arrays.residual is None
        and height.k == width.k in costs.BYTES_KERNELS
        and height.stride == width.stride == depth.k == 1
        and not (depth.reaches_out or _reads_constant(call.work))
        and len(_edges(width, call.work.machine.lanes)) > 2  # there are whole vectors
    )


def _shares_weights(call: Call) -> bool:
    """Whether all channels have the same weights, and lie side by side as columns of a row."""
    work, arrays, spec = call.work, call.components, call.work.spec
    return (
        spec.groups > 1
        and arrays.wei.strides[0] == 0
        and not spec.epilogue.bias
        and work.axes[3].stride == 1
        and "channels" in work.contiguous
        and arrays.dst.strides[4] == spec.groups * arrays.dst.itemsize
    )


def _way(
    orientation: str,
    work: Work,
    in_place: bool,
    *,
    interleaved: bool = False,
    of_bytes: bool = False,
    transposes: bool = False,
) -> Way:
    """The largest boxes: enough tasks for all threads, none of which takes long."""
    spec, lanes = work.spec, work.machine.lanes
    wanted = max(_tasks(work), ceil(operations(spec) / costs.OPERATIONS_PER_CHUNK))
    sizes = [1, *(axis.outputs for axis in work.axes[1:])]
    edges = (0, sizes[3])
    masked = orientation == "channels" or (_can_mask(work, interleaved) and not of_bytes)
    if in_place and not masked and (work.axes[3].reaches_out or of_bytes):
        edges = _edges(work.axes[3], lanes)
        in_place = len(edges) > 2
    # Strips and sums have to fit into the cache. What is read in place comes to the kernel in time;
    # with channels in vectors, tasks do not share lines of the cache.
    stored = of_bytes or ("channels" if interleaved else orientation) in work.in_place_store
    reads = not in_place or transposes
    bounded = reads or not stored
    together, each, shares = 1, 1, spec.groups
    if interleaved:
        together, shares = spec.groups, 1
    elif orientation == "pixels" and orientation not in work.contiguous:
        # Groups that write to the same lines of the cache are of one task.
        each = min(spec.groups, costs.LINE_BYTES // spec.tile_dtype.itemsize)
        shares = ceil(spec.groups / each)
    elif orientation == "channels":
        together, shares = lanes, ceil(spec.groups / lanes)
        if not transposes and (bounded or not _is_near(work)):
            vectors, parts = shares, ceil(wanted / (spec.batch * _parts_worth(work)))
            together *= ceil(vectors / min(vectors, parts))
            shares = ceil(vectors * lanes / together)
    sizes = cut(sizes, ceil(wanted / (spec.batch * shares)))
    sizes = [min(size, costs.BOX_OUTPUTS) for size in sizes]
    room = work.machine.scratch
    if bounded:
        taken = partial(_task_bytes, work, reads=reads, stored=stored)
        least = 4 * lanes if orientation == "pixels" else 1
        sizes = fitting(work, sizes, taken, room / together, reads=reads, least=least)
    boxes = _boxes(work, sizes)
    share = max(1, shares * boxes // max(boxes, wanted)) * each
    return Way(
        orientation,
        interleaved,
        in_place,
        masked,
        in_place and of_bytes,
        transposes,
        edges,
        tuple(sizes),
        share * together // lanes if orientation == "channels" else share,
    )


def _tasks(work: Work) -> int:
    """How many keep all threads busy."""
    threads = work.machine.threads
    return threads * costs.TASKS_PER_THREAD if threads > 1 else 1


def _boxes(work: Work, sizes: Sequence[int]) -> int:
    """Of these sizes, of all images."""
    return prod(ceil(axis.outputs / size) for axis, size in zip(work.axes, sizes, strict=True))


def _parts_worth(work: Work) -> int:
    """Into how many boxes planes are cut, of which each reads not much more than its own part."""
    _, depth, height, width = work.axes
    axis = height if height.outputs > 1 else width
    rows = max(costs.ROWS_WORTH * (axis.span - 1) // axis.stride, 1)
    return depth.outputs * max(1, axis.outputs // rows)


def _is_near(work: Work) -> bool:
    """Whether input and output fit into the cache of a core."""
    sizes = prod(work.spec.input_shape) + prod(work.spec.output_shape)
    return sizes * work.spec.tile_dtype.itemsize <= work.machine.cache


def is_far(work: Work) -> bool:
    """Whether the input comes from memory, where it is slow to go from row to row."""
    size = prod(work.spec.input_shape) * work.spec.tile_dtype.itemsize
    return size > costs.FAR_CACHES * work.machine.cache


def _can_mask(work: Work, interleaved: bool) -> bool:
    """Whether there is room for a mask of each tap for all vectors that reach out of their row,
    which read nothing there."""
    width = work.axes[3]
    columns = min(width.outputs, 2 * width.span // width.stride)
    vectors = columns * (work.spec.groups if interleaved else 1) // work.machine.lanes
    small = width.k * vectors * costs.MASK_BYTES <= work.machine.scratch
    return small and not width.reads_border


def _edges(axis: Axis, lanes: int) -> tuple[int, ...]:
    """The ends of a row, in whole vectors, of which only the middle reads no border; without
    these cuts where that is short."""
    first = ceil(max(0, axis.before) / axis.stride / lanes) * lanes  # a crop has no border
    inside = min(axis.outputs, (axis.n - axis.span + axis.before) // axis.stride + 1)
    end = first + max(0, inside - first) // lanes * lanes
    if end - first < costs.EDGES_WORTH * lanes:
        return 0, axis.outputs
    return tuple(sorted({0, first, end, axis.outputs}))


def cut(sizes: list[int], parts: int) -> list[int]:
    """Smaller boxes, the first axes cut first."""
    sizes = list(sizes)
    for i in range(1, 4):
        if parts > 1:
            size = ceil(sizes[i] / parts)
            parts = ceil(parts / ceil(sizes[i] / size))
            sizes[i] = size
    return sizes


def fitting(
    work: Work, sizes: list[int], taken: Callable, room: float, *, reads: bool, least: int = 1
) -> list[int]:
    """Boxes of which a task takes as many bytes as there is room for; or some outputs of a long
    kernel, as smaller boxes would read more than they compute, and columns for whole vectors."""
    sizes = list(sizes)
    for i in range(1, 4):
        axis = work.axes[i]
        while sizes[i] > (least if i == 3 else 1) and taken(sizes) > room:
            half = ceil(sizes[i] / 2)
            again = extent(axis, half) > costs.READ_AGAIN * half * axis.stride
            if reads and again and half < costs.LONG_OUTPUTS:
                break
            sizes[i] = half
    return sizes


def _task_bytes(work: Work, sizes: list[int], reads: bool, stored: bool) -> int:
    """About what a task reads of a channel, and its sums where these are not stored at once."""
    extents = prod(map(extent, work.axes[1:], sizes[1:]))
    elements = extents * work.spec.c_in * reads + prod(sizes) * (not stored)
    return elements * work.spec.tile_dtype.itemsize


def _ahead(work: Work, way: Way) -> tuple[bool, bool]:
    """Whether a large input is brought near before it is read; and whether in parts of planes,
    or else the plane behind the one that is made."""
    *_, rows, columns = way.box
    if way.interleaved:
        columns *= work.spec.groups
    far = is_far(work) and not way.transposes
    plane = rows * columns * work.spec.tile_dtype.itemsize
    large = way.interleaved or plane > work.machine.cache * costs.PLANE_SHARE
    if way.orientation == "pixels" and large and far:
        vectors = columns // work.machine.lanes
        shared = work.axes[2].k > 1  # rows, or else each is read once, as it lies
        far = shared and rows > costs.PLANE_ROWS and vectors >= costs.PLANE_VECTORS
    return far, large


def _part(asked: Call, call: Call, way: Way) -> Part:
    """What runs for a call, perhaps with axes that are joined."""
    work, wei = call.work, call.components.wei
    spec, lanes, pixels = work.spec, work.machine.lanes, way.orientation == "pixels"
    far, large = _ahead(work, way)
    cuts = tuple(
        Cut((0, axis.outputs), size) for axis, size in zip(work.axes[:3], way.box, strict=False)
    )
    cuts += (Cut(way.edges, way.box[3]),)
    width, panels = (1, 1) if pixels else (lanes, way.share)
    schedule = Schedule(way.orientation, (False,) * 4, cuts, width, panels, panel=0)
    weights_in_place = pixels and work.wei_direct and wei.components == 1 and spec.c_in == 1
    if way.interleaved or not pixels:  # channels are those of one group; each reads its own
        one = replace(spec, groups=1, c_out=spec.groups)
        work = work._replace(spec=one, channels_first=False)
    if way.interleaved:  # rows of the output are contiguous, as rows of pixels are elsewhere
        stores = ("pixels",) if "channels" in work.in_place_store else ()
        work = work._replace(contiguous=("pixels",), in_place_store=stores)
    problem = make_problem(
        work,
        call.components,
        schedule,
        call.kernel_epilogue,
        Planes,
        in_place=way.in_place,
        masked=way.masked,
        of_bytes=way.of_bytes,
        transposes=way.transposes,
        far=far,
        large=large,
        weights_in_place=weights_in_place,
        task_groups=way.share if pixels else 1,
        interleaved=spec.groups if way.interleaved else 1,
    )
    threads = min(call.threads, problem.tasks)
    scratch.limit(threads * problem.scratch_bytes)
    alike = threads * (len(way.edges) - 1)  # one for each thread, as the ends of rows are short
    each = ceil(chunk(call.spec, problem.tasks, threads) / alike) * alike
    engine = make_engine(
        asked,
        runner(depthwise.tasks(problem), threads, call.shared, each),
        bias_room=None if pixels else np.zeros(lanes, call.bias_dtype),
        pack=None if weights_in_place else Packer(problem, threads, call.shared).pack,
        packing=("depthwise", call.isa, way[:2], call.spec.tile_dtype, call.spec.apart),
        memory=PLAN_BYTES + problem.memory_bytes,
    )
    copies = []
    ends = " at the ends of rows" if len(way.edges) > 2 else ""
    if way.transposes or not way.in_place or ends:
        copies.append(f"input: strips of the cache's size{ends}")
    if way.of_bytes:
        copies += ["out: through a buffer at the ends of rows"] if ends else []
    elif way.orientation not in work.in_place_store:
        copies.append("out: through a buffer that fits into the cache")
    if not (call.prepared or weights_in_place):
        copies.append("weight: a panel at a time")
    wide = table.plane_vectors(call.isa, spec.arithmetic.tile)
    return Part(
        engine=engine,
        isa=call.isa,
        orientation=way.orientation,
        threads=threads,
        tile=(1, wide * lanes) if pixels else (wide, lanes),
        tasks=problem.tasks,
        scratch_bytes=threads * problem.scratch_bytes,
        copies=tuple(copies),
    )
