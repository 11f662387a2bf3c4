# SPDX-License-Identifier: BSD-3-Clause
"""Depthwise separable convolution: a depthwise convolution, then a pointwise one.

    between = depthwise_activation(depthwise(input, depthwise_weight) + depthwise_bias)
    out = activation(alpha * pointwise(between, pointwise_weight) + bias + beta * out + residual)

What lies between has the dtype of the depthwise sums, and is not rounded to that of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from . import reference
from .arguments import as_dtype, check_dtype
from .conv import ConvSpec, make_conv_spec
from .dtypes import is_integer
from .family import Family, flipped
from .layers import DEPTHWISE, DepthwiseParameters, check_pointwise_weight, make_depthwise_spec
from .operands import check_bias
from .spec import Spec
from .values import reworded

WORDS = {
    "weight": "depthwise_weight",
    "bias": "depthwise_bias",
    "activation": "depthwise_activation",
}


class SeparableConvParameters(NamedTuple):
    """What a user says of both convolutions, beside arrays and how to run them."""

    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    depthwise_activation: Any = None
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
class SeparableConvSpec(Spec):
    """Both convolutions. Its axes are those of the depthwise one, its epilogue and its arithmetic
    those of the pointwise one."""

    depthwise: ConvSpec
    pointwise: ConvSpec

    @property
    def outputs(self) -> tuple[int, int, int]:
        """Output positions of each axis."""
        return self.depthwise.outputs

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.depthwise.input_shape

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.depthwise.weight_shape

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.depthwise.weight_shape, self.pointwise.weight_shape

    @property
    def tile_dtype(self) -> np.dtype:
        """What tiles multiply first."""
        return self.depthwise.tile_dtype

    @property
    def reads_constant(self) -> bool:
        """Whether an axis has a border of `border_value`."""
        return self.depthwise.reads_constant

    @property
    def border_value(self) -> Any:
        return self.depthwise.border_value

    @property
    def macs(self) -> int:
        """Nominal multiply-adds: taps on padding count."""
        return self.depthwise.macs + self.pointwise.macs

    def __repr__(self) -> str:
        more = {"padding_value": self.border_value} if self.reads_constant else {}
        between = str(self.depthwise.epilogue)
        more |= {"depthwise_epilogue": between} if between else {}
        return self._told(more | {"pointwise_weight": self.pointwise.weight_shape})


@contextmanager
def worded(late: bool = False, **words: str) -> Iterator[None]:
    """Errors inside name arguments by these words; those that are `late` are so marked."""
    try:
        yield
    except (TypeError, ValueError) as error:
        found = reworded(error, words)
        found.late = late  # `prepare` asks how far the checks came
        raise found from error.__cause__


def make_separable_conv_spec(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shapes: tuple[tuple[int, ...], tuple[int, ...]],
    weight_dtypes: tuple[np.dtype, np.dtype],
    *,
    bias: bool = False,
    depthwise_bias: bool = False,
    residual: bool = False,
    **said: Any,
) -> SeparableConvSpec:
    """The specification from shapes, dtypes and what the user said, the fields of
    `SeparableConvParameters`; of biases and `residual` only whether there are any."""
    said = SeparableConvParameters(**said)
    taken = {word: getattr(said, word) for word in DepthwiseParameters._fields}
    wanted = as_dtype(name, said.dtype)
    taken |= {"activation": said.depthwise_activation, "alpha": 1, "beta": 0, "overflow": "wrap"}
    taken["dtype"] = None if wanted is None or is_integer(wanted) else wanted
    with worded(**WORDS):
        depthwise = make_depthwise_spec(
            name, rank, input_shape, input_dtype, weight_shapes[0], weight_dtypes[0], **taken,
            bias=depthwise_bias,
        )  # fmt: skip
    with worded(late=True, weight="pointwise_weight"):
        check_dtype(name, "weight", weight_dtypes[1])
        channels = depthwise.groups * depthwise.c_out
        _check_pointwise(name, rank, weight_shapes[1], channels)
        pointwise = make_conv_spec(
            name, rank, depthwise.output_shape, depthwise.dtype, weight_shapes[1],
            weight_dtypes[1], channels_last=said.channels_last, activation=said.activation,
            alpha=said.alpha, beta=said.beta, dtype=said.dtype, overflow=said.overflow,
            bias=bias, residual=residual,
        )  # fmt: skip
    told = {field.name: getattr(pointwise, field.name) for field in fields(Spec)}
    told |= {"axes": depthwise.axes, "flipped": depthwise.flipped, "c_in": channels}
    depthwise = replace(depthwise, dtype=depthwise.sum_dtype)
    return SeparableConvSpec(**told, depthwise=depthwise, pointwise=pointwise)


def _check_pointwise(name: str, rank: int, shape: tuple[int, ...], channels: int) -> None:
    """Raise unless a weight is for what the depthwise convolution gives."""
    check_pointwise_weight(name, rank, shape, "O, C * multiplier")
    if shape[1] != channels:
        swapped = "; write pointwise_weight.swapaxes(0, 1) if its axes are (C, O)"
        raise ValueError(
            f"{name}: weight has {shape[1]} input channel{'s' * (shape[1] != 1)}, but it must have "
            f"{channels}, as depthwise_weight has output channels"
            + swapped
            * (shape[0] == channels)
        )


def check_biases(
    spec: SeparableConvSpec, depthwise_bias: Any, bias: Any
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Both biases, as `check_bias` returns them."""
    with worded(late=True, bias="depthwise_bias", weight="depthwise_weight"):
        first = check_bias(spec.depthwise, depthwise_bias, spec.depthwise.tile_dtype)
    with worded(late=True, weight="pointwise_weight"):
        return first, check_bias(spec.pointwise, bias, spec.pointwise.tile_dtype)


def convolve(
    spec: SeparableConvSpec,
    input: np.ndarray,
    weights: tuple[np.ndarray, np.ndarray],
    biases: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
    residual: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The slow truth: one after the other, the whole of each."""
    between = reference.convolve(spec.depthwise, input, weights[0], biases[0])
    return reference.convolve(spec.pointwise, between, weights[1], biases[1], residual, out)


def least_input(
    name: str, rank: int, weight_shape: tuple[int, ...], said: SeparableConvParameters
) -> tuple[int, ...]:
    """The smallest input that has an output, for a depthwise weight."""
    words = {word: getattr(said, word) for word in DepthwiseParameters._fields}
    return DEPTHWISE.least_input(name, rank, weight_shape, DepthwiseParameters(**words))


SEPARABLE_CONV = Family(
    spec=SeparableConvSpec,
    parameters=SeparableConvParameters,
    often=3,
    make_spec=make_separable_conv_spec,
    weight_axes="(C * multiplier, 1, *kernel) and (O, C * multiplier)",
    least_input=least_input,
    view=flipped,  # of the depthwise weight
)
