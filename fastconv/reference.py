# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth: any convolution in NumPy, tap by tap, in float64; `auto` never picks it."""

from __future__ import annotations

from itertools import product

import numpy as np

from .sizes import inside
from .spec import ConvSpec


def convolve(
    spec: ConvSpec,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    dtype: np.dtype | type = np.float64,
) -> np.ndarray:
    """The convolution of `spec`, summed in `dtype` (float64 or longdouble), as ``spec.dtype``."""
    total = _sum_of_taps(spec, input, weight, dtype)
    if bias is not None:
        total += np.asarray(bias, dtype).reshape(spec.groups, spec.c_out, 1, 1, 1)
    with np.errstate(over="ignore"):
        return total.reshape(spec.output_shape).astype(spec.dtype)


def magnitude(spec: ConvSpec, input: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sum |x| |w| of each output in float64: what bounds the rounding error."""
    return _sum_of_taps(spec, np.abs(input), np.abs(weight), np.float64).reshape(spec.output_shape)


def _sum_of_taps(
    spec: ConvSpec, input: np.ndarray, weight: np.ndarray, dtype: np.dtype | type
) -> np.ndarray:
    """(batch, groups, c_out, *dst); a tap adds to the outputs for which it lies in the input."""
    x = np.asarray(input, dtype).reshape(spec.batch, spec.groups, spec.c_in, *spec.src)
    w = np.asarray(weight, dtype).reshape(spec.groups, spec.c_out, spec.c_in, *spec.wei)
    w = w.transpose(3, 4, 5, 0, 1, 2)  # taps first
    y = np.zeros((spec.batch, spec.groups, spec.c_out, *spec.dst), dtype)
    for tap in product(*map(range, spec.wei)):
        read, write = zip(*(_slices(spec, axis, t) for axis, t in enumerate(tap)), strict=True)
        y[..., *write] += np.einsum("ngcdhw,goc->ngodhw", x[..., *read], w[tap])
    return y


def _slices(spec: ConvSpec, axis: int, tap: int) -> tuple[slice, slice]:
    """The inputs that a tap reads along an axis, and the outputs that they belong to."""
    stride = spec.stride[axis]
    offset = tap * spec.dilation[axis] - spec.pad[axis][0]
    first, end = inside(spec.src[axis], spec.dst[axis], stride, offset)
    if first == end:
        return slice(0), slice(0)
    read = slice(first * stride + offset, (end - 1) * stride + offset + 1, stride)
    return read, slice(first, end)
