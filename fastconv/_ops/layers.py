# SPDX-License-Identifier: BSD-3-Clause
"""Layers of small networks: depthwise_conv, pointwise_conv, depthwise_separable_conv, 1d to 3d."""

from __future__ import annotations

from .._plan import pair
from .._plan.execute import execute, explain
from .._spec.layers import DEPTHWISE, POINTWISE
from .._spec.separable_conv import SEPARABLE_CONV
from .operation import operation
from .prepared import _keep
from .prepared_pair import prepare_pair

ACTS = {execute: pair.execute, explain: pair.explain, _keep: prepare_pair}


def _depthwise(act, family, name, rank):
    """A depthwise convolution of a rank: what it takes, handed on to `act`."""

    def convolution(
        input, weight, bias=None, stride=1, padding=0, dilation=1,
        *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, padding_mode, padding_value, channels_last, flip,
            activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (input, weight, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_depthwise, DEPTHWISE, 1)
def depthwise_conv1d():
    """Convolve each channel of (N, C, L) or (C, L) by itself, with a weight (C * m, 1, kL).

    The one-dimensional case of `depthwise_conv2d`: see there. Returns an array of shape
    (N, C * m, L') or (C * m, L'), and raises what `depthwise_conv2d` does.

    >>> import numpy as np
    >>> depthwise_conv1d([[1, 2, 4], [10, 20, 40]], [[[1, 1]], [[-1, 1]]])
    array([[ 3,  6],
           [10, 20]])
    """


@operation(_depthwise, DEPTHWISE, 2)
def depthwise_conv2d():
    """Convolve each channel of (N, C, H, W) or (C, H, W) by itself, with kernels of its own.

    The weight has shape (C * m, 1, kH, kW), where m kernels, the multiplier, belong to each
    channel: ``conv[n, c*m + j, y, x] = sum of input[n, c, ...] * weight[c*m + j, 0, ...]``. This is
    `conv2d` with ``groups=C``, the number of channels of the input, and has its bits. All other
    parameters, the result and the errors are those of `conv2d`. The multiplier is what the weight
    has; its first axis must be a multiple of C. A layer of `prepare` takes inputs of any such C.

    >>> import numpy as np
    >>> x = np.arange(18.0).reshape(2, 3, 3)
    >>> depthwise_conv2d(x, np.ones((2, 1, 2, 2)), bias=[0, 1])
    array([[[ 8., 12.],
            [20., 24.]],
    <BLANKLINE>
           [[45., 49.],
            [57., 61.]]])
    >>> depthwise_conv2d(x, np.ones((6, 1, 3, 3)), padding=1).shape
    (6, 3, 3)
    """


@operation(_depthwise, DEPTHWISE, 3)
def depthwise_conv3d():
    """Convolve each channel of (N, C, D, H, W) or (C, D, H, W) with (C * m, 1, kD, kH, kW).

    The three-dimensional case of `depthwise_conv2d`: see there. Returns an array of shape
    (N, C * m, D', H', W') or (C * m, D', H', W'), and raises what `depthwise_conv2d` does.

    >>> import numpy as np
    >>> depthwise_conv3d(np.ones((2, 5, 7, 3)), np.ones((2, 1, 3, 3, 3)), padding="same").shape
    (2, 5, 7, 3)
    """


def _pointwise(act, family, name, rank):
    """A pointwise convolution of a rank: what it takes, handed on to `act`."""

    def convolution(
        input, weight, bias=None, stride=1,
        *, groups=1, channels_last=False, residual=None, activation=None, alpha=1, beta=0,
        dtype=None, overflow="wrap", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, groups, channels_last, activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (input, weight, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_pointwise, POINTWISE, 1)
def pointwise_conv1d():
    """Multiply the channels at each position of (N, C, L) or (C, L) by a matrix (O, C/groups).

    The one-dimensional case of `pointwise_conv2d`: see there. Returns an array of shape (N, O, L')
    or (O, L'), and raises what `pointwise_conv2d` does.

    >>> pointwise_conv1d([[1, 2, 4], [10, 20, 40]], [[1, 1], [0, -1], [2, 0]])
    array([[ 11,  22,  44],
           [-10, -20, -40],
           [  2,   4,   8]])
    """


@operation(_pointwise, POINTWISE, 2)
def pointwise_conv2d():
    """Multiply the channels of each pixel of (N, C, H, W) or (C, H, W) by a matrix (O, C/groups).

    ``conv[n, o, y, x] = sum of input[n, c, y*s, x*s] * weight[o, c]`` over c, with stride s: this
    is `conv2d` with a kernel of one tap, and has its bits. The weight has shape (O, C/groups) or
    (O, C/groups, 1, 1). All other parameters, the result and the errors are those of `conv2d`.

    >>> import numpy as np
    >>> rgb = np.ones((4, 5, 3), np.float32)
    >>> grey = np.array([[0.25, 0.5, 0.25]], np.float32)
    >>> pointwise_conv2d(rgb, grey, channels_last=True)[0, 0]
    array([1.], dtype=float32)
    """


@operation(_pointwise, POINTWISE, 3)
def pointwise_conv3d():
    """Multiply the channels of each voxel of (N, C, D, H, W) or (C, D, H, W) by (O, C/groups).

    The three-dimensional case of `pointwise_conv2d`: see there. Returns an array of shape
    (N, O, D', H', W') or (O, D', H', W'), and raises what `pointwise_conv2d` does.

    >>> import numpy as np
    >>> pointwise_conv3d(np.ones((2, 5, 7, 3)), np.ones((4, 2)), stride=2).shape
    (4, 3, 4, 2)
    """


def _separable(act, family, name, rank):
    """A depthwise separable convolution of a rank: what it takes, handed on to `act`."""
    act = ACTS[act]

    def convolution(
        input, depthwise_weight, pointwise_weight, bias=None, stride=1, padding=0, dilation=1,
        *, depthwise_bias=None, depthwise_activation=None, padding_mode="constant",
        padding_value=0, channels_last=False, flip=False, residual=None, activation=None, alpha=1,
        beta=0, dtype=None, overflow="wrap", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, depthwise_activation, padding_mode, padding_value,
            channels_last, flip, activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (
            input, depthwise_weight, pointwise_weight, bias, depthwise_bias, residual, out,
        )  # fmt: skip
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_separable, SEPARABLE_CONV, 1)
def depthwise_separable_conv1d():
    """`depthwise_conv1d`, and then `pointwise_conv1d`, of an input (N, C, L) or (C, L).

    The one-dimensional case of `depthwise_separable_conv2d`: see there. Returns an array of shape
    (N, O, L') or (O, L'), and raises what that does.

    >>> depthwise_separable_conv1d([[1, 2, 4], [10, 20, 40]], [[[1, 1]], [[-1, 1]]], [[1, 1]])
    array([[13, 26]])
    """


@operation(_separable, SEPARABLE_CONV, 2)
def depthwise_separable_conv2d():
    """`depthwise_conv2d`, and then `pointwise_conv2d`, of an input (N, C, H, W) or (C, H, W).

    ``between = depthwise_activation(depthwise + depthwise_bias)``, and of that
    ``activation(alpha * pointwise + bias[o] + beta * out + residual)``. Both run in bands of rows,
    so that what lies between them stays in the cache and never takes the memory of an image.

    depthwise_weight
        an array of shape (C * m, 1, kH, kW), as in `depthwise_conv2d`.
    pointwise_weight
        an array of shape (O, C * m) or (O, C * m, 1, 1).
    stride, padding, dilation, padding_mode, padding_value, flip
        of the depthwise convolution, as in `conv2d`.
    depthwise_bias
        None, or C * m numbers.
    depthwise_activation
        what becomes of the depthwise sums, as `activation` in `conv2d`.
    bias, residual, activation, alpha, beta
        of the pointwise convolution, as in `conv2d`.
    dtype, overflow
        of the result, as in `conv2d`; None: what `conv2d` gives for the depthwise sums and
        pointwise_weight. So uint8 and int8, then float32, give int32 and then float64;
        dtype=np.float32 makes both float32. What lies between has the dtype of the sums: it is not
        rounded to float16 or bfloat16, and a floating-point `dtype` holds for both sums.
    algorithm
        'auto' or 'bands'; 'direct' or 'im2col_gemm', which is that of each convolution; or
        'reference'. See `plan`.
    input, channels_last, out, threads
        as in `conv2d`.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, with H' as in
    `conv2d`. It has the bits of the two calls, but for float16 and bfloat16. Raises TypeError or
    ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.ones((3, 5, 7), np.float32)
    >>> kernels, matrix = np.ones((3, 1, 3, 3), np.float32), np.ones((4, 3), np.float32)
    >>> y = depthwise_separable_conv2d(x, kernels, matrix, padding=1, depthwise_activation="relu6")
    >>> y.shape
    (4, 5, 7)
    >>> y[0, :2, :4]
    array([[12., 18., 18., 18.],
           [18., 18., 18., 18.]], dtype=float32)
    """


@operation(_separable, SEPARABLE_CONV, 3)
def depthwise_separable_conv3d():
    """`depthwise_conv3d`, and then `pointwise_conv3d`, of (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `depthwise_separable_conv2d`: see there. Returns an array of shape
    (N, O, D', H', W') or (O, D', H', W'), and raises what that does.

    >>> import numpy as np
    >>> x = np.ones((2, 5, 7, 3))
    >>> depthwise_separable_conv3d(x, np.ones((2, 1, 3, 3, 3)), np.ones((4, 2)), padding=1).shape
    (4, 5, 7, 3)
    """
