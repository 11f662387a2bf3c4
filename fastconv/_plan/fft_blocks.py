# SPDX-License-Identifier: BSD-3-Clause
"""How a convolution is cut into blocks for Fourier transforms: overlap-save.

A transform of `points` elements of the input gives the sums of ``points - span + 1`` positions of a
kernel. So a long axis is cut into blocks whose inputs overlap by a kernel, and memory is that of
some blocks.
"""

from __future__ import annotations

from itertools import product
from math import ceil, inf, log2, prod
from typing import Any, NamedTuple

from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from . import constants as costs


class Along(NamedTuple):
    """One axis."""

    axis: Axis
    points: int  # of the input in a block; of a transform, if there is one along this axis
    outputs: int  # of a block

    @property
    def blocks(self) -> int:
        return ceil(self.axis.outputs / self.outputs)


class Blocks(NamedTuple):
    """How a convolution is cut."""

    along: tuple[Along, Along, Along]
    transformed: tuple[int, ...]  # axes, 0 to 2, along which there are transforms
    images: int  # of the batch, in a block
    together: int  # blocks
    scratch_bytes: int  # of these, about
    cost: float

    @property
    def points(self) -> tuple[int, ...]:
        """Of a transform."""
        return tuple(self.along[at].points for at in self.transformed)

    @property
    def spectrum(self) -> tuple[int, int, int]:
        """The elements of the input's blocks, of which each transform has its own."""
        return tuple(part.points for part in self.along)


def transformed(spec: ConvSpec) -> tuple[int, ...]:
    """The axes along which a kernel has several taps, or the last one."""
    return tuple(at for at, axis in enumerate(spec.axes) if axis.k > 1) or (2,)


def blocks_of(spec: ConvSpec, components: int, itemsize: int) -> Blocks:
    """The blocks that cost least; numbers have so many components, and so many bytes each. What
    decides the bits does not depend on batch and threads."""
    axes = transformed(spec)
    ways = [
        _lengths(axis, components == 1 and at == axes[-1])
        if at in axes
        else [(axis.outputs - 1) * axis.stride + 1]
        for at, axis in enumerate(spec.axes)
    ]
    channels = spec.groups * (spec.c_in + spec.c_out)
    pairs = spec.groups * spec.c_in * spec.c_out
    best = (inf, None)
    for points in product(*ways):
        along = tuple(
            Along(axis, n, min(axis.outputs, (n - axis.span) // axis.stride + 1))
            for axis, n in zip(spec.axes, points, strict=True)
        )
        of_weights = prod(points[at] for at in axes)
        if of_weights > costs.FFT_MOST and best[1]:
            continue
        size, blocks = prod(points), prod(part.blocks for part in along)
        each = log2(of_weights) + costs.FFT_MORE
        each *= 1 + costs.FFT_FAR * max(0, log2(of_weights * itemsize / costs.FFT_NEAR))
        cost = blocks * (size * (channels * each + pairs * costs.FFT_MULTIPLY) + costs.FFT_BLOCK)
        cost += pairs * of_weights * each / 2
        best = min(best, (cost, along), key=lambda pair: pair[0])
    cost, along = best
    return _filled(spec, axes, _shortened(along, axes, channels, itemsize), itemsize, cost)


def _lengths(axis: Axis, real: bool) -> list[int]:
    """Lengths of transforms worth comparing, the shortest first."""
    from scipy.fft import next_fast_len

    whole = (axis.outputs - 1) * axis.stride + axis.span
    found, length = [], 2 * axis.span
    while length < whole:
        found.append(next_fast_len(length, real=real))
        length = ceil(length * costs.FFT_STEP)
    most = next_fast_len(whole, real=real)
    return [length for length in found if length < most] + [most]


def _shortened(along: tuple, axes: tuple, channels: int, itemsize: int) -> tuple:
    """Fewer outputs of axes without transform, whose blocks may be of any size."""
    along = list(along)
    for at, (axis, _, outputs) in enumerate(along):
        taken = channels * itemsize * prod(part.points for part in along)
        if at not in axes and taken > costs.FFT_BYTES:
            outputs = max(1, outputs * costs.FFT_BYTES // taken)
            along[at] = Along(axis, (outputs - 1) * axis.stride + 1, outputs)
    return tuple(along)


def _filled(spec: ConvSpec, axes: tuple, along: Any, itemsize: int, cost: float) -> Blocks:
    """As many images, and blocks of them, as there is room for."""
    size = prod(part.points for part in along) * itemsize
    channels = spec.groups * (spec.c_in + spec.c_out)
    room = max(1, costs.FFT_BYTES // (size * channels))
    images = min(spec.batch, room)
    together = max(1, min(prod(part.blocks for part in along), room // images))
    of_input, of_output = spec.groups * spec.c_in, spec.groups * spec.c_out
    taken = 2 * together * images * size * (of_input + of_output)
    return Blocks(along, axes, images, together, taken, cost * spec.batch)
