# SPDX-License-Identifier: BSD-3-Clause
"""Integers at hand that are smaller than their dtype allows: float64 multiplies them faster."""

from __future__ import annotations

from math import prod

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.dtypes import BLOCK_K, EXACT_F64
from . import constants as costs


def worth_looking(
    spec: ConvSpec, source: np.dtype, weight: np.dtype, threads: int, prepared: bool
) -> bool:
    """Whether to look at all numbers takes but a small share of what a call takes in int64."""
    if not spec.arithmetic.whole or spec.arithmetic.tile in "fd":
        return False
    size = costs.LOOK_BYTES + prod(spec.input_shape) * source.itemsize
    size += 0 if prepared else prod(spec.weight_shape) * weight.itemsize
    return spec.macs >= costs.LOOK_WORTH * threads * size


def largest(array: np.ndarray) -> int:
    """The largest magnitude of integers."""
    return max(-int(array.min()), int(array.max())) if array.size else 0


def corner(array: np.ndarray) -> np.ndarray:
    """Some numbers of an array: where all are large, these tell soon."""
    while array.ndim > 1 and array.size > costs.CORNER:
        array = array[0]
    return array[: costs.CORNER]


def fits_float64(
    spec: ConvSpec, src: np.ndarray, weight: np.ndarray, weight_most: int | None = None
) -> bool:
    """Whether float64 sums a block of these integers without rounding; `weight_most` is the
    largest weight, where it is known."""
    depth = min(spec.c_in * spec.taps, BLOCK_K)
    if largest(corner(src)) * largest(corner(weight)) * depth >= EXACT_F64:
        return False
    most = abs(int(spec.border_value)) if spec.reads_constant else 0
    weight_most = largest(weight) if weight_most is None else weight_most
    return max(most, largest(src)) * weight_most * depth < EXACT_F64
