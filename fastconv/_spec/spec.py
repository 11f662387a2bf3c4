# SPDX-License-Identifier: BSD-3-Clause
"""What the specifications of convolutions and of transposed ones have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from .arguments import OF_INTEGERS, RESULTS, as_activation, as_dtype
from .axis import Axis
from .channels import missing_axes, missing_channel
from .dtypes import TILES, TOTALS, Arithmetic, choose, components, is_integer
from .epilogue import Epilogue
from .values import BYTES_MAX, as_number, show

AXES = {1: "L", 2: "HW", 3: "DHW"}


@dataclass(frozen=True, slots=True, repr=False)
class Spec:
    """One operation: shapes and parameters, always with three spatial axes.

    An axis that the user does not have leads, of length 1.
    """

    unshared: ClassVar[bool] = False  # each output position has weights, and may have a bias

    name: str  # "conv2d": the word for messages
    rank: int  # spatial axes that the user sees, 1 to 3
    batched: bool  # the input has a batch axis
    batch: int
    groups: int
    c_in: int  # input channels per group
    c_out: int  # output channels per group
    axes: tuple[Axis, Axis, Axis]  # depth, height, width
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
    def output_shape(self) -> tuple[int, ...]:
        return self.as_seen(self.groups * self.c_out, self.outputs[3 - self.rank :])

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of all weights."""
        return (self.weight_shape,)

    @property
    def weight_words(self) -> str:
        """Their shapes, in a line of a plan."""
        return " * ".join("x".join(map(str, shape)) for shape in self.weight_shapes)

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return f"{'x'.join(map(str, self.input_shape))} * {self.weight_words}"

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
    def flops(self) -> int:
        return 2 * self.macs

    def as_seen(self, channels: int, sizes: Sequence[int]) -> tuple[int, ...]:
        """The shape of an array with these channels and sizes."""
        shape = (*sizes, channels) if self.channels_last else (channels, *sizes)
        return (self.batch, *shape) if self.batched else shape

    def _told(self, more: dict[str, Any]) -> str:
        """One line, of what differs from the default."""
        axes, said = self.user_axes, {}
        if any(axis.stride != 1 for axis in axes):
            said["stride"] = tuple(axis.stride for axis in axes)
        if any(axis.dilation != 1 for axis in axes):
            said["dilation"] = tuple(axis.dilation for axis in axes)
        if any(axis.before or axis.after for axis in axes):
            said["padding"] = tuple((axis.before, axis.after) for axis in axes)
        said |= {"groups": self.groups} if self.groups != 1 else {}
        if any(axis.border for axis in axes):
            said["padding_mode"] = tuple(axis.border.word for axis in axes)
        said |= more
        said |= {"channels_last": True} if self.channels_last else {}
        said |= {"flip": True} if self.flipped else {}
        said |= {"epilogue": str(self.epilogue)} if str(self.epilogue) else {}
        said |= {"overflow": "saturate"} if self.epilogue.saturate else {}
        words = [f"{name}={value!r}" for name, value in said.items()] + [f"dtype={self.dtype}"]
        shapes = f"{self.input_shape} * {self.weight_shape}"
        return f"{type(self).__name__}({self.name}, {shapes}, {', '.join(words)})"


def check_axes(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    channels_last: bool,
    channels: str,
) -> None:
    """Raise unless input and weight have as many axes as they should; `channels`: the first two of
    the weight."""
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
            f"{name}: weight has shape {weight_shape}, but it must be ({channels}, {kernels})"
            + missing_axes(len(weight_shape), rank, channels)
        )


def check_kernel(name: str, rank: int, kernel: Sequence[int]) -> None:
    """Raise unless it has taps."""
    for letter, k in zip(AXES[rank], kernel, strict=True):
        if k < 1:
            raise ValueError(
                f"{name}: weight has size {k} on axis k{letter}, but it must be at least 1"
            )


def make_arithmetic(
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


def make_epilogue(
    name: str,
    said: Any,
    arithmetic: Arithmetic,
    result: np.dtype,
    saturate: bool,
    bias: bool,
    residual: bool,
) -> Epilogue:
    """What was said of activation, alpha and beta."""
    word, parameters = as_activation(name, said.activation, arithmetic.integer, result)
    more = OF_INTEGERS if arithmetic.integer else ""
    return Epilogue(
        activation=word,
        parameters=parameters,
        alpha=as_number(name, "alpha", said.alpha, arithmetic.integer, more=more),
        beta=as_number(name, "beta", said.beta, arithmetic.integer, more=more),
        bias=bias,
        residual=residual,
        saturate=saturate,
    )


def check_bytes(
    name: str,
    arithmetic: Arithmetic,
    result: np.dtype,
    padded: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
) -> None:
    """Refuse what no address can hold; as in NumPy, an axis of length 0 excuses no other."""
    widest = np.dtype(np.float64 if arithmetic.tile != "f" else np.float32)
    stored = max(widest, result, key=lambda dtype: dtype.itemsize)
    for what, shape, dtype in (
        ("input with padding", padded, widest),
        ("weight", weight_shape, widest),
        ("output", output_shape, stored),
    ):
        size = prod(max(1, n) for n in shape) * dtype.itemsize
        if size > BYTES_MAX:
            raise ValueError(
                f"{name}: {what} of shape {shape} takes {size} bytes, "
                f"but it must not take more than {BYTES_MAX}"
            )
