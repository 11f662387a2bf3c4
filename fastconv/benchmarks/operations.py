# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmark knows of each family of functions: sizes, work and the true result."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import scipy_calls, unweighted

Shape = tuple[int, ...]

# Border modes as `numpy.pad` calls them.
BORDERS = {
    "constant": "constant",
    "edge": "edge",
    "wrap": "wrap",
    "mirror": "reflect",
    "symmetric": "symmetric",
}


class Operation(NamedTuple):
    """Functions of a call's shapes and keywords, see `Case`."""

    params: tuple[str, ...]  # keywords that PyTorch has, too
    border: str  # the mode that the function has by default
    image: bool  # it takes (*sizes, channels) without a batch, kernels without channels, no bias
    output_shape: Callable[[tuple[Shape, ...], dict[str, Any]], Shape]
    macs: Callable[[tuple[Shape, ...], dict[str, Any]], int]  # taps on padding included
    # Of input and weight in the dtype of the result, channels first; without a bias. The weight
    # of a separable filter is one row of taps an axis.
    truth: Callable[[tuple[Shape, ...], dict[str, Any], np.ndarray, np.ndarray], np.ndarray]
    second: str = "weight"  # what the second array is: or "indices", or "nothing"


def pairs(padding: tuple[Any, ...]) -> tuple[tuple[int, int], ...]:
    """(before, after) on each axis, of numbers or of pairs.

    >>> pairs((1, (3, 0)))
    ((1, 1), (3, 0))
    """
    return tuple((p, p) if isinstance(p, int) else tuple(p) for p in padding)


def conv_shape(shapes: tuple[Shape, ...], words: dict[str, Any]) -> Shape:
    (batch, _, *spatial), (c_out, _, *kernel) = shapes
    stride, padding, dilation = words["stride"], pairs(words["padding"]), words["dilation"]
    axes = zip(spatial, kernel, stride, padding, dilation, strict=True)
    return (batch, c_out, *((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes))


def conv_macs(shapes: tuple[Shape, ...], words: dict[str, Any]) -> int:
    return math.prod(conv_shape(shapes, words)) * math.prod(shapes[1][1:])


def convolved(
    shapes: tuple[Shape, ...], words: dict[str, Any], x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """One matrix product per tap."""
    (batch, *_), (_, *weight) = shapes
    groups, shape = words["groups"], conv_shape(shapes, words)
    border = [(0, 0), (0, 0), *pairs(words["padding"])]
    x = np.pad(x, border, BORDERS[words.get("padding_mode", "constant")])
    x = x.reshape(batch, groups, -1, *x.shape[2:])
    w = w.reshape(groups, -1, *weight)
    y = np.zeros((batch, groups, w.shape[1], math.prod(shape[2:])), x.dtype)
    for tap in itertools.product(*map(range, weight[1:])):
        at = places(tap, words, shape[2:])
        seen = x[(..., *at)].reshape(*x.shape[:3], -1)
        if seen.shape[2] == 1:  # a product with one channel is no matter for BLAS
            y += w[(..., *tap)] * seen
        else:
            y += w[(..., *tap)] @ seen
    return y.reshape(shape)


def places(tap: Shape, words: dict[str, Any], sizes: Shape) -> tuple[slice, ...]:
    """Where one tap lies for `sizes` windows, in the padded array."""
    axes = zip(tap, words["dilation"], words["stride"], sizes, strict=True)
    return tuple(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in axes)


def scattered_shape(shapes: tuple[Shape, ...], words: dict[str, Any]) -> Shape:
    (batch, _, *spatial), (_, depth, *kernel) = shapes
    axes = zip(
        spatial, kernel, words["stride"], pairs(words["padding"]), words["dilation"],
        words["output_padding"], strict=True,
    )  # fmt: skip
    sizes = ((n - 1) * s + d * (k - 1) + 1 - sum(p) + more for n, k, s, p, d, more in axes)
    return (batch, depth * words["groups"], *sizes)


def scattered_macs(shapes: tuple[Shape, ...], words: dict[str, Any]) -> int:
    return math.prod(shapes[0]) * math.prod(shapes[1][1:])


def scattered(
    shapes: tuple[Shape, ...], words: dict[str, Any], x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """One matrix product per tap, added where the tap lies; the padding is cut off."""
    (batch, _, *spatial), (_, depth, *kernel) = shapes
    groups, shape, padding = (
        words["groups"],
        scattered_shape(shapes, words),
        pairs(words["padding"]),
    )
    whole = [n + sum(p) for n, p in zip(shape[2:], padding, strict=True)]
    x = x.reshape(batch, groups, -1, math.prod(spatial))
    w = np.moveaxis(w.reshape(groups, -1, depth, *kernel), 1, 2)
    y = np.zeros((batch, groups, depth, *whole), x.dtype)
    for tap in itertools.product(*map(range, kernel)):
        seen = y[(..., *places(tap, words, tuple(spatial)))]
        seen += (w[(..., *tap)] @ x).reshape(seen.shape)
    inside = (slice(p, p + n) for (p, _), n in zip(padding, shape[2:], strict=True))
    return y[(..., *inside)].reshape(shape)


def same_shape(shapes: tuple[Shape, ...], words: dict[str, Any]) -> Shape:
    return shapes[0]


def filter_macs(shapes: tuple[Shape, ...], words: dict[str, Any]) -> int:
    return math.prod(shapes[0]) * math.prod(shapes[1])


def filtered(
    shapes: tuple[Shape, ...], words: dict[str, Any], x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """A convolution of one channel, of which the image's channels are the batch."""
    (_, channels, *spatial), (_, _, *kernel) = shapes
    one = (1,) * len(kernel)
    same = {"stride": one, "dilation": one, "groups": 1, "padding_mode": border_of(words)}
    same["padding"] = tuple(k // 2 for k in kernel)
    alone = ((channels, 1, *spatial), shapes[1])
    x, w = x.reshape(alone[0]), w.reshape(shapes[1])
    return convolved(alone, same, x, w).reshape(shapes[0])


def border_of(words: dict[str, Any]) -> str:
    """That of a filter."""
    return words.get("padding_mode", "mirror")


def separable_macs(shapes: tuple[Shape, ...], words: dict[str, Any]) -> int:
    """Those of the passes."""
    return math.prod(shapes[0]) * sum(shapes[1][2:])


def passed(
    shapes: tuple[Shape, ...], words: dict[str, Any], x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """For each axis one product with a matrix, whose rows hold the taps, one place further each."""
    for axis, taps in enumerate(w, start=2):
        n, k = x.shape[axis], len(taps)
        border = [(0, 0)] * x.ndim
        border[axis] = (k // 2, k // 2)
        matrix = np.zeros((n, n + k - 1), x.dtype)
        for row in range(n):
            matrix[row, row : row + k] = taps
        x = np.moveaxis(np.pad(x, border, BORDERS[border_of(words)]), axis, -2)
        x = np.moveaxis(matrix @ x, -2, axis)
    return x


# By the name of the function without its number of axes.
LAYER = ("stride", "padding", "dilation", "groups")
OPERATIONS = {
    "conv": Operation(LAYER, "constant", False, conv_shape, conv_macs, convolved),
    "conv_transpose": Operation(
        (*LAYER, "output_padding"), "constant", False, scattered_shape, scattered_macs, scattered
    ),
    "filter": Operation((), "mirror", True, same_shape, filter_macs, filtered),
    "separable_filter": Operation((), "mirror", True, same_shape, separable_macs, passed),
}


def _unweighted(
    params: tuple[str, ...], shape: Callable, truth: Callable, second: str = "nothing"
) -> Operation:
    return Operation(params, "constant", False, shape, unweighted.no_macs, truth, second)


_WINDOWS = ("kernel_size", "stride", "padding")
OPERATIONS |= {
    "max_pool": _unweighted(
        (*_WINDOWS, "return_indices"), unweighted.pooled_shape, unweighted.largest
    ),
    "avg_pool": _unweighted(_WINDOWS, unweighted.pooled_shape, unweighted.averages),
    "adaptive_avg_pool": _unweighted(
        ("output_size",), unweighted.divided_shape, unweighted.divided
    ),
    "global_avg_pool": _unweighted((), unweighted.divided_shape, unweighted.divided),
    "max_unpool": _unweighted(
        ("kernel_size", "stride"), unweighted.enlarged_shape, unweighted.put_back, "indices"
    ),
    "unfold": _unweighted(("kernel_size", "padding"), unweighted.columns_shape, unweighted.columns),
    "fold": _unweighted(
        ("output_size", "kernel_size", "padding"),
        unweighted.image_shape,
        unweighted.columns_added,
    ),
    "interpolate": _unweighted(
        ("scale_factor", "mode"), unweighted.enlarged_shape, unweighted.resized
    ),
}


def _scipy(
    name: str, macs: Callable, second: str = "nothing", shape: Callable = same_shape
) -> Operation:
    truth = functools.partial(scipy_calls.computed, name)
    return Operation((), "symmetric", True, shape, macs, truth, second)


# Functions of SciPy. Their truth is what SciPy gives, in the dtype of the case.
SCIPY = {
    name: _scipy(name, *facts)
    for name, *facts in (
        ("signal.convolve2d", filter_macs, "weight"),
        ("signal.upfirdn", scipy_calls.resampled_macs, "weight", scipy_calls.resampled_shape),
        ("signal.oaconvolve", unweighted.no_macs, "weight"),
        ("ndimage.convolve", filter_macs, "weight"),
        ("ndimage.correlate1d", filter_macs, "weight"),
        ("ndimage.gaussian_filter", separable_macs),
        ("ndimage.sobel", separable_macs),
        ("ndimage.uniform_filter", unweighted.no_macs),
        ("ndimage.uniform_filter1d", unweighted.no_macs),
        ("ndimage.maximum_filter", unweighted.no_macs),
        ("ndimage.maximum_filter1d", unweighted.no_macs),
        ("ndimage.median_filter", unweighted.no_macs),
    )
}
OPERATIONS |= SCIPY
