# SPDX-License-Identifier: BSD-3-Clause
"""A transposed convolution as one checked value, for every rank.

It is described by the convolution whose adjoint it is: that one reads the output, and each number
that it would sum from there is scattered back there instead. So input element ``i`` and tap ``t``
are added to the output at ``i * stride + t * dilation - before``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
    as_flag,
    borders_per_axis,
    check_dtype,
    integers_per_axis,
    padding_per_axis,
    positive_per_axis,
)
from .axis import Axis
from .channels import check_transposed_channels
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
from .values import BYTES_MAX, as_integer, entries_of, is_sequence, show


class TransposeParameters(NamedTuple):
    """What a user says of a transposed convolution, beside its arrays and how to run it."""

    stride: Any = 1
    padding: Any = 0
    output_padding: Any = 0
    groups: Any = 1
    dilation: Any = 1
    output_size: Any = None
    padding_mode: Any = "constant"
    channels_last: Any = False
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"


@dataclass(frozen=True, slots=True, repr=False)
class TransposeSpec(Spec):
    """One transposed convolution. Its `axes` are those of the convolution: they read the output,
    of which `n` is the size; `before`, `after` and the border are around the output."""

    inputs: tuple[int, int, int]  # elements of the input on each axis

    @property
    def outputs(self) -> tuple[int, int, int]:
        """Output positions of each axis."""
        return tuple(axis.n for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.as_seen(self.groups * self.c_in, self.inputs[3 - self.rank :])

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.groups * self.c_in, self.c_out, *self.kernel[3 - self.rank :])

    @property
    def reads_constant(self) -> bool:
        """Of borders: a constant one gets nothing and gives nothing."""
        return False

    @property
    def macs(self) -> int:
        """Nominal multiply-adds: those that are cropped count."""
        channels = self.groups * self.c_out * self.c_in
        return self.batch * channels * prod(self.inputs) * self.taps

    def __repr__(self) -> str:
        return self._told({"output_shape": self.output_shape})


def make_transpose_spec(
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
) -> TransposeSpec:
    """The specification of a transposed convolution from shapes, dtypes and what the user said, the
    fields of `TransposeParameters`; of `bias` and `residual` only whether there are any."""
    said = TransposeParameters(**said)
    check_dtype(name, "input", input_dtype)
    check_dtype(name, "weight", weight_dtype)
    channels_last = as_flag(name, "channels_last", said.channels_last)

    check_axes(name, rank, input_shape, weight_shape, channels_last, "C, O/groups")
    batched = len(input_shape) == rank + 2
    batch, *inner = input_shape if batched else (1, *input_shape)
    channels, *inputs = (inner[-1], *inner[:-1]) if channels_last else inner
    needed, c_out, *kernel = weight_shape
    groups = as_integer(name, "groups", said.groups, 1)
    check_transposed_channels(name, inner, channels_last, needed, c_out, groups)
    check_kernel(name, rank, kernel)
    for letter, n in zip(AXES[rank], inputs, strict=True):
        if n < 1:
            raise ValueError(
                f"{name}: input has size {n} on axis {letter}, but it must be at least 1"
            )

    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    plain = tuple(zip(inputs, kernel, strides, dilations, strict=True))
    axes = _axes(name, plain, said, len(input_shape))
    borders = borders_per_axis(name, rank, said.padding_mode, 0)
    axes = [axis._replace(border=border) for axis, border in zip(axes, borders, strict=True)]
    c_in = needed // groups
    arithmetic, result, saturate = make_arithmetic(
        name, input_dtype, weight_dtype, said.dtype, said.overflow, c_in * prod(map(_meet, axes))
    )
    epilogue = make_epilogue(name, said, arithmetic, result, saturate, bias, residual)
    outputs = groups * c_out
    whole = (
        axis.n + max(0, axis.before) + max(0, axis.after) if axis.border else axis.n
        for axis in axes
    )
    check_bytes(
        name, arithmetic, result, (batch, channels, *inputs), weight_shape, (batch, outputs, *whole)
    )
    return TransposeSpec(
        name=name,
        rank=rank,
        batched=batched,
        batch=batch,
        groups=groups,
        c_in=c_in,
        c_out=c_out,
        axes=(Axis(1),) * (3 - rank) + tuple(axes),
        inputs=(1,) * (3 - rank) + tuple(inputs),
        channels_last=channels_last,
        flipped=as_flag(name, "flip", said.flip),
        apart=components(input_dtype) > components(weight_dtype),
        arithmetic=arithmetic,
        dtype=result,
        epilogue=epilogue,
    )


def _meet(axis: Axis) -> int:
    """Products of one channel that are added to an output, at most, along an axis."""
    taps = -(-axis.k // (axis.stride // gcd(axis.stride, axis.dilation)))
    return taps if not axis.border else taps * (1 + max(0, axis.before) + max(0, axis.after))


# ---- sizes -------------------------------------------------------------------------------------


def _axes(
    name: str, plain: Sequence[tuple[int, int, int, int]], said: TransposeParameters, axes: int
) -> list[Axis]:
    """The axes of the convolution, from (n, k, stride, dilation) of each; `axes` of the input."""
    rank = len(plain)
    sizes = _sizes(name, rank, said, axes)
    more = _more(name, plain, said)
    # A word may depend on the size of the output, which it makes n * stride.
    wanted = [
        Axis(n * stride if size is None else size, k, stride, dilation)
        for size, (n, k, stride, dilation) in zip(sizes, plain, strict=True)
    ]
    paddings = padding_per_axis(name, said.padding, [axis[:4] for axis in wanted])
    found = []
    for at, (axis, sides) in enumerate(zip(wanted, paddings, strict=True)):
        n, called = plain[at][0], f"axis {AXES[rank][at]}"
        least = (n - 1) * axis.stride + axis.span - sum(sides)
        if _is_same(said.padding):
            low, high, size = (n - 1) * axis.stride + 1, n * axis.stride, axis.n
        else:
            low, high = least, least + max(axis.stride, axis.dilation) - 1
            size = least + more[at] if sizes[at] is None else axis.n
        if high < 1 and sizes[at] is not None:
            size = least  # no output_size could mend it
        elif not low <= size <= high:
            low = max(1, low)
            needed = low if low == high else f"from {low} to {high}"
            raise ValueError(
                f"{name}: output_size is {show(said.output_size)}, but on {called} it must be "
                f"{needed}, for an input of {n} elements"
            )
        if size < 1:
            raise ValueError(
                f"{name}: output has size {size} on {called}, but it must be at least 1; "
                f"of {least + sum(sides)} elements, padding {sides} crops {sum(sides)}"
                + f", and output_padding adds {more[at]}"
                * bool(more[at])
            )
        before, after = sides
        found.append(axis._replace(n=size, before=before, after=after))
    return found


def _is_same(padding: Any) -> bool:
    """Whether it is a word that depends on the size of the output."""
    return isinstance(padding, str) and padding.startswith("same")


def _sizes(name: str, rank: int, said: TransposeParameters, axes: int) -> tuple[int | None, ...]:
    """What was said of the size of the output on each axis; None: nothing."""
    sizes = said.output_size
    if sizes is None:
        return (None,) * rank
    if is_sequence(sizes):
        sizes = entries_of(name, "output_size", sizes)
        if len(sizes) == axes:  # a whole shape: as in PyTorch, batch and channels are not read
            sizes = sizes[-1 - rank : -1] if said.channels_last else sizes[-rank:]
    whole = f", or a whole shape of {axes}" if is_sequence(sizes) else ", or a whole shape"
    return integers_per_axis(name, "output_size", rank, sizes, 1, BYTES_MAX, whole)


def _more(
    name: str, plain: Sequence[tuple[int, int, int, int]], said: TransposeParameters
) -> tuple[int, ...]:
    """What `output_padding` adds on each axis."""
    more = integers_per_axis(name, "output_padding", len(plain), said.output_padding, 0)
    for letter, size, (_, _, stride, dilation) in zip(AXES[len(plain)], more, plain, strict=True):
        most = max(stride, dilation) - 1
        if size > most:
            raise ValueError(
                f"{name}: output_padding is {show(said.output_padding)}, but on axis {letter} it "
                f"must be from 0 to {most}, less than stride {stride} or dilation {dilation}"
            )
    if any(more) and (said.output_size is not None or _is_same(said.padding)):
        fixed = "with output_size" if said.output_size is not None else f"for {said.padding!r}"
        raise ValueError(
            f"{name}: output_padding is {show(said.output_padding)}, but it must be 0 {fixed}, "
            "which tells the size of the output"
        )
    return more


def _channels(weight_shape: tuple[int, ...], said: TransposeParameters) -> int:
    """Input channels that a weight needs."""
    return weight_shape[0]


def _least_input(
    name: str, rank: int, weight_shape: tuple[int, ...], said: TransposeParameters
) -> tuple[int, ...]:
    """The smallest input that has an output."""
    channels, _, *kernel = weight_shape
    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    last = as_flag(name, "channels_last", said.channels_last)
    ones = tuple((1, *axis) for axis in zip(kernel, strides, dilations, strict=True))
    # An output_size of the shape of a result tells whether there is a batch.
    unbatched = is_sequence(said.output_size) and len(said.output_size) == rank + 1
    wanted = _sizes(name, rank, said, rank + (1 if unbatched else 2))
    more = _more(name, ones, said)
    paddings = padding_per_axis(name, said.padding, ones)
    sizes = []
    for size, extra, sides, axis in zip(wanted, more, paddings, ones, strict=True):
        stride, span = axis[2], Axis(*axis).span
        if _is_same(said.padding):
            sizes.append(1 if size is None else -(-size // stride))
        elif size is None:
            sizes.append(1 + max(0, -((span - sum(sides) + extra - 1) // stride)))
        else:  # the last that gives it, perhaps with output_padding
            sizes.append(1 + max(0, (size - span + sum(sides)) // stride))
    batch = () if unbatched else (1,)
    return (*batch, *sizes, channels) if last else (*batch, channels, *sizes)


TRANSPOSED = Family(
    spec=TransposeSpec,
    parameters=TransposeParameters,
    often=5,
    make_spec=make_transpose_spec,
    weight_axes="(C, O/groups, *kernel)",
    channels=_channels,
    least_input=_least_input,
    view=flipped,
)
