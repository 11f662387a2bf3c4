# SPDX-License-Identifier: BSD-3-Clause
"""The shapes that are timed and tested, their operands and their true results."""

from __future__ import annotations

import fnmatch
import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from .case import BORDERS, KINDS, Case, conv, variant

__all__ = ["CASES", "QUICK", "TOLERANCE", "operands", "random_cases", "select", "truth"]

TOLERANCE = {dtype: kind.tolerance for dtype, kind in KINDS.items()}

_FLOAT32 = (
    conv(3, 224, 64, (7, 7), stride=2),
    conv(64, 56, 64, (1, 1)),
    conv(64, 56, 64, (3, 3)),
    conv(64, 56, 256, (1, 1)),
    conv(256, 56, 512, (1, 1), stride=2),
    conv(128, 28, 128, (3, 3)),
    conv(128, 28, 128, (3, 3), batch=16),
    conv(128, 56, 128, (3, 3), stride=2),
    conv(256, 14, 256, (3, 3)),
    conv(1024, 14, 256, (1, 1)),
    conv(512, 7, 512, (3, 3)),
    conv(64, 224, 64, (3, 3)),
    conv(3, 227, 64, (11, 11), stride=4, padding=2),
    conv(256, 33, 256, (3, 3), dilation=12),
    conv(3, 512, 16, (3, 3)),
    conv(16, 32, 16, (3, 3), batch=32),
    conv(37, (61, 47), 53, (3, 5)),
    conv(64, 16384, 64, (9,)),
    conv(128, 16384, 128, (2,), dilation=64),
    conv(512, 1600, 512, (3,), stride=2),
    conv(32, 32, 32, (3, 3, 3)),
    conv(3, (8, 112, 112), 64, (3, 7, 7), stride=(1, 2, 2)),
    conv(1, (1080, 1920), 1, (3, 3)),
    conv(1, (1080, 1920), 1, (5, 5)),
    conv(1, (1080, 1920), 1, (7, 5)),
    conv(1, (1080, 1920), 1, (9, 9)),
)

CASES: tuple[Case, ...] = _FLOAT32 + tuple(variant(case, dtype="float64") for case in _FLOAT32[:10])

QUICK = (
    "3@224->64 7x7s2",
    "64@56->64 3x3",
    "256@14->256 3x3",
    "1024@14->256 1x1",
    "1@1080x1920->1 5x5",
    "64@56->64 3x3 f64",
)


def select(
    cases: Iterable[Case], patterns: Sequence[str] = (), dtype: str | None = None
) -> list[Case]:
    """The cases whose name matches one of the globs (no glob: all) and that have this dtype."""
    return [
        case
        for case in cases
        if (not patterns or any(fnmatch.fnmatchcase(case.name, p) for p in patterns))
        and dtype in (None, case.dtype)
    ]


def random_cases(seed: int, count: int = 20, dtype: str = "float32") -> list[Case]:
    """Two-dimensional cases with log-uniform sizes, of 0.05 to 2 GFLOP each."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: int, high: int) -> int:
        return int(math.exp(rng.uniform(math.log(low), math.log(high + 1))))

    found: dict[str, Case] = {}
    while len(found) < count:
        side = int(rng.choice([1, 3, 5, 7]))
        case = conv(
            log_uniform(1, 512),
            (log_uniform(7, 256), log_uniform(7, 256)),
            log_uniform(1, 512),
            (side, side),
            stride=int(rng.integers(1, 3)),
            batch=log_uniform(1, 8),
            dtype=dtype,
        )
        if 5e7 <= case.flops <= 2e9 and math.prod(case.input_shape) <= 1 << 23:
            found.setdefault(case.name, case)
    return list(found.values())


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


def laid_out(case: Case, shape: tuple[int, ...]) -> tuple[int, ...]:
    """(N, C, *sizes) as the arrays of the case have it."""
    return (shape[0], *shape[2:], shape[1]) if case.channels_last else shape


def truth(
    case: Case, x: np.ndarray, w: np.ndarray, b: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """The result in float64, complex128 or int64: nothing of fastconv is in it."""
    exact = case.kind.exact
    if case.channels_last:
        x = np.moveaxis(x, -1, 1)
    y = convolved(case, x.astype(exact), w.astype(exact))
    y += b.astype(exact).reshape(-1, *[1] * case.rank)
    if case.channels_last:
        y = np.ascontiguousarray(np.moveaxis(y, 1, -1))
    if residual is not None:
        y += residual
    if case.activation:
        y = activated(case.activation, y)
    if case.kind.result == "uint8":
        y = np.clip(np.rint(y), 0, 255)
    return y


def convolved(case: Case, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """One matrix product per tap."""
    border = [(0, 0), (0, 0), *((p, p) for p in case.padding)]
    x = np.pad(x, border, BORDERS[case.padding_mode])
    x = x.reshape(case.batch, case.groups, -1, *x.shape[2:])
    w = w.reshape(case.groups, -1, *case.weight_shape[1:])
    out = case.output_spatial
    y = np.zeros((case.batch, case.groups, w.shape[1], math.prod(out)), x.dtype)
    for tap in itertools.product(*map(range, case.kernel)):
        at = tuple(
            slice(t * d, t * d + s * (n - 1) + 1, s)
            for t, d, s, n in zip(tap, case.dilation, case.stride, out, strict=True)
        )
        seen = x[(..., *at)].reshape(*x.shape[:3], -1)
        if seen.shape[2] == 1:  # a product with one channel is no matter for BLAS
            y += w[(..., *tap)] * seen
        else:
            y += w[(..., *tap)] @ seen
    return y.reshape(case.output_shape)


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
