# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmark knows of each family of functions: sizes, work and the true result."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

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
    output_shape: Callable[[tuple[Shape, ...], dict[str, Any]], Shape]
    macs: Callable[[tuple[Shape, ...], dict[str, Any]], int]  # taps on padding included
    # Of input and weight in the dtype of the result, channels first; without a bias.
    truth: Callable[[tuple[Shape, ...], dict[str, Any], np.ndarray, np.ndarray], np.ndarray]


def conv_shape(shapes: tuple[Shape, ...], words: dict[str, Any]) -> Shape:
    (batch, _, *spatial), (c_out, _, *kernel) = shapes
    stride, padding, dilation = words["stride"], words["padding"], words["dilation"]
    axes = zip(spatial, kernel, stride, padding, dilation, strict=True)
    return (batch, c_out, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes))


def conv_macs(shapes: tuple[Shape, ...], words: dict[str, Any]) -> int:
    return math.prod(conv_shape(shapes, words)) * math.prod(shapes[1][1:])


def convolved(
    shapes: tuple[Shape, ...], words: dict[str, Any], x: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """One matrix product per tap."""
    (batch, *_), (_, *weight) = shapes
    groups, shape = words["groups"], conv_shape(shapes, words)
    border = [(0, 0), (0, 0), *((p, p) for p in words["padding"])]
    x = np.pad(x, border, BORDERS[words.get("padding_mode", "constant")])
    x = x.reshape(batch, groups, -1, *x.shape[2:])
    w = w.reshape(groups, -1, *weight)
    y = np.zeros((batch, groups, w.shape[1], math.prod(shape[2:])), x.dtype)
    for tap in itertools.product(*map(range, weight[1:])):
        at = tuple(
            slice(t * d, t * d + s * (n - 1) + 1, s)
            for t, d, s, n in zip(tap, words["dilation"], words["stride"], shape[2:], strict=True)
        )
        seen = x[(..., *at)].reshape(*x.shape[:3], -1)
        if seen.shape[2] == 1:  # a product with one channel is no matter for BLAS
            y += w[(..., *tap)] * seen
        else:
            y += w[(..., *tap)] @ seen
    return y.reshape(shape)


# By the name of the function without its number of axes.
OPERATIONS = {
    "conv": Operation(
        ("stride", "padding", "dilation", "groups"), conv_shape, conv_macs, convolved
    ),
}
