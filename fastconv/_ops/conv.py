# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with channels: conv1d, conv2d and conv3d."""

from __future__ import annotations

from .operation import operation


def _convolution(act, name, rank):
    """A convolution of a rank: what it takes, handed on to `act`."""

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
        return act(name, rank, parameters, operands, (algorithm, threads))

    return convolution


@operation(_convolution, 1)
def conv1d():
    """Convolve an input of shape (N, C, L) or (C, L) with a weight of shape (O, C/groups, kL).

    The one-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv1d(np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0, -1.0]]]))
    array([[-1., -2.]])
    >>> conv1d([[1, 2, 4]], [[[1, -1]]], padding="full", flip=True)  # numpy.convolve
    array([[ 1,  1,  2, -4]])
    """


@operation(_convolution, 2)
def conv2d():
    """Convolve an input of shape (N, C, H, W) or (C, H, W) with a weight (O, C/groups, kH, kW).

    As in deep learning the kernel is not flipped: conv at (n, o, y, x) is
    ``sum input[n, c, y*s - p + i*d, x*s - p + j*d] * weight[o, c, i, j]``, and the result is
    ``activation(alpha * conv + bias[o] + beta * out + residual)``.

    input, weight
        arrays of any strides and byte order, or what NumPy makes arrays of: bool, integers,
        float16, bfloat16 (of ml_dtypes), float32, float64, complex64, complex128.
    bias
        None or O numbers: integers if the sums are, complex ones only if the result is.
    stride, dilation
        positive integers: one, or one per axis.
    padding
        cells around the input: an integer, one per axis, a pair (before, after) per axis (negative
        ones crop), or 'valid', 'full', 'same' = 'same_upper' (ceil(n / stride) outputs, the odd
        cell at the end), 'same_lower' (at the start), 'same_torch' (d (k - 1) cells in all).
    groups
        the channels are split into that many groups, convolved side by side.
    padding_mode
        what these cells hold, a word, or one per axis: 'constant' vvv|abcd|vvv,
        'edge' aaa|abcd|ddd, 'wrap' bcd|abcd|abc, 'mirror' dcb|abcd|cba,
        'symmetric' dcba|abcd|dcba, and so on for several lengths. In corners a constant wins.
    padding_value
        v, as the input's dtype holds it, where a mode is 'constant'. A tap on a constant of 0 adds
        nothing, even where the weight is inf or NaN.
    channels_last
        True: input, residual, out and result are (N, H, W, C) or (H, W, C); weights stay.
    flip
        True: kernels turned around on every axis, convolution as mathematics has it.
    residual
        None or an array of the shape of the result, complex if that is; it may be `out`.
    activation
        None = 'none', 'relu', 'relu6', ('leaky_relu', slope), ('clip', low, high), 'sigmoid',
        'tanh', 'silu', 'gelu' (x Phi(x)), 'hardswish'; of integers relu, relu6 and clip, of
        complex numbers none.
    alpha, beta
        real numbers, integers if the sums are; beta other than 0 reads `out`, which it needs.
    dtype
        of the result. None: int32 of bools and 8-bit integers (int64 where a sum could leave it),
        int64 of other integers, else what NumPy promotes input and weight to. One of floating
        point or complex is promoted with both; sums are in that, at least in float32.
    overflow
        of results that are integers: 'wrap', or 'saturate', without which no sums of floating
        point become integers; these are rounded, halves to even, NaN becomes 0. Warning: sums of
        integers are int64, so that to 'saturate' uint64 values from 2**63 on are negative (as
        uint64 they become 0); 'wrap' keeps them.
    out
        an array of the shape and dtype of the result that takes it, of any strides and byte
        order; it may overlap the operands.
    algorithm
        'auto', 'direct', 'im2col_gemm' or 'reference'; see `plan` for the choice.
    threads
        obeyed as given; None takes what `settings` and `set_num_threads` say.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, in which
    H' = floor((H + padding - dilation (kH - 1) - 1) / stride) + 1. Integers are exact, modulo
    2^64 until they are stored. The same bits come out for any number of threads, split of the
    batch, layout and algorithm (but 'reference') on one ISA. Raises TypeError or ValueError that
    name the argument, what it is and what is needed.

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
    """


@operation(_convolution, 3)
def conv3d():
    """Convolve (N, C, D, H, W) or (C, D, H, W) with a weight (O, C/groups, kD, kH, kW).

    The three-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding="same").shape
    (1, 2, 2, 2)
    """
