# SPDX-License-Identifier: BSD-3-Clause
"""Layers of small networks: depthwise_conv1d to 3d, pointwise_conv1d to 3d."""

from __future__ import annotations

from .._spec.layers import DEPTHWISE, POINTWISE
from .operation import operation


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
        input, weight, bias=None, stride=1, groups=1,
        *, channels_last=False, residual=None, activation=None, alpha=1, beta=0, dtype=None,
        overflow="wrap", out=None, algorithm="auto", threads=None,
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
