# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling as one checked value: values go to where their indices say."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import as_flag, padding_per_axis, positive_per_axis
from .axis import Axis
from .dtypes import is_integer, native
from .family import ArrayFamily, Result
from .pooling import CONVENTIONS, Sizes, check_real, read_input, read_word
from .spec import AXES
from .values import BYTES_MAX, as_integer, entries_of, is_sequence, show

OVERLAPS = {"last": "the last one", "max": "the largest", "sum": "their sum"}


class MaxUnpoolParameters(NamedTuple):
    """What a user says of an unpooling, beside its arrays."""

    kernel_size: Any = None
    stride: Any = None
    padding: Any = 0
    output_size: Any = None
    channels_last: Any = False
    index_convention: Any = "plane"
    overlap: Any = "last"


@dataclass(frozen=True, slots=True)
class UnpoolSpec:
    """One unpooling: shapes and parameters, always with three spatial axes."""

    name: str
    rank: int
    batched: bool
    batch: int
    channels: int
    lengths: tuple[int, int, int]  # of the input: depth, height, width
    outputs: tuple[int, int, int]
    channels_last: bool
    dtype: np.dtype  # native
    convention: str
    overlap: str  # which of several values of a place stays

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.lengths[3 - self.rank :])

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self._as_seen(self.outputs[3 - self.rank :])

    @property
    def results(self) -> tuple[Result, ...]:
        return (Result(self.output_shape, self.dtype),)

    @property
    def flops(self) -> int:
        """One for each value."""
        return prod(self.input_shape)

    @property
    def sizes(self) -> Sizes:
        """Of the output, whose places indices are."""
        return Sizes(self.batch, self.channels, *self.outputs)

    @property
    def weights(self) -> tuple[int, int, int, int, int]:
        """See CONVENTIONS."""
        return CONVENTIONS[self.convention](self.sizes)

    def _as_seen(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        shape = (*sizes, self.channels) if self.channels_last else (self.channels, *sizes)
        return (self.batch, *shape) if self.batched else shape

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    def pack_words(self) -> str:
        """What is read, in words."""
        return f"input {self.dtype}; {self.convention} indices" + (
            ", channels last" * self.channels_last
        )

    def epilogue_words(self) -> str:
        """What becomes of several values of a place, in words."""
        return f"where values overlap, {OVERLAPS[self.overlap]}"


def _read_sizes(name: str, axes: list[Axis], strides: tuple[int, ...], said: Any) -> list[int]:
    """The sizes of the output: what `output_size` says, or the least that windows need."""
    least = [(axis.n - 1) * axis.stride + axis.k - axis.before - axis.after for axis in axes]
    letters = AXES[len(axes)]
    if said.output_size is None:
        found = least
    else:
        entries = (said.output_size,) * len(axes)
        if is_sequence(said.output_size):
            entries = entries_of(name, "output_size", said.output_size)
            if len(entries) in (len(axes) + 1, len(axes) + 2):  # those of the whole array
                entries = entries[:-1] if said.channels_last is True else entries
                entries = entries[len(entries) - len(axes) :]
            if len(entries) != len(axes):
                raise ValueError(
                    f"{name}: output_size has {len(entries)} entries, but it must be None, or have "
                    f"{len(axes)}, one per axis"
                )
        found = [as_integer(name, f"output_size[{i}]", entry, 0) for i, entry in enumerate(entries)]
    for letter, size, usual, stride in zip(letters, found, least, strides, strict=True):
        if not usual - stride < size < usual + stride:
            raise ValueError(
                f"{name}: output_size is {size} on axis {letter}, but it must be from "
                f"{usual - stride + 1} to {usual + stride - 1}"
            )
        if size < 1:
            raise ValueError(
                f"{name}: the output has size {size} on axis {letter}, but it must be at least 1"
            )
    return found


def make_max_unpool_spec(
    name: str,
    rank: int,
    arrays: tuple[tuple[tuple[int, ...], np.dtype] | None, ...],
    **said: Any,
) -> UnpoolSpec:
    """The specification, from (shape, dtype) of its arrays and what the user said, the fields of
    `MaxUnpoolParameters`."""
    said = MaxUnpoolParameters(**said)
    shape, source = arrays[0]
    channels_last = as_flag(name, "channels_last", said.channels_last)
    batched, batch, channels, lengths = read_input(name, rank, shape, source, channels_last)
    check_real(name, source)
    if arrays[1] is None:
        raise TypeError(f"{name}: indices is None, but it must be an array of integers")
    index_shape, index_dtype = arrays[1]
    if not is_integer(index_dtype) or index_dtype.kind == "b":
        raise TypeError(f"{name}: indices has dtype {index_dtype}, but it must hold integers")
    if index_shape != shape:
        raise ValueError(
            f"{name}: indices has shape {index_shape}, but it must be {shape}, that of input"
        )
    kernel = positive_per_axis(name, "kernel_size", rank, said.kernel_size)
    strides = kernel
    if said.stride is not None:
        strides = positive_per_axis(name, "stride", rank, said.stride)
    plain = tuple(zip(lengths, kernel, strides, (1,) * rank, strict=True))
    if isinstance(said.padding, str):
        raise TypeError(
            f"{name}: padding is {show(said.padding)}, but it must be an integer (or one per axis)"
        )
    paddings = padding_per_axis(name, said.padding, plain)
    axes = [Axis(*axis, *sides) for axis, sides in zip(plain, paddings, strict=True)]
    outputs = _read_sizes(name, axes, strides, said)
    words = tuple(CONVENTIONS)
    ones = (1,) * (3 - rank)
    if prod(outputs) * batch * channels * 8 > BYTES_MAX:
        raise ValueError(
            f"{name}: output of size {tuple(outputs)} takes more than {BYTES_MAX} bytes, "
            "but it must not"
        )
    return UnpoolSpec(
        name=name,
        rank=rank,
        batched=batched,
        batch=batch,
        channels=channels,
        lengths=(*ones, *lengths),
        outputs=(*ones, *outputs),
        channels_last=channels_last,
        dtype=native(source),
        convention=read_word(name, "index_convention", said.index_convention, words),
        overlap=read_word(name, "overlap", said.overlap, tuple(OVERLAPS)),
    )


MAX_UNPOOL = ArrayFamily(
    spec=UnpoolSpec,
    parameters=MaxUnpoolParameters,
    often=3,
    make_spec=make_max_unpool_spec,
    inputs=("input", "indices"),
)
