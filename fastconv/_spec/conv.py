# SPDX-License-Identifier: BSD-3-Clause
"""A convolution as one checked value, for every rank.

Everything below this module trusts a `ConvSpec`; nothing below it raises for what a user passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from operator import index
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
    OF_INTEGERS,
    RESULTS,
    as_activation,
    as_border_value,
    as_dtype,
    as_flag,
    borders_per_axis,
    check_dtype,
    padding_per_axis,
    positive_per_axis,
)
from .axis import Axis
from .borders import Border
from .channels import check_channels, missing_axes, missing_channel
from .dtypes import TILES, TOTALS, Arithmetic, choose, components, is_integer
from .epilogue import Epilogue
from .family import Family, flipped
from .values import BYTES_MAX, as_integer, as_number, show

AXES = {1: "L", 2: "HW", 3: "DHW"}


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
class ConvSpec:
    """One convolution: shapes and parameters, always with three spatial axes.

    An axis that the user does not have leads, of length 1.
    """

    name: str  # "conv2d": the word for messages
    rank: int  # spatial axes that the user sees, 1 to 3
    batched: bool  # the input has a batch axis
    batch: int
    groups: int
    c_in: int  # input channels per group
    c_out: int  # output channels per group
    axes: tuple[Axis, Axis, Axis]  # depth, height, width
    border_value: Any  # of Border.CONSTANT
    channels_last: bool  # in the arrays; in weights they never are
    flipped: bool  # so are the weights that the engine gets
    apart: bool  # complex input, real weights: real and imaginary parts have no sums in common
    arithmetic: Arithmetic
    dtype: np.dtype  # native; what is returned
    epilogue: Epilogue

    @property
    def user_axes(self) -> tuple[Axis, ...]:
        """Those that the user has."""
        return self.axes[3 - self.rank :]

    @property
    def kernel(self) -> tuple[int, int, int]:
        """Taps of each axis."""
        return tuple(axis.k for axis in self.axes)

    @property
    def taps(self) -> int:
        return prod(self.kernel)

    @property
    def outputs(self) -> tuple[int, int, int]:
        """Output positions of each axis."""
        return tuple(axis.outputs for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.groups * self.c_in, [axis.n for axis in self.user_axes])

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.groups * self.c_out, self.c_in, *self.kernel[3 - self.rank :])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.groups * self.c_out, self.outputs[3 - self.rank :])

    @property
    def reads_constant(self) -> bool:
        """Whether an axis has a border of `border_value`."""
        return any(axis.border is Border.CONSTANT for axis in self.axes)

    @property
    def tile_dtype(self) -> np.dtype:
        """What tiles multiply."""
        return TILES[self.arithmetic.tile]

    @property
    def sum_dtype(self) -> np.dtype:
        """What sums are, before they are stored."""
        total = TOTALS[self.arithmetic.total]
        return np.result_type(total, np.complex64) if self.components == 2 else total

    @property
    def components(self) -> int:
        """Real numbers of a number of the output."""
        return components(self.dtype)

    @property
    def reads_out(self) -> bool:
        """Whether the output is read before it is written."""
        return self.epilogue.beta != 0

    @property
    def macs(self) -> int:
        """Nominal multiply-adds: taps on padding count."""
        channels = self.groups * self.c_out * self.c_in
        return self.batch * channels * prod(self.outputs) * self.taps

    @property
    def flops(self) -> int:
        return 2 * self.macs

    def __repr__(self) -> str:
        """One line, of what differs from the default."""
        axes, more = self.user_axes, {}
        if any(axis.stride != 1 for axis in axes):
            more["stride"] = tuple(axis.stride for axis in axes)
        if any(axis.dilation != 1 for axis in axes):
            more["dilation"] = tuple(axis.dilation for axis in axes)
        if any(axis.before or axis.after for axis in axes):
            more["padding"] = tuple((axis.before, axis.after) for axis in axes)
        more |= {"groups": self.groups} if self.groups != 1 else {}
        if any(axis.border for axis in axes):
            more["padding_mode"] = tuple(axis.border.word for axis in axes)
        more |= {"padding_value": self.border_value} if self.reads_constant else {}
        more |= {"channels_last": True} if self.channels_last else {}
        more |= {"flip": True} if self.flipped else {}
        more |= {"epilogue": str(self.epilogue)} if str(self.epilogue) else {}
        more |= {"overflow": "saturate"} if self.epilogue.saturate else {}
        words = [f"{name}={value!r}" for name, value in more.items()] + [f"dtype={self.dtype}"]
        shapes = f"{self.input_shape} * {self.weight_shape}"
        return f"ConvSpec({self.name}, {shapes}, {', '.join(words)})"

    def _as_seen(self, channels: int, sizes: Sequence[int]) -> tuple[int, ...]:
        shape = (*sizes, channels) if self.channels_last else (channels, *sizes)
        return (self.batch, *shape) if self.batched else shape


def make_conv_spec(
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
) -> ConvSpec:
    """The specification of a convolution from shapes, dtypes and what the user said, the fields
    of `ConvParameters`; of `bias` and `residual` only whether there are any."""
    said = ConvParameters(**said)
    check_dtype(name, "input", input_dtype)
    check_dtype(name, "weight", weight_dtype)
    channels_last = as_flag(name, "channels_last", said.channels_last)

    letters = AXES[rank]
    spatial, kernels = ", ".join(letters), ", ".join(f"k{letter}" for letter in letters)
    if len(input_shape) not in (rank + 1, rank + 2):
        inner = f"{spatial}, C" if channels_last else f"C, {spatial}"
        raise ValueError(
            f"{name}: input has shape {input_shape}, but it must be (N, {inner}) or ({inner})"
            + missing_channel(len(input_shape), rank, channels_last)
        )
    if len(weight_shape) != rank + 2:
        raise ValueError(
            f"{name}: weight has shape {weight_shape}, but it must be (O, C/groups, {kernels})"
            + missing_axes(len(weight_shape), rank)
        )
    batched = len(input_shape) == rank + 2
    batch, *inner = input_shape if batched else (1, *input_shape)
    channels, *elements = (inner[-1], *inner[:-1]) if channels_last else inner
    outputs, c_in, *kernel = weight_shape
    groups = as_integer(name, "groups", said.groups, 1)
    check_channels(name, inner, batched, channels_last, outputs, c_in, groups, kernel)
    for letter, k in zip(letters, kernel, strict=True):
        if k < 1:
            raise ValueError(
                f"{name}: weight has size {k} on axis k{letter}, but it must be at least 1"
            )

    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    plain = tuple(zip(elements, kernel, strides, dilations, strict=True))
    paddings = padding_per_axis(name, said.padding, plain)
    axes = [Axis(*axis, *sides) for axis, sides in zip(plain, paddings, strict=True)]
    sizes = [axis.outputs for axis in axes]
    for letter, axis, size in zip(letters, axes, sizes, strict=True):
        if size < 1:
            sides = (axis.before, axis.after)
            raise ValueError(
                f"{name}: input has size {axis.n} on axis {letter}"
                + f", {axis.padded} with padding {sides}" * any(sides)
                + f", but a kernel of size {axis.k}"
                + f" with dilation {axis.dilation}" * (axis.dilation > 1)
                + f" needs {axis.span}"
            )
    arithmetic, result, saturate = _arithmetic(
        name, input_dtype, weight_dtype, said.dtype, said.overflow, c_in * prod(kernel)
    )
    value = as_border_value(name, said.padding_value, input_dtype)
    borders = borders_per_axis(name, rank, said.padding_mode, value)
    for letter, axis, border in zip(letters, axes, borders, strict=True):
        if border > Border.CONSTANT and not axis.n and max(axis.before, axis.after) > 0:
            raise ValueError(
                f"{name}: input has size 0 on axis {letter}, "
                f"but it must be at least 1 for padding_mode {border.word!r}"
            )
    word, parameters = as_activation(name, said.activation, arithmetic.integer, result)
    more = OF_INTEGERS if arithmetic.integer else ""
    epilogue = Epilogue(
        activation=word,
        parameters=parameters,
        alpha=as_number(name, "alpha", said.alpha, arithmetic.integer, more=more),
        beta=as_number(name, "beta", said.beta, arithmetic.integer, more=more),
        bias=bias,
        residual=residual,
        saturate=saturate,
    )
    widest = np.dtype(np.float64 if arithmetic.tile != "f" else np.float32)
    padded = (max(axis.n, axis.padded) for axis in axes)
    _check_bytes(name, "input with padding", (batch, channels, *padded), widest)
    _check_bytes(name, "weight", weight_shape, widest)
    _check_bytes(name, "output", (batch, outputs, *sizes), max(widest, result, key=_size))
    if any(borders):
        axes = [Axis(*axis[:6], border) for axis, border in zip(axes, borders, strict=True)]
    return ConvSpec(
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


def _size(dtype: np.dtype) -> int:
    return dtype.itemsize


def _arithmetic(
    name: str, source: np.dtype, weight: np.dtype, dtype: Any, overflow: Any, depth: int
) -> tuple[Arithmetic, np.dtype, bool]:
    """The arithmetic, the dtype of the output, and whether that saturates."""
    wanted = as_dtype(name, dtype)
    if not isinstance(overflow, str) or overflow not in ("wrap", "saturate"):
        raise ValueError(
            f"{name}: overflow is {show(overflow)}, but it must be 'wrap' or 'saturate'"
        )
    chosen = choose(source, weight, wanted, depth)
    if chosen is None:
        raise TypeError(
            f"{name}: input has dtype {source} and weight {weight}, "
            + ("" if wanted is None else f"dtype is {wanted}, ")
            + "but they must have a common dtype; convert one, as by input.astype(np.float32)"
        )
    arithmetic, result = chosen
    if components(result) < max(components(source), components(weight)):
        raise TypeError(
            f"{name}: dtype is {result}, but it must be complex "
            f"for an input of {source} and a weight of {weight}"
        )
    if result.kind == "b":
        raise TypeError(f"{name}: dtype is bool, but it must be {RESULTS}")
    if is_integer(result) and not arithmetic.integer and overflow != "saturate":
        raise ValueError(
            f"{name}: dtype is {result} and sums are {TOTALS[arithmetic.total]}, but then overflow "
            "must be 'saturate', which rounds and clips"
        )
    return arithmetic, result, overflow == "saturate"


def _check_bytes(name: str, what: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what no address can hold; as in NumPy, an axis of length 0 excuses no other."""
    size = prod(max(1, n) for n in shape) * dtype.itemsize
    if size > BYTES_MAX:
        raise ValueError(
            f"{name}: {what} of shape {shape} takes {size} bytes, "
            f"but it must not take more than {BYTES_MAX}"
        )


def _channels(weight_shape: tuple[int, ...], said: ConvParameters) -> int:
    """Input channels that a weight needs."""
    return weight_shape[1] * index(said.groups)


def _least_input(
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
    channels=_channels,
    least_input=_least_input,
    view=flipped,
)
