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
        nan_policy="propagate", dtype=None, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = PoolParameters(
            kernel_size, stride, padding, dilation, ceil_mode,
            padding_mode=padding_mode, padding_value=padding_value, channels_last=channels_last,
            nan_policy=nan_policy, count_include_pad=count_include_pad,
            divisor_override=divisor_override, dtype=dtype,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

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

    >>> import numpy as np
    >>> max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[7.]]]])
    """


@operation(_largest, POOLS["min"], 1)
def min_pool1d():
    """The smallest element of each window of an input of shape (N, C, L) or (C, L).

    >>> import numpy as np
    >>> min_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[1., 2.]])
    """


@operation(_largest, POOLS["min"], 2)
def min_pool2d():
    """The smallest element of each window of an input of shape (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> min_pool2d(np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]]), 2)
    array([[[1, 0]]])
    """


@operation(_largest, POOLS["min"], 3)
def min_pool3d():
    """The smallest element of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    >>> import numpy as np
    >>> min_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[0.]]]])
    """


@operation(_average, POOLS["average"], 1)
def avg_pool1d():
    """The average of each window of an input of shape (N, C, L) or (C, L).

    >>> import numpy as np
    >>> avg_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[3. , 2.5]])
    """


@operation(_average, POOLS["average"], 2)
def avg_pool2d():
    """The average of each window of an input of shape (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> avg_pool2d(np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]]), 2)
    array([[[2.5, 3. ]]])
    """


@operation(_average, POOLS["average"], 3)
def avg_pool3d():
    """The average of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    >>> import numpy as np
    >>> avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2)
    array([[[[3.5]]]])
    """


@operation(_norm, POOLS["lp"], 1)
def lp_pool1d():
    """The norm of each window of an input of shape (N, C, L) or (C, L).

    >>> import numpy as np
    >>> lp_pool1d(np.array([[3.0, 4.0, 0.0, -2.0]]), 2, 2)
    array([[5., 2.]])
    """


@operation(_norm, POOLS["lp"], 2)
def lp_pool2d():
    """The norm of each window of an input of shape (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> lp_pool2d(np.array([[[1, 2, 5, 0], [4, 3, 1, 6]]]), 1, 2)
    array([[[10., 12.]]])
    """


@operation(_norm, POOLS["lp"], 3)
def lp_pool3d():
    """The norm of each window of an input of shape (N, C, D, H, W) or (C, D, H, W).

    >>> import numpy as np
    >>> lp_pool3d(np.ones((1, 2, 2, 1)), 2, (2, 2, 1))
    array([[[[2.]]]])
    """
