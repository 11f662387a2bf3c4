# SPDX-License-Identifier: BSD-3-Clause
"""Fast convolution of NumPy arrays on the CPU.

    conv1d, conv2d, conv3d    convolve an input with weights, as torch.nn.functional does
    conv_transpose1d, conv_transpose2d, conv_transpose3d
                              the adjoint, which makes larger arrays of smaller ones
    depthwise_conv1d, depthwise_conv2d, depthwise_conv3d
                              convolve each channel by itself
    pointwise_conv1d, pointwise_conv2d, pointwise_conv3d
                              mix channels, with a kernel of one tap
    depthwise_separable_conv1d, depthwise_separable_conv2d, depthwise_separable_conv3d
                              one after the other, in the cache
    local_conv1d, local_conv2d, local_conv3d
                              weights that differ from output to output
    filter2d, filter_nd       filter an image with a kernel, as cv2.filter2D and scipy.ndimage do
    separable_filter          filter it with a 1-D kernel along each axis
    interpolate               resize, as torch.nn.functional does
    nearest_unpool1d, nearest_unpool2d, nearest_unpool3d
                              repeat each element over its window
    bed_of_nails_unpool1d, bed_of_nails_unpool2d, bed_of_nails_unpool3d
                              put each element into the first cell of its window
    prepare                   keep weights for many inputs: a layer
    plan                      how a call would run, and why
    kernels                   named image kernels, and `kernels.separate`
    settings, set_num_threads, get_num_threads
                              threads, instruction set and algorithm

Arrays may have any strides, any dtype from bool to complex128, and channels first or last.

>>> import numpy as np, fastconv
>>> image = np.random.default_rng(0).random((3, 480, 640), np.float32)
>>> weight = np.ones((8, 3, 5, 5), np.float32)
>>> fastconv.conv2d(image, weight, padding="same").shape
(8, 480, 640)
>>> layer = fastconv.prepare(weight, stride=2, padding=2, activation="relu")
>>> layer(image).shape
(8, 240, 320)

The command ``fastconv`` filters photographs, prints plans and runs the benchmark.
"""

from . import _core, kernels  # noqa: F401 (the core first: it says what is missing)
from ._ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    local_conv1d,
    local_conv2d,
    local_conv3d,
)
from ._ops.filters import filter2d, filter_nd, separable_filter
from ._ops.layers import (
    depthwise_conv1d,
    depthwise_conv2d,
    depthwise_conv3d,
    depthwise_separable_conv1d,
    depthwise_separable_conv2d,
    depthwise_separable_conv3d,
    pointwise_conv1d,
    pointwise_conv2d,
    pointwise_conv3d,
)
from ._ops.operation import plan
from ._ops.prepared import PreparedConv, prepare
from ._ops.resample import (
    bed_of_nails_unpool1d,
    bed_of_nails_unpool2d,
    bed_of_nails_unpool3d,
    interpolate,
    nearest_unpool1d,
    nearest_unpool2d,
    nearest_unpool3d,
)
from ._plan.plan import Plan
from ._plan.settings import get_num_threads, set_num_threads, settings

__version__ = "0.1.0"

__all__ = [
    "Plan",
    "PreparedConv",
    "__version__",
    "bed_of_nails_unpool1d",
    "bed_of_nails_unpool2d",
    "bed_of_nails_unpool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "depthwise_conv3d",
    "depthwise_separable_conv1d",
    "depthwise_separable_conv2d",
    "depthwise_separable_conv3d",
    "filter2d",
    "filter_nd",
    "get_num_threads",
    "interpolate",
    "kernels",
    "local_conv1d",
    "local_conv2d",
    "local_conv3d",
    "nearest_unpool1d",
    "nearest_unpool2d",
    "nearest_unpool3d",
    "plan",
    "pointwise_conv1d",
    "pointwise_conv2d",
    "pointwise_conv3d",
    "prepare",
    "separable_filter",
    "set_num_threads",
    "settings",
]


def __dir__() -> list[str]:
    return sorted(__all__)
