# SPDX-License-Identifier: BSD-3-Clause
"""The compiled walks, each a module of its own, and kernels with names."""

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
