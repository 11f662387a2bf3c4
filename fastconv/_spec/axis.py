# SPDX-License-Identifier: BSD-3-Clause
"""The arithmetic of one spatial axis: n input cells, k taps, stride s, dilation d, padding.

Output ``o`` and tap ``t`` read the input at ``o * s + t * d - before``.
"""

from __future__ import annotations

from collections.abc import Callable


def span(k: int, d: int) -> int:
    """Cells from the first to the last tap."""
    return d * (k - 1) + 1


def output_size(n: int, k: int, s: int, d: int, before: int, after: int) -> int:
    """Positions of the kernel; below 1 when the padded input is shorter than the kernel."""
    return (n + before + after - span(k, d)) // s + 1


def inside(n: int, m: int, s: int, offset: int) -> tuple[int, int]:
    """First and end of the outputs o < m with 0 <= o * s + offset < n; offset is t * d - before."""
    first, end = max(0, -(offset // s)), min(m, -((offset - n) // s))
    return first, max(first, end)


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
