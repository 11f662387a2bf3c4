# SPDX-License-Identifier: BSD-3-Clause
"""What there is to do, for whom, and how it is cut: the values that schedules are made of."""

from __future__ import annotations

from math import ceil, prod
from typing import NamedTuple

from .._core import axis as spans
from .._core import table
from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.dtypes import BLOCK_K
from . import constants as costs


class Cut(NamedTuple):
    """The spans of an axis: each interval between `points` in equal parts of at most `size`."""

    points: tuple[int, ...]
    size: int


class Machine(NamedTuple):
    """What a schedule is made for."""

    isa: str
    lanes: int  # elements of a vector
    rows: int  # of the tallest tile two vectors wide
    threads: int
    cache: int  # bytes of its own cache
    scratch: int  # bytes a thread may take


class Schedule(NamedTuple):
    orientation: str  # what lies in vectors: "pixels" or "channels"
    separate: tuple[bool, bool, bool, bool]  # axes whose strips have a phase for each tap
    cuts: tuple[Cut, ...]  # the spans of each axis
    width: int  # output channels of a panel of weights
    task_panels: int  # panels of weights of a task
    panel: int  # pixels of a panel; 0: pixels are read where they lie
    ahead: bool = False  # weights are packed before the first task, not by each

    @property
    def in_regions(self) -> bool:
        """Whether tiles leave out taps that are not valid: see _core/regions.pyx."""
        return self.orientation == "channels" and not self.panel


class CoreAxis(NamedTuple):
    """An axis as the core takes it: see `Axis` of _core/axis.pxd."""

    src: int
    dst: int
    taps: int
    stride: int
    dilation: int
    pad: int
    border: int


def core_axis(axis: Axis) -> CoreAxis:
    """An axis for the core."""
    n, k, stride, dilation, before, _, border = axis
    return CoreAxis(n, axis.outputs, k, stride, dilation, before, int(border))


def axes_of(spec: ConvSpec) -> tuple[CoreAxis, ...]:
    """Batch, depth, height, width for the core; the batch is an axis with one tap."""
    return tuple(core_axis(axis) for axis in (Axis(spec.batch), *spec.axes))


def operations(spec: ConvSpec) -> int:
    """What a call takes, for the time between two looks at signals."""
    elements = prod(spec.input_shape) + prod(spec.weight_shape) + prod(spec.output_shape)
    return max(1, spec.flops + costs.OPERATIONS_PER_ELEMENT * elements)


class Blocks(NamedTuple):
    """How k, channels and their taps, is cut, which fixes the bits of a result: see conv.pxd."""

    size: int  # elements of a block of k
    windows: tuple[int, int, int, int]  # taps of each axis in a block
    enclosing: int  # a block ends with the next multiple of this

    def number(self, depth: int) -> int:
        """Blocks of `depth` elements; at least the one that writes the bias."""
        return max(1, depth // self.enclosing * ceil(self.enclosing / self.size))


def blocks_of(c_in: int, kernel: tuple[int, int, int], components: int = 1) -> Blocks:
    """Equal numbers of whole channels, with both components of complex ones; else of planes, of
    rows, or of taps in a row."""
    depth, height, width = kernel
    taps = prod(kernel)
    if components * taps <= BLOCK_K:
        size = _share(c_in // components, BLOCK_K // (components * taps)) * components * taps
        return Blocks(size, (1, *kernel), max(1, c_in) * taps)
    if height * width <= BLOCK_K:
        planes = _share(depth, BLOCK_K // (height * width))
        return Blocks(planes * height * width, (1, planes, height, width), taps)
    if width <= BLOCK_K:
        rows = _share(height, BLOCK_K // width)
        return Blocks(rows * width, (1, 1, rows, width), height * width)
    part = _share(width, BLOCK_K)
    return Blocks(part, (1, 1, 1, part), width)


def _share(number: int, most: int) -> int:
    """The size of parts of equal size, at most `most`."""
    return max(1, ceil(number / max(1, ceil(number / most))))


def valid_share(axis: Axis) -> float:
    """The share of (output, tap) pairs of an axis that are valid."""
    return spans.pairs(core_axis(axis)) / (axis.k * axis.outputs) if axis.pads else 1.0


def extent(axis: Axis, outputs: int) -> int:
    """Positions that so many outputs read."""
    return min(axis.padded, (outputs - 1) * axis.stride + axis.span)


def positions(axis: Axis, size: int) -> int:
    """What boxes of so many outputs read of the input, all together."""
    return ceil(axis.outputs / size) * min(axis.n, extent(axis, size))


def trimmable(axis: Axis) -> bool:
    """Whether trims at one end of a row leave out all padding, for every tap.

    Low taps leave out the beginning of the row, high ones its end: the lowest and the highest that
    are valid at all leave out most."""
    if not axis.pads:
        return True
    n, m, s, d, pad = axis.n, axis.outputs, axis.stride, axis.dilation, axis.before
    lowest, highest = max(0, -((m - 1) * s - pad) // d), min(axis.k - 1, (pad + n - 1) // d)
    low = next((a for a, b in (axis.valid(t) for t in range(lowest, highest + 1)) if a < b), 0)
    high = next((b for a, b in (axis.valid(t) for t in range(highest, -1, -1)) if a < b), m)
    # Taps below the first of these leave out the beginning, those from the second on the end.
    begin, end = -(-pad // d), -(((m - 1) * s - pad - n) // d)
    both = max(lowest, end) < min(begin, highest + 1)
    return not both and max(low, m - high) <= table.TRIMS


class Copying(NamedTuple):
    """How rows of the input are copied into strips."""

    step: float  # elements from one pixel to the next
    converts: bool  # elements of another dtype, or bytes in the other order
    across: bool  # strips with channels first are transposed parts of the input


class Work(NamedTuple):
    """What a schedule is to be made for, and what is known about the arrays."""

    spec: ConvSpec  # of real numbers: a complex channel is two
    axes: tuple[Axis, Axis, Axis, Axis]  # batch, depth, height, width
    machine: Machine
    panels: bool  # gather pixels into panels, or read them where they lie
    in_place: bool  # the input may be read without a copy
    regions_in_place: bool  # ... where regions leave padding out
    trims: bool  # tiles leave out pixels whose tap is not valid
    contiguous: tuple[str, ...]  # orientations whose vectors lie side by side in the output
    in_place_store: tuple[str, ...]  # orientations whose tiles may write it
    simple: bool  # tiles, which write sums to the output, do the epilogue, too
    copying: Copying
    channels_first: bool  # strips for tiles with channels in vectors
    wei_direct: bool  # weights lie as tiles want them
    components: int  # real numbers of an output channel of a tile: 2 of complex ones
    padded: bool  # some taps of some outputs fall on padding, and add nothing
    prepared: bool  # the weights come packed
    blocks: Blocks
    kernel: tuple[int, int, int]  # its taps on each axis
    taps: int  # ... and in all
    far_src: bool  # input comes from beyond the second-level cache
    far_dst: bool  # output goes there

    def reads_in_place(self, in_regions: bool) -> bool:
        """Whether the input needs no copy, in regions or not."""
        return self.in_place or (self.regions_in_place and in_regions)

    def copies(self, schedule: Schedule) -> bool:
        """Whether a schedule copies it: because it has to, or to have a phase for each tap."""
        return any(schedule.separate) or not self.reads_in_place(schedule.in_regions)
