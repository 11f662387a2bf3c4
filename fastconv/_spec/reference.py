# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth: any convolution in NumPy, with shared weights or not, tap by tap, in float64,
complex128 or int64; `auto` never picks it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np

from .borders import Border, reach
from .conv import WindowSpec
from .dtypes import TOTALS, is_bfloat16, is_integer, saturated
from .epilogue import Epilogue
from .spec import Spec


def convolve(
    spec: WindowSpec,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    out: np.ndarray | None = None,
    *,
    dtype: np.dtype | type | None = None,
) -> np.ndarray:
    """The convolution of `spec` with weights as they are (not flipped), summed in `dtype` (by
    default float64, complex128 or int64), as ``spec.dtype``; `out` is what beta multiplies."""
    dtype = np.dtype(dtype or wide(spec))
    with np.errstate(over="ignore", invalid="ignore"):
        total = sums(spec, input, weight, dtype)
        return finished(spec, total, bias, residual, out, dtype)


def finished(
    spec: Spec,
    total: np.ndarray,
    bias: np.ndarray | None,
    residual: np.ndarray | None,
    out: np.ndarray | None,
    dtype: np.dtype,
) -> np.ndarray:
    """Sums of (batch, groups, c_out, *dst), after the epilogue, as the result."""
    epilogue = as_sums_are(spec)
    total = scaled(epilogue.alpha, total)
    if bias is not None:
        bias = np.asarray(bias, dtype)
        places = spec.outputs if bias.ndim > 1 else (1, 1, 1)
        total += bias.reshape(spec.groups, spec.c_out, *places)
    total = as_seen(spec, total)
    if epilogue.beta != 0:
        total = total + scaled(epilogue.beta, np.asarray(out, dtype))
    if residual is not None:
        residual = np.asarray(residual)
        if not spec.arithmetic.integer:  # first what sums are
            residual = residual.astype(spec.sum_dtype)
        total = total + np.asarray(residual, dtype)
    return converted(spec, activate(epilogue, total))


def wide(spec: Spec) -> np.dtype:
    """The dtype that holds any sum."""
    if spec.arithmetic.integer:
        return np.dtype(np.int64)
    return np.dtype(np.complex128 if spec.dtype.kind == "c" else np.float64)


def magnitude(spec: WindowSpec, input: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """sum |x| |w| of each output in float64: what bounds the rounding error."""
    spec = replace(spec, border_value=abs(spec.border_value))
    x, w = (np.abs(np.asarray(a, wide(spec))) for a in (input, weight))
    size = _sum_of_taps(spec, x, w, np.dtype(np.float64))
    return as_seen(spec, size)


def as_seen(spec: Spec, total: np.ndarray) -> np.ndarray:
    """(batch, groups, c_out, *dst) in the shape of the output."""
    total = total.reshape(spec.batch, spec.groups * spec.c_out, *spec.outputs)
    if spec.channels_last:
        total = np.moveaxis(total, 1, -1)
    return total.reshape(spec.output_shape)


def as_sums_are(spec: Spec) -> Epilogue:
    """The epilogue with its numbers rounded to the dtype of the sums; integers are exact."""
    epilogue = spec.epilogue
    if spec.arithmetic.integer:
        return epilogue
    numbers = np.array([epilogue.alpha, epilogue.beta, *epilogue.parameters], np.float64)
    alpha, beta, *given = numbers.astype(TOTALS[spec.arithmetic.total]).tolist()
    return epilogue._replace(alpha=alpha, beta=beta, parameters=tuple(given))


def activate(epilogue: Epilogue, x: np.ndarray) -> np.ndarray:
    """The activation, from its formula."""
    given = epilogue.parameters
    match epilogue.activation:
        case None:
            return x
        case "relu":
            return np.maximum(x, 0)
        case "relu6":
            return np.clip(x, 0, 6)
        case "leaky_relu":
            return np.where(x < 0, x * given[0], x)
        case "clip":
            return np.clip(x, *given)
        case "tanh":
            return np.tanh(x)
        case "hardswish":
            return x * np.clip(x + 3, 0, 6) / 6
        case "gelu":
            # x Phi(x); erfc keeps the digits of a small Phi, which 1 + erf would lose.
            erfc = np.frompyfunc(math.erfc, 1, 1)(x * -math.sqrt(0.5))
            return x * 0.5 * np.asarray(erfc, x.dtype)
        case "sigmoid" | "silu" as word:
            value = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
            return x * value if word == "silu" else value
        case word:
            raise AssertionError(f"no formula for {word}")


def to_odd(total: np.ndarray) -> np.ndarray:
    """float64 as float32, cut off, and odd where something was cut: to round that to bfloat16,
    which NumPy reaches through float32, is to round once."""
    near = total.astype(np.float32)
    inexact = np.isfinite(near) & (near != total)
    cut = np.where(np.abs(near) > np.abs(total), np.nextafter(near, np.float32(0)), near)
    odd = (cut.view(np.int32) | inexact).view(np.float32)
    return np.where(inexact, odd, near)


def converted(spec: Spec, total: np.ndarray) -> np.ndarray:
    """Sums as ``spec.dtype``: rounded, wrapped or saturated."""
    if not is_integer(spec.dtype):
        return (to_odd(total) if is_bfloat16(spec.dtype) else total).astype(spec.dtype)
    if not spec.arithmetic.integer:
        return saturated(total, spec.dtype)
    if spec.epilogue.saturate:
        limits = np.iinfo(spec.dtype)
        total = np.clip(total, limits.min, min(limits.max, np.iinfo(np.int64).max))
    return total.astype(spec.dtype)


def scaled(factor: float | np.ndarray, array: np.ndarray) -> np.ndarray:
    """An array times real numbers, which have no imaginary part: not even one of 0."""
    if array.dtype.kind != "c":
        return factor * array
    result = np.empty_like(array)
    result.real, result.imag = factor * array.real, factor * array.imag
    return result


def sums(spec: WindowSpec, input: np.ndarray, weight: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The sums. Complex numbers and real ones, which have no imaginary part, have two: of the real
    and of the imaginary parts. If both are real and `dtype` is complex, the weights become so."""
    input, weight = np.asarray(input), np.asarray(weight)
    if dtype.kind != "c" or input.dtype.kind == weight.dtype.kind == "c":
        return _sum_of_taps(spec, input, weight, dtype)
    value, real = complex(spec.border_value), np.empty(0, dtype).real.dtype
    parts = (
        _sum_of_taps(replace(spec, border_value=border), x, w, real)
        for x, w, border in (
            (input.real, weight.real, value.real),
            (input.imag, weight.real, value.imag)
            if input.dtype.kind == "c"
            else (input, weight.imag, value.real),
        )
    )
    result = np.empty((spec.batch, spec.groups, spec.c_out, *spec.outputs), dtype)
    result.real, result.imag = parts
    return result


def _sum_of_taps(
    spec: WindowSpec, input: np.ndarray, weight: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """(batch, groups, c_out, *dst); a tap adds to the outputs for which it lies in the input."""
    # The order of einsum's sums depends on strides, and on whether numbers are aligned.
    x, w = (np.require(array, dtype, ("C", "A")) for array in (input, weight))
    if spec.channels_last:
        x = np.moveaxis(x, -1, -1 - spec.rank)
    x = x.reshape(spec.batch, spec.groups, spec.c_in, *(axis.n for axis in spec.axes))
    for number, axis in enumerate(spec.axes):
        if axis.border is not Border.ZERO:
            x, spec = _extended(spec, x, number)
    w = w.reshape(*spec.outputs * spec.unshared, spec.groups, spec.c_out, spec.c_in, *spec.kernel)
    w = np.moveaxis(w, (-3, -2, -1), (0, 1, 2))  # taps first
    y = np.zeros((spec.batch, spec.groups, spec.c_out, *spec.outputs), dtype)
    for tap in product(*map(range, spec.kernel)):
        pairs = list(zip(spec.axes, tap, strict=True))
        read = [axis.reads(t) for axis, t in pairs]
        write = [slice(*axis.valid(t)) for axis, t in pairs]
        if spec.unshared:
            products = np.einsum("ngcdhw,dhwgoc->ngodhw", x[..., *read], w[tap][*write])
        else:
            products = np.einsum("ngcdhw,goc->ngodhw", x[..., *read], w[tap])
        y[..., *write] += products
    return y


def _extended(spec: WindowSpec, x: np.ndarray, number: int) -> tuple[np.ndarray, WindowSpec]:
    """The input with its border on an axis, which then needs no padding."""
    axis = spec.axes[number]
    length = (axis.outputs - 1) * axis.stride + axis.span
    place = reach(axis.border, np.arange(length) - axis.before, axis.n)
    x = np.take(x, np.maximum(place, 0), axis=3 + number) if axis.n else np.zeros(
        (*x.shape[: 3 + number], length, *x.shape[4 + number :]), x.dtype
    )  # fmt: skip
    value = spec.border_value
    if x.dtype.kind == "i":  # integers wrap
        value = (value + 2**63) % 2**64 - 2**63
    x[(slice(None),) * (3 + number) + (place < 0,)] = value
    axes = list(spec.axes)
    axes[number] = axis._replace(n=length, before=0, after=0)
    return x, replace(spec, axes=tuple(axes))
