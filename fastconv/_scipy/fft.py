# SPDX-License-Identifier: BSD-3-Clause
"""Fourier transforms of scipy.fft with as many workers as we have threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._plan import constants as costs
from .._plan.settings import get_num_threads

NAMES = ("rfftn", "irfftn", "fftn", "ifftn")


def with_workers(transform: Callable) -> Callable:
    """`transform`, given `workers` unless the caller, or scipy.fft.set_workers, says how many."""
    from scipy import fft

    def call(
        x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: bool = False,
        workers: int | None = None,
    ) -> Any:  # fmt: skip
        if workers is None:
            size = max(getattr(x, "size", 0), 0 if s is None else math.prod(s))
            if size >= 2 * costs.FFT_POINTS_PER_THREAD and fft.get_workers() == 1:
                workers = min(get_num_threads(), size // costs.FFT_POINTS_PER_THREAD)
        return transform(x, s, axes, norm, overwrite_x, workers)

    return call
