# SPDX-License-Identifier: BSD-3-Clause
"""Pooling to a number of outputs: adaptive and fractional pools, 1d to 3d."""

from __future__ import annotations

from .._spec.uneven import ADAPTIVE, FRACTIONAL, UnevenParameters, draw_samples
from .operation import operation


def _adaptive_largest(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, output_size, return_indices=False,
        *, channels_last=False, index_convention="plane", index_dtype=None,
        nan_policy="propagate", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = UnevenParameters(
            output_size, return_indices=return_indices, channels_last=channels_last,
            index_convention=index_convention, index_dtype=index_dtype, nan_policy=nan_policy,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


def _adaptive_average(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, output_size,
        *, channels_last=False, dtype=None, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = UnevenParameters(output_size, channels_last=channels_last, dtype=dtype)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pool


def _fractional(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def pool(
        input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
        _random_samples=None,
        *, rng=None, channels_last=False, index_convention="plane", index_dtype=None,
        nan_policy="propagate", out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = UnevenParameters(
            output_size, kernel_size, output_ratio, return_indices, channels_last,
            index_convention, index_dtype, nan_policy,
        )  # fmt: skip
        if _random_samples is None:
            _random_samples = draw_samples(name, input, rank, channels_last, rng)
        operands = ((input, _random_samples), out)
        return act(family, name, rank, parameters, operands, (algorithm, threads))

    return pool


@operation(_adaptive_largest, ADAPTIVE["max"], 1)
def adaptive_max_pool1d():
    """The largest elements of `output_size` windows that cover an input (N, C, L) or (C, L).

    The one-dimensional case of `adaptive_max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> adaptive_max_pool1d(np.array([[1.0, 5.0, 2.0, 3.0, 0.0]]), 2)
    array([[5., 3.]])
    """


@operation(_adaptive_largest, ADAPTIVE["max"], 2)
def adaptive_max_pool2d():
    """The largest elements of windows that cover an input of shape (N, C, H, W) or (C, H, W).

    On an axis of n elements with s outputs, output i is the largest of elements
    ``floor(i * n / s)`` to ``ceil((i + 1) * n / s) - 1``, so windows may overlap.

    input
        an array of bool, any integers, float16, bfloat16, float32 or float64, of any strides and
        byte order.
    output_size
        how many outputs there are: an integer, or one per axis; an entry of None keeps that axis.
    return_indices, index_convention, index_dtype, nan_policy
        as in `max_pool2d`.
    channels_last
        True: input, out and results are (N, H, W, C) or (H, W, C).
    out
        None, or an array for the values; with return_indices a pair (values, indices).
    algorithm, threads
        as in `max_pool2d`.

    Returns the values, or with return_indices a pair (values, indices). Raises TypeError or
    ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> adaptive_max_pool2d(np.arange(15.0).reshape(1, 3, 5), (1, 2))
    array([[[12., 14.]]])
    """


@operation(_adaptive_largest, ADAPTIVE["max"], 3)
def adaptive_max_pool3d():
    """The largest elements of windows that cover an input (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `adaptive_max_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> adaptive_max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), (2, 1, 1))
    array([[[[3.]],
    <BLANKLINE>
            [[7.]]]])
    """


@operation(_adaptive_average, ADAPTIVE["average"], 1)
def adaptive_avg_pool1d():
    """The averages of `output_size` windows that cover an input (N, C, L) or (C, L).

    The one-dimensional case of `adaptive_avg_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> adaptive_avg_pool1d(np.array([[1.0, 5.0, 2.0, 3.0]]), 2)
    array([[3. , 2.5]])
    """


@operation(_adaptive_average, ADAPTIVE["average"], 2)
def adaptive_avg_pool2d():
    """The averages of windows that cover an input of shape (N, C, H, W) or (C, H, W).

    The windows are those of `adaptive_max_pool2d`: see there for input, output_size, channels_last,
    algorithm and threads.

    dtype
        the dtype of the result. None: that of the input, or float64 for integers.
    out
        None, or an array for the result.

    >>> import numpy as np
    >>> adaptive_avg_pool2d(np.arange(15.0).reshape(1, 3, 5), (1, 2))
    array([[[6., 8.]]])
    """


@operation(_adaptive_average, ADAPTIVE["average"], 3)
def adaptive_avg_pool3d():
    """The averages of windows that cover an input (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `adaptive_avg_pool2d`: see there for the parameters.

    >>> import numpy as np
    >>> adaptive_avg_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 1)
    array([[[[3.5]]]])
    """


@operation(_fractional, FRACTIONAL, 2)
def fractional_max_pool2d():
    """The largest elements of windows at random places, of an input (N, C, H, W) or (C, H, W).

    On an axis of n elements with s outputs and a window of k, let ``step = (n - k) / (s - 1)``.
    Output i begins at ``int((i + u) * step) - int(u * step)``, with a random u from 0 to 1 for each
    plane and axis; the last one begins at n - k.

    kernel_size
        elements of a window: one for all axes, or one per axis.
    output_size, output_ratio
        the number of outputs, or what it is of the size of the input, from 0 to 1: one for all
        axes, or one per axis. Exactly one of the two must be given.
    _random_samples
        None, or the numbers u, of shape (N, C, 2), of the width first, as PyTorch has them.
    rng
        where they come from if they are not given: what numpy.random.default_rng takes.

    The other parameters, the result and the errors are those of `adaptive_max_pool2d`.

    >>> import numpy as np
    >>> x = np.arange(25.0).reshape(1, 5, 5)
    >>> fractional_max_pool2d(x, 2, output_size=2, _random_samples=np.zeros((1, 1, 2)))
    array([[[ 6.,  9.],
            [21., 24.]]])
    """


@operation(_fractional, FRACTIONAL, 3)
def fractional_max_pool3d():
    """The largest elements of windows at random places, of (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `fractional_max_pool2d`: see there for the parameters.
    `_random_samples` has shape (N, C, 3), in the order of the axes.

    >>> import numpy as np
    >>> x = np.arange(27.0).reshape(1, 3, 3, 3)
    >>> fractional_max_pool3d(x, 2, output_size=1, rng=0)
    array([[[[26.]]]])
    """
