# SPDX-License-Identifier: BSD-3-Clause
"""Kernels of image processing by name, and `separate`, which factors any."""

from .named import (
    emboss,
    gabor,
    gaussian,
    laplacian,
    mean,
    prewitt,
    scharr,
    sharpen,
    sobel,
    unsharp,
)
from .separation import separate

__all__ = [
    "emboss",
    "gabor",
    "gaussian",
    "laplacian",
    "mean",
    "prewitt",
    "scharr",
    "separate",
    "sharpen",
    "sobel",
    "unsharp",
]


def __dir__() -> list[str]:
    return sorted(__all__)
