# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of one axis: n input elements, k taps, stride s, dilation d, padding.

Output ``o`` and tap ``t`` read the input at ``o * s + t * d - before``. The only place in Python
that knows; its twin in C is _core/axis.pxd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .borders import Border


def span(k: int, d: int) -> int:
    """Cells from the first to the last tap."""
    return d * (k - 1) + 1


def output_size(n: int, k: int, s: int, d: int, before: int, after: int) -> int:
    """Positions of the kernel; below 1 when the padded input is shorter than the kernel."""
    return (n + before + after - span(k, d)) // s + 1


class Axis(NamedTuple):
    """One of batch, depth, height, width."""

    src: int
    dst: int
    taps: int
    stride: int
    dilation: int
    pad: int  # before
    border: int  # a Border

    def valid(self, tap: int) -> tuple[int, int]:
        """First and end of the outputs that read the input, or a border that counts as such,
        through a tap."""
        if self.border != Border.ZERO:
            return 0, self.dst
        offset = tap * self.dilation - self.pad
        first = min(self.dst, max(0, -(offset // self.stride)))
        return first, max(first, min(self.dst, -((offset - self.src) // self.stride)))

    def changes(self) -> tuple[int, ...]:
        """Output positions at which the taps that are valid change."""
        return tuple(sorted({0, self.dst}.union(*map(self.valid, range(self.taps)))))

    @property
    def reaches_out(self) -> bool:
        """Whether any tap of any output lies outside the input."""
        last = (self.dst - 1) * self.stride + (self.taps - 1) * self.dilation - self.pad
        return self.dst > 0 and (self.pad > 0 or last >= self.src)

    @property
    def pads(self) -> bool:
        """Whether any tap of any output falls on padding, and adds nothing."""
        return self.border == Border.ZERO and self.reaches_out

    @property
    def reads_border(self) -> bool:
        """Whether any tap reads a border that counts as input."""
        return self.border != Border.ZERO and self.reaches_out


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _same_upper(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    """As many cells as ceil(n / s) outputs need, the odd one at the end."""
    return _halves(max(0, (-(-n // s) - 1) * s + span(k, d) - n))


# (before, after) from n, k, s, d
PADDINGS: dict[str, Callable[[int, int, int, int], tuple[int, int]]] = {
    "valid": lambda n, k, s, d: (0, 0),
    "full": lambda n, k, s, d: (d * (k - 1), d * (k - 1)),
    "same": _same_upper,
    "same_upper": _same_upper,
    "same_lower": lambda n, k, s, d: _same_upper(n, k, s, d)[::-1],
    "same_torch": lambda n, k, s, d: _halves(d * (k - 1)),
}
