# SPDX-License-Identifier: BSD-3-Clause
"""Fast forms of functions of SciPy, for precision='fast'.

A fast form takes the arguments of its function, and returns the job that computes the same to
rounding, or raises. Then the function itself runs, which knows what is wrong if anything is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import fast_ndimage, fast_signal
from .fast_jobs import Ordinary

FORMS: dict[str, Callable] = {
    f"{package}.{name}": getattr(forms, name)
    for package, forms, names in (
        (
            "fastconv.ndimage",
            fast_ndimage,
            "correlate convolve correlate1d convolve1d gaussian_filter gaussian_filter1d "
            "gaussian_laplace gaussian_gradient_magnitude laplace sobel prewitt uniform_filter "
            "uniform_filter1d",
        ),
        ("fastconv.signal", fast_signal, "convolve2d correlate2d convolve correlate"),
    )
    for name in names.split()
}
UNFIT = (Ordinary, TypeError, ValueError, OverflowError)  # what a form raises


def run(form: Callable, arguments: tuple, words: dict[str, Any]) -> np.ndarray | None:
    """The result of a call; None if the form is not for it, and then nothing is written."""
    try:
        return form(*arguments, **words).run()
    except UNFIT:
        return None
