# SPDX-License-Identifier: BSD-3-Clause
"""What lies around an input: one mode, one drawing, one index rule each.

The numbers are those of _core/axis.pxd, whose `reach` is the same rule in C.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Border(IntEnum):
    """How an axis goes on beyond its ends; the drawings extend ``abcd``."""

    ZERO = 0  #      0 0 0 | a b c d | 0 0 0    a tap there adds nothing
    CONSTANT = 1  #  v v v | a b c d | v v v
    EDGE = 2  #      a a a | a b c d | d d d
    WRAP = 3  #      b c d | a b c d | a b c
    MIRROR = 4  #    d c b | a b c d | c b a
    SYMMETRIC = 5  # d c b a | a b c d | d c b a

    @property
    def word(self) -> str:
        """As users write it."""
        return "constant" if self is Border.ZERO else self.name.lower()


MODES = {border.word: border for border in reversed(Border)}  # constant: ZERO, until a value is set

DRAWINGS = {
    "constant": "vvv|abcd|vvv",
    "edge": "aaa|abcd|ddd",
    "wrap": "bcd|abcd|abc",
    "mirror": "dcb|abcd|cba",
    "symmetric": "dcba|abcd|dcba",
}

# Words of other libraries, and which mode they mean.
ELSEWHERE = {
    "zeros": "'constant'",
    "zero": "'constant'",
    "nearest": "'edge'",
    "replicate": "'edge'",
    "circular": "'wrap'",
    "periodic": "'wrap'",
    "symm": "'symmetric'",
    "grid-mirror": "'symmetric'",
    "grid-wrap": "'wrap'",
    "grid-constant": "'constant'",
    "reflect": f"'mirror' ({DRAWINGS['mirror']}, as in NumPy and PyTorch) or 'symmetric' "
    f"({DRAWINGS['symmetric']}, as in scipy.ndimage)",
    "reflect_101": "'mirror'",
    "fill": "'constant'",
    "border_constant": "'constant'",
    "border_replicate": "'edge'",
    "border_wrap": "'wrap'",
    "border_reflect": "'symmetric'",
    "border_reflect_101": "'mirror'",
    "border_default": "'mirror'",
}


def reach(border: Border, at: np.ndarray, n: int) -> np.ndarray:
    """The input positions that lie at `at`, of an axis of `n`; -1: the constant."""
    inside = (at >= 0) & (at < n)
    match border:
        case Border.EDGE:
            return np.clip(at, 0, n - 1)
        case Border.WRAP:
            return at % n
        case Border.MIRROR:
            period = max(1, 2 * n - 2)
            return np.minimum(at % period, -at % period)
        case Border.SYMMETRIC:
            return np.minimum(at % (2 * n), (-at - 1) % (2 * n))
    return np.where(inside, at, -1)
