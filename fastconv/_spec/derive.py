# SPDX-License-Identifier: BSD-3-Clause
"""A transposed convolution as several convolutions of stride 1, each of which makes some of the
outputs.

Along an axis, tap t brings input i to output j where  i * stride + t * dilation = j + before.  So
the outputs of one phase, j = q, q + stride, ..., meet every (stride / g)-th tap, where g is the
greatest common divisor of stride and dilation; and from one of these taps to the next, the input
moves by dilation / g. That is a convolution with the taps from the last to the first. Where a phase
meets no tap, the convolution has no channels.

With dilation 1, the phases of a block of `stride` outputs that lie side by side read the same
inputs. So they can be the output channels of one convolution: they are folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import gcd
from typing import NamedTuple

from .axis import Axis
from .conv import ConvSpec
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
    for phase in range(min(stride, outputs)):
        made = (outputs - phase - 1) // stride + 1
        taps = tap = 0
        if (phase + before) % common == 0:
            tap = (phase + before) // common * pow(moves, -1, apart) % apart
            taps = max(0, -((tap - k) // apart))
        first = (phase + before - tap * dilation) // stride  # the input that falls to `phase`
        yield Along(
            _convolved(n, taps, moves, first - (taps - 1) * moves, made),
            first=phase,
            step=stride,
            tap=tap + (taps - 1) * apart,
            tap_step=-apart,
        )


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
    parts = (way(axis, n) for way, axis, n in zip(ways, spec.axes, spec.inputs, strict=True))
    for along in product(*map(tuple, parts)):
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


def _without_taps(part: Along) -> Axis:
    """An axis with as many outputs, of a convolution that has no channels to read."""
    return Axis(part.axis.n, 1, 1, 1, 0, part.axis.outputs - part.axis.n)


def can_fold(spec: TransposeSpec) -> bool:
    """Whether the phases of the last axis can be channels: those of one output channel, as those of
    several are not evenly apart."""
    axis = spec.axes[2]
    return spec.groups == spec.c_out == axis.dilation == 1 < axis.stride
