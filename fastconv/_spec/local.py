# SPDX-License-Identifier: BSD-3-Clause
"""A locally connected layer as one checked value: a convolution whose weights are not shared."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, ClassVar

import numpy as np

from .arguments import as_flag, padding_per_axis, positive_per_axis
from .axis import Axis
from .conv import ConvParameters, WindowSpec, make_window_spec
from .family import Family, flipped
from .spec import AXES
from .values import as_integer


@dataclass(frozen=True, slots=True, repr=False)
class LocalSpec(WindowSpec):
    """One locally connected layer: each output position has weights of its own."""

    unshared: ClassVar[bool] = True

    @property
    def weight_shape(self) -> tuple[int, ...]:
        first = 3 - self.rank
        channels = (self.groups * self.c_out, self.c_in)
        return (*self.outputs[first:], *channels, *self.kernel[first:])


def make_local_spec(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shape: tuple[int, ...],
    weight_dtype: np.dtype,
    **said: Any,
) -> LocalSpec:
    """The specification of a locally connected layer: see `make_window_spec`."""
    if len(weight_shape) != _weight_rank(rank):
        letters = AXES[rank]
        places = ", ".join(f"out{letter}" for letter in letters)
        kernels = ", ".join(f"k{letter}" for letter in letters)
        more = f"; one weight for all positions is for conv{rank}d" * (
            len(weight_shape) == rank + 2
        )
        raise ValueError(
            f"{name}: weight has shape {weight_shape}, but it must be "
            f"({places}, O, C/groups, {kernels}), where out are the sizes of the output{more}"
        )
    spec = make_window_spec(
        LocalSpec, name, rank, input_shape, input_dtype, weight_shape, weight_dtype, **said
    )
    needed = spec.outputs[3 - rank :]
    if weight_shape[:rank] != needed:
        raise ValueError(
            f"{name}: weight has shape {weight_shape}, which begins with {weight_shape[:rank]}, "
            f"but it must begin with {needed}, the size{'s' * (rank > 1)} of the output"
        )
    return spec


def _weight_rank(rank: int) -> int:
    return 2 * rank + 2


def _channels(weight_shape: tuple[int, ...], said: ConvParameters) -> int:
    """Input channels that a weight needs."""
    return weight_shape[len(weight_shape) // 2] * index(said.groups)


def _least_input(
    name: str, rank: int, weight_shape: tuple[int, ...], said: ConvParameters
) -> tuple[int, ...]:
    """The smallest input that has as many outputs as the weight has positions."""
    outputs = [max(1, out) for out in weight_shape[:rank]]
    kernel = weight_shape[rank + 2 :]
    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    channels = weight_shape[rank + 1] * as_integer(name, "groups", said.groups, 1)
    # Of the words, those that depend on the size of the input give ceil(n / stride) outputs.
    sizes = [(out - 1) * stride + 1 for out, stride in zip(outputs, strides, strict=True)]
    plain = tuple(zip(sizes, kernel, strides, dilations, strict=True))
    paddings = padding_per_axis(name, said.padding, plain)
    least = []
    for out, axis, (before, after) in zip(outputs, plain, paddings, strict=True):
        found = Axis(*axis, before, after)
        if found.outputs == out:
            least.append(found.n)
        else:
            low = (out - 1) * found.stride + found.span - before - after
            least.append(max(0, low, min(1, low + found.stride - 1)))  # 1, if 0 is as good
    last = as_flag(name, "channels_last", said.channels_last)
    return (1, *least, channels) if last else (1, channels, *least)


LOCAL = Family(
    spec=LocalSpec,
    parameters=ConvParameters,
    often=4,
    make_spec=make_local_spec,
    weight_axes="(*out, O, C/groups, *kernel)",
    weight_rank=_weight_rank,
    channels=_channels,
    least_input=_least_input,
    view=flipped,
)
