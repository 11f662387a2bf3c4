# SPDX-License-Identifier: BSD-3-Clause
"""Operations that only move elements: what unfold, pad and the shuffles have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .axis import Axis
from .borders import Border, reach
from .family import Result
from .values import BYTES_MAX

Strides = Sequence[int]


class Move(NamedTuple):
    """One axis of what is moved, with its taps. Tap ``t`` of output ``o`` goes to
    ``t * tap + o * dst``; what it reads lies at ``position * src``, all in bytes."""

    axis: Axis
    src: int
    tap: int
    dst: int


@dataclass(frozen=True, slots=True, repr=False)
class MoveSpec:
    """One operation whose result holds elements of the input, or the constant of a border."""

    flops: ClassVar[int] = 0

    name: str
    dtype: np.dtype  # native
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    border_value: Any

    @property
    def results(self) -> tuple[Result, ...]:
        """What is returned, one or several."""
        return (Result(self.output_shape, self.dtype),)

    @property
    def operand_words(self) -> str:
        """What a plan's first line says before the arrow."""
        return "x".join(map(str, self.input_shape))

    @property
    def borders(self) -> tuple[Border, ...]:
        """Of the axes that have one."""
        return ()

    def pack_words(self) -> str:
        """What is read, in words."""
        words = list(dict.fromkeys(border.word for border in self.borders))
        if not words:
            return f"input {self.dtype}"
        value = f" {self.border_value}" if Border.CONSTANT in self.borders else ""
        return f"input {self.dtype}, border {' '.join(words)}{value}"

    def epilogue_words(self) -> str:
        """What becomes of it, in words."""
        return "none"

    def moves(self, source: Strides, target: Strides) -> list[Move]:
        """All axes, the last one the fastest in the result: of arrays with these strides."""
        raise NotImplementedError

    def reference(self, input: np.ndarray) -> np.ndarray:
        """The slow truth."""
        raise NotImplementedError

    def __repr__(self) -> str:
        shapes = f"{self.input_shape} -> {self.output_shape}"
        return f"{type(self).__name__}({self.name}, {shapes}, dtype={self.dtype})"


def check_size(name: str, dtype: np.dtype, shape: Sequence[int]) -> None:
    """Refuse a result that no address can hold; an axis of length 0 excuses no other."""
    size = prod(max(1, n) for n in shape) * dtype.itemsize
    if size > BYTES_MAX:
        raise ValueError(
            f"{name}: output of shape {tuple(shape)} takes {size} bytes, "
            f"but it must not take more than {BYTES_MAX}"
        )


def inner(count: int, src: int, dst: int) -> Move:
    """An axis of which each element is moved once."""
    return Move(Axis(count), src, 0, dst)


def taken(array: np.ndarray, number: int, axis: Axis, tap: int, value: Any) -> np.ndarray:
    """What all outputs of a tap read, along axis `number` of an array; slowly."""
    at = np.arange(axis.outputs) * axis.stride + tap * axis.dilation - axis.before
    positions = reach(axis.border, at, axis.n)
    shape, before = list(array.shape), (slice(None),) * number
    shape[number] = axis.outputs
    found = np.full(shape, value, array.dtype)
    found[(*before, positions >= 0)] = array[(*before, positions[positions >= 0])]
    return found
