# SPDX-License-Identifier: BSD-3-Clause
"""The arrays of a case and its true result."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .case import Case
from .unweighted import draw_indices

__all__ = ["activated", "operands", "truth"]


def draw(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> np.ndarray:
    """Normal numbers, or integers of the whole range; those of int64 as small as most are."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        ends = np.iinfo("int16" if dtype == "int64" else kind)
        return rng.integers(ends.min, ends.max, shape, kind, endpoint=True)
    if kind.kind == "c":
        real, imaginary = (draw(rng, shape, f"f{kind.itemsize // 2}") for _ in range(2))
        return (real + 1j * imaginary).astype(kind)
    return rng.standard_normal(shape, np.result_type(kind, "f4")).astype(kind, copy=False)


def operands(case: Case, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Input, weight and bias, and the residual of a case that has one.

    Floating-point weights are scaled so that outputs are of order one. Those for uint8 are such
    that outputs spread over its range, and are multiples of 1/64: no sum of them is ever rounded
    in float32, in whatever order, so that there is one right result to the last bit.
    """
    rng = np.random.default_rng(seed)
    if case.operation.second != "weight":
        return unweighted_operands(case, rng)
    if case.operation.image:
        return image_operands(case, rng)
    weight = draw(rng, case.weight_shape, case.kind.weight)
    if weight.dtype.kind in "fc":
        weight /= np.asarray(math.sqrt(math.prod(case.weight_shape[1:])), weight.real.dtype)
    bias = draw(rng, (case.c_out,), case.kind.weight)
    if case.dtype == "uint8":
        weight, bias = np.rint(32 * weight) / 64, np.rint(32 * bias) / 64 + 128
    x = draw(rng, laid_out(case, case.input_shape), case.dtype)
    if not case.residual:
        return x, weight, bias
    return x, weight, bias, draw(rng, laid_out(case, case.output_shape), case.kind.weight)


def image_operands(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Image, kernel, and a bias of nothing; the kernel of uint8 makes noise of what is there."""
    shape = case.weight_shape[2:]
    if case.family == "separable_filter":
        shape = (len(shape), shape[0])  # one row of taps an axis
    weight = draw(rng, shape, case.kind.weight)
    weight /= np.asarray(math.sqrt(math.prod(case.weight_shape[2:])), weight.dtype)
    if case.dtype == "uint8":
        weight = np.rint(16 * weight) / 64
        weight[tuple(k // 2 for k in shape)] += 1
    x = draw(rng, laid_out(case, case.input_shape), case.dtype)
    return x, weight, np.zeros((), case.kind.weight)


def unweighted_operands(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Input, indices or nothing, and a bias of nothing."""
    x, nothing = draw(rng, laid_out(case, case.input_shape), case.dtype), np.zeros((), case.dtype)
    if case.operation.second == "nothing":
        return x, nothing, nothing
    index = draw_indices(rng, case.shapes)
    if case.channels_last:
        index = np.ascontiguousarray(np.moveaxis(index, 1, -1))
    return x, index, nothing


def laid_out(case: Case, shape: tuple[int, ...]) -> tuple[int, ...]:
    """(N, C, *sizes) as the arrays of the case have it."""
    if case.operation.image:  # (*sizes, C), and no axis for one channel
        return shape[2:] + shape[1:2] * (shape[1] > 1)
    return (shape[0], *shape[2:], shape[1]) if case.channels_last else shape


def truth(
    case: Case, x: np.ndarray, w: np.ndarray, b: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """The result in float64, complex128 or int64: nothing of fastconv is in it.

    That of a function of SciPy is what SciPy gives.
    """
    if case.group == "scipy":
        return case.operation.truth(case.shapes, case.words, x, w)
    exact = case.kind.exact
    if case.operation.image:
        x = np.moveaxis(x.reshape(*case.spatial, case.c_in), -1, 0)[None]
    elif case.channels_last:
        x = np.moveaxis(x, -1, 1)
        w = np.moveaxis(w, -1, 1) if case.operation.second == "indices" else w
    y = case.operation.truth(case.shapes, case.words, x.astype(exact), w.astype(exact))
    y += b.astype(exact).reshape(-1, *[1] * case.rank)
    if case.operation.image:
        y = np.moveaxis(y[0], 0, -1).reshape(laid_out(case, case.output_shape))
    elif case.channels_last:
        y = np.ascontiguousarray(np.moveaxis(y, 1, -1))
    if residual is not None:
        y += residual
    if case.activation:
        y = activated(case.activation, y)
    if case.kind.result == "uint8":
        y = np.clip(np.rint(y), 0, 255)
    return y


def activated(word: str, y: np.ndarray) -> np.ndarray:
    from scipy.special import erfc, expit

    return {
        "relu": lambda: np.maximum(y, 0),
        "gelu": lambda: y * erfc(-y / math.sqrt(2)) / 2,
        "silu": lambda: y * expit(y),
        "sigmoid": lambda: expit(y),
        "tanh": lambda: np.tanh(y),
        "hardswish": lambda: y * np.clip(y + 3, 0, 6) / 6,
    }[word]()
