# SPDX-License-Identifier: BSD-3-Clause
"""Convolution of which some elements of the input do not count: two convolutions, a quotient, and
the epilogue.

    elements = conv(m x, w)     counted = conv(m, |w|)     most = the same of a window of ones
    result = epilogue(elements * most / counted)

`most` is summed as `counted` is: they are equal where all elements count. What lies between is that
of some images at a time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import inf, prod
from typing import NamedTuple

import numpy as np

from .._spec import masked
from .._spec.derive import epilogue_spec
from .._spec.epilogue import Epilogue
from .._spec.family import turned
from .._spec.masked import MaskedSpec, one_window
from .._spec.operands import check_bias
from . import constants as costs
from .candidate import Candidate, Part
from .composed import PARTS
from .layout import copy, native_copy
from .plan import Plan
from .variants import run as run_plan

STEPS = (
    "sum of weight * input where it counts",
    "sum of |weight| where the input counts",
    "sum of |weight|",
    "epilogue",
)


class Stages(NamedTuple):
    """The plans for some images."""

    elements: Plan
    counted: Plan
    most: Plan
    last: Plan | None  # None: nothing comes after the quotient


class Weights(NamedTuple):
    """Of a call."""

    array: np.ndarray
    sizes: np.ndarray  # |w|
    most: np.ndarray  # their sums
    bias: np.ndarray | None


def candidate(call) -> Candidate:
    """Two convolutions."""
    if 0 in call.spec.output_shape:
        return Candidate(0.0, lambda: Part(call.engine(lambda inputs, outs: True), call.isa))
    return Candidate(float(call.spec.flops), partial(_part, call))


def reference(call) -> Candidate:
    """The formula, in NumPy."""

    def run_arrays(inputs, outs) -> bool:
        input, weight, *more = (None if one is None else np.asarray(one) for one in inputs)
        outs[0][...] = masked.convolve(call.spec, input, _seen(call.spec, weight), *more, outs[0])
        return True

    return Candidate(inf, lambda: Part(call.engine(run_arrays), "numpy"))


def _part(call) -> Part:
    spec, conv = call.spec, call.spec.conv
    image = 2 * (prod(conv.input_shape) + prod(conv.output_shape)) * conv.sum_dtype.itemsize
    images = min(conv.batch, max(1, costs.MASKED_BYTES * conv.batch // image))
    each = _stages(call, images)
    rest = _stages(call, conv.batch % images) if conv.batch % images else each

    def run_arrays(inputs, outs) -> bool:
        input, weight, where, bias, residual = inputs
        weights = _weights(spec, each, weight, bias)
        mask = None if where is None else np.broadcast_to(where != 0, spec.mask_shape)
        for first in range(0, conv.batch, images):
            some = slice(first, first + images) if conv.batched else None
            stages = each if first + images <= conv.batch else rest
            arrays = (None if one is None else one[some] for one in (input, mask, residual))
            _run(spec, stages, weights, *arrays, outs[0][some])
        return True

    plans = [(words, plan) for words, plan in zip(STEPS, each, strict=True) if plan is not None]
    return Part(
        engine=call.engine(run_arrays),
        isa=call.isa,
        threads=max(plan.threads for _, plan in plans),
        tasks=sum(plan.tasks for _, plan in plans),
        scratch_bytes=max(plan.scratch_bytes for _, plan in plans),
        copies=(f"input, mask and sums: of {images} image{'s' * (images > 1)} at a time",),
        steps=tuple(f"{words}, {plan.algorithm}" for words, plan in plans),
    )


def _stages(call, count: int) -> Stages:
    """The plans for so many images."""
    spec = call.spec
    conv = replace(spec.conv, batched=True, batch=count)
    counted = spec.weights_of(conv)
    _, weight, _, _, residual = (one and one.dtype.newbyteorder("=") for one in call.inputs)
    algorithm = call.algorithm if call.algorithm in PARTS else "auto"

    def planned(conv, source, weight, residual=None, algorithm="auto"):
        threads = None if call.shared else call.threads
        return call.plan_dtypes(conv, source, weight, residual, algorithm, threads)

    last = None
    if conv.dtype != conv.sum_dtype or conv.epilogue != Epilogue():
        after = epilogue_spec(conv)
        last = planned(after, conv.sum_dtype, after.tile_dtype, residual)
    real = counted.dtype
    return Stages(
        planned(spec.elements_of(conv), spec.source, weight, algorithm=algorithm),
        planned(counted, real, real, algorithm=algorithm),
        planned(one_window(counted), real, real, algorithm=algorithm),
        last,
    )


def _seen(spec: MaskedSpec, weight: np.ndarray) -> np.ndarray:
    """The weight as it is multiplied."""
    return turned(weight, spec.conv.rank) if spec.conv.flipped else weight


def _weights(
    spec: MaskedSpec, stages: Stages, weight: np.ndarray, bias: np.ndarray | None
) -> Weights:
    """What all images share."""
    array = native_copy(_seen(spec, weight))
    sizes = np.ascontiguousarray(spec.sizes_of(array))
    plan, last = stages.most, stages.last
    most = np.empty(plan.output_shape, plan.spec.dtype)
    run_plan(plan, np.ones(plan.spec.input_shape, most.dtype), sizes, None, None, None, most)
    if bias is not None:
        bias = check_bias(last.spec, bias, last._engine.bias_dtype)
    return Weights(array, sizes, most, bias)


def _run(spec, stages, weights, input, mask, residual, out) -> None:
    """Some images."""
    valid = spec.valid(input, mask)
    if valid is None:
        read = _contiguous(input, spec.source)
    else:
        read = np.zeros(input.shape, spec.source)
        np.copyto(read, input, where=valid, casting="unsafe")
    plan, last = stages.elements, stages.last
    total = np.empty(plan.output_shape, plan.spec.dtype)
    run_plan(plan, read, weights.array, None, None, None, total)
    if valid is not None:
        plan = stages.counted
        counted = np.empty(plan.output_shape, plan.spec.dtype)
        run_plan(plan, _contiguous(valid, counted.dtype), weights.sizes, None, None, None, counted)
        with np.errstate(all="ignore"):
            all_count = counted == weights.most
            np.divide(weights.most, counted, out=counted)
            np.copyto(counted, 1, where=all_count)
            for part in (total.real, total.imag) if total.dtype.kind == "c" else (total,):
                part *= counted  # which has no imaginary part: not even one of 0
    if last is not None:
        after = native_copy(out) if spec.conv.reads_out else np.empty(out.shape, spec.dtype)
        ones = np.ones(last.spec.weight_shape, last.spec.tile_dtype)
        if residual is not None:
            residual = _contiguous(residual, residual.dtype.newbyteorder("="))
        run_plan(last, total, ones, None, weights.bias, residual, after)
        total = after
    copy(out, total)


def _contiguous(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An array as plans for a dtype take it, copied if need be."""
    return np.require(array, dtype, ("C", "A"))
