# SPDX-License-Identifier: BSD-3-Clause
"""Kernels of image processing by name, as 2-D float64 arrays, and `separate`.

mean, gaussian                     averages
sobel, scharr, prewitt, laplacian  derivatives
sharpen, unsharp                   sharper images
emboss, gabor                      relief, stripes in one direction
separate                           1-D kernels whose outer products sum to a kernel of more axes

They are not flipped: `conv2d` applies them as they are. Angles are in radians, sizes in pixels.

>>> from fastconv import conv2d, kernels
>>> image = [[[0, 0, 4, 4, 4]] * 3]
>>> conv2d(image, kernels.sobel()[None, None])
array([[[16., 16.,  0.]]])
"""

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
