# SPDX-License-Identifier: BSD-3-Clause
"""unfold and fold: windows of an array as columns, and the sum of columns where they overlap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import (
    as_border_value,
    as_flag,
    as_operand,
    borders_per_axis,
    check_dtype,
    padding_per_axis,
    positive_per_axis,
)
from .axis import Axis
from .borders import Border
from .dtypes import native
from .family import ArrayFamily
from .moves import Move, MoveSpec, Strides, check_size, inner, taken
from .spec import AXES
from .values import as_integer, entries_of, is_sequence, show

ABSENT = Axis(1)  # an axis that the user does not have
RANK = 2  # of a single integer


class UnfoldParameters(NamedTuple):
    """What a user says of `unfold`, beside its arrays and how to run it."""

    kernel_size: Any = None
    dilation: Any = 1
    padding: Any = 0
    stride: Any = 1
    padding_mode: Any = "constant"
    padding_value: Any = 0
    channels_last: Any = False


@dataclass(frozen=True, slots=True, repr=False)
class UnfoldSpec(MoveSpec):
    """Windows of an array, as columns."""

    batched: bool
    batch: int
    channels: int
    axes: tuple[Axis, Axis, Axis]  # depth, height, width
    rank: int
    channels_last: bool

    @property
    def borders(self) -> tuple[Border, ...]:
        """Of the axes that read theirs."""
        return tuple(axis.border for axis in self.axes if axis.reaches_out)

    def moves(self, source: Strides, target: Strides) -> list[Move]:
        """Batch, channel, depth, height, width: column (c, tap), row (output)."""
        if not self.batched:
            source, target = (0, *source), (0, *target)
        if self.channels_last:
            source = (source[0], source[-1], *source[1:-1])
        batch, channel, *spatial = source
        spatial = (0,) * (3 - self.rank) + tuple(spatial)
        image, tap, column = target
        found = []
        for axis, step in zip(reversed(self.axes), reversed(spatial), strict=True):
            found.append(Move(axis, step, tap, column))
            tap, column = tap * axis.k, column * axis.outputs
        return [inner(self.batch, batch, image), inner(self.channels, channel, tap), *found[::-1]]

    def reference(self, input: np.ndarray) -> np.ndarray:
        """The slow truth: for each tap, what all outputs read."""
        x = np.moveaxis(input, -1, -1 - self.rank) if self.channels_last else input
        x = x.reshape(self.batch, self.channels, *(axis.n for axis in self.axes))
        taps = []
        for tap in product(*(range(axis.k) for axis in self.axes)):
            part = x
            for number, (axis, t) in enumerate(zip(self.axes, tap, strict=True), 2):
                part = taken(part, number, axis, t, self.border_value)
            taps.append(part.reshape(self.batch, self.channels, self.output_shape[-1]))
        return np.stack(taps, 2).reshape(self.output_shape)


def as_sizes(name: str, argument: str, value: Any, low: int = 1) -> tuple[int, ...]:
    """`value` as one size for each spatial axis, of which there are as many; one is for two."""
    if not is_sequence(value):
        more = f" (for {RANK} spatial axes), or 1 to 3 of them, one per spatial axis"
        return (as_integer(name, argument, value, low, more=more),) * RANK
    entries = entries_of(name, argument, value)
    if not 1 <= len(entries) <= 3:
        raise ValueError(
            f"{name}: {argument} is {show(value)}, but it must be an integer "
            f"(for {RANK} spatial axes), or 1 to 3 of them, one per spatial axis"
        )
    return tuple(as_integer(name, f"{argument}[{i}]", n, low) for i, n in enumerate(entries))


def split_shape(
    name: str, argument: str, rank: int, shape: tuple[int, ...], last: bool, single: bool
) -> tuple[bool, int, int, tuple[int, ...]]:
    """(whether there is a batch axis, batch, channels, spatial sizes) of an input; `single`: the
    rank is that of a single integer for `argument`."""
    if len(shape) not in (rank + 1, rank + 2):
        spatial = ", ".join(AXES[rank])
        axes = f"{spatial}, C" if last else f"C, {spatial}"
        more = f" where {argument} has {rank} entr{'y' if rank == 1 else 'ies'}"
        if single:
            more = f" where {argument} is one integer; for one spatial axis, write ({argument},)"
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, {axes}) or ({axes}){more}"
        )
    batched = len(shape) == rank + 2
    batch, *rest = shape if batched else (1, *shape)
    channels, *sizes = (rest[-1], *rest[:-1]) if last else rest
    return batched, batch, channels, tuple(sizes)


def make_axes(name: str, what: str, sizes: tuple[int, ...], said: Any, kernel: tuple) -> list[Axis]:
    """The axes of windows in an array of these sizes, which is `what` in messages."""
    rank = len(sizes)
    strides = positive_per_axis(name, "stride", rank, said.stride)
    dilations = positive_per_axis(name, "dilation", rank, said.dilation)
    plain = tuple(zip(sizes, kernel, strides, dilations, strict=True))
    paddings = padding_per_axis(name, said.padding, plain)
    axes = [Axis(*axis, *sides) for axis, sides in zip(plain, paddings, strict=True)]
    for letter, axis in zip(AXES[rank], axes, strict=True):
        if axis.outputs < 1:
            sides = (axis.before, axis.after)
            raise ValueError(
                f"{name}: {what} has size {axis.n} on axis {letter}"
                + f", {axis.padded} with padding {sides}" * any(sides)
                + f", but a window of size {axis.k}"
                + f" with dilation {axis.dilation}" * (axis.dilation > 1)
                + f" needs {axis.span}"
            )
    return axes


def with_borders(
    name: str, axes: list[Axis], borders: tuple[Border, ...], letters: Any, mode: str
) -> list[Axis]:
    """The axes with what lies around them; `mode`: the argument that says it."""
    for letter, axis, border in zip(letters, axes, borders, strict=True):
        if border > Border.CONSTANT and not axis.n and max(axis.before, axis.after) > 0:
            raise ValueError(
                f"{name}: input has size 0 on axis {letter}, "
                f"but it must be at least 1 for {mode} {border.word!r}"
            )
    return [axis._replace(border=border) for axis, border in zip(axes, borders, strict=True)]


def make_unfold_spec(name: str, rank: int, inputs: tuple, **said: Any) -> UnfoldSpec:
    """The specification of `unfold`, from (shape, dtype) of its input."""
    said = UnfoldParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    kernel = as_sizes(name, "kernel_size", said.kernel_size)
    rank, last = len(kernel), as_flag(name, "channels_last", said.channels_last)
    single = not is_sequence(said.kernel_size)
    batched, batch, channels, sizes = split_shape(name, "kernel_size", rank, shape, last, single)
    axes = make_axes(name, "input", sizes, said, kernel)
    value = as_border_value(name, said.padding_value, dtype)
    borders = borders_per_axis(name, rank, said.padding_mode, value)
    axes = with_borders(name, axes, borders, AXES[rank], "padding_mode")
    columns = (channels * prod(kernel), prod(axis.outputs for axis in axes))
    check_size(name, dtype, (batch, *columns))
    return UnfoldSpec(
        name=name,
        dtype=native(dtype),
        input_shape=shape,
        output_shape=(batch, *columns) if batched else columns,
        border_value=value,
        batched=batched,
        batch=batch,
        channels=channels,
        axes=(ABSENT,) * (3 - rank) + tuple(axes),
        rank=rank,
        channels_last=last,
    )


UNFOLD = ArrayFamily(
    spec=UnfoldSpec,
    parameters=UnfoldParameters,
    often=4,
    make_spec=make_unfold_spec,
)


def view_windows(
    name: str, input: Any, kernel_size: Any, dilation: Any, stride: Any, channels_last: Any
) -> np.ndarray:
    """A view of an array, of shape (N, C, *outputs, *kernel)."""
    array = as_operand(name, "input", input)
    said = UnfoldParameters(kernel_size, dilation, 0, stride, channels_last=channels_last)
    spec = make_unfold_spec(name, 0, ((array.shape, array.dtype),), **said._asdict())
    first = array.ndim - spec.rank
    if spec.channels_last:
        array = np.moveaxis(array, -1, first - 1)
    axes, steps = spec.axes[3 - spec.rank :], array.strides[first:]
    each = tuple(zip(axes, steps, strict=True))
    return np.lib.stride_tricks.as_strided(
        array,
        (*array.shape[:first], *(axis.outputs for axis in axes), *(axis.k for axis in axes)),
        (
            *array.strides[:first],
            *(axis.stride * step for axis, step in each),
            *(axis.dilation * step for axis, step in each),
        ),
        writeable=False,
    )
