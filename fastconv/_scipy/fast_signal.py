# SPDX-License-Identifier: BSD-3-Clause
"""Fast forms of convolutions of scipy.signal: see `fast`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import fast_jobs as jobs
from .fast_jobs import Job, need

BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}
_PADDING = {  # before and after an axis, for taps and those before the centre
    "full": lambda taps, before: (taps - 1, taps - 1),
    "same": lambda taps, before: (before, taps - 1 - before),
    "valid": lambda taps, before: (0, 0),
}


def _sums(
    in1: Any, in2: Any, mode: Any, border: str, value: float, convolution: bool, early: bool = False
) -> Job:
    """The correlation, or the convolution, of two arrays; the second one is the kernel. An even one
    has its centre behind the middle in mode 'same', or before it with `early`."""
    image, kernel = jobs.as_array(in1), jobs.as_array(in2)
    need(image.ndim == kernel.ndim > 1)
    if mode == "valid" and any(map(int.__lt__, image.shape, kernel.shape)):
        need(convolution and all(map(int.__le__, image.shape, kernel.shape)))
        image, kernel = kernel, image
    need(jobs.as_image(image).size >= kernel.size)
    need(type(mode) is str and mode in _PADDING)
    pads = [_PADDING[mode](k, (k - early) // 2) for k in kernel.shape]
    if convolution:
        kernel = np.flip(kernel)
    axes, step = jobs.window(image, kernel, pads, [border] * image.ndim, value)
    sizes = zip(image.shape, kernel.shape, pads, strict=True)
    shape = tuple(n + sum(pad) - k + 1 for n, k, pad in sizes)
    need(prod(shape))
    return Job(image, None, shape, axes, (step,))


def _planes(convolution: bool):
    def form(in1, in2, mode="full", boundary="fill", fillvalue=0):
        need(type(boundary) is str and boundary in BOUNDARIES)
        need(jobs.as_array(in1).ndim == 2)
        value = jobs.as_value(fillvalue)
        border = BOUNDARIES[boundary]
        return _sums(in1, in2, mode, border, value, convolution, early=not convolution)

    return form


def _direct(convolution: bool):
    def form(in1, in2, mode="full", method="auto"):
        found = _sums(in1, in2, mode, "constant", 0, convolution)
        if method == "auto":
            from scipy.signal import choose_conv_method

            method = choose_conv_method(in1, in2, mode)
        need(type(method) is str and method == "direct")
        return found

    return form


convolve2d, correlate2d = _planes(True), _planes(False)
convolve, correlate = _direct(True), _direct(False)
