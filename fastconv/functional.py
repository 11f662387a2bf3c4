# SPDX-License-Identifier: BSD-3-Clause
"""Convolution with channels: conv1d, conv2d, conv3d, and their plans."""

from __future__ import annotations

from typing import Any

import numpy as np

from .call import Extra, convolve, flipped, make_plan
from .plan import Plan
from .settings import current
from .spec import (
    as_operand,
    as_shape,
    check_bias,
    check_out,
    check_residual,
    make_conv_spec,
)


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

    As in deep learning the kernel is not flipped: output (n, o, y, x) is
    ``bias[o] + sum input[n, c, y*s - p + i*d, x*s - p + j*d] * weight[o, c, i, j]``.
    A tap that falls on padding adds nothing, even where the weight is inf or NaN.

    input, weight
        float32 or float64 arrays of any strides and byte order, or what NumPy makes arrays of;
        the result has their common dtype.
    bias
        None or O numbers, cast to that dtype.
    stride, dilation
        positive integers, one or one an axis.
    padding
        cells around the input: an integer, one an axis, a pair (before, after) an axis (negative
        ones crop), or 'valid', 'full', 'same' = 'same_upper' (ceil(n / stride) outputs, the odd
        cell at the end), 'same_lower' (at the start), 'same_torch' (d (k - 1) cells in all).
    groups
        the channels are split into that many groups, convolved side by side.
    out
        an array that takes the result; it may overlap the operands.
    algorithm
        'auto', 'direct', 'im2col_gemm' or 'reference'; see `plan` for the choice.
    threads
        obeyed as given; None takes what `settings` and `set_num_threads` say.

    Returns an array of shape (N, O, H', W'), or (O, H', W') without a batch axis, in which
    H' = floor((H + padding - dilation (kH - 1) - 1) / stride) + 1. The same bits come out for
    any number of threads, split of the batch and algorithm (but 'reference') on one ISA. Raises
    TypeError or ValueError that name the argument, what it is and what is needed.

    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), bias=[0.5])
    array([[[[ 8.5, 12.5],
             [20.5, 24.5]]]])
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
        `conv1d`, `conv2d` or `conv3d`.
    input, weight
        arrays, or their shapes: tuples of integers, which stand for contiguous float32 arrays.

    The other parameters are those of the operation.

    >>> how = plan(conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1, threads=1)
    >>> print(str(how).splitlines()[0])
    conv2d float32  1x64x56x56 * 64x64x3x3 -> 1x64x56x56
    """
    rank = RANKS.get(operation)
    if rank is None:
        names = ", ".join(f"fastconv.{function.__name__}" for function in RANKS)
        raise ValueError(f"plan: operation is {operation!r}, one of {names} is needed")
    name = operation.__name__
    src, wei = _outlined(name, "input", input), _outlined(name, "weight", weight)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    extra = Extra(padding_mode, padding_value, channels_last, flip,
                  activation, alpha, beta, dtype, overflow)  # fmt: skip
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
    return make_plan(spec, src, wei, residual, out, algorithm, threads)


def _outlined(name: str, argument: str, value: Any):
    if isinstance(value, tuple) and all(type(n) is int for n in value):
        return as_shape(name, argument, value), np.dtype(np.float32)
    return as_operand(name, argument, value)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...], np.dtype]:
    return (value.shape, value.dtype) if isinstance(value, np.ndarray) else value
