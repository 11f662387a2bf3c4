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
    max_pool, min_pool, avg_pool, lp_pool
                              the largest, smallest, average, norm of windows (..1d, 2d, 3d)
    adaptive_max_pool, adaptive_avg_pool, fractional_max_pool, global_max_pool, global_min_pool,
    global_avg_pool, global_lp_pool
                              the same of windows that cover the input
    max_unpool                values back to where max_pool found them
    filter2d, filter_nd       filter an image with a kernel, as cv2.filter2D and scipy.ndimage do
    separable_filter          filter it with a 1-D kernel along each axis
    unfold, fold              windows as columns (im2col), and the sum of columns (col2im)
    unfold_view               windows as a view of the input
    pad                       add or crop elements, as numpy.pad does
    pixel_shuffle, pixel_unshuffle, channel_shuffle
                              channels as pixels, and back; channels dealt from groups
    interpolate               resize, as torch.nn.functional does
    nearest_unpool1d, nearest_unpool2d, nearest_unpool3d
                              repeat each element over its window
    bed_of_nails_unpool1d, bed_of_nails_unpool2d, bed_of_nails_unpool3d
                              put each element into the first cell of its window
    prepare                   keep weights for many inputs: a layer
    plan                      how a call would run, and why
    kernels                   named image kernels, and `kernels.separate`
    ndimage, signal           scipy.ndimage and scipy.signal over these kernels, with the same bits
    patch                     the same under SciPy's own functions
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

from importlib import import_module as _import_module

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
from ._ops.moves import channel_shuffle, pad, pixel_shuffle, pixel_unshuffle
from ._ops.operation import plan
from ._ops.patches import fold, unfold, unfold_view
from ._ops.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    min_pool1d,
    min_pool2d,
    min_pool3d,
)
from ._ops.pooling_adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    fractional_max_pool2d,
    fractional_max_pool3d,
)
from ._ops.pooling_global import (
    global_avg_pool1d,
    global_avg_pool2d,
    global_avg_pool3d,
    global_lp_pool1d,
    global_lp_pool2d,
    global_lp_pool3d,
    global_max_pool1d,
    global_max_pool2d,
    global_max_pool3d,
    global_min_pool1d,
    global_min_pool2d,
    global_min_pool3d,
)
from ._ops.prepared import PreparedConv, prepare
from ._ops.resample import interpolate
from ._ops.unpooling import (
    bed_of_nails_unpool1d,
    bed_of_nails_unpool2d,
    bed_of_nails_unpool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
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
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "bed_of_nails_unpool1d",
    "bed_of_nails_unpool2d",
    "bed_of_nails_unpool3d",
    "channel_shuffle",
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
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "get_num_threads",
    "global_avg_pool1d",
    "global_avg_pool2d",
    "global_avg_pool3d",
    "global_lp_pool1d",
    "global_lp_pool2d",
    "global_lp_pool3d",
    "global_max_pool1d",
    "global_max_pool2d",
    "global_max_pool3d",
    "global_min_pool1d",
    "global_min_pool2d",
    "global_min_pool3d",
    "interpolate",
    "kernels",
    "local_conv1d",
    "local_conv2d",
    "local_conv3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
    "nearest_unpool1d",
    "nearest_unpool2d",
    "nearest_unpool3d",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "plan",
    "pointwise_conv1d",
    "pointwise_conv2d",
    "pointwise_conv3d",
    "prepare",
    "separable_filter",
    "set_num_threads",
    "settings",
    "unfold",
    "unfold_view",
]


_LATER = ("ndimage", "patch", "signal")  # modules for SciPy, imported when they are used


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
