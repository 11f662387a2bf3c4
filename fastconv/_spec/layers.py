# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions of special weights: depthwise, one input channel a group; pointwise, one tap.

Both are the family of convolutions in other words: their specification is a `ConvSpec`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag
from .channels import check_depthwise_channels
from .conv import ConvParameters, ConvSpec, channels_needed, least_input, make_conv_spec
from .family import Family, flipped
from .spec import AXES, check_axes


class DepthwiseParameters(NamedTuple):
    """Those of a convolution, whose groups are the channels of the input."""

    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    padding_mode: Any = "constant"
    padding_value: Any = 0
    channels_last: Any = False
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"


class PointwiseParameters(NamedTuple):
    """Those of a convolution whose kernel has one tap, and so no padding and no dilation."""

    stride: Any = 1
    groups: Any = 1
    channels_last: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"


def make_depthwise_spec(
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
    """The convolution with as many groups as the input has channels."""
    last = as_flag(name, "channels_last", said.get("channels_last", False))
    if len(weight_shape) != rank + 2:
        letters = ", ".join(f"k{letter}" for letter in AXES[rank])
        hints = {rank: "; write weight[None, None]", rank + 1: "; write weight[:, None]"}
        raise ValueError(
            f"{name}: weight has shape {weight_shape}, but it must be (C * multiplier, 1, "
            f"{letters}){hints.get(len(weight_shape), '')}"
        )
    check_axes(name, rank, input_shape, weight_shape, last, "C * multiplier, 1")
    inner = input_shape[-1 - rank :]
    check_depthwise_channels(name, inner, last, *weight_shape[:2], weight_shape[2:])
    shapes = input_shape, input_dtype, weight_shape, weight_dtype
    more = {"groups": inner[-1 if last else 0], "bias": bias, "residual": residual}
    return make_conv_spec(name, rank, *shapes, **said, **more)


def _least_depthwise(
    name: str, rank: int, weight_shape: tuple[int, ...], said: DepthwiseParameters
) -> tuple[int, ...]:
    """The smallest input that has an output, of a multiplier of 1."""
    c_in, outputs = weight_shape[1], weight_shape[0]
    if c_in != 1 or not outputs:
        return (1,) * (rank + 2)  # refused, as the weight is
    said = ConvParameters(**said._asdict(), groups=outputs)
    return least_input(name, rank, weight_shape, said)


def with_taps(weight: Any, rank: int, said: Any = None) -> Any:
    """A pointwise weight (O, C/groups) with axes of one tap; any other one as it is."""
    if len(weight.shape) != 2:
        return weight
    if isinstance(weight, np.ndarray):
        return weight[(..., *(None,) * rank)]
    return weight._replace(shape=(*weight.shape, *(1,) * rank))


def check_pointwise_weight(
    name: str, rank: int, shape: tuple[int, ...], channels: str = "O, C/groups"
) -> None:
    """Raise unless a weight has one tap."""
    if len(shape) != rank + 2 or any(k != 1 for k in shape[2:]):
        ones, zeros = ", ".join("1" * rank), ", ".join("0" * rank)
        hint = f"; if its axes are ({ones}, C, O), as in TensorFlow, pass weight[{zeros}].T"
        raise ValueError(
            f"{name}: weight has shape {shape}, but it must be ({channels}) or ({channels}, {ones})"
            + hint * (len(shape) == rank + 2 and set(shape[:rank]) == {1})
        )


def make_pointwise_spec(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shape: tuple[int, ...],
    weight_dtype: np.dtype,
    **said: Any,
) -> ConvSpec:
    """The convolution with a kernel of one tap."""
    check_pointwise_weight(name, rank, weight_shape)
    return make_conv_spec(name, rank, input_shape, input_dtype, weight_shape, weight_dtype, **said)


def _least_pointwise(
    name: str, rank: int, weight_shape: tuple[int, ...], said: PointwiseParameters
) -> tuple[int, ...]:
    """The smallest input that has an output."""
    return least_input(name, rank, weight_shape, ConvParameters(**said._asdict()))


DEPTHWISE = Family(
    spec=ConvSpec,
    parameters=DepthwiseParameters,
    often=3,
    make_spec=make_depthwise_spec,
    weight_axes="(C * multiplier, 1, *kernel)",
    least_input=_least_depthwise,
    view=flipped,
)
POINTWISE = Family(
    spec=ConvSpec,
    parameters=PointwiseParameters,
    often=2,
    make_spec=make_pointwise_spec,
    weight_axes="(O, C/groups)",
    channels=channels_needed,
    least_input=_least_pointwise,
    view=with_taps,
    views_always=True,
)
