# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call: find its plan among those kept, allocate, run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from operator import index, is_
from typing import Any, NamedTuple

import numpy as np

from . import reference
from .algorithms import NAMES
from .dtypes import TOTALS
from .kernels import table
from .kernels.measure import openmp_threads
from .kernels.problem import address
from .layout import Layout
from .magnitude import fits_float64
from .plan import Plan, choose_threads, isas, make
from .settings import check_environment, check_isa, current
from .spec import (
    ConvSpec,
    as_operand,
    check_algorithm,
    check_bias,
    check_out,
    check_residual,
    check_threads,
    make_conv_spec,
)
from .survey import Arrays
from .values import told_apart

check_environment(isas(), table.isas_compiled(), NAMES[1:])

PLANS_KEPT = 512

_plans: dict[tuple, Plan] = {}
_lock = threading.RLock()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # in the child nobody is left to release the old one


os.register_at_fork(after_in_child=_after_fork)


class Extra(NamedTuple):
    """The parameters of a call beyond those that every convolution has."""

    padding_mode: Any = "constant"
    padding_value: Any = 0
    channels_last: Any = False
    flip: Any = False
    activation: Any = None
    alpha: Any = 1
    beta: Any = 0
    dtype: Any = None
    overflow: Any = "wrap"


PLAIN = Extra()


def convolve(
    name, rank, input, weight, bias, stride, padding, dilation, groups, extra, residual, out,
    algorithm, threads,
):  # fmt: skip
    """What conv1d, conv2d and conv3d do; `extra` in the order of `Extra`."""
    src = as_operand(name, "input", input)
    wei = as_operand(name, "weight", weight)
    if extra[FLIP] is True and wei.ndim == rank + 2:
        wei = flipped(wei, rank)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    plan = find(
        name, rank, src, wei, bias is not None, stride, padding, dilation, groups, extra, residual,
        out, algorithm, threads, False,
    )  # fmt: skip
    if plan.if_small is not None:
        plan = fitting(plan, src, wei)
    spec = plan.spec
    numbers = check_bias(spec, bias, plan.bias_dtype)
    if out is None:
        out = np.empty(plan.output_shape, spec.dtype)
    elif overlaps(out, residual, src, wei, numbers):
        parameters = (stride, padding, dilation, groups, (*extra[:FLIP], False, *extra[FLIP + 1 :]))
        return through_a_copy(
            lambda out, residual: convolve(
                name, rank, src, wei, bias, *parameters, residual, out, algorithm, threads
            ),
            out,
            residual,
        )
    return run(plan, src, wei, None, plan.pad_bias(numbers), residual, out)


def fitting(plan: Plan, src: np.ndarray, wei: np.ndarray) -> Plan:
    """The plan for these integers: in float64 if all of them are small."""
    return plan.if_small() if fits_float64(plan.spec, src, wei) else plan


FLIP = Extra._fields.index("flip")


def flipped(weight: np.ndarray, rank: int) -> np.ndarray:
    """The kernels turned around on every axis."""
    return weight[(slice(None),) * 2 + (slice(None, None, -1),) * rank]


def overlaps(out, residual, *read) -> bool:
    """Whether writing the output would change what is still to be read; a residual that is the
    output is read before."""
    if residual is not None and not residual_is(residual, out):
        read = (*read, residual)
    return any(np.may_share_memory(out, array) for array in read if array is not None)


def through_a_copy(operation: Callable, out, residual):
    """`operation` (out, residual), which reads what it would overwrite, on a copy of the output."""
    copy = np.array(out, out.dtype.newbyteorder("="), order="C")
    if residual is not None and residual_is(residual, out):
        residual = copy
    out[...] = operation(copy, residual)
    return out


def residual_is(residual, out) -> bool:
    """Whether both are the same numbers in the same order."""
    return residual is out or (
        isinstance(out, np.ndarray)
        and residual.shape == out.shape
        and residual.strides == out.strides
        and residual.dtype == out.dtype
        and address(residual) == address(out)
    )


def run(plan: Plan, src, wei, packed, bias, residual, dst):
    """Run the plan; again, with taps on padding apart, when the weights turn out not finite."""
    spec = plan.spec
    if plan.problem is None:
        if dst.size:
            if spec.parts == 2 and bias is not None:
                bias = bias.view(np.result_type(bias.dtype, np.complex64))
            dst[...] = reference.convolve(spec, src, wei, bias, residual, dst)
        return dst
    # What a second time would need, the first one overwrites.
    once = spec.reads_out or (residual is not None and residual_is(residual, dst))
    look = once and packed is None and not plan.exact
    if (look and not _finite(wei)) or not plan.run(src, wei, packed, bias, residual, dst):
        exact = plan.exactly()
        bias = None if bias is None else bias[: spec.groups * spec.c_out * spec.parts]
        exact.run(src, wei, packed, exact.pad_bias(bias), residual, dst)
    return dst


def _finite(weight) -> bool:
    return weight.dtype.kind in "biu" or bool(np.isfinite(weight).all())


def find(
    name, rank, src, wei, bias, stride, padding, dilation, groups, extra, residual, out, algorithm,
    threads, prepared,
) -> Plan:  # fmt: skip
    """The plan of a call, kept from one like it or made now; this checks all arguments but bias,
    of which it takes whether there is one."""
    options = current()
    if threads is None:
        threads = options.threads
    key = (
        name, src.shape, src.strides, src.dtype, src.flags.aligned,
        wei.shape, wei.strides, wei.dtype, wei.flags.aligned, bias,
        frozen(stride), frozen(padding), frozen(dilation), frozen(groups),
        None if _plain(extra) else frozen(extra, -1),
        frozen(algorithm), (openmp_threads(),) if threads is None else frozen(threads),
        options, prepared, None if out is None else _outline(out),
        None if residual is None else (*_outline(residual), residual_is(residual, out)),
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
            **Extra(*extra)._asdict(),
            bias=bias,
            residual=residual is not None,
        )
        check_out(spec, out)
        if residual is not None:
            check_residual(spec, residual)
        plan = make_plan(spec, src, wei, residual, out, algorithm, threads, prepared)
        keep(_plans, key, plan)
    return plan


def _plain(extra: tuple) -> bool:
    """Whether nothing was said; equality would not do: 1 is 1.0, and float64 is None."""
    return all(map(is_, extra, PLAIN))


def make_plan(spec: ConvSpec, src, wei, residual, out, algorithm, threads, prepared=False) -> Plan:
    """src, wei, residual, out: arrays, or (shape, dtype) of contiguous ones."""
    options = current()
    algorithm = check_algorithm(spec.name, algorithm, NAMES)
    if algorithm == "auto" and options.algorithm is not None:
        algorithm = check_algorithm(spec.name, options.algorithm, NAMES)
    isa = None if options.isa is None else check_isa(options.isa, isas(), table.isas_compiled())
    threads = check_threads(spec.name, threads)
    sums = TOTALS[spec.arithmetic.total]
    last = spec.channels_last
    outline = (spec.output_shape, spec.dtype) if out is None else out
    arrays = Arrays(
        src=_layout(spec, src, spec.tile_dtype, last),
        wei=_layout(spec, wei, spec.tile_dtype, False),
        dst=_layout(spec, outline, sums, last),
        residual=None if residual is None else _layout(spec, residual, sums, last),
        residual_is_out=residual is not None and residual_is(residual, out),
    )
    copies = ()
    for argument, array in (("input", src), ("weight", wei), ("residual", residual)):
        if (
            isinstance(array, np.ndarray)
            and isinstance(out, np.ndarray)
            and np.may_share_memory(out, array)
            and not (array is residual and arrays.residual_is_out)
        ):
            copies = (f"out: whole, because it overlaps {argument}",)
    return make(
        spec,
        arrays,
        tuple(
            None if x is None else x.dtype if isinstance(x, np.ndarray) else x[1]
            for x in (src, wei, residual)
        ),
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
    if isinstance(value, (list, tuple)) and depth < 3:  # deeper ones are refused anyway
        return (kind, *(frozen(item, depth + 1) for item in value))
    try:
        return (kind, index(value))
    except Exception:
        return told_apart(value)


def _outline(out: Any) -> tuple:
    """What a plan and the checks of `out` depend on."""
    if not isinstance(out, np.ndarray):
        return (type(out), id(out))  # refused, so never kept
    flags = out.flags
    return type(out), out.shape, out.strides, out.dtype, flags.aligned, flags.writeable


def _layout(spec: ConvSpec, array: Any, dtype: np.dtype, channels_last: bool) -> Layout:
    """The layout of an array or of a contiguous one of that (shape, dtype)."""
    if isinstance(array, np.ndarray):
        seen = (array.shape, array.strides, array.dtype, array.flags.aligned)
    else:
        shape, own = array
        strides, step = [], own.itemsize
        for n in reversed(shape):
            strides.append(step)
            step *= max(n, 1)
        seen = (shape, tuple(reversed(strides)), own, True)
    return Layout.of(*seen, dtype, spec.rank, channels_last)
