# SPDX-License-Identifier: BSD-3-Clause
"""Pooling: the largest, the smallest, the average and the norm of each window, 1d to 3d."""

from __future__ import annotations

from .._spec.pool import POOLS, PoolParameters
from .operation import operation


def _largest(act, family, name, rank):
    """A pooling that has indices: what it takes, handed on to `act`."""

    def pool(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
        return_indices=False,
        *, padding_mode="constant", padding_value=None, channels_last=False,
        index_convention="plane", index_dtype=None, nan_policy="propagate",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = PoolParameters(
            kernel_size, stride, padding, dilation, ceil_mode, return_indices,
            padding_mode, padding_value, channels_last, index_convention, index_dtype, nan_policy,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


def _average(act, family, name, rank):
    """An average: what it takes, handed on to `act`."""

    def pool(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
        divisor_override=None,
        *, dilation=1, padding_mode="constant", padding_value=None, channels_last=False,
        where=None, nan_policy="propagate", dtype=None, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = PoolParameters(
            kernel_size, stride, padding, dilation, ceil_mode,
            padding_mode=padding_mode, padding_value=padding_value, channels_last=channels_last,
            nan_policy=nan_policy, count_include_pad=count_include_pad,
            divisor_override=divisor_override, dtype=dtype,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input, where), out), (algorithm, threads))

    return pool


def _norm(act, family, name, rank):
    """A norm: what it takes, handed on to `act`."""

    def pool(
        input, norm_type, kernel_size, stride=None, ceil_mode=False,
        *, padding=0, dilation=1, padding_mode="constant", padding_value=None,
        channels_last=False, dtype=None, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = PoolParameters(
            kernel_size, stride, padding, dilation, ceil_mode,
            padding_mode=padding_mode, padding_value=padding_value, channels_last=channels_last,
            norm_type=norm_type, dtype=dtype,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


@operation(_largest, POOLS["max"], 1)
def max_pool1d():
    """The largest element of each window of an input of shape (N, C, L) or (C, L).

    The one-dimensional case of `max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[5., 3.]])
    """


@operation(_largest, POOLS["max"], 2)
def max_pool2d():
    """The largest element of each window of an input of shape (N, C, H, W) or (C, H, W).

    input
        an array of bool, any integers, float16, bfloat16, float32 or float64, of any strides and
        byte order.
    kernel_size, stride, dilation
        positive integers: one for all axes, or one per axis. A stride of None is kernel_size. A
        dilation is the step from one element of a window to the next.
    padding
        elements around the input: an integer, one per axis, or a pair (before, after) per axis; a
        negative number crops. Or a string, as in `conv2d`. It may be longer than a window.
    ceil_mode
        True: a last window that hangs over the padding has an output, too, if it begins in the
        input or before it.
    return_indices
        True: the result is a pair (values, indices). An index is -1 where a window has no element,
        or where `padding_value` is the largest.
    padding_mode, padding_value
        what lies in the padding: see `conv2d`. With padding_mode='constant' and padding_value=None
        padding never wins; a number is an element like any other.
    channels_last
        True: input, out and results are (N, H, W, C) or (H, W, C).
    index_convention
        what an index counts, for an element (n, c, y, x): 'plane' y*W + x, as PyTorch; 'flat'
        ((n*C + c)*H + y)*W + x and 'flat_column_major' (n*C + c)*H*W + y + x*H, as ONNX; 'nhwc'
        (y*W + x)*C + c and 'nhwc_batch' ((n*H + y)*W + x)*C + c, as TensorFlow.
    index_dtype
        np.int64, which is None, or np.int32.
    nan_policy
        'propagate': NaN is larger than any number, and the last one has the index; 'omit': it is
        left out.
    out
        None, or an array for the values, of any strides and byte order; with return_indices a pair
        of arrays (values, indices). They may overlap the input.
    algorithm, threads
        'auto', 'direct', 'separable' (one axis after the other, for large windows, without
        indices) or 'reference'; and how many threads to use: see `conv2d`.

    Of equal elements the first one has the index. Returns an array of shape (N, C, H', W'), or
    (C, H', W') without a batch axis, of the dtype of the input, where
    ``H' = (H + before + after - dilation * (k - 1) - 1) // stride + 1``; or a pair of such arrays.
    Raises TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 6.0]]])
    >>> max_pool2d(x, 2)
    array([[[4., 6.]]])
    >>> values, indices = max_pool2d(x, 2, return_indices=True)
    >>> indices
    array([[[4, 7]]])
    """


@operation(_largest, POOLS["max"], 3)
def max_pool3d():
    """The largest element of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[7.]]]])
    """


@operation(_largest, POOLS["min"], 1)
def min_pool1d():
    """The smallest element of each window of an input of shape (N, C, L) or (C, L).

    The one-dimensional case of `min_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> min_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[1., 2.]])
    """


@operation(_largest, POOLS["min"], 2)
def min_pool2d():
    """The smallest element of each window of an input of shape (N, C, H, W) or (C, H, W).

    The parameters, the result and the errors are those of `max_pool2d`; a window without elements
    gives inf, or the largest integer.

    >>> import numpy as np
    >>> min_pool2d(np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]]), 2)
    array([[[1, 0]]])
    """


@operation(_largest, POOLS["min"], 3)
def min_pool3d():
    """The smallest element of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `min_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> min_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[0.]]]])
    """


@operation(_average, POOLS["average"], 1)
def avg_pool1d():
    """The average of each window of an input of shape (N, C, L) or (C, L).

    The one-dimensional case of `avg_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> avg_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[3. , 2.5]])
    """


@operation(_average, POOLS["average"], 2)
def avg_pool2d():
    """The average of each window of an input of shape (N, C, H, W) or (C, H, W).

    input, kernel_size, stride, padding, ceil_mode, dilation, channels_last, algorithm, threads
        as in `max_pool2d`.
    count_include_pad
        True: zeros of the padding count; False: they do not, and the average of none is NaN.
        Elements of another border always count.
    divisor_override
        None, or a positive integer by which sums are divided, instead of by what counts.
    padding_mode, padding_value
        what lies in the padding: see `conv2d`. With 'constant' and None or 0 it is 0, and what
        hangs over the padding in ceil_mode does not count; another border goes on there.
    where
        None, or an array of bool (or numbers, of which 0 is False) that broadcasts to the shape of
        the input: only elements where it is True count, and copies of them in a border; zeros of
        padding do not. The average of none is NaN.
    nan_policy
        'propagate', or 'omit': only elements of the input that are not NaN count, as with `where`;
        zeros of padding do not.
    dtype
        the dtype of the result. None: that of the input, or float64 for integers. Float16,
        bfloat16 and float32 are added in float32, if the result is one of them; others in float64.
    out
        None, or an array for the result, of any strides and byte order. It may overlap the input.

    The elements of a row are added in blocks of up to 256, then the rows. Returns an array of the
    shape that `max_pool2d` gives, and raises what it does.

    >>> import numpy as np
    >>> x = np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]])
    >>> avg_pool2d(x, 2)
    array([[[2.5, 3. ]]])
    >>> avg_pool2d(x, 2, where=x > 0)
    array([[[2.5, 4. ]]])
    """


@operation(_average, POOLS["average"], 3)
def avg_pool3d():
    """The average of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `avg_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[3.5]]]])
    """


@operation(_norm, POOLS["lp"], 1)
def lp_pool1d():
    """The norm of each window of an input of shape (N, C, L) or (C, L).

    The one-dimensional case of `lp_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> lp_pool1d(np.array([[3.0, 4.0, 0.0, -2.0]]), 2, 2)
    array([[5., 2.]])
    """


@operation(_norm, POOLS["lp"], 2)
def lp_pool2d():
    """The norm of each window of an input of shape (N, C, H, W) or (C, H, W).

    It is ``(sum of abs(element) ** norm_type) ** (1 / norm_type)``, as in ONNX. (PyTorch does not
    take the absolute value, and scales windows that are cut off in ceil_mode.)

    norm_type
        a positive number; np.inf gives the largest absolute value.

    The other parameters, the result and the errors are those of `avg_pool2d`, which has four more:
    count_include_pad, divisor_override, where and nan_policy.

    >>> import numpy as np
    >>> lp_pool2d(np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]]), 1, 2)
    array([[[10., 12.]]])
    """


@operation(_norm, POOLS["lp"], 3)
def lp_pool3d():
    """The norm of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `lp_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> lp_pool3d(np.ones((1, 2, 2, 1)), 2, (2, 2, 1))
    array([[[[2.]]]])
    """
