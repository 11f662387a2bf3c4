# SPDX-License-Identifier: BSD-3-Clause
"""Pooling whose windows are alike, as one checked value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
    as_border_value,
    as_flag,
    borders_per_axis,
    check_mask,
    padding_per_axis,
    positive_per_axis,
)
from .axis import Axis
from .borders import Border
from .family import ArrayFamily
from .pooling import KINDS, Pooling, check_real, read_common, read_input
from .spec import AXES
from .values import BYTES_MAX, as_integer


class PoolParameters(NamedTuple):
    """What a user says of a pooling, beside its arrays."""

    kernel_size: Any = None
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    ceil_mode: Any = False
    return_indices: Any = False
    padding_mode: Any = "constant"
    padding_value: Any = None
    channels_last: Any = False
    index_convention: Any = "plane"
    index_dtype: Any = None
    nan_policy: Any = "propagate"
    count_include_pad: Any = True
    divisor_override: Any = None
    norm_type: Any = None
    dtype: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec(Pooling):
    """A pooling whose windows are alike.

    Where windows hang over the padding, as in ceil_mode, the padding of the axis is longer, and
    `counted` is what it was."""

    axes: tuple[Axis, Axis, Axis]  # depth, height, width
    counted: tuple[int, int, int]  # padding after each axis, which averages count
    border_value: Any  # of Border.CONSTANT
    include_pad: bool  # averages count padding
    divisor: int | None  # of averages, in place of the number of cells
    masked: bool  # an array says which cells count

    @property
    def lengths(self) -> tuple[int, int, int]:
        return tuple(axis.n for axis in self.axes)

    @property
    def outputs(self) -> tuple[int, int, int]:
        return tuple(axis.outputs for axis in self.axes)

    @property
    def taps(self) -> int:
        return prod(axis.k for axis in self.axes)

    @property
    def flops(self) -> int:
        """A comparison, or an addition, for each cell of each window."""
        return self.batch * self.channels * prod(self.outputs) * self.taps

    @property
    def reads_border(self) -> bool:
        """Whether any window reads a border that counts as input."""
        return any(axis.reads_border for axis in self.axes)

    def counts(self, a: int) -> np.ndarray:
        """By which the sums of each output of an axis are divided: how many cells count."""
        axis = self.axes[a]
        if self.divisor is not None:
            return np.full(axis.outputs, self.divisor if a == 0 else 1, np.float64)
        if axis.border is not Border.ZERO:
            return np.full(axis.outputs, axis.k, np.float64)
        first = np.arange(axis.outputs) * axis.stride - axis.before
        last = axis.n + (self.counted[a] if self.include_pad else 0)
        count = np.clip(-((first - last) // axis.dilation), 0, axis.k)
        if not self.include_pad:
            count -= np.clip(-(first // axis.dilation), 0, count)
        return count.astype(np.float64)

    def pack_words(self) -> str:
        """What is read, in words."""
        modes = dict.fromkeys(axis.border.word for axis in self.axes[3 - self.rank :])
        border = f", border {' '.join(modes)}" * self.reads_border
        border += ", masked by where" * self.masked
        return Pooling.pack_words(self) + border


def _extended(axis: Axis) -> Axis:
    """With padding for a last window that hangs over, if it begins in the input or before it."""
    outputs = -(-(axis.padded - axis.span) // axis.stride) + 1
    if (outputs - 1) * axis.stride >= axis.n + axis.before:
        outputs -= 1
    after = (outputs - 1) * axis.stride + axis.span - axis.n - axis.before
    return axis._replace(after=max(axis.after, after))


def make_pool_spec(
    kind: str,
    name: str,
    rank: int,
    arrays: tuple[tuple[tuple[int, ...], np.dtype] | None, ...],
    **said: Any,
) -> PoolSpec:
    """The specification of a pooling, from (shape, dtype) of its arrays and what the user said,
    the fields of `PoolParameters`."""
    said = PoolParameters(**said)
    shape, source = arrays[0]
    masked = len(arrays) > 1 and arrays[1] is not None
    if masked:
        check_mask(name, *arrays[1], shape)
    channels_last = as_flag(name, "channels_last", said.channels_last)
    batched, batch, channels, elements = read_input(name, rank, shape, source, channels_last)
    check_real(name, source)
    kernel = positive_per_axis(name, "kernel_size", rank, said.kernel_size)
    strides = kernel
    if said.stride is not None:
        strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    plain = tuple(zip(elements, kernel, strides, dilations, strict=True))
    paddings = padding_per_axis(name, said.padding, plain)
    axes = [Axis(*axis, *sides) for axis, sides in zip(plain, paddings, strict=True)]
    counted, ceil_mode = [axis.after for axis in axes], as_flag(name, "ceil_mode", said.ceil_mode)
    for letter, axis in zip(AXES[rank], axes, strict=True):
        if (_extended(axis) if ceil_mode and axis.padded > 0 else axis).outputs < 1:
            sides = (axis.before, axis.after)
            raise ValueError(
                f"{name}: input has size {axis.n} on axis {letter}"
                + f", {axis.padded} with padding {sides}" * any(sides)
                + f", but a window of size {axis.k}"
                + f" with dilation {axis.dilation}" * (axis.dilation > 1)
                + f" needs {axis.span}"
            )
    if ceil_mode:
        axes = [_extended(axis) for axis in axes]
    for letter, after, axis in zip(AXES[rank], counted, axes, strict=True):
        if after < min(0, axis.after):
            raise ValueError(
                f"{name}: ceil_mode is True, but it must be False where padding crops elements, on "
                f"axis {letter} {-after} of them, over which the last window would hang"
            )
    constant = said.padding_value is not None
    value = as_border_value(name, said.padding_value if constant else 0, source)
    borders = borders_per_axis(name, rank, said.padding_mode, value)
    if constant and kind in ("max", "min"):  # 0 counts there like any other number
        borders = [border or Border.CONSTANT for border in borders]
    for letter, axis, border in zip(AXES[rank], axes, borders, strict=True):
        if border > Border.CONSTANT and not axis.n and max(axis.before, axis.after) > 0:
            raise ValueError(
                f"{name}: input has size 0 on axis {letter}, "
                f"but it must be at least 1 for padding_mode {border.word!r}"
            )
    axes = [axis._replace(border=border) for axis, border in zip(axes, borders, strict=True)]
    axes = (Axis(1),) * (3 - rank) + tuple(axes)
    divisor = said.divisor_override
    if divisor is not None:
        divisor = as_integer(name, "divisor_override", divisor, 1)
    if divisor is not None and (masked or said.nan_policy == "omit"):
        why = "with where" if masked else "for nan_policy 'omit'"
        raise ValueError(
            f"{name}: divisor_override is {divisor}, but it must be None {why}: sums are divided "
            "by the number of elements that count"
        )
    spec = PoolSpec(
        **read_common(
            kind,
            name,
            rank,
            (batched, batch, channels, [axis.n for axis in axes]),
            source,
            channels_last,
            said,
        ),
        axes=axes,
        counted=(0,) * (3 - rank) + tuple(counted),
        border_value=value,
        # As with floating point, of which NaN is left out, zeros of padding do not count.
        include_pad=as_flag(name, "count_include_pad", said.count_include_pad)
        and said.nan_policy != "omit",
        divisor=divisor,
        masked=masked,
    )
    if prod(max(1, n) for n in spec.output_shape) * 8 > BYTES_MAX:
        raise ValueError(
            f"{name}: output of shape {spec.output_shape} takes more than {BYTES_MAX} bytes, "
            "but it must not"
        )
    return spec


POOLS = {
    kind: ArrayFamily(
        spec=PoolSpec,
        parameters=PoolParameters,
        often=5,
        make_spec=partial(make_pool_spec, kind),
        inputs=("input", "where") if kind == "average" else ("input",),
    )
    for kind in KINDS
}
