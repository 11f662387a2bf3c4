# SPDX-License-Identifier: BSD-3-Clause
"""A transposed convolution as several convolutions of stride 1, each of which makes some of the
outputs.

Along an axis, tap t brings input i to output j where  i * stride + t * dilation = j + before.  So
the outputs of one phase, j = q, q + stride, ..., meet every (stride / g)-th tap, where g is the
greatest common divisor of stride and dilation; and from one of these taps to the next, the input
moves by dilation / g. That is a convolution with the taps from the last to the first. Where a phase
meets no tap, the convolution has no channels.

With dilation 1, the phases of a block of `stride` outputs that lie side by side read the same
inputs. So they can be the output channels of one convolution: they are folded. Or two of them can
be the parts of a complex number, if two of their taps are: they are paired, which halves output,
kernel, stride and padding of that axis, and writes whole lines of the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import gcd
from typing import NamedTuple

import numpy as np

from .axis import Axis
from .conv import ConvSpec
from .dtypes import SMALL, Arithmetic
from .spec import Spec
from .transpose import TransposeSpec


class Along(NamedTuple):
    """Some outputs along an axis, and how a convolution makes them."""

    axis: Axis  # of the convolution; no taps: nothing falls to these outputs
    first: int  # output of its first position
    step: int  # outputs from one position to the next
    tap: int = 0  # of the weight, the first tap of the convolution
    tap_step: int = 1  # from there to the next
    channels: int = 1  # outputs side by side, and so are their taps: channels of the convolution


class Step(NamedTuple):
    """One of the convolutions."""

    spec: ConvSpec
    along: tuple[Along, Along, Along]  # depth, height, width

    @property
    def taps(self) -> tuple:
        """Which taps of the weights it has, in which order."""
        return tuple((part.tap, part.axis.k, part.tap_step, part.channels) for part in self.along)


def phases(axis: Axis, n: int) -> Iterator[Along]:
    """Each phase of the outputs of an axis by itself; `n` inputs."""
    outputs, k, stride, dilation, before, _, _ = axis
    common = gcd(stride, dilation)
    apart, moves = stride // common, dilation // common
    met = {}  # of each phase the first tap that it meets
    for tap in range(min(k, apart)):
        phase = (tap * dilation - before) % stride
        if phase < outputs:
            met[phase] = tap
    for phase, tap in sorted(met.items()):
        taps = -((tap - k) // apart)
        first = (phase + before - tap * dilation) // stride  # the input that falls to `phase`
        start = first - (taps - 1) * moves
        yield Along(
            _convolved(n, taps, moves, start, (outputs - phase - 1) // stride + 1),
            first=phase,
            step=stride,
            tap=tap + (taps - 1) * apart,
            tap_step=-apart,
        )
    for low, high in pairwise((-1, *sorted(met), min(stride, outputs))):
        if high - low > 1:
            yield from _without(axis, n, low + 1, high)


def _without(axis: Axis, n: int, low: int, high: int) -> Iterator[Along]:
    """Phases [low, high), which meet no tap: each by itself, or all of them in each block of
    `stride` outputs, whichever are fewer."""
    outputs, stride = axis.n, axis.stride
    if high - low <= -(-outputs // stride):
        for phase in range(low, high):
            made = (outputs - phase - 1) // stride + 1
            yield Along(_convolved(n, 0, 1, 0, made), first=phase, step=stride)
    else:
        for first in range(low, outputs, stride):
            made = min(first + high - low, outputs) - first
            yield Along(_convolved(n, 0, 1, 0, made), first=first, step=1)


def folded(axis: Axis, n: int) -> Iterator[Along]:
    """The phases of an axis without dilation as channels; blocks that are cut off by themselves."""
    outputs, k, stride, _, before, _, _ = axis
    for first, end, low, high in _blocks(outputs, stride, before):
        most = -(-k // stride)  # taps of the first phases of a block; the others have one less
        more = k - (most - 1) * stride
        for taps, phase, last in (
            (most, low, min(high, more)),
            (most - 1, max(low, more), high),
        ):
            if phase < last:
                yield Along(
                    _convolved(n, taps, 1, first - (taps - 1), end - first),
                    first=first * stride + phase - before,
                    step=stride,
                    tap=phase + (taps - 1) * stride,
                    tap_step=-stride,
                    channels=last - phase,
                )


def _blocks(outputs: int, stride: int, before: int) -> list[tuple[int, int, int, int]]:
    """First and end of blocks, and of the phases that all of them have among the outputs."""
    first, end = before // stride, (outputs - 1 + before) // stride + 1
    low, high = before - first * stride, outputs + before - (end - 1) * stride
    if end - first == 1:
        return [(first, end, low, high)]
    runs = [(first, first + 1, low, stride)] if low else []
    whole = (first + bool(low), end - (high < stride))
    runs += [(*whole, 0, stride)] if whole[0] < whole[1] else []
    return runs + ([(end - 1, end, 0, high)] if high < stride else [])


def _convolved(n: int, taps: int, dilation: int, start: int, outputs: int) -> Axis:
    """An axis of stride 1 whose first output begins at input `start`."""
    if not taps:
        return Axis(n, 0, 1, 1, 0, outputs - n - 1)
    return Axis(n, taps, 1, dilation, -start, outputs - n + start + dilation * (taps - 1))


def steps(spec: TransposeSpec, fold: bool = False) -> Iterator[Step]:
    """The convolutions; `fold`: the phases of the last axis are channels."""
    ways = [phases] * 3
    if fold:
        ways[2] = folded
    pairs = list(zip(spec.axes, spec.inputs, strict=True))
    parts = [tuple(way(*pair)) for way, pair in zip(ways, pairs, strict=True)]
    whole = [Along(_convolved(n, 0, 1, 0, axis.n), first=0, step=1) for axis, n in pairs]
    for along in _combined(parts, whole):
        empty = not all(part.axis.k for part in along)
        axes = tuple(map(_without_taps, along)) if empty else tuple(part.axis for part in along)
        yield Step(
            ConvSpec(
                name=f"conv{spec.rank}d",
                rank=spec.rank,
                batched=spec.batched,
                batch=spec.batch,
                groups=spec.groups,
                c_in=0 if empty else spec.c_in,
                c_out=spec.c_out * along[2].channels,
                axes=axes,
                border_value=0,
                channels_last=spec.channels_last,
                flipped=False,
                apart=spec.apart,
                arithmetic=spec.arithmetic,
                dtype=spec.dtype,
                epilogue=spec.epilogue,
            ),
            along,
        )


def _combined(parts: list[tuple[Along, ...]], whole: list[Along]) -> Iterator[tuple[Along, ...]]:
    """One of each axis; behind one that meets no tap, the whole of the others."""
    if not parts:
        yield ()
        return
    for part in parts[0]:
        rest = _combined(parts[1:], whole[1:]) if part.axis.k else (tuple(whole[1:]),)
        for others in rest:
            yield (part, *others)


def _without_taps(part: Along) -> Axis:
    """An axis with as many outputs, of a convolution that has no channels to read."""
    return Axis(part.axis.n, 1, 1, 1, 0, part.axis.outputs - part.axis.n)


def can_fold(spec: TransposeSpec) -> bool:
    """Whether the phases of the last axis can be channels: those of one output channel, as those of
    several are not evenly apart."""
    axis = spec.axes[2]
    return spec.groups == spec.c_out == axis.dilation == 1 < axis.stride


def can_pair(spec: TransposeSpec) -> bool:
    """Whether two outputs of the last axis can be one, of complex numbers: nothing mixes the two,
    and whatever one is added to, so is the other."""
    n, k, stride, dilation, before, _, border = spec.axes[2]
    real = spec.components == 1 and spec.dtype == spec.sum_dtype and not spec.arithmetic.integer
    even = dilation == 1 and not border and not any(x % 2 for x in (n, k, stride, before))
    return real and even and not spec.epilogue.activation


def paired(spec: TransposeSpec) -> TransposeSpec:
    """The same, where complex numbers are two outputs, and two taps, of the last axis."""
    n, k, stride, dilation, before, after, border = spec.axes[2]
    last = Axis(n // 2, k // 2, stride // 2, dilation, before // 2, after // 2, border)
    dtype = np.result_type(spec.dtype, np.complex64)
    return replace(spec, axes=(*spec.axes[:2], last), dtype=dtype)


def epilogue_spec(spec: Spec) -> ConvSpec:
    """Each channel times 1, and the epilogue of `spec`."""
    arithmetic = spec.arithmetic
    if arithmetic.integer:  # sums of int64, or of int32, which float64 holds
        arithmetic = SMALL if arithmetic.total == "i" else Arithmetic("q", "q")
    return ConvSpec(
        name=f"conv{spec.rank}d",
        rank=spec.rank,
        batched=spec.batched,
        batch=spec.batch,
        groups=spec.groups * spec.c_out,
        c_in=1,
        c_out=1,
        axes=tuple(map(Axis, spec.outputs)),
        border_value=0,
        channels_last=spec.channels_last,
        flipped=False,
        apart=spec.components == 2,
        arithmetic=arithmetic,
        dtype=spec.dtype,
        epilogue=spec.epilogue,
    )
