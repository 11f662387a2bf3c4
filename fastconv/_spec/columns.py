# SPDX-License-Identifier: BSD-3-Clause
"""fold: the sum of columns where their windows overlap, the adjoint of unfold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag, check_dtype
from .axis import Axis
from .dtypes import TOTALS, components, is_integer, native
from .family import ArrayFamily, Result
from .moves import check_size
from .patches import ABSENT, as_sizes, make_axes
from .values import entries_of, is_sequence


class FoldParameters(NamedTuple):
    """What a user says of `fold`, beside its arrays and how to run it."""

    output_size: Any = None
    kernel_size: Any = None
    dilation: Any = 1
    padding: Any = 0
    stride: Any = 1
    channels_last: Any = False


@dataclass(frozen=True, slots=True, repr=False)
class FoldSpec:
    """Columns, added where their windows lie in an array."""

    name: str
    dtype: np.dtype  # native
    batched: bool
    batch: int
    channels: int
    axes: tuple[Axis, Axis, Axis]  # depth, height, width: windows in what is returned
    rank: int
    channels_last: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the spatial axes of the result."""
        return tuple(axis.n for axis in self.axes[3 - self.rank :])

    @property
    def input_shape(self) -> tuple[int, ...]:
        columns = (
            self.channels * prod(axis.k for axis in self.axes),
            prod(axis.outputs for axis in self.axes),
        )
        return (self.batch, *columns) if self.batched else columns

    @property
    def output_shape(self) -> tuple[int, ...]:
        last, channels = self.channels_last, self.channels
        shape = (*self.sizes, channels) if last else (channels, *self.sizes)
        return (self.batch, *shape) if self.batched else shape

    @property
    def results(self) -> tuple[Result, ...]:
        """What is returned."""
        return (Result(self.output_shape, self.dtype),)

    @property
    def sums(self) -> str:
        """The character of the dtype of sums, of which integers wrap."""
        size = self.dtype.itemsize // components(self.dtype)
        if is_integer(self.dtype):
            return "q" if size == 8 else "i"
        return "d" if size == 8 else "f"

    @property
    def flops(self) -> int:
        """An addition for each element of the input."""
        return prod(self.input_shape) * components(self.dtype)

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    def pack_words(self) -> str:
        """What is read, in words."""
        return f"input {self.dtype}"

    def epilogue_words(self) -> str:
        """What becomes of the sums, in words."""
        total = TOTALS[self.sums]
        if self.dtype.kind == "b":
            return f"{total} -> bool, any"
        held = total if self.dtype.kind != "u" else np.dtype(f"u{total.itemsize}")
        wide = self.dtype.itemsize // components(self.dtype) == total.itemsize
        return "none" if wide else f"{held} -> {self.dtype}"

    def reference(self, input: np.ndarray) -> np.ndarray:
        """The slow truth: tap by tap, all windows."""
        kernel, outputs = ([getattr(axis, of) for axis in self.axes] for of in ("k", "outputs"))
        x = input.reshape(self.batch, self.channels, *kernel, *outputs)
        dtype = TOTALS[self.sums]
        if components(self.dtype) == 2:
            dtype = np.result_type(dtype, np.complex64)
        y = np.zeros((self.batch, self.channels, *(axis.n for axis in self.axes)), dtype)
        for tap in product(*map(range, kernel)):
            to = tuple(axis.reads(t) for axis, t in zip(self.axes, tap, strict=True))
            some = tuple(slice(*axis.valid(t)) for axis, t in zip(self.axes, tap, strict=True))
            part = x[(slice(None), slice(None), *tap)][(slice(None), slice(None), *some)]
            y[(slice(None), slice(None), *to)] += part.astype(dtype)
        y = y.reshape(self.batch, self.channels, *self.sizes)
        y = (np.moveaxis(y, 1, -1) if self.channels_last else y).reshape(self.output_shape)
        return y.astype(self.dtype)

    def __repr__(self) -> str:
        shapes = f"{self.input_shape} -> {self.output_shape}"
        return f"FoldSpec({self.name}, {shapes}, dtype={self.dtype})"


def make_fold_spec(name: str, rank: int, inputs: tuple, **said: Any) -> FoldSpec:
    """The specification of `fold`, from (shape, dtype) of its input."""
    said = FoldParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    sizes = as_sizes(name, "output_size", said.output_size, 0)
    rank = len(sizes)
    kernel = as_sizes(name, "kernel_size", said.kernel_size)
    if not is_sequence(said.kernel_size):
        kernel = kernel[:1] * rank
    if len(kernel) != rank:
        count = len(entries_of(name, "kernel_size", said.kernel_size))
        raise ValueError(
            f"{name}: kernel_size has {count} entr{'y' if count == 1 else 'ies'}, but it must be "
            f"an integer or have {rank}, as output_size {said.output_size!r} has"
            + "; for one spatial axis, write (output_size,)"
            * (count == 1)
        )
    last = as_flag(name, "channels_last", said.channels_last)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{name}: input has shape {shape}, but it must be (N, C * k, L) or (C * k, L), with "
            "k taps and L windows, as unfold returns it"
        )
    axes = make_axes(name, "the result", sizes, said, kernel)
    rows, columns = shape[-2:]
    taps, windows = prod(kernel), prod(axis.outputs for axis in axes)
    if rows % taps:
        raise ValueError(
            f"{name}: input has {rows} rows, but it must have a multiple of {taps}, the taps of "
            f"kernel_size {kernel}"
        )
    if columns != windows:
        outputs = " * ".join(str(axis.outputs) for axis in axes)
        product = f", which is {outputs}" * (rank > 1)
        raise ValueError(
            f"{name}: input has {columns} columns, but it must have {windows}{product}: the windows"
            f" in output_size {sizes}"
        )
    batched = len(shape) == 3
    batch, channels = shape[0] if batched else 1, rows // taps
    check_size(name, dtype, (batch, channels, *sizes))
    return FoldSpec(
        name=name,
        dtype=native(dtype),
        batched=batched,
        batch=batch,
        channels=channels,
        axes=(ABSENT,) * (3 - rank) + tuple(axes),
        rank=rank,
        channels_last=last,
    )


FOLD = ArrayFamily(
    spec=FoldSpec,
    parameters=FoldParameters,
    often=5,
    make_spec=make_fold_spec,
)
