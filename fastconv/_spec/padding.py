# SPDX-License-Identifier: BSD-3-Clause
"""pad: an array with more, or fewer, elements around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .arguments import Pair, as_border_value, borders_per_axis, check_dtype
from .axis import Axis
from .borders import Border
from .dtypes import native
from .family import ArrayFamily
from .moves import Move, MoveSpec, Strides, check_size, taken
from .patches import with_borders
from .values import INDEX_MAX, as_integer, entries_of, is_sequence, plain, reworded, show

WORDS = {"padding_mode": "mode", "padding_value": "value"}  # what `pad` calls these


class PadParameters(NamedTuple):
    """What a user says of `pad`, beside its arrays and how to run it."""

    padding: Any = None
    padding_mode: Any = "constant"
    padding_value: Any = 0


@dataclass(frozen=True, slots=True, repr=False)
class PadSpec(MoveSpec):
    """An array with its border."""

    axes: tuple[Axis, ...]

    @property
    def borders(self) -> tuple[Border, ...]:
        """Of the axes that read theirs."""
        return tuple(axis.border for axis in self.axes if axis.reaches_out)

    def moves(self, source: Strides, target: Strides) -> list[Move]:
        """All axes."""
        each = zip(self.axes, source, target, strict=True)
        return [Move(axis, src, 0, dst) for axis, src, dst in each]

    def reference(self, input: np.ndarray) -> np.ndarray:
        """The slow truth: axis by axis."""
        for number, axis in enumerate(self.axes):
            input = taken(input, number, axis, 0, self.border_value)
        return input


def _sides(name: str, argument: str, value: Any) -> Pair:
    """(before, after) of one axis."""
    if not is_sequence(value):
        more = " or a pair (before, after)"
        return (as_integer(name, argument, value, -INDEX_MAX, more=more),) * 2
    sides = entries_of(name, argument, value)
    if len(sides) != 2:
        raise ValueError(
            f"{name}: {argument} is {show(value)}, but it must be a pair (before, after)"
        )
    before, after = (
        as_integer(name, f"{argument}[{i}]", side, -INDEX_MAX) for i, side in enumerate(sides)
    )
    return before, after


def _of_torch(entries: Sequence[Any], rank: int) -> str:
    """What to write for the sides of the last axes in a row, the last axis first."""
    axes = len(entries) // 2
    if len(entries) % 2 or axes > rank or any(map(is_sequence, entries)):
        return ""
    pairs = [(0, 0)] * (rank - axes)
    pairs += [(plain(entries[2 * i]), plain(entries[2 * i + 1])) for i in reversed(range(axes))]
    return f"; if it is in the order of torch.nn.functional.pad, write {show(tuple(pairs))}"


def padding_of(name: str, rank: int, value: Any) -> tuple[Pair, ...]:
    """(before, after) of each axis, from what numpy.pad takes: an integer, one pair for all axes,
    or one pair for each."""
    if not is_sequence(value):
        more = f", or a pair (before, after), or {rank} of them, one per axis"
        return ((as_integer(name, "padding", value, -INDEX_MAX, more=more),) * 2,) * rank
    entries = entries_of(name, "padding", value)
    if len(entries) == 2 and not any(map(is_sequence, entries)):
        return (_sides(name, "padding", value),) * rank
    if len(entries) not in (1, rank) or not all(map(is_sequence, entries)):
        raise ValueError(
            f"{name}: padding is {show(value)}, but it must be an integer or a pair (before, "
            f"after) for all axes, or {rank} pairs, one per axis of the input"
            + _of_torch(entries, rank)
        )
    found = tuple(_sides(name, f"padding[{i}]", entry) for i, entry in enumerate(entries))
    return found if len(found) == rank else found * rank


def make_pad_spec(name: str, rank: int, inputs: tuple, **said: Any) -> PadSpec:
    """The specification of `pad`, from (shape, dtype) of its input."""
    said = PadParameters(**said)
    ((shape, dtype),) = inputs
    check_dtype(name, "input", dtype)
    rank = len(shape)
    pairs = padding_of(name, rank, said.padding)
    try:
        value = as_border_value(name, said.padding_value, dtype)
        borders = borders_per_axis(name, max(1, rank), said.padding_mode, value)[:rank]
    except (TypeError, ValueError) as error:
        raise reworded(error, WORDS) from None
    axes = [Axis(n, 1, 1, 1, *pair) for n, pair in zip(shape, pairs, strict=True)]
    for number, axis in enumerate(axes):
        if axis.outputs < 0:
            raise ValueError(
                f"{name}: padding[{number}] is {(axis.before, axis.after)}, but it must not crop "
                f"more than the input has on that axis, which is {axis.n}"
            )
    axes = with_borders(name, axes, borders, range(rank), "mode")
    sizes = tuple(axis.outputs for axis in axes)
    check_size(name, dtype, sizes)
    return PadSpec(
        name=name,
        dtype=native(dtype),
        input_shape=shape,
        output_shape=sizes,
        border_value=value,
        axes=tuple(axes),
    )


PAD = ArrayFamily(
    spec=PadSpec,
    parameters=PadParameters,
    often=2,
    make_spec=make_pad_spec,
)
