# SPDX-License-Identifier: BSD-3-Clause
"""Elements in other places: pad, pixel_shuffle, pixel_unshuffle, channel_shuffle."""

from __future__ import annotations

from .._spec.padding import PAD
from .._spec.shuffles import DOWNSCALE, GROUPS, UPSCALE
from .operation import operation


def _pad(act, family, name, rank):
    """What `pad` takes, handed on to `act`."""

    def pad(
        input, padding, mode="constant", value=0, *, out=None, algorithm="auto", threads=None
    ):  # fmt: skip
        return act(
            family, name, rank, (padding, mode, value), ((input,), out), (algorithm, threads)
        )

    return pad


@operation(_pad, PAD, 0)
def pad():
    """An array with elements added around it, or cropped.

    input
        an array with any number of axes, of any dtype, strides and byte order.
    padding
        how many elements, as in numpy.pad: an integer; a pair (before, after) for all axes; or
        ((before, after), ...), one pair for each axis of the input. Negative numbers crop. It may
        be longer than the axis.
    mode
        what is added: 'constant' vvv|abcd|vvv, 'edge' aaa|abcd|ddd, 'wrap' bcd|abcd|abc, 'mirror'
        dcb|abcd|cba, 'symmetric' dcba|abcd|dcba; one word, or one per axis.
    value
        the v of 'constant', which the dtype of the input can hold; else it must be 0.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
        It may overlap the input.
    algorithm, threads
        'auto', 'rows' (copies whole rows) or 'reference'; a number of threads, or None for that of
        `settings`.

    Returns a new array, which has the dtype of the input, in this machine's byte order. Elements
    are moved, never converted. In a corner, the border of a later axis is that of what earlier ones
    have added, as in numpy.pad. Raises TypeError or ValueError, which name the argument, what it is
    and what it must be.

    >>> import numpy as np
    >>> pad(np.array([1, 2, 3]), (2, 1), "mirror")
    array([3, 2, 1, 2, 3, 2])
    >>> pad(np.array([[1, 2], [3, 4]], np.uint8), ((1, 0), (-1, 2)), ("wrap", "constant"), 9)
    array([[4, 9, 9],
           [2, 9, 9],
           [4, 9, 9]], dtype=uint8)
    """


def _pixel_shuffle(act, family, name, rank):
    """What `pixel_shuffle` takes, handed on to `act`."""

    def pixel_shuffle(
        input, upscale_factor,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (upscale_factor, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pixel_shuffle


@operation(_pixel_shuffle, UPSCALE, 0)
def pixel_shuffle():
    """Channels as pixels of a larger image: depth to space.

    With factors r and q of two axes,
    ``result[n, c, y*r + i, x*q + j] = input[n, (c*r + i)*q + j, y, x]``.

    input
        an array of shape (N, C * r * q, H, W) or (C * r * q, H, W), with `channels_last`
        (N, H, W, C * r * q) or (H, W, C * r * q); in the same way with one or three spatial axes.
        Any dtype, strides and byte order.
    upscale_factor
        one positive integer per spatial axis, so that their number is that of the axes. A single
        integer means two axes, as in torch.nn.functional.pixel_shuffle.
    out
        None, or an array for the result, of its shape and dtype, and of any strides and byte order.
        It may overlap the input.
    algorithm, threads
        'auto', 'rows' (copies whole rows) or 'reference'; a number of threads, or None for that of
        `settings`.

    Returns an array of shape (N, C, H * r, W * q), or (N, H * r, W * q, C), of the dtype of the
    input, in this machine's byte order. Raises TypeError or ValueError, which name the argument,
    what it is and what it must be.

    >>> import numpy as np
    >>> x = np.array([1, 2, 3, 4]).reshape(4, 1, 1) + [[0, 10]]
    >>> pixel_shuffle(x, 2)
    array([[[ 1,  2, 11, 12],
            [ 3,  4, 13, 14]]])
    >>> pixel_shuffle(x[..., 0], (4,))
    array([[1, 2, 3, 4]])
    """


def _pixel_unshuffle(act, family, name, rank):
    """What `pixel_unshuffle` takes, handed on to `act`."""

    def pixel_unshuffle(
        input, downscale_factor,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (downscale_factor, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return pixel_unshuffle


@operation(_pixel_unshuffle, DOWNSCALE, 0)
def pixel_unshuffle():
    """Pixels as channels of a smaller image: space to depth, the inverse of `pixel_shuffle`.

    With factors r and q of two axes,
    ``result[n, (c*r + i)*q + j, y, x] = input[n, c, y*r + i, x*q + j]``.

    input
        an array of shape (N, C, H, W) or (C, H, W), with `channels_last` (N, H, W, C) or (H, W, C);
        in the same way with one or three spatial axes. Any dtype, strides and byte order. H is a
        multiple of r, W of q.
    downscale_factor
        one positive integer per spatial axis, so that their number is that of the axes. A single
        integer means two axes, as in torch.nn.functional.pixel_unshuffle.
    out, algorithm, threads
        as in `pixel_shuffle`.

    Returns an array of shape (N, C * r * q, H / r, W / q), or (N, H / r, W / q, C * r * q), of the
    dtype of the input, in this machine's byte order. Raises TypeError or ValueError, which name the
    argument, what it is and what it must be.

    >>> import numpy as np
    >>> pixel_unshuffle(np.arange(8).reshape(1, 2, 4), 2).tolist()
    [[[0, 2]], [[1, 3]], [[4, 6]], [[5, 7]]]
    """


def _channel_shuffle(act, family, name, rank):
    """What `channel_shuffle` takes, handed on to `act`."""

    def channel_shuffle(
        input, groups, *, channels_last=False, out=None, algorithm="auto", threads=None
    ):  # fmt: skip
        parameters = (groups, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return channel_shuffle


@operation(_channel_shuffle, GROUPS, 0)
def channel_shuffle():
    """Channels dealt from groups: the first ones of all groups, then the second ones, and so on.

    Channel m of group g, of G groups of M channels, becomes channel ``m * G + g``; it was
    ``g * M + m``. So the next convolution with groups sees channels of each group.

    input
        an array of shape (N, C, *spatial), with `channels_last` (N, *spatial, C), with any number
        of spatial axes. Any dtype, strides and byte order.
    groups
        how many there are, a divisor of C.
    out, algorithm, threads
        as in `pixel_shuffle`.

    Returns an array of the shape and the dtype of the input, in this machine's byte order. Raises
    TypeError or ValueError, which name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> channel_shuffle(np.array([[1, 2, 3, 10, 20, 30]]), 2)
    array([[ 1, 10,  2, 20,  3, 30]])
    """
