# SPDX-License-Identifier: BSD-3-Clause
"""What there is to do, for whom, and how it is cut: the values that schedules are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod
from typing import NamedTuple

from . import costs
from .boundary import Border
from .kernels import table
from .sizes import inside
from .spec import ConvSpec


class Axis(NamedTuple):
    """One of batch, depth, height, width."""

    src: int
    dst: int
    taps: int
    stride: int
    dilation: int
    pad: int
    border: int  # a Border


class Cut(NamedTuple):
    """The spans of an axis: each interval between `points` in equal pieces of at most `size`."""

    points: tuple[int, ...]
    size: int


class Machine(NamedTuple):
    """What a schedule is made for."""

    isa: str
    lanes: int  # numbers in a vector
    rows: int  # of the tallest tile two vectors wide
    threads: int
    cache: int  # bytes of its own cache
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

    @property
    def in_pieces(self) -> bool:
        """Whether tiles leave out what they see of padding: see kernels/pieces.pyx."""
        return self.orientation == "channels" and not self.panel


def axes_of(spec: ConvSpec) -> tuple[Axis, Axis, Axis, Axis]:
    """Batch, depth, height, width; the batch is an axis with one tap."""
    spatial = (
        Axis(src, dst, taps, stride, dilation, pad[0], border)
        for src, dst, taps, stride, dilation, pad, border in zip(
            spec.src,
            spec.dst,
            spec.wei,
            spec.stride,
            spec.dilation,
            spec.pad,
            spec.border,
            strict=True,
        )
    )
    return (Axis(spec.batch, spec.batch, 1, 1, 1, 0, Border.ZERO), *spatial)


class Blocks(NamedTuple):
    """How k, channels and their taps, is cut, which fixes the bits of a result: see problem.pxd."""

    size: int  # numbers of k in a block
    windows: tuple[int, int, int, int]  # taps of each axis in a block
    enclosing: int  # a block ends with the next multiple of this

    def number(self, depth: int) -> int:
        """Blocks of `depth` numbers; at least the one that writes the bias."""
        return max(1, depth // self.enclosing * ceil(self.enclosing / self.size))


def blocks_of(c_in: int, wei: tuple[int, int, int], parts: int = 1) -> Blocks:
    """Equal numbers of whole channels (and both parts of complex ones); else of planes, of rows,
    or of taps in a row."""
    depth, height, width = wei
    taps = prod(wei)
    if parts * taps <= costs.BLOCK_K:
        size = _share(c_in // parts, costs.BLOCK_K // (parts * taps)) * parts * taps
        return Blocks(size, (1, *wei), max(1, c_in) * taps)
    if height * width <= costs.BLOCK_K:
        planes = _share(depth, costs.BLOCK_K // (height * width))
        return Blocks(planes * height * width, (1, planes, height, width), taps)
    if width <= costs.BLOCK_K:
        rows = _share(height, costs.BLOCK_K // width)
        return Blocks(rows * width, (1, 1, rows, width), height * width)
    part = _share(width, costs.BLOCK_K)
    return Blocks(part, (1, 1, 1, part), width)


def _share(number: int, most: int) -> int:
    """The size of parts of equal size, at most `most`."""
    return max(1, ceil(number / max(1, ceil(number / most))))


@lru_cache(maxsize=16)
def changes(axis: Axis) -> tuple[int, ...]:
    """Output positions at which the taps that meet input change."""
    return tuple(sorted({0, axis.dst}.union(*(_inside(axis, tap) for tap in range(axis.taps)))))


@lru_cache(maxsize=16)
def met_share(axis: Axis) -> float:
    """The share of (output, tap) pairs of an axis that meet input."""
    met = sum(end - first for first, end in (_inside(axis, tap) for tap in range(axis.taps)))
    return met / (axis.taps * axis.dst) if axis.dst else 1.0


def _inside(axis: Axis, tap: int) -> tuple[int, int]:
    """Positions at which a tap meets input, or a border that counts as such."""
    if axis.border != Border.ZERO:
        return 0, axis.dst
    first, end = inside(axis.src, axis.dst, axis.stride, tap * axis.dilation - axis.pad)
    return min(first, axis.dst), min(end, axis.dst)


def pads(spec: ConvSpec) -> bool:
    """Whether any tap of any output falls on padding."""
    return any(met_share(axis) < 1 for axis in axes_of(spec))


def reaches_out(axis: Axis) -> bool:
    """Whether any tap reads a border that counts as input."""
    first, last = -axis.pad, (axis.dst - 1) * axis.stride + (axis.taps - 1) * axis.dilation
    return axis.border != Border.ZERO and (first < 0 or last - axis.pad >= axis.src)


def cuttable(axis: Axis) -> bool:
    """Whether cuts at one end of a row leave out all padding, for every tap."""
    for tap in range(axis.taps):
        first, end = _inside(axis, tap)
        left, right = first, axis.dst - end
        if first < end and (min(left, right) > 0 or max(left, right) > table.CUTS):
            return False
    return True


class Fill(NamedTuple):
    """How the input comes into strips."""

    step: float  # numbers from one pixel to the next
    converts: bool  # numbers of another dtype, or bytes in the other order


class Work(NamedTuple):
    """What a schedule is to be made for, and what is known about the arrays."""

    spec: ConvSpec  # of real numbers: a complex channel is two
    machine: Machine
    panels: bool  # gather pixels into panels, or read them where they lie
    in_place: bool  # the input may be read without a copy
    cut_in_place: bool  # ... where pieces leave padding out
    cuts: bool  # tiles leave out pixels that see padding
    beside: tuple[str, ...]  # orientations whose vectors lie side by side in the output
    straight: tuple[str, ...]  # orientations whose tiles may write it
    simple: bool  # whoever writes sums to the output finishes them, too
    fill: Fill
    channels_first: bool  # strips for tiles with channels in vectors
    wei_direct: bool  # weights lie as tiles want them
    prepared: bool  # the weights come packed
    exact: bool  # no span may mix taps on padding with taps on input
    blocks: Blocks
    taps: int  # of the kernel

    def reads_in_place(self, in_pieces: bool) -> bool:
        """Whether the input needs no copy, in pieces or not."""
        return self.in_place or (self.cut_in_place and in_pieces)
