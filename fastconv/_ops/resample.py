# SPDX-License-Identifier: BSD-3-Clause
"""interpolate: signals, images and volumes of another size."""

from __future__ import annotations

from .._spec.resample import INTERPOLATE
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
    clipped, as bicubic weights may overshoot. (PyTorch computes uint8 in integers; its results
    may differ by 1, and by more where bicubic weights overshoot.) Places and weights are
    computed in the precision of PyTorch, so that the nearest inputs are the same; its sums may
    differ in the last bits. Raises TypeError or ValueError, which name the argument, what it is
    and what it must be.

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
