# SPDX-License-Identifier: BSD-3-Clause
"""interpolate, nearest_unpool1d to nearest_unpool3d, bed_of_nails_unpool1d to
bed_of_nails_unpool3d."""

from __future__ import annotations

from .._spec.resample import INTERPOLATE, UNPOOL
from .operation import operation


def _interpolate(act, family, name, rank):
    """Interpolation: what it takes, handed on to `act`; the rank is that of the input."""

    def interpolate(
        input, size=None, scale_factor=None, mode="nearest", align_corners=None,
        recompute_scale_factor=None, antialias=False,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (
            size, scale_factor, mode, align_corners,
            recompute_scale_factor, antialias, channels_last,
        )  # fmt: skip
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return interpolate


@operation(_interpolate, INTERPOLATE, 0)
def interpolate():
    """Resize a signal, images or volumes, as torch.nn.functional.interpolate does.

    input
        an array (N, C, L), (N, C, H, W) or (N, C, D, H, W); with channels last (N, L, C),
        (N, H, W, C) or (N, D, H, W, C). Of any strides and byte order, and any dtype.
    size
        the sizes of the result: one integer for all axes, or one per axis.
    scale_factor
        one positive number, or one per axis: the sizes are floor(n * scale_factor). Exactly one of
        `size` and `scale_factor` must be given.
    mode
        'nearest'            the input at floor(o * step), for output o, where step is n / size
        'nearest-exact'      the input at floor((o + 0.5) * step)
        'linear'             of (N, C, L): between the two inputs beside (o + 0.5) * step - 0.5
        'bilinear'           the same along both axes of (N, C, H, W)
        'trilinear'          the same along all axes of (N, C, D, H, W)
        'bicubic'            of (N, C, H, W): four inputs on each axis, by Keys' cubic, a = -0.75
        'area'               the mean of the inputs that an output covers (adaptive average)
    align_corners
        True: the first and the last output are the first and the last input, so that
        step = (n - 1) / (size - 1), and outputs are at o * step. None or False: as above. Must be
        None for 'nearest', 'nearest-exact' and 'area'.
    recompute_scale_factor
        None or False: where `scale_factor` is given, step is 1 / scale_factor, also where sizes
        were rounded down. True: it is n / size.
    antialias
        True, for 'bilinear' and 'bicubic': where the result is smaller than the input, the kernel
        is stretched by step, and so reaches all inputs (as Pillow does; then a = -0.5).
    channels_last
        True: channels are the last axis.
    out
        None, or an array for the result, of its shape and dtype, of any strides and byte order. It
        may overlap the input.
    algorithm
        'auto', 'resample', or 'reference', which is slow.
    threads
        None, or how many threads to use.

    Returns an array of the input's dtype. 'nearest' and 'nearest-exact' copy elements of any dtype
    as they are. Otherwise sums are computed in float32, for float64, complex128 and integers of 16
    bits or more in float64. Where the result holds integers they are rounded, halves to even, and
    clipped, as bicubic weights may overshoot. (PyTorch computes uint8 in integers; its results may
    differ by 1.) Places and weights are computed in the precision of PyTorch, so that the nearest
    inputs are the same; its sums may differ in the last bits. Raises TypeError or ValueError, which
    name the argument, what it is and what it must be.

    >>> import numpy as np
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> interpolate(x, scale_factor=2)[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.],
           [3., 3., 4., 4.],
           [3., 3., 4., 4.]])
    >>> interpolate(x, size=(2, 3), mode="bilinear", align_corners=True)[0, 0]
    array([[1. , 1.5, 2. ],
           [3. , 3.5, 4. ]])
    >>> interpolate(x, size=1, mode="area").item()
    2.5
    """


def _unpool(act, family, name, rank):
    """An unpooling: what it takes, handed on to `act`."""

    def unpool(
        input, kernel_size, stride=None, padding=0, output_size=None,
        *, channels_last=False, out=None, algorithm="auto", threads=None,
    ):  # fmt: skip
        parameters = (kernel_size, stride, padding, output_size, channels_last)
        return act(family, name, rank, parameters, ((input,), out), (algorithm, threads))

    return unpool


@operation(_unpool, UNPOOL, 1)
def nearest_unpool1d():
    """Repeat each element of signals over its window: `nearest_unpool2d` for (N, C, L) or (C, L);
    see there.

    >>> import numpy as np
    >>> nearest_unpool1d(np.array([[1, 2, 3]]), 2)
    array([[1, 1, 2, 2, 3, 3]])
    """


@operation(_unpool, UNPOOL, 2)
def nearest_unpool2d():
    """Repeat each element of images over its window: "nearest neighbour" unpooling.

    Element (y, x) is written to the window of kernel_size cells that begins at
    ``(y * stride - padding, x * stride - padding)``. Where windows overlap, the last one that
    begins there counts; cells in no window are 0. If the stride is the kernel's size, it is what
    `interpolate` does with that as scale_factor.

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


@operation(_unpool, UNPOOL, 3)
def nearest_unpool3d():
    """Repeat each element of volumes over its window: `nearest_unpool2d` for (N, C, D, H, W) or
    (C, D, H, W); see there.

    >>> import numpy as np
    >>> nearest_unpool3d(np.ones((1, 2, 3, 5)), (2, 1, 2)).shape
    (1, 4, 3, 10)
    """


@operation(_unpool, UNPOOL, 1)
def bed_of_nails_unpool1d():
    """Put each element of signals into the first cell of its window: `bed_of_nails_unpool2d` for
    (N, C, L) or (C, L); see there.

    >>> import numpy as np
    >>> bed_of_nails_unpool1d(np.array([[1, 2, 3]]), 2)
    array([[1, 0, 2, 0, 3, 0]])
    """


@operation(_unpool, UNPOOL, 2)
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


@operation(_unpool, UNPOOL, 3)
def bed_of_nails_unpool3d():
    """Put each element of volumes into the first cell of its window: `bed_of_nails_unpool2d` for
    (N, C, D, H, W) or (C, D, H, W); see there.

    >>> import numpy as np
    >>> bed_of_nails_unpool3d(np.ones((1, 2, 3, 5)), 2).sum()
    np.float64(30.0)
    """
