# SPDX-License-Identifier: BSD-3-Clause
"""A convolution as one checked value, for every rank.

Everything below this module trusts a `ConvSpec`; nothing below it raises for what a user passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .arguments import (
    BYTES_MAX,
    Pair,
    as_array,
    as_integer,
    as_operand,
    as_shape,
    check_algorithm,
    check_dtype,
    check_threads,
    is_masked,
    padding_per_axis,
    positive_per_axis,
)
from .sizes import output_size, span

__all__ = [
    "ConvSpec",
    "as_operand",
    "as_shape",
    "check_algorithm",
    "check_bias",
    "check_out",
    "check_threads",
    "make_conv_spec",
]

AXES = {1: "L", 2: "HW", 3: "DHW"}

Three = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ConvSpec:
    """One convolution: shapes and parameters, always with three spatial axes.

    An axis that the user does not have leads with length 1. Output ``o`` and tap ``t`` of an axis
    read the input at ``o * stride + t * dilation - before``; outside of it a tap adds nothing.
    """

    name: str  # "conv2d": the word for messages
    rank: int  # spatial axes that the user sees, 1 to 3
    batched: bool  # the input has a batch axis
    batch: int
    groups: int
    c_in: int  # input channels per group
    c_out: int  # output channels per group
    src: Three  # input sizes
    wei: Three  # kernel sizes
    dst: Three  # output sizes
    stride: Three
    dilation: Three
    pad: tuple[Pair, Pair, Pair]  # (before, after) per axis; negative crops
    dtype: np.dtype  # native float32 or float64: computed in and returned

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.groups * self.c_in, self.src)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.groups * self.c_out, self.c_in, *self.wei[3 - self.rank :])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.groups * self.c_out, self.dst)

    @property
    def macs(self) -> int:
        """Nominal multiply-adds: taps on padding count."""
        return self.batch * self.groups * self.c_out * self.c_in * prod(self.dst) * prod(self.wei)

    @property
    def flops(self) -> int:
        return 2 * self.macs

    def _as_seen(self, channels: int, sizes: Three) -> tuple[int, ...]:
        shape = (channels, *sizes[3 - self.rank :])
        return (self.batch, *shape) if self.batched else shape


def make_conv_spec(
    name: str,
    rank: int,
    input_shape: tuple[int, ...],
    input_dtype: np.dtype,
    weight_shape: tuple[int, ...],
    weight_dtype: np.dtype,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> ConvSpec:
    """The specification of a convolution from shapes, dtypes and what the user asked for."""
    check_dtype(name, "input", input_dtype)
    check_dtype(name, "weight", weight_dtype)
    dtype = np.dtype("d" if "d" in (input_dtype.char, weight_dtype.char) else "f")

    letters = AXES[rank]
    sizes, kernels = ", ".join(letters), ", ".join(f"k{letter}" for letter in letters)
    if len(input_shape) not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: input has shape {input_shape}, (N, C, {sizes}) or (C, {sizes}) is needed"
        )
    if len(weight_shape) != rank + 2:
        raise ValueError(
            f"{name}: weight has shape {weight_shape}, (O, C/groups, {kernels}) is needed"
        )
    batched = len(input_shape) == rank + 2
    batch, channels, *src = input_shape if batched else (1, *input_shape)
    outputs, c_in, *wei = weight_shape
    groups = as_integer(name, "groups", groups, 1)
    _check_channels(name, channels, outputs, c_in, groups)
    for letter, k in zip(letters, wei, strict=True):
        if k < 1:
            raise ValueError(f"{name}: weight has size {k} on axis k{letter}, at least 1 is needed")

    strides = positive_per_axis(name, "stride", rank, stride)
    dilations = positive_per_axis(name, "dilation", rank, dilation)
    axes = tuple(zip(src, wei, strides, dilations, strict=True))
    pad = padding_per_axis(name, padding, axes)
    padded, dst = [], []
    for letter, (n, k, s, d), (before, after) in zip(letters, axes, pad, strict=True):
        padded.append(max(n, n + before + after))
        dst.append(output_size(n, k, s, d, before, after))
        if dst[-1] < 1:
            raise ValueError(
                f"{name}: output axis {letter} has no cell: input {n} with padding "
                f"({before}, {after}) is {n + before + after}, "
                f"kernel {k} with dilation {d} needs {span(k, d)}"
            )
    _check_bytes(name, "input with padding", (batch, channels, *padded), dtype)
    _check_bytes(name, "weight", weight_shape, dtype)
    _check_bytes(name, "output", (batch, outputs, *dst), dtype)

    def three(values: Iterable, fill: Any = 1) -> tuple:
        return (fill,) * (3 - rank) + tuple(values)

    return ConvSpec(
        name=name,
        rank=rank,
        batched=batched,
        batch=batch,
        groups=groups,
        c_in=c_in,
        c_out=outputs // groups,
        src=three(src),
        wei=three(wei),
        dst=three(dst),
        stride=three(strides),
        dilation=three(dilations),
        pad=three(pad, (0, 0)),
        dtype=dtype,
    )


def _check_channels(name: str, channels: int, outputs: int, c_in: int, groups: int) -> None:
    if channels % groups:
        raise ValueError(
            f"{name}: input has {channels} channels, a multiple of groups={groups} is needed"
        )
    if outputs % groups or not outputs:
        raise ValueError(
            f"{name}: weight has {outputs} output channels, "
            f"a positive multiple of groups={groups} is needed"
        )
    if c_in != channels // groups:
        if groups == 1:
            hint = f" (or groups={channels // c_in})" if c_in and channels % c_in == 0 else ""
            raise ValueError(
                f"{name}: weight has {c_in} input channels, "
                f"as many as input are needed, which has {channels}{hint}"
            )
        raise ValueError(
            f"{name}: weight has {c_in} input channels per group, "
            f"input has {channels} / groups={groups} = {channels // groups}"
        )


def _check_bytes(name: str, what: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what no address can hold; as in NumPy, an axis of length 0 excuses no other."""
    size = prod(max(1, n) for n in shape) * dtype.itemsize
    if size > BYTES_MAX:
        raise ValueError(
            f"{name}: {what} of shape {shape} takes {size} bytes, at most {BYTES_MAX} is possible"
        )


def check_bias(spec: ConvSpec, bias: Any) -> np.ndarray | None:
    """`bias` as an aligned, contiguous 1-D array of ``spec.dtype``, or None."""
    if bias is None:
        return None
    array = as_array(spec.name, "bias", bias)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{spec.name}: bias has dtype {array.dtype}, real numbers are needed")
    needed = (spec.groups * spec.c_out,)
    if array.shape != needed:
        raise ValueError(
            f"{spec.name}: bias has shape {array.shape}, {needed} is needed: "
            "one value per output channel"
        )
    flags = array.flags
    if array.dtype is spec.dtype and flags.c_contiguous and flags.aligned:
        return array
    return np.require(array, spec.dtype, ("C", "A"))


def check_out(spec: ConvSpec, out: Any) -> None:
    """Raise unless `out` can take the result: kind, dtype, shape, flags and strides."""
    if not isinstance(out, np.ndarray) or is_masked(out):
        raise TypeError(f"{spec.name}: out is a {type(out).__name__}, a numpy.ndarray is needed")
    if out.dtype.char != spec.dtype.char:
        raise TypeError(f"{spec.name}: out has dtype {out.dtype}, {spec.dtype} is needed")
    if out.shape != spec.output_shape:
        raise ValueError(f"{spec.name}: out has shape {out.shape}, {spec.output_shape} is needed")
    flags = out.flags
    if not flags.writeable:
        raise ValueError(f"{spec.name}: out is read-only, a writeable array is needed")
    if not flags.c_contiguous and _overlaps_itself(out):
        raise ValueError(
            f"{spec.name}: out has shape {out.shape} with strides {out.strides}, which share "
            "memory between elements; memory of its own for each is needed"
        )


def _overlaps_itself(array: np.ndarray) -> bool:
    """Whether elements may share memory: a step is shorter than what the smaller ones reach."""
    if not array.size:
        return False
    reach = array.itemsize
    steps = ((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1)
    for step, size in sorted(steps):
        if step < reach:
            return True
        reach += step * (size - 1)
    return False
