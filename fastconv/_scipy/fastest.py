# SPDX-License-Identifier: BSD-3-Clause
"""method='fastest' of convolve and correlate: direct sums, one Fourier transform, or several that
overlap, whichever should take the least time.

Integers, bool and objects are always summed, and so are numbers of which any is inf or NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .._plan.layout import is_finite
from .._plan.settings import get_num_threads
from .convolve_cost import DTYPES, cheapest

METHODS = ("convolve", "correlate")  # the functions of scipy.signal that have a method
MODES = ("full", "same", "valid")
TRANSFORMS = {"fft": "fftconvolve", "overlap_add": "oaconvolve"}

ADDED = """
method : {'auto', 'direct', 'fft', 'fastest'}
    'fastest' takes direct sums, `fftconvolve` or `oaconvolve`, whichever should take the least
    time, by an estimate. Integers and numbers that are inf or NaN are summed. The other methods
    are those of SciPy.
"""


def with_fastest(function: Callable, space: dict[str, Any]) -> Callable:
    """`function`, convolve or correlate among the globals `space` of a copy of SciPy's module, with
    one method more."""
    name = function.__name__

    @functools.wraps(function)
    def call(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
        if isinstance(method, str) and method == "fastest":
            return fastest(name, space, in1, in2, mode)
        try:
            return function(in1, in2, mode, method)
        except ValueError as error:
            if "Acceptable method flags" not in str(error):
                raise
            words = "Acceptable method flags are 'auto', 'direct', 'fft', or 'fastest'."
            raise ValueError(words) from None

    call.__doc__ = ADDED
    return call


def fastest(name: str, space: dict[str, Any], in1: Any, in2: Any, mode: Any) -> Any:
    """The result by the method that should take the least time."""
    x, w = np.asarray(in1), np.asarray(in2)
    method = choose(x, w, mode)
    if method == "auto":
        return space[name](in1, in2, mode, method)
    dtype = np.result_type(x, w)
    if dtype.char in DTYPES:  # each in the precision of the result, not in its own
        x, w = _precise(x, dtype), _precise(w, dtype)
    if method in TRANSFORMS and is_finite(x) and is_finite(w):
        kernel = w
        if name == "correlate":
            kernel = np.conj(w[(slice(None, None, -1),) * w.ndim])
        with np.errstate(over="ignore", invalid="ignore"):
            result = space[TRANSFORMS[method]](x, kernel, mode)
        if is_finite(result):  # transforms may overflow where sums do not
            return result.astype(dtype, copy=False)
    return space[name](x, w, mode, "direct")


def _precise(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An array in the precision of the result, real if it is."""
    real = np.empty(0, dtype).real.dtype
    return array.astype(dtype if array.dtype.kind == "c" else real, copy=False)


def choose(x: np.ndarray, w: np.ndarray, mode: Any) -> str:
    """'direct', 'fft', 'overlap_add'; 'auto' for what SciPy has to choose, or to refuse."""
    if x.ndim != w.ndim or not (x.ndim and x.size and w.size) or mode not in MODES:
        return "auto"
    try:
        kind = np.result_type(x, w).char
    except TypeError:
        return "auto"
    if kind not in DTYPES:  # SciPy cannot sum float16 of several axes
        return "auto" if kind == "e" else "direct"
    return cheapest(x.shape, w.shape, mode, DTYPES[kind], get_num_threads())
