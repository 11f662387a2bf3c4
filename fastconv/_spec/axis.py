# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of one axis; the only place in Python that has it. Its twin in C is
_core/axis.pxd."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .borders import Border, reach


class Axis(NamedTuple):
    """One of batch, depth, height, width.

    Output ``o`` and tap ``t`` read the input at ``o * stride + t * dilation - before``.
    """

    n: int  # elements of the input
    k: int = 1  # taps of the kernel
    stride: int = 1
    dilation: int = 1
    before: int = 0  # padding; a negative one crops
    after: int = 0
    border: Border = Border.ZERO

    @property
    def span(self) -> int:
        """Elements from the first to the last tap."""
        return self.dilation * (self.k - 1) + 1

    @property
    def padded(self) -> int:
        """Elements of the input with its padding."""
        return self.n + self.before + self.after

    @property
    def outputs(self) -> int:
        """Positions of the kernel; below 1 where it is longer than the padded input."""
        n, k, stride, dilation, before, after, _ = self
        return (n + before + after - dilation * (k - 1) - 1) // stride + 1

    def valid(self, tap: int) -> tuple[int, int]:
        """First and end of the outputs that read the input, or a border that counts as such,
        through a tap."""
        outputs = self.outputs
        if self.border != Border.ZERO:
            return 0, outputs
        offset = tap * self.dilation - self.before
        first = min(outputs, max(0, -(offset // self.stride)))
        return first, max(first, min(outputs, -((offset - self.n) // self.stride)))

    def reads(self, tap: int) -> slice:
        """The elements that the valid outputs of a tap read."""
        first, end = self.valid(tap)
        offset = tap * self.dilation - self.before
        if first == end:
            return slice(0)
        return slice(
            first * self.stride + offset, (end - 1) * self.stride + offset + 1, self.stride
        )

    def runs(self, tap: int) -> list[tuple[int, int | None, int, int]]:
        """What all outputs of a tap read, as runs of evenly spaced elements: (the first output, the
        element that it reads, or None where all read the constant, how many, the step)."""
        first, end = self._replace(border=Border.ZERO).valid(tap)
        offset = tap * self.dilation - self.before
        found = []
        for low, high in ((0, first), (end, self.outputs)):
            if low == high:
                continue
            if self.border <= Border.CONSTANT:
                found.append((low, None, high - low, 0))
                continue
            at = np.arange(low, high) * self.stride + offset
            found += _evenly_spaced(low, reach(self.border, at, self.n))
        if first < end:
            found.append((first, first * self.stride + offset, end - first, self.stride))
        return sorted(found, key=lambda run: run[0])

    def part(self, first: int, end: int) -> tuple[slice, slice | np.ndarray, tuple[int, int]]:
        """Outputs [first, end) as those of an axis of their own, with zeros beside it: which they
        are; the elements that they read, or where there is a border the positions of these (-1: the
        constant); the padding."""
        low = first * self.stride - self.before
        high = (end - 1) * self.stride - self.before + self.span
        if self.reads_border:
            return slice(first, end), reach(self.border, np.arange(low, high), self.n), (0, 0)
        start = min(max(0, low), self.n)
        stop = max(start, min(high, self.n))
        return slice(first, end), slice(start, stop), (start - low, high - stop)

    def piece(self, first: int, end: int) -> tuple[slice | np.ndarray, Axis]:
        """Outputs [first, end) by themselves: the elements that they read, or where the border
        copies others than these, the positions of all; and the axis of what they read."""
        if (first, end) == (0, self.outputs):
            return slice(None), self
        low = first * self.stride - self.before
        high = (end - 1) * self.stride - self.before + self.span
        start = min(max(0, low), self.n)
        stop = max(start, min(high, self.n))
        if self.border > Border.CONSTANT and (low < 0 or high > self.n):
            at = np.arange(low, high)
            positions = reach(self.border, at, self.n)
            alone = start + reach(self.border, at - start, max(1, stop - start))
            if start == stop or (positions != alone).any():
                return positions, Axis(high - low, *self[1:4])
        return slice(start, stop), Axis(
            stop - start, *self[1:4], start - low, high - stop, self.border
        )

    def changes(self) -> tuple[int, ...]:
        """Output positions at which the taps that are valid change."""
        return tuple(sorted({0, self.outputs}.union(*map(self.valid, range(self.k)))))

    @property
    def reaches_out(self) -> bool:
        """Whether any tap of any output lies outside the input."""
        last = (self.outputs - 1) * self.stride + self.span - 1 - self.before
        return self.outputs > 0 and (self.before > 0 or last >= self.n)

    @property
    def pads(self) -> bool:
        """Whether any tap of any output falls on padding, and adds nothing."""
        return self.border == Border.ZERO and self.reaches_out

    @property
    def reads_border(self) -> bool:
        """Whether any tap reads a border that counts as input."""
        return self.border != Border.ZERO and self.reaches_out


def _evenly_spaced(first: int, positions: np.ndarray) -> list[tuple[int, int | None, int, int]]:
    """Runs of positions, which outputs from `first` on read: see `Axis.runs`."""
    steps = np.diff(positions)
    found, start = [], 0
    for turn in (*(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(positions) - 1):
        if turn > start or turn == len(positions) - 1:
            step = int(steps[start]) if turn > start else 0
            found.append((first + start, int(positions[start]), turn + 1 - start, step))
            start = turn + 1
    return found


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _same_upper(axis: Axis) -> tuple[int, int]:
    """As many elements as ceil(n / stride) outputs need, the odd one at the end."""
    outputs = -(-axis.n // axis.stride)
    return _halves(max(0, (outputs - 1) * axis.stride + axis.span - axis.n))


# (before, after) for an axis that has none yet
PADDINGS: dict[str, Callable[[Axis], tuple[int, int]]] = {
    "valid": lambda axis: (0, 0),
    "full": lambda axis: (axis.span - 1, axis.span - 1),
    "same": _same_upper,
    "same_upper": _same_upper,
    "same_lower": lambda axis: _same_upper(axis)[::-1],
    "same_torch": lambda axis: _halves(axis.span - 1),
}
