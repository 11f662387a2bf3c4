# SPDX-License-Identifier: BSD-3-Clause
"""Pooling as one checked value: what the windows of an input have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
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
from .channels import missing_channel
from .dtypes import components, is_bfloat16, is_integer, native
from .family import ArrayFamily
from .spec import AXES
from .values import BYTES_MAX, as_integer, as_number, show, word_needed

KINDS = ("max", "min", "average", "lp")
NUMBERS = "an integer dtype, float16, bfloat16, float32 or float64"
INT32 = np.iinfo(np.int32)


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


class Result(NamedTuple):
    """An array that a call returns."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Sizes(NamedTuple):
    """Of batch, channel, depth, height and width."""

    n: int
    c: int
    d: int
    h: int
    w: int


# What an index is multiplied with for each of batch, channel, depth, height, width of its cell.
CONVENTIONS = {
    "plane": lambda s: (0, 0, s.h * s.w, s.w, 1),
    "flat": lambda s: (s.c * s.d * s.h * s.w, s.d * s.h * s.w, s.h * s.w, s.w, 1),
    "flat_column_major": lambda s: (s.c * s.d * s.h * s.w, s.d * s.h * s.w, 1, s.d, s.d * s.h),
    "nhwc": lambda s: (0, 1, s.h * s.w * s.c, s.w * s.c, s.c),
    "nhwc_batch": lambda s: (s.d * s.h * s.w * s.c, 1, s.h * s.w * s.c, s.w * s.c, s.c),
}


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pooling whose windows are alike: shapes and parameters, always with three axes.

    An axis that the user does not have leads, of length 1. Where windows hang over the padding, as
    in ceil_mode, the padding of the axis is longer, and `counted` is what it was."""

    name: str  # "max_pool2d": the word for messages
    rank: int  # spatial axes that the user sees, 1 to 3
    kind: str  # one of KINDS
    batched: bool  # the input has a batch axis
    batch: int
    channels: int
    axes: tuple[Axis, Axis, Axis]  # depth, height, width
    counted: tuple[int, int, int]  # padding after each axis, which averages count
    channels_last: bool
    source: np.dtype
    dtype: np.dtype  # native; of the values that are returned
    border_value: Any  # of Border.CONSTANT
    omit: bool  # NaN is left out
    include_pad: bool  # averages count padding
    divisor: int | None  # of averages, in place of the number of cells
    power: float  # of lp
    convention: str  # of indices; '' if there are none
    index_dtype: np.dtype

    @property
    def user_axes(self) -> tuple[Axis, ...]:
        """Those that the user has."""
        return self.axes[3 - self.rank :]

    @property
    def outputs(self) -> tuple[int, int, int]:
        return tuple(axis.outputs for axis in self.axes)

    @property
    def taps(self) -> int:
        return prod(axis.k for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._as_seen([axis.n for axis in self.user_axes])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.outputs[3 - self.rank :])

    @property
    def results(self) -> tuple[Result, ...]:
        """The values, and the indices if they are asked for."""
        values = Result(self.output_shape, self.dtype)
        return (
            (values, Result(self.output_shape, self.index_dtype)) if self.convention else (values,)
        )

    @property
    def flops(self) -> int:
        """A comparison, or an addition, for each cell of each window."""
        return self.batch * self.channels * prod(self.outputs) * self.taps

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.batch, self.channels, *(axis.n for axis in self.axes))

    @property
    def weights(self) -> tuple[int, int, int, int, int]:
        """See CONVENTIONS."""
        return CONVENTIONS[self.convention](self.sizes)

    @property
    def worst(self) -> Any:
        """The value of a window without cells, against which every other one wins."""
        if self.kind in ("average", "lp"):
            return 0
        lowest = self.kind == "max"
        if not is_integer(self.source):
            return -inf if lowest else inf
        if self.source.kind == "b":
            return not lowest
        limits = np.iinfo(self.source)
        return int(limits.min if lowest else limits.max)

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

    def _as_seen(self, sizes: Sequence[int]) -> tuple[int, ...]:
        shape = (*sizes, self.channels) if self.channels_last else (self.channels, *sizes)
        return (self.batch, *shape) if self.batched else shape

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    def pack_words(self) -> str:
        """What is read, in words."""
        words = [f"input {self.source}"]
        words += ["channels last"] if self.channels_last else []
        modes = dict.fromkeys(axis.border.word for axis in self.user_axes)
        words += [f"border {' '.join(modes)}"] if self.reads_border else []
        words += ["NaN left out"] if self.omit else []
        return ", ".join(words)

    def epilogue_words(self) -> str:
        """What becomes of the largest cell, or of sums, in words."""
        words = [f"{self.convention} indices of {self.index_dtype}"] if self.convention else []
        if self.kind == "average":
            words.append("divided by " + ("the number of cells" if self.divisor is None
                                          else str(self.divisor)))  # fmt: skip
        return ", ".join(words) or "none"


def read_input(
    name: str, rank: int, shape: tuple[int, ...], dtype: np.dtype, channels_last: bool
) -> tuple[bool, int, int, list[int]]:
    """Whether there is a batch axis, its size, the channels, and the sizes of the spatial axes."""
    check_dtype(name, "input", dtype)
    if len(shape) not in (rank + 1, rank + 2):
        spatial = ", ".join(AXES[rank])
        inner = f"{spatial}, C" if channels_last else f"C, {spatial}"
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, {inner}) or ({inner})"
            + missing_channel(len(shape), rank, channels_last)
        )
    batched = len(shape) == rank + 2
    batch, *inner = shape if batched else (1, *shape)
    channels, *sizes = (inner[-1], *inner[:-1]) if channels_last else inner
    return batched, batch, channels, sizes


def check_real(name: str, dtype: np.dtype) -> None:
    """Raise for complex numbers, which have no order."""
    if components(dtype) == 2:
        raise TypeError(f"{name}: input has dtype {dtype}, but it must be bool, {NUMBERS}")


def _extended(axis: Axis) -> Axis:
    """With padding for a last window that hangs over, if it begins in the input or before it."""
    outputs = -(-(axis.padded - axis.span) // axis.stride) + 1
    if (outputs - 1) * axis.stride >= axis.n + axis.before:
        outputs -= 1
    after = (outputs - 1) * axis.stride + axis.span - axis.n - axis.before
    return axis._replace(after=max(axis.after, after))


def _result_dtype(name: str, kind: str, source: np.dtype, dtype: Any) -> np.dtype:
    wanted = as_dtype(name, dtype, NUMBERS)
    if wanted is not None and components(wanted) == 2:
        raise TypeError(f"{name}: dtype is {wanted}, but it must be {NUMBERS}")
    if kind in ("average", "lp"):
        usual = np.dtype(np.float64) if is_integer(source) else native(source)
        return usual if wanted is None else wanted
    return native(source)


def _read_word(name: str, argument: str, value: Any, words: Sequence[str]) -> str:
    if isinstance(value, str) and value in words:
        return value
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name}: {argument} is {show(value)}, {word_needed(value, words)}")


def _read_index_dtype(name: str, value: Any, most: int) -> np.dtype:
    """The dtype of indices, of which `most` is the largest."""
    try:
        dtype = np.dtype(np.int64 if value is None else value)
    except Exception:  # of whatever an object of the user's raises
        dtype = None
    if dtype not in (np.dtype(np.int64), np.dtype(np.int32)):
        raise TypeError(f"{name}: index_dtype is {show(value)}, but it must be int64 or int32")
    if dtype.itemsize == 4 and most > INT32.max:
        raise ValueError(
            f"{name}: index_dtype is int32, but it must be int64, as indices reach {most}"
        )
    return native(dtype)


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
    for letter, axis in zip(AXES[rank], axes, strict=True):
        if axis.padded < axis.span and not (
            said.ceil_mode is True and axis.n + axis.before > 0 and axis.padded > 0
        ):
            sides = (axis.before, axis.after)
            raise ValueError(
                f"{name}: input has size {axis.n} on axis {letter}"
                + f", {axis.padded} with padding {sides}" * any(sides)
                + f", but a window of size {axis.k}"
                + f" with dilation {axis.dilation}" * (axis.dilation > 1)
                + f" needs {axis.span}"
            )
    counted = [axis.after for axis in axes]
    if as_flag(name, "ceil_mode", said.ceil_mode):
        axes = [_extended(axis) for axis in axes]
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
    indices = as_flag(name, "return_indices", said.return_indices)
    convention = _read_word(name, "index_convention", said.index_convention, tuple(CONVENTIONS))
    policy = _read_word(name, "nan_policy", said.nan_policy, ("propagate", "omit"))
    if policy == "omit" and divisor is not None:
        raise ValueError(
            f"{name}: divisor_override is {divisor}, but it must be None for nan_policy 'omit', "
            "which divides by the number of cells that are not NaN"
        )
    cells = Sizes(batch, channels, *(axis.n for axis in axes))
    most = prod(cells if convention not in ("plane",) else cells[2:]) - 1
    index_dtype = _read_index_dtype(name, said.index_dtype, most)
    power = 0.0
    if kind == "lp":
        power = float(as_number(name, "norm_type", said.norm_type, False))
        if not power > 0:
            raise ValueError(
                f"{name}: norm_type is {show(said.norm_type)}, but it must be a positive number"
            )
    spec = PoolSpec(
        name=name,
        rank=rank,
        kind=kind,
        batched=batched,
        batch=batch,
        channels=channels,
        axes=axes,
        counted=(0,) * (3 - rank) + tuple(counted),
        channels_last=channels_last,
        source=native(source),
        dtype=_result_dtype(name, kind, source, said.dtype),
        border_value=value,
        omit=policy == "omit" and not is_integer(source),
        include_pad=as_flag(name, "count_include_pad", said.count_include_pad),
        divisor=divisor,
        power=power,
        convention=convention if indices else "",
        index_dtype=index_dtype,
    )
    if prod(max(1, n) for n in spec.output_shape) * 8 > BYTES_MAX:
        raise ValueError(
            f"{name}: output of shape {spec.output_shape} takes more than {BYTES_MAX} bytes, "
            "but it must not"
        )
    return spec


def is_narrow(dtype: np.dtype) -> bool:
    """Whether float32 holds all numbers of a real dtype."""
    return is_bfloat16(dtype) or (dtype.kind == "f" and dtype.itemsize <= 4)


POOLS = {
    kind: ArrayFamily(
        spec=PoolSpec, parameters=PoolParameters, often=5, make_spec=partial(make_pool_spec, kind)
    )
    for kind in KINDS
}
