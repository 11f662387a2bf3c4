# SPDX-License-Identifier: BSD-3-Clause
"""Unpooling: values go back to where max pooling found them, or to all or the first cells of their
windows."""

from __future__ import annotations

from .._spec.resample import WINDOW_UNPOOL
from .._spec.unpool import MAX_UNPOOL
from .operation import operation


def _max_unpool(act, family, name, rank):
    """Max unpooling: what it takes, handed on to `act`."""

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


@operation(_max_unpool, MAX_UNPOOL, 1)
def max_unpool1d():
    """Values to where their indices say, and zeros elsewhere: (N, C, L) or (C, L).

    The one-dimensional case of `max_unpool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_unpool1d(np.array([[5.0, 3.0]]), np.array([[1, 3]]), 2)
    array([[0., 5., 0., 3.]])
    """


@operation(_max_unpool, MAX_UNPOOL, 2)
def max_unpool2d():
    """Values to where their indices say, and zeros elsewhere: (N, C, H, W) or (C, H, W).

    input
        the values: an array of bool, any integers, float16, bfloat16, float32 or float64, of any
        strides and byte order.
    indices
        where they go: an array of integers, of the shape of the input, such as `max_pool2d` returns
        with return_indices. A value whose index is -1 is left out.
    kernel_size, stride, padding
        those of the pooling; padding as integers, or pairs (before, after). An axis of n values
        becomes one of ``(n - 1) * stride + kernel_size`` elements, less the padding on both sides.
    output_size
        None, or the size of the result: one number, or one per axis, each less than a stride from
        that size. It may be the shape of the array that was pooled; then batch and channels are
        not read. Give it where that array had other sizes, as with odd sizes and windows of 2.
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
        as in `max_pool2d`. Where indices point into other planes, and the memory of the result is
        not in the order in which they count, NumPy does the work, on one thread.

    Returns an array of the dtype of the input. Raises TypeError or ValueError, which name the
    argument, what it is and what it must be; of indices the first that points nowhere.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 6.0]]])
    >>> from fastconv import max_pool2d
    >>> max_unpool2d(*max_pool2d(x, 2, return_indices=True), 2)
    array([[[0., 0., 0., 0.],
            [4., 0., 0., 6.]]])
    """


@operation(_max_unpool, MAX_UNPOOL, 3)
def max_unpool3d():
    """Values to where their indices say, and zeros elsewhere: (N, C, D, H, W) or (C, D, H, W).

    The three-dimensional case of `max_unpool2d`: see there for the parameters.

    >>> import numpy as np
    >>> max_unpool3d(np.array([[[[7.0]]]]), np.array([[[[5]]]]), (1, 2, 3))
    array([[[[0., 0., 0.],
             [0., 0., 7.]]]])
    """


def _window_unpool(act, family, name, rank):
    """Unpooling without indices: what it takes, handed on to `act`."""

    def unpool(
        input, kernel_size, stride=None, padding=0, output_size=None,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (kernel_size, stride, padding, output_size, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return unpool


@operation(_window_unpool, WINDOW_UNPOOL, 1)
def nearest_unpool1d():
    """Repeat each element of signals over its window: `nearest_unpool2d` for (N, C, L) or (C, L);
    see there.

    >>> import numpy as np
    >>> nearest_unpool1d(np.array([[1, 2, 3]]), 2)
    array([[1, 1, 2, 2, 3, 3]])
    """


@operation(_window_unpool, WINDOW_UNPOOL, 2)
def nearest_unpool2d():
    """Repeat each element of images over its window: "nearest neighbour" unpooling.

    Element (y, x) is written to the window of kernel_size cells that begins at
    ``(y * stride - padding, x * stride - padding)``. Windows that overlap are written one after the
    other, so the last one counts; cells in no window are 0. If the stride is the kernel's size, it
    is what `interpolate` does with that as scale_factor.

    input
        an array (N, C, H, W) or (C, H, W); with channels last (N, H, W, C) or (H, W, C). Of any
        dtype, strides and byte order.
    kernel_size
        a positive integer, or one per axis: the size of a window.
    stride
        from window to window, likewise. None is kernel_size.
    padding
        cells that are cut off at each side: an integer of at least 0, or one per axis.
    output_size
        None, or the sizes of the result: each less than a stride from
        (n - 1) * stride + kernel_size - 2 * padding, which is the default. It may also be the whole
        shape of the result.
    channels_last, out, algorithm, threads
        as in `interpolate`.

    Returns an array of the input's dtype, which holds its elements as they are. Raises TypeError or
    ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> nearest_unpool2d(np.array([[[1, 2], [3, 4]]]), 2)[0]
    array([[1, 1, 2, 2],
           [1, 1, 2, 2],
           [3, 3, 4, 4],
           [3, 3, 4, 4]])
    """


@operation(_window_unpool, WINDOW_UNPOOL, 3)
def nearest_unpool3d():
    """Repeat each element of volumes over its window: `nearest_unpool2d` for (N, C, D, H, W) or
    (C, D, H, W); see there.

    >>> import numpy as np
    >>> nearest_unpool3d(np.ones((1, 2, 3, 5)), (2, 1, 2)).shape
    (1, 4, 3, 10)
    """


@operation(_window_unpool, WINDOW_UNPOOL, 1)
def bed_of_nails_unpool1d():
    """Put each element of signals into the first cell of its window: `bed_of_nails_unpool2d` for
    (N, C, L) or (C, L); see there.

    >>> import numpy as np
    >>> bed_of_nails_unpool1d(np.array([[1, 2, 3]]), 2)
    array([[1, 0, 2, 0, 3, 0]])
    """


@operation(_window_unpool, WINDOW_UNPOOL, 2)
def bed_of_nails_unpool2d():
    """Put each element of images into the first cell of its window, with 0 in all other cells:
    "bed of nails" unpooling.

    Element (y, x) is written to the cell ``(y * stride - padding, x * stride - padding)``, if the
    result has it. Parameters, sizes, what is returned and what is raised are those of
    `nearest_unpool2d`.

    >>> import numpy as np
    >>> bed_of_nails_unpool2d(np.array([[[1, 2], [3, 4]]]), 2)[0]
    array([[1, 0, 2, 0],
           [0, 0, 0, 0],
           [3, 0, 4, 0],
           [0, 0, 0, 0]])
    """


@operation(_window_unpool, WINDOW_UNPOOL, 3)
def bed_of_nails_unpool3d():
    """Put each element of volumes into the first cell of its window: `bed_of_nails_unpool2d` for
    (N, C, D, H, W) or (C, D, H, W); see there.

    >>> import numpy as np
    >>> bed_of_nails_unpool3d(np.ones((1, 2, 3, 5)), 2).sum()
    np.float64(30.0)
    """
