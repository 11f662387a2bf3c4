# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with channels, its adjoint, and without shared weights: conv1d to conv3d,
conv_transpose1d to 3d, local_conv1d to 3d."""

from __future__ import annotations

from .._spec.conv import CONVOLUTION
from .._spec.local import LOCAL
from .._spec.masked import MASKED
from .._spec.transpose import TRANSPOSED
from .operation import operation, same_of_arrays


def _convolution(act, family, name, rank):
    """A convolution of a rank: what it takes, handed on to `act`."""
    act_masked = same_of_arrays(act)

    def convolution(
        input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
        *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
        where=None, nan_policy="propagate", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, groups, padding_mode, padding_value, channels_last, flip,
            activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        how = (algorithm, threads)
        if where is None and isinstance(nan_policy, str) and nan_policy == "propagate":
            operands = (input, weight, bias, residual, out)
            return act(family, name, rank, parameters, operands, how)
        parameters += (nan_policy,)
        operands = ((input, weight, where, bias, residual), out)
        return act_masked(MASKED, name, rank, parameters, operands, how)

    return convolution


def _local(act, family, name, rank):
    """A convolution without shared weights, of a rank."""

    def convolution(
        input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
        *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, dilation, groups, padding_mode, padding_value, channels_last, flip,
            activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (input, weight, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_convolution, CONVOLUTION, 1)
def conv1d():
    """Convolve an input of shape (N, C, L) or (C, L) with a weight of shape (O, C/groups, kL).

    The one-dimensional case of `conv2d`: see there for the parameters. Returns an array of shape
    (N, O, L') or (O, L'), and raises what `conv2d` does.

    >>> import numpy as np
    >>> conv1d(np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0, -1.0]]]))
    array([[-1., -2.]])
    >>> conv1d([[1, 2, 4]], [[[1, -1]]], padding="full", flip=True)  # numpy.convolve
    array([[ 1,  1,  2, -4]])
    """


@operation(_convolution, CONVOLUTION, 2)
def conv2d():
    """Convolve an input of shape (N, C, H, W) or (C, H, W) with a weight (O, C/groups, kH, kW).

    As in deep learning, the kernel is not flipped. With stride s, dilation d and padding p,
    ``conv[n, o, y, x] = sum of input[n, c, y*s - p + i*d, x*s - p + j*d] * weight[o, c, i, j]``
    over c, i and j. The result is ``activation(alpha * conv + bias[o] + beta * out + residual)``.

    input, weight
        arrays of any strides and byte order, or what NumPy makes arrays of. Dtypes: bool, all
        integers, float16, bfloat16 (of ml_dtypes), float32, float64, complex64, complex128.
    bias
        None, or O numbers. They must be integers if input and weight are, unless `dtype` is
        floating point, and may be complex only if the result is.
    stride, dilation
        positive integers: one for all axes, or one per axis.
    padding
        elements around the input: an integer, one per axis, or a pair (before, after) per axis; a
        negative number crops. Or a word: 'valid' (none), 'full' (d (k - 1) on both sides), 'same'
        or 'same_upper' (for ceil(n / stride) outputs; an odd element goes to the end),
        'same_lower' (it goes to the start), 'same_torch' (d (k - 1) in total, as PyTorch).
    groups
        the channels are split into so many groups, each of which is convolved by itself.
    padding_mode
        what lies in the padding, one word or one per axis: 'constant' vvv|abcd|vvv,
        'edge' aaa|abcd|ddd, 'wrap' bcd|abcd|abc, 'mirror' dcb|abcd|cba,
        'symmetric' dcba|abcd|dcba. Padding may be longer than the input. Where the padding of two
        axes meets, the constant wins.
    padding_value
        the v of 'constant'; without that mode it must be 0. An integer input takes an integer
        within its range, a real one a real number, which becomes inf beyond the range of its dtype.
        With a v of 0, padding adds nothing to a sum, even where the weight is inf or NaN.
    channels_last
        True: input, residual, out and result are (N, H, W, C) or (H, W, C). The weight stays
        (O, C/groups, kH, kW).
    flip
        True: the kernel is reversed along every spatial axis, as in numpy.convolve.
    residual
        None, or an array of the shape of the result, complex if the result is. It may be `out`.
    activation
        None or 'none', 'relu', 'relu6', ('leaky_relu', slope), ('clip', low, high), 'sigmoid',
        'tanh', 'silu', 'gelu' (with the exact normal distribution), 'hardswish'. Sums of integers
        take 'relu', 'relu6' and 'clip', complex ones none.
    alpha, beta
        real numbers; integers if input and weight are, unless `dtype` is floating point. A beta
        other than 0 reads `out`.
    dtype
        the dtype of the result. None: integers give int64, those of 8 bits and bool int32 (int64
        where a sum could exceed int32); others give what NumPy promotes input and weight to. A
        floating-point or complex dtype is promoted with both, and the sums are computed in that,
        at least in float32.
    overflow
        where integers are stored: 'wrap', or 'saturate', which clips. Floating-point sums become
        integers with 'saturate' only: rounded, halves to even; NaN becomes 0. Sums of integers
        are int64 before. So sums from 2**63 on, as of large uint64 values, are negative:
        'saturate' stores 0 for them in uint64, 'wrap' their true value.
    where
        None, or an array of bool that broadcasts to the shape of the input: only elements where it
        is True count. Sums are then multiplied by sum |weight| over the sum of |weight| where
        elements count, so that those make up for the others. NaN where none counts. Integers give
        float64, unless `dtype` is given.
    nan_policy
        'propagate', or 'omit': elements that are NaN do not count. Padding counts, unless
        `padding_value` is NaN, too.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte
        order. It may overlap the other arrays.
    algorithm
        'auto', 'direct', 'im2col_gemm', 'depthwise', 'grouped', 'separable', 'fft' or 'reference':
        see `plan`. 'fft' is for large kernels: it needs SciPy, and rounds otherwise.
    threads
        how many to use, 1 to 1024. None: what `settings` or `set_num_threads` say; by default all,
        and fewer for small arrays.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, where
    ``H' = (H + before + after - dilation * (kH - 1) - 1) // stride + 1``, with `before` and `after`
    of the padding. Sums of integers are exact modulo 2**64. On one ISA, the bits do not depend on
    threads, batch size, memory layout or algorithm ('separable', 'fft' and 'reference' excepted).
    Raises TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), bias=[0.5])
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
    >>> residual = x[..., 1:, 1:] - 9
    >>> conv2d(x, np.ones((1, 1, 2, 2)), alpha=0.25, residual=residual, activation="relu")
    array([[[[0., 0.],
             [3., 5.]]]])
    >>> photo = np.full((4, 5, 3), 200, np.uint8)
    >>> mean = np.full((3, 1, 3, 3), 1 / 9, np.float32)
    >>> conv2d(photo, mean, padding=1, groups=3, padding_mode="mirror", channels_last=True,
    ...        dtype=np.uint8, overflow="saturate")[0, 0]
    array([200, 200, 200], dtype=uint8)
    >>> gap = np.where(x == 4, np.nan, x)
    >>> conv2d(gap, np.full((1, 1, 2, 2), 0.25), nan_policy="omit").round(2)
    array([[[[1.33, 2.67],
             [5.33, 6.67]]]])
    """


@operation(_convolution, CONVOLUTION, 3)
def conv3d():
    """Convolve (N, C, D, H, W) or (C, D, H, W) with a weight (O, C/groups, kD, kH, kW).

    The three-dimensional case of `conv2d`: see there for the parameters. Returns an array of shape
    (N, O, D', H', W') or (O, D', H', W'), and raises what `conv2d` does.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding="same").shape
    (1, 2, 2, 2)
    """


def _transposed(act, family, name, rank):
    """A transposed convolution of a rank: what it takes, handed on to `act`."""

    def convolution(
        input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1,
        *, output_size=None, padding_mode="constant", channels_last=False, flip=False,
        residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            stride, padding, output_padding, groups, dilation, output_size, padding_mode,
            channels_last, flip, activation, alpha, beta, dtype, overflow,
        )  # fmt: skip
        operands = (input, weight, bias, residual, out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_transposed, TRANSPOSED, 1)
def conv_transpose1d():
    """Transposed convolution of (N, C, L) or (C, L) with a weight of shape (C, O/groups, kL).

    The one-dimensional case of `conv_transpose2d`: see there for the parameters. Returns an array
    of shape (N, O, L') or (O, L'), and raises what `conv_transpose2d` does.

    >>> import numpy as np
    >>> conv_transpose1d([[1, 10, 100]], [[[1, 2, 3]]], stride=2)
    array([[  1,   2,  13,  20, 130, 200, 300]])
    """


@operation(_transposed, TRANSPOSED, 2)
def conv_transpose2d():
    """Transposed convolution of (N, C, H, W) or (C, H, W) with a weight (C, O/groups, kH, kW).

    The adjoint of `conv2d`, also called deconvolution: each element of the input, times the
    kernel, is added to the output. With stride s, dilation d and padding p, the result has at
    ``y = a*s + i*d - p, x = b*s + j*d - p`` the sum of ``input[n, c, a, b] * weight[c, o, i, j]``
    over c, and over all a, b, i and j that fall there. After the sum comes what `conv2d` does:
    ``activation(alpha * sum + bias[o] + beta * out + residual)``.

    input, weight, bias, residual, out, activation, alpha, beta, dtype, overflow, threads
        as in `conv2d`. The weight is that of the `conv2d` whose adjoint this is, as it is.
    stride, dilation, groups, channels_last, flip
        as in `conv2d`; of that convolution. So a stride of s makes the output s times as large.
    padding
        that of the convolution: it is cropped from the output. A negative number adds zeros. Or a
        word: 'valid' (none), 'full' (d (k - 1) on both sides), or 'same', 'same_upper',
        'same_lower', 'same_torch', for n * stride outputs: the padding which that word gives a
        convolution of such an input, which has n outputs.
    output_padding
        outputs more at the end of each axis, 0 to max(stride, dilation) - 1: a convolution with a
        stride makes inputs of several sizes equally large. One for all axes, or one per axis.
    output_size
        None, or the size of the output on each axis; then `output_padding` must be 0. It may be a
        whole shape, as `torch.nn.ConvTranspose2d` takes it: batch and channels are not read.
    padding_mode
        the border of the convolution, one word or one per axis, as in `conv2d`. A value that falls
        into the padding is added to the element that the border repeats at that place; with
        'constant' it is dropped.
    algorithm
        'auto' or 'phases': for each phase of the stride, a convolution of stride 1. 'direct' or
        'im2col_gemm': the same, with convolutions of this algorithm. Or 'reference'. See `plan`.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, where
    ``H' = (H - 1) * stride - before - after + dilation * (kH - 1) + 1 + output_padding``, with
    `before` and `after` of the padding. Integers are exact and bits equal as in `conv2d`. Raises
    TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> conv_transpose2d(x, np.ones((1, 1, 2, 3)), stride=2)
    array([[[1., 1., 3., 2., 2.],
            [1., 1., 3., 2., 2.],
            [3., 3., 7., 4., 4.],
            [3., 3., 7., 4., 4.]]])
    >>> conv_transpose2d(np.ones((64, 28, 28)), np.ones((64, 3, 4, 4)), stride=2, padding=1).shape
    (3, 56, 56)
    >>> conv_transpose2d(x, np.ones((1, 1, 3, 3)), stride=2, padding=1, output_size=(4, 4)).shape
    (1, 4, 4)
    """


@operation(_transposed, TRANSPOSED, 3)
def conv_transpose3d():
    """Transposed convolution of (N, C, D, H, W) or (C, D, H, W), weight (C, O/groups, kD, kH, kW).

    The three-dimensional case of `conv_transpose2d`: see there for the parameters. Returns an array
    of shape (N, O, D', H', W') or (O, D', H', W'), and raises what `conv_transpose2d` does.

    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), stride=2).shape
    (1, 4, 4, 4)
    """


@operation(_local, LOCAL, 1)
def local_conv1d():
    """Convolve (N, C, L) or (C, L) with weights (outL, O, C/groups, kL), other ones at each output.

    The one-dimensional case of `local_conv2d`: see there for the parameters. Returns an array of
    shape (N, O, outL) or (O, outL), and raises what `local_conv2d` does.

    >>> import numpy as np
    >>> weight = np.array([[[[1, 1]]], [[[1, -1]]], [[[0, 5]]]])
    >>> local_conv1d([[1, 2, 4, 8]], weight)
    array([[ 3, -2, 40]])
    """


@operation(_local, LOCAL, 2)
def local_conv2d():
    """Convolve (N, C, H, W) or (C, H, W), with weights (outH, outW, O, C/groups, kH, kW).

    A locally connected layer: a convolution whose weights are not shared, but differ from output
    position to output position. With stride s, dilation d and padding p, the sum is
    ``sum of input[n, c, y*s - p + i*d, x*s - p + j*d] * weight[y, x, o, c, i, j]``
    over c, i and j. Then comes what `conv2d` does.

    weight
        its first axes are the sizes H' and W' of the output, which are those of `conv2d`.
    bias
        None, or O numbers, or an array (O, H', W'): one for each output.
    input, residual, out, stride, padding, dilation, groups, padding_mode, padding_value,
    channels_last, flip, activation, alpha, beta, dtype, overflow, threads
        as in `conv2d`. With channels last, weight and bias stay as they are.
    algorithm
        'auto', 'local' or 'reference': see `plan`.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis. Sums of integers
    are exact modulo 2**64. On one ISA, the bits do not depend on threads, batch size or memory
    layout; they are not those of `conv2d`. Raises TypeError or ValueError, which name the argument,
    what it is and what it must be.

    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 3, 3)
    >>> weight = np.ones((2, 2, 1, 1, 2, 2))
    >>> weight[0, 1] = 10
    >>> local_conv2d(x, weight)
    array([[[  8., 120.],
            [ 20.,  24.]]])
    >>> local_conv2d(x, weight, bias=[[[1, 2], [3, 4]]], activation=("clip", 0, 25))
    array([[[ 9., 25.],
            [23., 25.]]])
    """


@operation(_local, LOCAL, 3)
def local_conv3d():
    """Convolve (N, C, D, H, W) with weights (outD, outH, outW, O, C/groups, kD, kH, kW).

    The three-dimensional case of `local_conv2d`: see there for the parameters. Returns an array of
    shape (N, O, D', H', W') or (O, D', H', W'), and raises what `local_conv2d` does.

    >>> import numpy as np
    >>> local_conv3d(np.ones((1, 2, 2, 2)), np.ones((2, 1, 1, 3, 1, 1, 2, 2))).shape
    (3, 2, 1, 1)
    """
