# SPDX-License-Identifier: BSD-3-Clause
"""Sizes and true results of pooling, unpooling, columns and resizing: functions without weights.

Shapes are those of the input, channels first, and (1, 1, *window); a window of resizing is what
one element becomes.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Words = dict[str, Any]


def no_macs(shapes: tuple[Shape, ...], words: Words) -> int:
    """Nothing is multiplied: the limit is a copy of the bytes."""
    return 0


def windows_along(sizes: Shape, words: Words) -> Shape:
    """How many windows there are along each axis."""
    kernel = words["kernel_size"]
    stride = words.get("stride", (1,) * len(kernel))
    padding = words.get("padding", (0,) * len(kernel))
    axes = zip(sizes, kernel, stride, padding, strict=True)
    return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in axes)


def windows(x: np.ndarray, words: Words, border: float) -> np.ndarray:
    """(N, C, *windows, *kernel), a view of the padded input."""
    kernel = words["kernel_size"]
    padding = words.get("padding", (0,) * len(kernel))
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=border)
    spatial = tuple(range(2, x.ndim))
    every = (slice(None), slice(None))
    step = (slice(None, None, s) for s in words.get("stride", (1,) * len(kernel)))
    return np.lib.stride_tricks.sliding_window_view(x, kernel, spatial)[(*every, *step)]


def pooled_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    return (*shapes[0][:2], *windows_along(shapes[0][2:], words))


def largest(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    seen = windows(x, words, -math.inf)
    return seen.max(axis=tuple(range(x.ndim, seen.ndim)))


def averages(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Padding counts."""
    seen = windows(x, words, 0.0)
    return seen.mean(axis=tuple(range(x.ndim, seen.ndim)))


def divided_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    """That of adaptive pools, and of global ones, which have one output a channel."""
    sizes = words.get("output_size", (1,) * len(shapes[0][2:]))
    return (*shapes[0][:2], *sizes)


def divided(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Averages of boxes, one axis after the other: output i of o reads floor(i n/o) to
    ceil((i+1) n/o)."""
    for axis, outputs in enumerate(divided_shape(shapes, words)[2:], start=2):
        n = x.shape[axis]
        x = np.stack(
            [
                x.take(range(i * n // outputs, -(-(i + 1) * n // outputs)), axis).mean(axis)
                for i in range(outputs)
            ],
            axis,
        )
    return x


def enlarged_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    """That of unpooling with windows side by side, and of resizing by whole numbers."""
    (batch, channels, *sizes), (_, _, *window) = shapes
    return (batch, channels, *(n * k for n, k in zip(sizes, window, strict=True)))


def put_back(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Each element where its index says, zeros elsewhere."""
    shape = enlarged_shape(shapes, words)
    y = np.zeros((*shape[:2], math.prod(shape[2:])), x.dtype)
    flat = (*shape[:2], -1)
    np.put_along_axis(y, w.astype(np.intp).reshape(flat), x.reshape(flat), -1)
    return y.reshape(shape)


def draw_indices(rng: np.random.Generator, shapes: tuple[Shape, ...]) -> np.ndarray:
    """Of each element one place of its window, in the plane."""
    (_, _, *sizes), (_, _, *window) = shapes
    index = np.zeros(shapes[0], np.int64)
    for axis, (n, k) in enumerate(zip(sizes, window, strict=True)):
        at = np.arange(n).reshape(-1, *[1] * (len(sizes) - axis - 1)) * k
        index = index * n * k + at + rng.integers(0, k, shapes[0])
    return index


def columns_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    batch, channels, *sizes = shapes[0]
    taps = math.prod(words["kernel_size"])
    return (batch, channels * taps, math.prod(windows_along(tuple(sizes), words)))


def columns(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    rank = x.ndim - 2
    taps_first = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    seen = windows(x, words, 0.0).transpose(taps_first)
    return seen.reshape(columns_shape(shapes, words))


def image_shape(shapes: tuple[Shape, ...], words: Words) -> Shape:
    batch, rows, _ = shapes[0]
    return (batch, rows // math.prod(words["kernel_size"]), *words["output_size"])


def columns_added(
    shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """One sum per tap; the padding is cut off."""
    shape, kernel = image_shape(shapes, words), words["kernel_size"]
    padding = words.get("padding", (0,) * len(kernel))
    sizes = windows_along(shape[2:], words)
    y = np.zeros((*shape[:2], *(n + 2 * p for n, p in zip(shape[2:], padding, strict=True))))
    x = x.reshape(*shape[:2], *kernel, *sizes)
    for tap in itertools.product(*map(range, kernel)):
        at = tuple(slice(t, t + n) for t, n in zip(tap, sizes, strict=True))
        y[(..., *at)] += x[(slice(None), slice(None), *tap)]
    inside = tuple(slice(p, p + n) for p, n in zip(padding, shape[2:], strict=True))
    return y[(..., *inside)]


def resized(shapes: tuple[Shape, ...], words: Words, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """`scale_factor` times as large, one axis after the other: elements repeated, or on the line
    between the two that are nearest to (i + 1/2) / scale - 1/2."""
    scale = words["scale_factor"]
    for axis in range(2, x.ndim):
        if words["mode"] == "nearest":
            x = x.repeat(scale, axis)
            continue
        n = x.shape[axis]
        at = np.clip((np.arange(n * scale) + 0.5) / scale - 0.5, 0, n - 1)
        low = np.floor(at).astype(np.intp)
        share = (at - low).reshape(-1, *[1] * (x.ndim - axis - 1))
        high = np.minimum(low + 1, n - 1)
        x = x.take(low, axis) * (1 - share) + x.take(high, axis) * share
    return x
