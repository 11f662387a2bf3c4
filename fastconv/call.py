# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call: find its plan among those kept, allocate, run."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from . import reference
from .algorithms import NAMES
from .kernels import table
from .kernels.measure import openmp_threads
from .layout import Layout
from .plan import Plan, choose_threads, isas, make
from .settings import check_environment, check_isa, current
from .spec import (
    ConvSpec,
    as_operand,
    check_algorithm,
    check_bias,
    check_out,
    check_threads,
    make_conv_spec,
)

check_environment(isas(), table.isas_compiled(), NAMES[1:])

PLANS_KEPT = 512

_plans: dict[tuple, Plan] = {}
_lock = threading.RLock()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # in the child nobody is left to release the old one


os.register_at_fork(after_in_child=_after_fork)


def convolve(
    name, rank, input, weight, bias, stride, padding, dilation, groups, out, algorithm, threads
):
    """What conv1d, conv2d and conv3d do."""
    src = as_operand(name, "input", input)
    wei = as_operand(name, "weight", weight)
    plan = find(
        name, rank, src, wei, stride, padding, dilation, groups, out, algorithm, threads, False
    )
    spec = plan.spec
    bias = check_bias(spec, bias)
    if out is None:
        return run(
            plan, src, wei, None, plan.pad_bias(bias), np.empty(plan.output_shape, spec.dtype)
        )
    if any(np.may_share_memory(out, array) for array in (src, wei, bias) if array is not None):
        out[...] = convolve(
            name, rank, src, wei, bias, stride, padding, dilation, groups, None, algorithm, threads
        )
        return out
    return run(plan, src, wei, None, plan.pad_bias(bias), out)


def run(plan: Plan, src, wei, packed, bias, dst):
    """Run the plan; again, with taps on padding apart, when the weights turn out not finite."""
    if plan.problem is None:
        if dst.size:
            dst[...] = reference.convolve(plan.spec, src, wei, bias)
    elif not plan.run(src, wei, packed, bias, dst):
        exact = plan.exactly()
        bias = None if bias is None else bias[: plan.spec.groups * plan.spec.c_out]
        exact.run(src, wei, packed, exact.pad_bias(bias), dst)
    return dst


def find(
    name, rank, src, wei, stride, padding, dilation, groups, out, algorithm, threads, prepared
) -> Plan:
    """The plan of a call, kept from one like it or made now; this checks all arguments but bias."""
    options = current()
    if threads is None:
        threads = options.threads
    key = (
        name, src.shape, src.strides, src.dtype, src.flags.aligned,
        wei.shape, wei.strides, wei.dtype, wei.flags.aligned,
        frozen(stride), frozen(padding), frozen(dilation), frozen(groups),
        frozen(algorithm), (openmp_threads(),) if threads is None else frozen(threads),
        options, prepared, None if out is None else _outline(out),
    )  # fmt: skip
    plan = _plans.get(key)
    if plan is None:
        spec = make_conv_spec(
            name,
            rank,
            src.shape,
            src.dtype,
            wei.shape,
            wei.dtype,
            stride,
            padding,
            dilation,
            groups,
        )
        if out is not None:
            check_out(spec, out)
        plan = make_plan(spec, src, wei, out, algorithm, threads, prepared)
        keep(_plans, key, plan)
    return plan


def make_plan(spec: ConvSpec, src, wei, out, algorithm, threads, prepared=False) -> Plan:
    """src, wei, out: arrays, or (shape, dtype) of contiguous ones."""
    options = current()
    algorithm = check_algorithm(spec.name, algorithm, NAMES)
    if algorithm == "auto" and options.algorithm is not None:
        algorithm = check_algorithm(spec.name, options.algorithm, NAMES)
    isa = None if options.isa is None else check_isa(options.isa, isas(), table.isas_compiled())
    threads = check_threads(spec.name, threads)
    layouts = [
        _layout(spec, operand) if isinstance(operand, np.ndarray) else _contiguous(spec, *operand)
        for operand in (src, wei, (spec.output_shape, spec.dtype) if out is None else out)
    ]
    copies = ()
    if out is not None and any(
        isinstance(array, np.ndarray) and np.may_share_memory(out, array) for array in (src, wei)
    ):
        copies = ("out: whole, because it overlaps an operand",)
    return make(
        spec,
        *layouts,
        algorithm=algorithm,
        isa=isa,
        threads=choose_threads(spec, threads),
        shared=threads is None,
        prepared=prepared,
        copies=copies,
    )


def keep(store: dict, key: tuple, value: Any) -> None:
    """Put a value among those kept; the oldest makes room."""
    with _lock:
        while len(store) >= PLANS_KEPT:
            del store[next(iter(store))]
        store[key] = value


def frozen(value: Any, depth: int = 0) -> Any:
    """A key for a dict that tells 1 from 1.0 and True, as equality does not."""
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if isinstance(value, np.ndarray):
        return (kind, value.dtype, frozen(value.tolist()))
    if isinstance(value, Sequence) and depth < 3:  # deeper ones are refused anyway
        return (kind, *(frozen(item, depth + 1) for item in value))
    try:
        return (kind, index(value))
    except TypeError:
        return (kind, repr(value))


def _outline(out: Any) -> tuple:
    """What a plan and the checks of `out` depend on."""
    if not isinstance(out, np.ndarray):
        return (type(out), id(out))  # refused, so never kept
    flags = out.flags
    return type(out), out.shape, out.strides, out.dtype, flags.aligned, flags.writeable


def _layout(spec: ConvSpec, array: np.ndarray) -> Layout:
    return Layout.of(
        array.shape, array.strides, array.dtype, array.flags.aligned, spec.dtype, spec.rank
    )


def _contiguous(spec: ConvSpec, shape: tuple[int, ...], dtype: np.dtype) -> Layout:
    strides, step = [], dtype.itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return Layout.of(shape, tuple(reversed(strides)), dtype, True, spec.dtype, spec.rank)
