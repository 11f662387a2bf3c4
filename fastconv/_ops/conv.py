# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with channels: conv1d, conv2d, conv3d, and their plans."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._plan.execute import Extra, convolve, fitting, flipped, make_plan
from .._plan.plan import Plan
from .._plan.settings import current
from .._spec.arguments import as_function, as_operand, as_shape
from .._spec.conv import make_conv_spec
from .._spec.operands import check_bias, check_out, check_residual


def conv1d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
    residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
    out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """Convolve an input of shape (N, C, L) or (C, L) with a weight of shape (O, C/groups, kL).

    The one-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv1d(np.array([[1.0, 2.0, 4.0]]), np.array([[[1.0, -1.0]]]))
    array([[-1., -2.]])
    >>> conv1d([[1, 2, 4]], [[[1, -1]]], padding="full", flip=True)  # numpy.convolve
    array([[ 1,  1,  2, -4]])
    """
    extra = (padding_mode, padding_value, channels_last, flip,
             activation, alpha, beta, dtype, overflow)  # fmt: skip
    return convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups,
                    extra, residual, out, algorithm, threads)  # fmt: skip


def conv2d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
    residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
    out=None, algorithm="auto", threads=None,
):  # fmt: skip
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
    >>> conv2d(x, np.ones((1, 1, 2, 2)), alpha=0.25, residual=x[..., 1:, 1:] - 9, activation="relu")
    array([[[[0., 0.],
             [3., 5.]]]])
    >>> photo = np.full((4, 5, 3), 200, np.uint8)
    >>> mean = np.full((3, 1, 3, 3), 1 / 9, np.float32)
    >>> conv2d(photo, mean, padding=1, groups=3, padding_mode="mirror", channels_last=True,
    ...        dtype=np.uint8, overflow="saturate")[0, 0]
    array([200, 200, 200], dtype=uint8)
    """
    extra = (padding_mode, padding_value, channels_last, flip,
             activation, alpha, beta, dtype, overflow)  # fmt: skip
    return convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups,
                    extra, residual, out, algorithm, threads)  # fmt: skip


def conv3d(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
    residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
    out=None, algorithm="auto", threads=None,
):  # fmt: skip
    """Convolve an input (N, C, D, H, W) or (C, D, H, W) with a weight (O, C/groups, kD, kH, kW).

    The three-dimensional case of `conv2d`, which tells what the parameters mean.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding="same").shape
    (1, 2, 2, 2)
    """
    extra = (padding_mode, padding_value, channels_last, flip,
             activation, alpha, beta, dtype, overflow)  # fmt: skip
    return convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups,
                    extra, residual, out, algorithm, threads)  # fmt: skip


RANKS = {conv1d: 1, conv2d: 2, conv3d: 3}


def plan(
    operation, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
    *, padding_mode="constant", padding_value=0, channels_last=False, flip=False,
    residual=None, activation=None, alpha=1, beta=0, dtype=None, overflow="wrap",
    out=None, algorithm="auto", threads=None,
) -> Plan:  # fmt: skip
    """How ``operation(input, weight, ...)`` would run, and why: a value that prints.

    operation
        `conv1d`, `conv2d` or `conv3d`, or its name.
    input, weight
        arrays, or their shapes: tuples of integers, which stand for contiguous float32 arrays.

    The other parameters are those of the operation.

    >>> how = plan(conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1, threads=1)
    >>> print(str(how).splitlines()[0])
    conv2d float32  1x64x56x56 * 64x64x3x3 -> 1x64x56x56
    """
    operation = as_function("plan", operation, RANKS)
    rank, name = RANKS[operation], operation.__name__
    src, wei = _outlined(name, "input", input), _outlined(name, "weight", weight)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    extra = Extra(padding_mode, padding_value, channels_last, flip,
                  activation, alpha, beta, dtype, overflow).settled()  # fmt: skip
    spec = make_conv_spec(
        name, rank, *_shape_and_dtype(src), *_shape_and_dtype(wei), stride, padding, dilation,
        groups, **extra._asdict(), bias=bias is not None, residual=residual is not None,
    )  # fmt: skip
    if spec.flipped and isinstance(wei, np.ndarray):
        wei = flipped(wei, rank)
    check_bias(spec, bias, spec.tile_dtype)
    check_out(spec, out)
    if residual is not None:
        check_residual(spec, residual)
    if threads is None:
        threads = current().threads
    how = make_plan(spec, src, wei, residual, out, algorithm, threads)
    if how.if_small is not None and isinstance(src, np.ndarray) and isinstance(wei, np.ndarray):
        how = fitting(how, src, wei)
    return how


def _outlined(name: str, argument: str, value: Any):
    if isinstance(value, tuple) and all(type(n) is int for n in value):
        return as_shape(name, argument, value), np.dtype(np.float32)
    return as_operand(name, argument, value)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...], np.dtype]:
    return (value.shape, value.dtype) if isinstance(value, np.ndarray) else value
