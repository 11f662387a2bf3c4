# SPDX-License-Identifier: BSD-3-Clause
"""A convolution as one checked value, for every rank.

Everything below this module trusts a `ConvSpec`; nothing below it raises for what a user passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from operator import index
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
    as_border_value,
    as_flag,
    borders_per_axis,
    check_dtype,
    padding_per_axis,
    positive_per_axis,
)
from .axis import Axis
from .borders import Border
from .channels import check_channels
from .dtypes import components
from .family import Family, flipped
from .spec import (
    AXES,
    Spec,
    check_axes,
    check_bytes,
    check_kernel,
    make_arithmetic,
    make_epilogue,
)
from .values import as_integer


class ConvParameters(NamedTuple):
    """What a user says of a convolution, beside its arrays and how to run it."""

    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: Any = 1
    padding_mode: Any = "constant"
    padding_value: Any = 0
    channels_last: Any = False
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"


@dataclass(frozen=True, slots=True, repr=False)
class WindowSpec(Spec):
    """What has an output for each position of a window of the input, with weights or without."""

    border_value: Any  # of Border.CONSTANT

    @property
    def outputs(self) -> tuple[int, int, int]:
        """Output positions of each axis."""
        return tuple(axis.outputs for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.as_seen(self.groups * self.c_in, [axis.n for axis in self.user_axes])

    @property
    def reads_constant(self) -> bool:
        """Whether an axis has a border of `border_value`."""
        return any(axis.border is Border.CONSTANT for axis in self.axes)

    @property
    def macs(self) -> int:
        """Nominal multiply-adds: taps on padding count."""
        channels = self.groups * self.c_out * self.c_in
        return self.batch * channels * prod(self.outputs) * self.taps

    def __repr__(self) -> str:
        return self._told({"padding_value": self.border_value} if self.reads_constant else {})


@dataclass(frozen=True, slots=True, repr=False)
class ConvSpec(WindowSpec):
    """One convolution."""

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.groups * self.c_out, self.c_in, *self.kernel[3 - self.rank :])


def make_conv_spec(*arguments: Any, **said: Any) -> ConvSpec:
    """The specification of a convolution: see `make_window_spec`."""
    return make_window_spec(ConvSpec, *arguments, **said)


def make_window_spec(
    kind: type,
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shape: tuple[int, ...],
    weight_dtype: np.dtype,
    *,
    bias: bool = False,
    residual: bool = False,
    **said: Any,
) -> Any:
    """A specification, a `kind` of `WindowSpec`, from shapes, dtypes and what the user said, the
    fields of `ConvParameters`; of `bias` and `residual` only whether there are any. The last axes
    of the weight are those of a convolution."""
    said = ConvParameters(**said)
    check_dtype(name, "input", input_dtype)
    check_dtype(name, "weight", weight_dtype)
    channels_last = as_flag(name, "channels_last", said.channels_last)

    shared = weight_shape[-2 - rank :] if kind.unshared else weight_shape
    check_axes(name, rank, input_shape, shared, channels_last, "O, C/groups")
    batched = len(input_shape) == rank + 2
    batch, *inner = input_shape if batched else (1, *input_shape)
    channels, *elements = (inner[-1], *inner[:-1]) if channels_last else inner
    outputs, c_in, *kernel = shared
    groups = as_integer(name, "groups", said.groups, 1)
    before = len(weight_shape) - len(shared)
    check_channels(name, inner, batched, channels_last, outputs, c_in, groups, kernel, before)
    check_kernel(name, rank, kernel)

    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    plain = tuple(zip(elements, kernel, strides, dilations, strict=True))
    paddings = padding_per_axis(name, said.padding, plain)
    axes = [Axis(*axis, *sides) for axis, sides in zip(plain, paddings, strict=True)]
    sizes = [axis.outputs for axis in axes]
    for letter, axis, size in zip(AXES[rank], axes, sizes, strict=True):
        if size < 1:
            sides = (axis.before, axis.after)
            raise ValueError(
                f"{name}: input has size {axis.n} on axis {letter}"
                + f", {axis.padded} with padding {sides}" * any(sides)
                + f", but a kernel of size {axis.k}"
                + f" with dilation {axis.dilation}" * (axis.dilation > 1)
                + f" needs {axis.span}"
            )
    arithmetic, result, saturate = make_arithmetic(
        name, input_dtype, weight_dtype, said.dtype, said.overflow, c_in * prod(kernel)
    )
    value = as_border_value(name, said.padding_value, input_dtype)
    borders = borders_per_axis(name, rank, said.padding_mode, value)
    for letter, axis, border in zip(AXES[rank], axes, borders, strict=True):
        if border > Border.CONSTANT and not axis.n and max(axis.before, axis.after) > 0:
            raise ValueError(
                f"{name}: input has size 0 on axis {letter}, "
                f"but it must be at least 1 for padding_mode {border.word!r}"
            )
    epilogue = make_epilogue(name, said, arithmetic, result, saturate, bias, residual)
    padded = (batch, channels, *(max(axis.n, axis.padded) for axis in axes))
    check_bytes(name, arithmetic, result, padded, weight_shape, (batch, outputs, *sizes))
    if any(borders):
        axes = [Axis(*axis[:6], border) for axis, border in zip(axes, borders, strict=True)]
    return kind(
        name=name,
        rank=rank,
        batched=batched,
        batch=batch,
        groups=groups,
        c_in=c_in,
        c_out=outputs // groups,
        axes=(Axis(1),) * (3 - rank) + tuple(axes),
        border_value=value,
        channels_last=channels_last,
        flipped=as_flag(name, "flip", said.flip),
        apart=components(input_dtype) > components(weight_dtype),
        arithmetic=arithmetic,
        dtype=result,
        epilogue=epilogue,
    )


def channels_needed(weight_shape: tuple[int, ...], said: ConvParameters) -> int:
    """Input channels that a weight needs."""
    return weight_shape[1] * index(said.groups)


def least_input(
    name: str, rank: int, weight_shape: tuple[int, ...], said: ConvParameters
) -> tuple[int, ...]:
    """The smallest input that has an output."""
    c_in, *kernel = weight_shape[1:]
    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    channels = c_in * as_integer(name, "groups", said.groups, 1)
    spans = [Axis(1, k, 1, d).span for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(zip(spans, kernel, strides, dilations, strict=True))
    pad = padding_per_axis(name, said.padding, axes)
    sizes = [n - min(0, a) - min(0, b) for n, (a, b) in zip(spans, pad, strict=True)]
    last = as_flag(name, "channels_last", said.channels_last)
    return (1, *sizes, channels) if last else (1, channels, *sizes)


CONVOLUTION = Family(
    spec=ConvSpec,
    parameters=ConvParameters,
    often=4,
    make_spec=make_conv_spec,
    weight_axes="(O, C/groups, *kernel)",
    channels=channels_needed,
    least_input=least_input,
    view=flipped,
)
