# SPDX-License-Identifier: BSD-3-Clause
"""Fourier transforms of scipy.fft with as many workers as we have threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._plan import constants as costs
from .._plan.settings import get_num_threads

NAMES = ("rfftn", "irfftn", "fftn", "ifftn")


def with_workers(transform: Callable) -> Callable:
    """`transform`, given `workers` unless the caller, or scipy.fft.set_workers, says how many."""
    from scipy import fft

    @functools.wraps(transform)
    def call(x: Any, *arguments: Any, **words: Any) -> Any:
        if "workers" not in words and fft.get_workers() == 1:
            shape = words.get("s") or (arguments[0] if arguments else None)
            size = max(np.size(x), 1 if shape is None else int(np.prod(shape)))
            workers = min(get_num_threads(), size // costs.FFT_POINTS_PER_THREAD)
            if workers > 1:
                return transform(x, *arguments, workers=workers, **words)
        return transform(x, *arguments, **words)

    return call
