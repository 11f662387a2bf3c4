# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth of transposed convolutions, in NumPy: each element of the input, times each tap,
is added to the output where it falls."""

from __future__ import annotations

from itertools import product

import numpy as np

from .axis import Axis
from .borders import Border, reach
from .reference import finished, wide
from .transpose import TransposeSpec


def transpose(
    spec: TransposeSpec,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    out: np.ndarray | None = None,
    *,
    dtype: np.dtype | type | None = None,
) -> np.ndarray:
    """The transposed convolution of `spec` with weights as they are (not flipped), summed in
    `dtype` (by default float64, complex128 or int64), as ``spec.dtype``; `out` is what beta
    multiplies."""
    dtype = np.dtype(dtype or wide(spec))
    with np.errstate(over="ignore", invalid="ignore"):
        total = _sum(spec, np.asarray(input), np.asarray(weight), dtype)
        return finished(spec, total, bias, residual, out, dtype)


def magnitude(spec: TransposeSpec, input: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sum |x| |w| of each output in float64, as (batch, groups, c_out, *dst)."""
    x, w = (np.abs(np.asarray(a, wide(spec))) for a in (input, weight))
    return _scattered(spec, x, w, np.dtype(np.float64))


def _sum(spec: TransposeSpec, input: np.ndarray, weight: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The sums. A real number times a complex one is two real products."""
    if dtype.kind != "c" or input.dtype.kind == weight.dtype.kind == "c":
        return _scattered(spec, input, weight, dtype)
    real = np.empty(0, dtype).real.dtype
    result = np.empty((spec.batch, spec.groups, spec.c_out, *spec.outputs), dtype)
    result.real = _scattered(spec, input.real, weight.real, real)
    if input.dtype.kind == "c":
        result.imag = _scattered(spec, input.imag, weight, real)
    else:
        result.imag = _scattered(spec, input, weight.imag, real)
    return result


def _scattered(
    spec: TransposeSpec, input: np.ndarray, weight: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """(batch, groups, c_out, *dst), added tap by tap."""
    x, w = (np.require(array, dtype, ("C", "A")) for array in (input, weight))
    if spec.channels_last:
        x = np.moveaxis(x, -1, -1 - spec.rank)
    x = x.reshape(spec.batch, spec.groups, spec.c_in, *spec.inputs)
    w = w.reshape(spec.groups, spec.c_in, spec.c_out, *spec.kernel)
    y = np.zeros((spec.batch, spec.groups, spec.c_out, *spec.outputs), dtype)
    places = np.moveaxis(y, (3, 4, 5), (0, 1, 2))
    for tap in product(*map(range, spec.kernel)):
        products = np.einsum("ngcdhw,gco->dhwngo", x, w[(..., *tap)])
        # Several elements may fall to one place: add.at adds each.
        index = [_place(axis, n, t) for axis, n, t in zip(spec.axes, spec.inputs, tap, strict=True)]
        some = np.ix_(*(np.flatnonzero(place >= 0) for place in index))
        to = np.ix_(*(place[place >= 0] for place in index))
        np.add.at(places, to, products[some])
    return y


def _place(axis: Axis, n: int, tap: int) -> np.ndarray:
    """Where `n` elements of the input fall to through a tap; -1: nowhere."""
    at = np.arange(n) * axis.stride + tap * axis.dilation - axis.before
    if axis.border is Border.ZERO:
        return np.where((at >= 0) & (at < axis.n), at, -1)
    return reach(axis.border, at, axis.n)
