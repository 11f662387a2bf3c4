# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call: find its plan among those kept, allocate, run."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from operator import index, is_
from typing import Any

import numpy as np

from .._core import table
from .._core.conv import address
from .._core.measure import openmp_threads
from .._spec import reference
from .._spec.arguments import as_operand, as_shape, check_algorithm, check_threads
from .._spec.conv import ConvParameters, ConvSpec, make_conv_spec
from .._spec.dtypes import TOTALS
from .._spec.operands import check_bias, check_out, check_residual
from .._spec.values import told_apart
from .algorithms import NAMES
from .layout import Layout, copy, native_copy
from .magnitude import fits_float64
from .nonfinite import replaced, residual_for
from .plan import Plan, choose_threads, isas, make
from .settings import check_environment, check_isa, current
from .tiled import Arrays

check_environment(isas(), table.isas_compiled(), NAMES[1:])

PLANS_BYTES = 64 << 20  # of all plans that are kept, those of prepared layers, too


class Store(dict):
    """Plans, or what a layer has made ready, by what a call looks like."""

    __slots__ = ("__weakref__",)


_plans: Store = Store()
_kept: deque[tuple[weakref.ref[Store], tuple, int]] = deque()  # the oldest first
_kept_bytes = 0
_lock = threading.RLock()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # in the child nobody is left to release the old one


os.register_at_fork(after_in_child=_after_fork)


PLAIN = ConvParameters()
EACH = 4  # parameters that most calls say something about; of the others they say nothing
FLIP = PLAIN._fields.index("flip")


def execute(name: str, rank: int, parameters: tuple, operands: tuple, how: tuple):
    """Run a request: the parameters in the order of `ConvParameters`, (input, weight, bias,
    residual, out), and (algorithm, threads)."""
    parameters, said = settle(parameters)
    input, weight, bias, residual, out = operands
    src = as_operand(name, "input", input)
    wei = as_operand(name, "weight", weight)
    if parameters[FLIP] is True and wei.ndim == rank + 2:
        wei = flipped(wei, rank)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    plan = find(name, rank, parameters, said, src, wei, bias is not None, residual, out, how, False)
    if plan.if_small is not None:
        plan = fitting(plan, src, wei)
    spec = plan.spec
    numbers = check_bias(spec, bias, plan.bias_dtype)
    if out is None:
        out = np.empty(plan.output_shape, spec.dtype)
    elif overlaps(out, residual, src, wei, numbers):
        return through_a_copy(
            lambda out, residual: execute(
                name, rank, parameters, (input, weight, bias, residual, out), how
            ),
            out,
            residual,
        )
    return run(plan, src, wei, None, plan.pad_bias(numbers), residual, out)


def settle(parameters: tuple) -> tuple[tuple, Any]:
    """The parameters in values that stay, and what of a key is made of those that few calls say.

    Equality would not do to find out whether they say any: 1 is 1.0, and float64 is None."""
    if all(map(is_, parameters[EACH:], PLAIN[EACH:])):
        return parameters, None
    parameters = ConvParameters(*parameters).settled()
    return parameters, frozen(parameters[EACH:], -1)


def fitting(plan: Plan, src: np.ndarray, wei: np.ndarray) -> Plan:
    """The plan for these integers: in float64 if all of them are small."""
    return plan.if_small() if fits_float64(plan.spec, src, wei) else plan


def flipped(weight: np.ndarray, rank: int) -> np.ndarray:
    """The kernels turned around on every axis."""
    return weight[(slice(None),) * 2 + (slice(None, None, -1),) * rank]


def overlaps(out, residual, *read) -> bool:
    """Whether writing the output would change what is still to be read; a residual that is the
    output is read before."""
    for array in read:
        if array is not None and np.may_share_memory(out, array):
            return True
    return (
        residual is not None
        and not residual_is(residual, out)
        and np.may_share_memory(out, residual)
    )


def through_a_copy(operation: Callable, out, residual):
    """`operation` (out, residual), which reads what it would overwrite, on a copy of the output."""
    apart = native_copy(out)
    if residual is not None and residual_is(residual, out):
        residual = apart
    copy(out, operation(apart, residual))
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
    """Run the plan; or another one when the weights turn out not finite: see _plan/nonfinite.py."""
    if plan.if_not_finite is None and not plan.replaced and plan.problem is not None:
        plan.run(src, wei, packed, bias, residual, dst)
        return dst
    spec = plan.spec
    if plan.problem is None:
        if dst.size:
            if spec.parts == 2 and bias is not None:
                if spec.apart:
                    bias = bias.reshape(spec.groups, 2, spec.c_out).swapaxes(1, 2).ravel()
                bias = bias.view(np.result_type(bias.dtype, np.complex64))
            dst[...] = reference.convolve(spec, src, wei, bias, residual, dst)
        return dst
    if plan.replaced:
        dtype = spec.sum_dtype
        residual = residual_for(spec, src, wei, residual, dtype, partial(_count, plan))
        plan.run(src, replaced(wei) if packed is None else None, packed, bias, residual, dst)
        return dst
    # What a second time would need, the first one overwrites.
    once = spec.reads_out or (residual is not None and residual_is(residual, dst))
    look = once and packed is None
    if (look and not _finite(wei)) or not plan.run(src, wei, packed, bias, residual, dst):
        plan = plan.if_not_finite()
        bias = None if bias is None else bias[: spec.groups * spec.c_out * spec.parts]
        return run(plan, src, wei, None, plan.pad_bias(bias), residual, dst)
    return dst


def _count(plan: Plan, input, weight, groups: int, padding_value: int):
    """The convolution of zeros and ones with the parameters of a plan: integers."""
    spec = plan.spec
    axes = spec.user_axes
    parameters = PLAIN._replace(
        stride=tuple(axis.stride for axis in axes),
        padding=tuple((axis.before, axis.after) for axis in axes),
        dilation=tuple(axis.dilation for axis in axes),
        groups=groups,
        padding_mode=tuple(axis.border.word for axis in axes),
        padding_value=padding_value,
        channels_last=spec.channels_last,
    )
    operands, how = (input, weight, None, None, None), (plan.algorithm, plan.threads)
    return execute(spec.name, spec.rank, parameters, operands, how)


def _finite(weight) -> bool:
    return weight.dtype.kind in "biu" or bool(np.isfinite(weight).all())


def find(
    name, rank, parameters, said, src, wei, bias, residual, out, how, prepared
) -> Plan:  # fmt: skip
    """The plan of a call, kept from one like it or made now; this checks all arguments but bias,
    of which it takes whether there is one."""
    each = parameters[:EACH]
    for value in each:
        if type(value) is not int:
            each = tuple(map(frozen, each))
            break
    algorithm, threads = how
    options = current()
    if threads is None:
        threads = options.threads
    key = (
        name, src.shape, src.strides, src.dtype, src.flags.aligned,
        wei.shape, wei.strides, wei.dtype, wei.flags.aligned, bias,
        each, said,
        algorithm if type(algorithm) is str else frozen(algorithm),
        (openmp_threads(),) if threads is None else frozen(threads),
        options, prepared, None if out is None else outline(out),
        None if residual is None else (*outline(residual), residual_is(residual, out)),
    )  # fmt: skip
    plan = _plans.get(key)
    if plan is None:
        plan = planned(
            name, rank, parameters, src, wei, bias, residual, out, (algorithm, threads), prepared
        )
        keep(_plans, key, plan, plan.memory)
    return plan


def planned(name, rank, parameters, src, wei, bias, residual, out, how, prepared=False) -> Plan:
    """A plan made now, for arrays or (shape, dtype) of contiguous ones."""
    spec = make_conv_spec(
        name,
        rank,
        *_shape_and_dtype(src),
        *_shape_and_dtype(wei),
        **ConvParameters(*parameters)._asdict(),
        bias=bias,
        residual=residual is not None,
    )
    check_out(spec, out)
    if residual is not None:
        check_residual(spec, residual)
    return make_plan(spec, src, wei, residual, out, *how, prepared)


def _shape_and_dtype(value: Any) -> tuple[tuple[int, ...], np.dtype]:
    return (value.shape, value.dtype) if isinstance(value, np.ndarray) else value


def explain(name: str, rank: int, parameters: tuple, operands: tuple, how: tuple) -> Plan:
    """The plan of a request; input and weight may be shapes."""
    parameters, _ = settle(parameters)
    input, weight, bias, residual, out = operands
    src, wei = outlined(name, "input", input), outlined(name, "weight", weight)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    if parameters[FLIP] is True and isinstance(wei, np.ndarray) and wei.ndim == rank + 2:
        wei = flipped(wei, rank)
    algorithm, threads = how
    how = (algorithm, current().threads if threads is None else threads)
    plan = planned(name, rank, parameters, src, wei, bias is not None, residual, out, how)
    check_bias(plan.spec, bias, plan.spec.tile_dtype)
    if plan.if_small is not None and isinstance(src, np.ndarray) and isinstance(wei, np.ndarray):
        plan = fitting(plan, src, wei)
    return plan


def outlined(name: str, argument: str, value: Any, dtype: Any = np.float32):
    """An array, or (shape, dtype) of a tuple of sizes, which stands for an array of `dtype`."""
    if isinstance(value, tuple) and all(type(n) is int for n in value):
        return as_shape(name, argument, value), np.dtype(dtype)
    return as_operand(name, argument, value)


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


def keep(store: Store, key: tuple, value: Any, size: int) -> None:
    """Keep a value of so many bytes; the oldest ones of all stores make room."""
    global _kept_bytes
    with _lock:
        store[key] = value
        _kept.append((weakref.ref(store), key, size))
        _kept_bytes += size
        while _kept_bytes > PLANS_BYTES:
            owner, key, size = _kept.popleft()
            _kept_bytes -= size
            found = owner()
            if found is not None:
                found.pop(key, None)


def forget() -> None:
    """Drop all plans that are kept."""
    global _kept_bytes
    with _lock:
        for owner, key, _ in _kept:
            found = owner()
            if found is not None:
                found.pop(key, None)
        _kept.clear()
        _kept_bytes = 0


def kept() -> list:
    """What is kept, the oldest first."""
    with _lock:
        owners = [(owner(), key) for owner, key, _ in _kept]
        return [store[key] for store, key in owners if store is not None and key in store]


def kept_bytes() -> int:
    """What the plans that are kept take at most."""
    return _kept_bytes


def frozen(value: Any, depth: int = 0) -> Any:
    """A key for a dict that tells 1 from 1.0 and True, as equality does not.

    What it does not know is no number, word, dtype or list of them: it is refused, never kept.
    """
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if isinstance(value, np.dtype):
        return value
    if isinstance(value, np.ndarray):
        return (kind, value.dtype, frozen(value.tolist()))
    if isinstance(value, (list, tuple)) and depth < 3:  # deeper ones are refused anyway
        return (kind, *(frozen(item, depth + 1) for item in value))
    try:
        return (kind, index(value))
    except Exception:
        return told_apart(value)


FLAGS = 0x0100 | 0x0400  # of ndarray.flags.num: aligned, writeable


def outline(out: Any) -> tuple:
    """What a plan and the checks of `out` depend on."""
    if not isinstance(out, np.ndarray):
        return (type(out), id(out))  # refused, so never kept
    return type(out), out.shape, out.strides, out.dtype, out.flags.num & FLAGS


def _layout(spec: ConvSpec, array: Any, dtype: np.dtype, channels_last: bool) -> Layout:
    """The layout of an array or of a contiguous one of that (shape, dtype)."""
    if not isinstance(array, np.ndarray):
        return Layout.contiguous(*array, dtype, spec.rank, channels_last)
    seen = (array.shape, array.strides, array.dtype, array.flags.aligned)
    return Layout.of(*seen, dtype, spec.rank, channels_last)
