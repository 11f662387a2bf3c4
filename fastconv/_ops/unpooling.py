# SPDX-License-Identifier: BSD-3-Clause
"""Max unpooling: values go back to where max pooling found them."""

from __future__ import annotations

from .._spec.unpool import UNPOOL
from .operation import operation


def _unpool(act, family, name, rank):
    """What it takes, handed on to `act`."""

    def unpool(
        input, indices, kernel_size, stride=None, padding=0, output_size=None,
        *, channels_last=False, index_convention="plane", overlap="last",
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            kernel_size, stride, padding, output_size, channels_last, index_convention, overlap,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input, indices), out), (algorithm, threads))

    return unpool


@operation(_unpool, UNPOOL, 1)
def max_unpool1d():
    """Values to where their indices say, and zeros elsewhere: (N, C, L) or (C, L).

    The one-dimensional case of `max_unpool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_unpool1d(np.array([[5.0, 3.0]]), np.array([[1, 3]]), 2)
    array([[0., 5., 0., 3.]])
    """


@operation(_unpool, UNPOOL, 2)
def max_unpool2d():
    """Values to where their indices say, and zeros elsewhere: (N, C, H, W) or (C, H, W).

    input
        the values: an array of bool, any integers, float16, bfloat16, float32 or float64, of any
        strides and byte order.
    indices
        where they go: an array of integers, of the shape of the input, such as `max_pool2d` returns
        with return_indices. A value whose index is -1 is left out.
    kernel_size, stride, padding
        those of the pooling. An axis of n values becomes one of ``(n - 1) * stride + kernel_size``
        elements, less the padding on both sides.
    output_size
        None, or the size of the result: one number, or one per axis, each less than a stride from
        that size. The sizes of all axes of the array are taken, too.
    channels_last
        True: input, indices, out and result are (N, H, W, C) or (H, W, C).
    index_convention
        what indices count: see `max_pool2d`.
    overlap
        what becomes of several values with the same index: 'last' (in the order of the input),
        'max' (NaN is larger than any number), or 'sum'.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
    algorithm, threads
        as in `max_pool2d`. Indices that point into other planes are done by one thread.

    Returns an array of the dtype of the input. Raises TypeError or ValueError, which name the
    argument, what it is and what it must be; of indices the first that points nowhere.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 6.0]]])
    >>> from fastconv import max_pool2d
    >>> max_unpool2d(*max_pool2d(x, 2, return_indices=True), 2)
    array([[[0., 0., 0., 0.],
            [4., 0., 0., 6.]]])
    """


@operation(_unpool, UNPOOL, 3)
def max_unpool3d():
    """Values to where their indices say, and zeros elsewhere: (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `max_unpool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_unpool3d(np.array([[[[7.0]]]]), np.array([[[[5]]]]), (1, 2, 3))
    array([[[[0., 0., 0.],
             [0., 0., 7.]]]])
    """
