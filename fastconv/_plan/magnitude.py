# SPDX-License-Identifier: BSD-3-Clause
"""Integers at hand that are smaller than their dtype allows: float64 multiplies them faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from math import prod

import numpy as np

from .._spec.conv import ConvSpec
from .._spec.dtypes import BLOCK_K, EXACT_F64, SMALL
from . import constants as costs
from .plan import Plan, Variant
from .tiled import Call
from .weights import Weights, largest


def variant(call: Call, make: Callable[[Call], Plan]) -> Variant | None:
    """The plan for integers that float64 multiplies as exactly, and faster."""
    spec = call.spec
    if not worth_looking(spec, *call.dtypes[:2], call.threads, call.prepared):
        return None
    small = replace(call, spec=replace(spec, arithmetic=SMALL), arrays=call.arrays.converted())
    return Variant(
        reason="all integers are small enough for float64",
        holds=lambda src, weights: fits_float64(spec, src, weights),
        plan=cache(partial(make, small)),
        reads_input=True,
        late=False,
    )


def worth_looking(
    spec: ConvSpec, source: np.dtype, weight: np.dtype, threads: int, prepared: bool
) -> bool:
    """Whether to look at all elements takes but a small share of what a call takes in int64."""
    if not spec.arithmetic.integer or spec.arithmetic.tile in "fd":
        return False
    size = costs.LOOK_BYTES + prod(spec.input_shape) * source.itemsize
    size += 0 if prepared else prod(spec.weight_shape) * weight.itemsize
    return spec.macs >= costs.LOOK_WORTH[spec.arithmetic.tile] * threads * size


def corner(array: np.ndarray) -> np.ndarray:
    """Some elements of an array: where all are large, these tell soon."""
    while array.ndim > 1 and array.size > costs.CORNER:
        array = array[0]
    return array[: costs.CORNER]


def fits_float64(spec: ConvSpec, src: np.ndarray, weights: Weights) -> bool:
    """Whether float64 sums a block of these integers without rounding."""
    depth = min(spec.c_in * spec.taps, BLOCK_K)
    if largest(corner(src)) * largest(corner(weights.array)) * depth >= EXACT_F64:
        return False
    most = abs(int(spec.border_value)) if spec.reads_constant else 0
    return max(most, largest(src)) * weights.largest * depth < EXACT_F64
