# SPDX-License-Identifier: BSD-3-Clause
"""Filters of images and volumes: filter2d, filter_nd and separable_filter."""

from __future__ import annotations

from .._plan import views
from .._plan.execute import execute, explain
from .._spec.filter import FILTER
from .._spec.separable import SEPARABLE
from .operation import operation
from .prepared import _keep
from .prepared_filter import prepare_filter

ACTS = {execute: views.execute, explain: views.explain, _keep: prepare_filter}


def _filter(act, family, name, rank):
    """A filter: what it takes, handed on to `act`; a rank of 0 is that of the kernel."""
    act = ACTS[act]

    def filter(
        image, kernel, bias=None, stride=1, padding="same", dilation=1,
        *, padding_mode="mirror", padding_value=0, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="saturate",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, padding_mode, padding_value, flip,
            activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (image, kernel, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return filter


@operation(_filter, FILTER, 2)
def filter2d():
    """Filter an image of shape (H, W) or (H, W, ...) with a kernel of shape (kH, kW).

    `filter_nd` for kernels of two axes: see there for the parameters. All axes of the image behind
    the first two are channels, which share the kernel. Returns an array of the shape and the dtype
    of the image, unless `padding`, `stride` or `dtype` say otherwise, and raises what `filter_nd`
    does.

    >>> import numpy as np
    >>> photo = np.full((4, 5, 3), 200, np.uint8)
    >>> photo[2, 2] = 20
    >>> filter2d(photo, np.full((3, 3), 1 / 9))[..., 0]
    array([[200, 200, 200, 200, 200],
           [200, 180, 180, 180, 200],
           [200, 180, 180, 180, 200],
           [200, 160, 160, 160, 200]], dtype=uint8)
    >>> filter2d(photo, [[-1, 0, 1]], dtype=np.int16)[2, :, 0]
    array([   0, -180,    0,  180,    0], dtype=int16)
    """


@operation(_filter, FILTER, 0)
def filter_nd():
    """Filter a signal, an image or a volume with a kernel of one to three axes.

    The kernel is not flipped. With stride s, dilation d and padding p on each axis, here of two,
    ``sums[y, x, ...] = sum of image[y*s - p + i*d, x*s - p + j*d, ...] * kernel[i, j]``
    over i and j. The result is ``activation(alpha * sums + bias + beta * out + residual)``.

    image
        an array with at least as many axes as the kernel. The first ones are those of the kernel;
        all others are channels, each of which is filtered by itself, with the same kernel: (L),
        (H, W), (H, W, C), (D, H, W), and with more axes at the end. There is no batch axis.
    kernel
        an array of one to three axes. Image and kernel may have any strides and byte order, and any
        dtype of `conv2d`.
    bias
        None, one number, or one number per channel: an array of the shape of the channels' axes.
    stride, dilation
        positive integers: one for all axes, or one per axis of the kernel.
    padding
        'same' (the result has the size of the image, or ceil(n / stride)), another word, or numbers
        of elements, as in `conv2d`. An even kernel has its centre before the middle with 'same',
        and behind it with 'same_lower', as in scipy.ndimage.correlate and OpenCV.
    padding_mode
        what lies around the image, one word or one per axis: 'mirror' dcb|abcd|cba, which is the
        border of OpenCV, 'symmetric' dcba|abcd|dcba, which is that of scipy.ndimage, 'edge'
        aaa|abcd|ddd, 'wrap' bcd|abcd|abc, 'constant' vvv|abcd|vvv.
    padding_value
        the v of 'constant', as in `conv2d`; without that mode it must be 0.
    flip
        True: the kernel is reversed along every axis, as in scipy.ndimage.convolve.
    residual
        None, or an array of the shape of the result. It may be `out`, or `image`.
    activation, alpha, beta
        as in `conv2d`.
    dtype
        the dtype of the result. None is that of the image; where the image is bool, or only the
        kernel is complex, that which `conv2d` gives. Sums are computed as in `conv2d`: exactly if
        image, kernel and result hold integers, else in what NumPy promotes the three to, at least
        in float32. (A kernel of float64, as those of `kernels` are, makes sums of float64, which
        take about twice as long.)
    overflow
        where integers are stored: 'saturate', which clips, after sums of floating point are
        rounded, halves to even; or 'wrap', for sums of integers.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
        It may be the image.
    algorithm, threads
        as in `conv2d`.

    Returns an array of the image's axes. Its sizes are those of the image with padding 'same' and
    stride 1, else floor((n + padding before and after - dilation (k - 1) - 1) / stride) + 1. Raises
    TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> filter_nd(np.array([1.0, 2.0, 4.0, 8.0]), [0.5, 0.0, 0.5])
    array([2. , 2.5, 5. , 4. ])
    >>> volume = np.zeros((3, 3, 3), np.uint8)
    >>> volume[1, 1, 1] = 81
    >>> filter_nd(volume, np.full((3, 3, 3), 1 / 27), padding_mode="constant")[0]
    array([[3, 3, 3],
           [3, 3, 3],
           [3, 3, 3]], dtype=uint8)
    """


def _separable(act, family, name, rank):
    """A separable filter: what it takes, handed on to `act`."""
    act = ACTS[act]

    def separable_filter(
        image, kernels_1d, bias=None, stride=1, padding="same", dilation=1,
        *, padding_mode="mirror", padding_value=0, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="saturate",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, padding_mode, padding_value, flip,
            activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (image, kernels_1d, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return separable_filter


@operation(_separable, SEPARABLE, 0)
def separable_filter():
    """Filter an image with a 1-D kernel along each axis: one pass an axis.

    The result is that of `filter_nd` with the outer product of the kernels, but for rounding, for
    k + k multiply-adds an element in place of k * k. It is faster from about 8 taps an axis on.

    image
        as in `filter_nd`; its first axes are those of the kernels, all others are channels.
    kernels_1d
        one to three 1-D arrays, one for each of the first axes. With None, as with a kernel of a
        single 1, an axis is not filtered; stride and padding still apply. `kernels.separate` finds
        them for a kernel.
    algorithm
        'auto' or 'separable'; 'direct' or 'im2col_gemm', which is that of each pass; 'reference'.

    All other parameters are those of `filter_nd`, where each stands for the kernel as a whole.
    Sums between passes have the dtype of the sums, and are not rounded to that of the result; those
    of integers are exact modulo 2**64. Where a kernel holds inf or NaN, so may sums that the kernel
    as a whole would not reach. Raises TypeError or ValueError, which name the argument, what it is
    and what it must be.

    >>> import numpy as np
    >>> image = np.zeros((3, 5), np.uint8)
    >>> image[1, 2] = 160
    >>> separable_filter(image, [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]], padding_mode="constant")
    array([[ 0, 10, 20, 10,  0],
           [ 0, 20, 40, 20,  0],
           [ 0, 10, 20, 10,  0]], dtype=uint8)
    >>> separable_filter(image, [None, [-1, 0, 1]], dtype=np.int16)[1]
    array([   0,  160,    0, -160,    0], dtype=int16)
    """
