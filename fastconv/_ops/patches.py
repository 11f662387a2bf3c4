# SPDX-License-Identifier: BSD-3-Clause
"""Windows as columns, and back: unfold, fold."""

from __future__ import annotations

from .._spec.columns import FOLD
from .._spec.patches import UNFOLD, view_windows
from .operation import operation


def _unfold(act, family, name, rank):
    """What `unfold` takes, handed on to `act`."""

    def unfold(
        input, kernel_size, dilation=1, padding=0, stride=1,
        *, padding_mode="constant", padding_value=0, channels_last=False,
        out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            kernel_size, dilation, padding, stride, padding_mode, padding_value, channels_last,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return unfold


@operation(_unfold, UNFOLD, 0)
def unfold():
    """The windows of an array as columns, which is also called im2col.

    Column ``l`` is the window of output ``l``, row ``(c, i, j)`` tap ``(i, j)`` of channel ``c``.
    With stride s, dilation d and padding p on each axis, here of two,
    ``result[n, (c, i, j), (y, x)] = input[n, c, y*s - p + i*d, x*s - p + j*d]``.
    So ``weight.reshape(O, -1) @ unfold(input, (kH, kW))`` is the convolution of `input`.

    input
        an array of shape (N, C, *spatial) or (C, *spatial), with `channels_last` (N, *spatial, C)
        or (*spatial, C): of one to three spatial axes, any dtype, strides and byte order.
    kernel_size
        one integer per spatial axis, so that their number is that of the axes: (3,) is for
        (N, C, L), (3, 3) for (N, C, H, W), (3, 3, 3) for (N, C, D, H, W). A single integer means
        two axes, as in torch.nn.functional.unfold.
    dilation, stride
        positive integers: one for all axes, or one per axis.
    padding
        numbers of elements, of which negative ones crop, pairs (before, after), or a word such as
        'same': as in `conv2d`.
    padding_mode, padding_value
        what lies around the input: 'constant', 'edge', 'wrap', 'mirror' or 'symmetric', one word or
        one per axis, as in `conv2d`; `padding_value` is what 'constant' holds.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
        It may overlap the input.
    algorithm, threads
        'auto', 'rows' (copies whole rows) or 'reference'; a number of threads, or None for that of
        `settings`.

    Returns an array of shape (N, C * k, L) or (C * k, L), with k taps and L windows, which has the
    dtype of the input, in this machine's byte order. Elements are moved, never converted. Raises
    TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> unfold(np.arange(12).reshape(1, 3, 4), 2)
    array([[ 0,  1,  2,  4,  5,  6],
           [ 1,  2,  3,  5,  6,  7],
           [ 4,  5,  6,  8,  9, 10],
           [ 5,  6,  7,  9, 10, 11]])
    >>> unfold(np.array([[1, 2, 3]], np.uint8), (3,), padding=1, padding_mode="wrap")
    array([[3, 1, 2],
           [1, 2, 3],
           [2, 3, 1]], dtype=uint8)
    """


def _fold(act, family, name, rank):
    """What `fold` takes, handed on to `act`."""

    def fold(
        input, output_size, kernel_size, dilation=1, padding=0, stride=1,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (output_size, kernel_size, dilation, padding, stride, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return fold


@operation(_fold, FOLD, 0)
def fold():
    """The sum of columns where their windows overlap, which is also called col2im.

    The adjoint of `unfold`: ``sum(unfold(x) * y) == sum(x * fold(y))``. Each element of the result
    is the sum of all elements of `input` that `unfold`, with the same arguments, would have taken
    from there; where it would have taken none, it is 0. What falls into the padding is dropped.

    input
        an array of shape (N, C * k, L) or (C * k, L), with k taps and L windows, as `unfold`
        returns it; of any dtype, strides and byte order.
    output_size
        the spatial sizes of the result, one integer per axis, so that their number is that of the
        axes: (7,) is for (N, C, L), (7, 5) for (N, C, H, W), (3, 7, 5) for (N, C, D, H, W). A
        single integer means two axes, as in torch.nn.functional.fold.
    kernel_size, dilation, stride
        positive integers: one for all axes, or one per axis.
    padding
        numbers of elements, of which negative ones crop, pairs (before, after), or a word such as
        'same': as in `unfold`.
    channels_last
        True: the result is (N, *output_size, C).
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
        It may overlap the input.
    algorithm, threads
        'auto', 'rows' (adds whole rows) or 'reference'; a number of threads, or None for that of
        `settings`.

    Returns an array of shape (N, C, *output_size), without a batch axis (C, *output_size), and of
    the dtype of the input. Elements are added in the order of their taps, whatever the number of
    threads: float16 and bfloat16 in float32, which is rounded once; integers modulo 2**bits, as
    NumPy adds them; of bool, it is whether any is True. Raises TypeError or ValueError, which name
    the argument, what it is and what it must be.

    >>> import numpy as np
    >>> columns = unfold(np.ones((1, 3, 4), int), 2)
    >>> fold(columns, (3, 4), 2)
    array([[[1, 2, 2, 1],
            [2, 4, 4, 2],
            [1, 2, 2, 1]]])
    >>> fold(np.array([[1, 2, 3], [10, 20, 30]]), (4,), (2,))
    array([[ 1, 12, 23, 30]])
    """


def unfold_view(input, kernel_size, dilation=1, stride=1, *, channels_last=False):
    """The windows of an array as a view of it: nothing is copied.

    ``view[n, c, y, x, i, j] is input[n, c, y*s + i*d, x*s + j*d]``, here with two axes, of stride s
    and dilation d. So ``view.mean((-2, -1))`` is the mean of each window. A view has no padding:
    `pad` the input before.

    input
        an array of shape (N, C, *spatial) or (C, *spatial), with `channels_last` (N, *spatial, C)
        or (*spatial, C). Any dtype, strides and byte order.
    kernel_size
        one integer per spatial axis, as in `unfold`; a single one means two axes.
    dilation, stride
        positive integers: one for all axes, or one per axis.

    Returns a read-only array of shape (N, C, *outputs, *kernel_size), or without N, of the dtype of
    the input, whose memory it shares. (Of a list, it is that of a new array.) Raises TypeError or
    ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.arange(5)[None]
    >>> unfold_view(x, (3,))
    array([[[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]]])
    >>> unfold_view(x, (2,), dilation=2, stride=2)
    array([[[0, 2],
            [2, 4]]])
    """
    return view_windows("unfold_view", input, kernel_size, dilation, stride, channels_last)
