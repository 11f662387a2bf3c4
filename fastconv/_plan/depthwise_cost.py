# SPDX-License-Identifier: BSD-3-Clause
"""What a way of depthwise costs, in cycles."""

from __future__ import annotations

from math import ceil, prod
from typing import NamedTuple

from . import constants as costs
from .cost import element
from .work import Work, positions, valid_share


class Way(NamedTuple):
    """How planes are cut and read."""

    orientation: str  # what lies in vectors
    interleaved: bool  # pixels and their channels, which share the weights, are one row
    in_place: bool  # pixels are read where they lie in the input
    masked: bool  # ... columns on padding, too
    of_bytes: bool  # ... and input and output are of uint8
    transposes: bool  # ... or from a strip of them, where channels lie side by side
    edges: tuple[int, ...]  # where rows are cut, so that most boxes read no border
    box: tuple[int, ...]  # sizes of the largest box of a task, of one image
    share: int  # groups of a task, or vectors of channels


def cost(work: Work, way: Way) -> float:
    """An estimate in cycles."""
    spec, axes, lanes = work.spec, work.axes[1:], work.machine.lanes
    depth, height, width = axes
    taps, rows = spec.c_in * spec.taps, depth.outputs * height.outputs
    planes, pixels = spec.batch * spec.groups * spec.c_out, rows * width.outputs
    valid, table = valid_share(depth) * valid_share(height), 0.0
    if way.orientation == "channels":
        begun = spec.batch * ceil(spec.groups / lanes)
        vectors, each, begin = begun * pixels, *_of_channels(work, taps * valid)
        line = costs.PIXEL_ROW * depth.k * height.k * valid
    else:
        begun, columns = planes, ceil(width.outputs / lanes)
        if way.interleaved:
            begun, columns = spec.batch, ceil(width.outputs * spec.groups / lanes)
        pairs = way.in_place and width.stride == 2
        vectors, each, begin = begun * rows * columns, *_of_pixels(work, valid, pairs)
        line = costs.PLANE_LINE
        table = costs.PLANE_COLUMN * columns * begun / (way.share * spec.c_out)
    itemsize = spec.tile_dtype.itemsize
    cycle = max(0.5, lanes * itemsize / costs.CYCLE_BYTES)
    parts = ceil(height.outputs / way.box[2]) * ceil(width.outputs / way.box[3])
    total = vectors * cycle * each + begun * (begin * parts + line * rows) + table
    if way.orientation == "pixels" and _stacks(work):
        total *= costs.STACKED
    if not (work.simple or way.of_bytes):
        total += costs.EPILOGUE_ELEMENT * planes * pixels
    if way.transposes:
        read = prod(map(positions, axes, way.box[1:]))
        total += planes * (read + pixels) * costs.TRANSPOSE_PLANE
    elif not way.interleaved and way.orientation not in work.contiguous:
        total += planes * pixels * element(spec.groups * spec.c_out * itemsize)
    if way.of_bytes:
        images = begun if way.interleaved else spec.batch * spec.groups
        total += costs.END_ROW * images * rows * (len(way.edges) - 2)
    if not way.in_place:
        total += spec.batch * _copying(work, way)
    if not (work.prepared or (work.wei_direct and way.orientation == "pixels")):
        total += costs.PACK_STRIDED * spec.groups * spec.c_out * taps
    return total / work.machine.threads


def _has_own(work: Work) -> bool:
    """Whether kernels like this have a function of their own."""
    _, _, height, width = work.axes
    return height.k == width.k in costs.OWN_KERNELS and height.stride == width.stride <= 2


def _stacks(work: Work) -> bool:
    """Whether planes are so narrow that several of the depth are made together."""
    _, depth, height, width = work.axes
    own = height.k == width.k == costs.STACK_KERNEL and height.stride == width.stride == 1
    return own and width.outputs <= work.machine.lanes and depth.outputs > costs.STACK_PLANES


def _of_channels(work: Work, valid: float) -> tuple[float, float]:
    """Cycles of a vector of channels, whose multiply-adds are `valid`, and to begin its planes."""
    _, depth, height, width = work.axes
    each = costs.PIXEL_VECTOR
    if not _has_own(work):
        each += costs.PIXEL_VECTOR_ANY + costs.PIXEL_RUN / min(height.outputs, costs.RUN_ROWS)
    step = costs.PIXEL_STEP if width.stride == 1 else costs.PIXEL_STEP_STRIDED
    begin = costs.PLANE_CHANNELS * depth.outputs + costs.PIXEL_TAP * work.spec.taps
    return each + step * valid, begin


def _of_pixels(work: Work, valid: float, pairs: bool) -> tuple[float, float]:
    """Cycles of a vector of pixels, of whose rows of taps a share is valid, and to begin a plane.
    Four rows of the output, or all, share the rows that they read."""
    spec, (_, depth, height, width) = work.spec, work.axes
    read = min(height.k, (3 * height.stride + height.k) / 4)
    loads = spec.c_in * depth.k * read * width.k * valid * (2 if pairs else 1)
    each = costs.PLANE_STEP * spec.c_in * spec.taps * valid + costs.PLANE_LOAD * loads
    if not _has_own(work):
        vector = costs.PLANE_VECTOR if height.k == 1 else costs.PLANE_VECTOR_ANY
        each += vector * work.blocks.number(spec.c_in * spec.taps)
    each += costs.PLANE_PAIRS * pairs
    begin = costs.PLANE + costs.PLANE_ROW * depth.k * height.k
    return each, begin * depth.outputs + costs.PLANE_TAP * spec.c_in * spec.taps


def _copying(work: Work, way: Way) -> float:
    """What it costs to copy the strips of an image: positions that are read."""
    spec, lanes = work.spec, work.machine.lanes
    depth, height, width = (
        min(axis.padded, axis.outputs * min(axis.stride, axis.k)) for axis in work.axes[1:]
    )
    rows, planes = depth * height, spec.groups * spec.c_in
    if way.interleaved:
        row = costs.COPY_PLANE_ROW + costs.COPY_VECTOR * ceil(width * planes / lanes)
        return rows * row
    if way.orientation == "channels":
        return rows * (costs.COPY_PIXEL_ROW + costs.COPY_PIXEL * width * ceil(planes / lanes))
    row = costs.COPY_VECTOR * ceil(width / lanes)
    if work.copying.step > 1:
        row = width * element(work.copying.step * spec.tile_dtype.itemsize)
    return planes * rows * (costs.COPY_PLANE_ROW + row)
