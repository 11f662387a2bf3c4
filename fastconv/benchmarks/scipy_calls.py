# SPDX-License-Identifier: BSD-3-Clause
"""Functions of SciPy as they are timed: their work, their results, and OpenCV's for the same.

A function is named with its module, such as "ndimage.sobel". Ours, of `fastconv.ndimage` and
`fastconv.signal`, is called in the same way, and must give the bits that SciPy gives.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Words = dict[str, Any]

ROUNDED = frozenset({"signal.oaconvolve"})  # same results, but to rounding only: by FFT


def scipy_call(
    package: str, name: str, x: np.ndarray, w: np.ndarray, words: Words
) -> Callable[[], np.ndarray]:
    """The call of a function of "scipy" or "fastconv"; a function without weights takes no `w`."""
    room, _, called = name.partition(".")
    function = getattr(importlib.import_module(f"{package}.{room}"), called)
    if not w.ndim:
        return lambda: function(x, **words)
    w = w.ravel() if "axis" in words else w
    first, second = (w, x) if called == "upfirdn" else (x, w)
    return lambda: function(first, second, **words)


def scipy_words(words: Words) -> Words:
    """Those that SciPy has, too."""
    return {name: value for name, value in words.items() if name != "precision"}


def computed(
    name: str, shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """What SciPy gives."""
    return scipy_call("scipy", name, x, w, scipy_words(words))()


def resampled_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    """That of `upfirdn`."""
    (*first, size), (*_, taps) = shapes
    return (*first, -(-((size - 1) * words["up"] + taps) // words["down"]))


def resampled_macs(shapes: tuple[Shape, ...], words: Words) -> int:
    """Each result has its share of the taps."""
    return math.prod(resampled_shape(shapes, words)) * math.ceil(shapes[1][-1] / words["up"])


def opencv_call(
    cv2: Any, name: str, x: np.ndarray, w: np.ndarray, words: Words
) -> list[Callable[[], np.ndarray]]:
    """The calls of OpenCV that compute the same but for rounding, of images only."""
    reflect = cv2.BORDER_REFLECT
    if name in ("signal.convolve2d", "ndimage.convolve"):
        kernel, border = w[::-1, ::-1].copy(), cv2.BORDER_CONSTANT if "mode" in words else reflect
        return [lambda: cv2.filter2D(x, -1, kernel, borderType=border)]
    if name == "ndimage.correlate1d":
        one = np.ones(1, w.dtype)
        rows, columns = (w.ravel(), one) if words["axis"] == 0 else (one, w.ravel())
        kernel = np.outer(rows, columns)
        return [
            lambda: cv2.filter2D(x, -1, kernel, borderType=reflect),
            lambda: cv2.sepFilter2D(x, -1, columns, rows, borderType=reflect),
        ]
    if name == "ndimage.gaussian_filter":
        size = (gaussian_taps(words["sigma"]),) * 2
        return [lambda: cv2.GaussianBlur(x, size, words["sigma"], borderType=reflect)]
    if name == "ndimage.sobel":
        depth = {"float32": cv2.CV_32F, "float64": cv2.CV_64F}[x.dtype.name]
        across, down = (0, 1) if words.get("axis", -1) == 0 else (1, 0)
        return [lambda: cv2.Sobel(x, depth, across, down, borderType=reflect)]
    size = words["size"]
    if name == "ndimage.median_filter":
        return [lambda: cv2.medianBlur(x, size)]
    box = (size, 1) if words.get("axis") == 0 else (size, size)  # rows, columns
    if name.startswith("ndimage.uniform_filter"):
        return [lambda: cv2.blur(x, box[::-1], borderType=reflect)]
    ones = np.ones(box, np.uint8)
    return [lambda: cv2.dilate(x, ones, borderType=reflect)]


def gaussian_taps(sigma: float) -> int:
    """How many `ndimage.gaussian_filter` has on an axis."""
    return 2 * int(4 * sigma + 0.5) + 1
