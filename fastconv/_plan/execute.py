# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call: find its plan among those kept, allocate, run."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from operator import index, is_
from typing import Any, NamedTuple

import numpy as np

from .._core import table
from .._core.conv import address
from .._core.measure import openmp_threads
from .._spec import reference
from .._spec.arguments import as_operand, check_algorithm, check_threads
from .._spec.conv import ConvSpec, make_conv_spec
from .._spec.dtypes import TOTALS
from .._spec.operands import check_bias, check_out, check_residual
from .._spec.values import plain, told_apart
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

    def settled(self) -> Extra:
        """The same in values that stay as they are, of which equal ones mean the same."""
        activation, dtype = self.activation, self.dtype
        if isinstance(activation, (tuple, list)):
            activation = tuple(map(plain, activation))
        if dtype is not None:
            with contextlib.suppress(Exception):  # a check refuses it by name
                dtype = np.dtype(dtype)
        return self._replace(
            padding_value=plain(self.padding_value),
            channels_last=plain(self.channels_last),
            flip=plain(self.flip),
            activation=activation,
            alpha=plain(self.alpha),
            beta=plain(self.beta),
            dtype=dtype,
        )


PLAIN = Extra()


def convolve(
    name, rank, input, weight, bias, stride, padding, dilation, groups, extra, residual, out,
    algorithm, threads,
):  # fmt: skip
    """What conv1d, conv2d and conv3d do; `extra` in the order of `Extra`."""
    extra = PLAIN if _plain(extra) else Extra(*extra).settled()
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
    first = 3 - spec.rank
    parameters = (part[first:] for part in (spec.stride, spec.pad, spec.dilation))
    modes = tuple(border.word for border in spec.border[first:])
    extra = PLAIN._replace(
        padding_mode=modes, padding_value=padding_value, channels_last=spec.channels_last
    )
    return convolve(
        spec.name, spec.rank, input, weight, None, *parameters, groups, extra, None, None,
        plan.algorithm, plan.threads,
    )  # fmt: skip


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
        None if extra is PLAIN else frozen(extra, -1),
        algorithm if type(algorithm) is str else frozen(algorithm),
        (openmp_threads(),) if threads is None else frozen(threads),
        options, prepared, None if out is None else outline(out),
        None if residual is None else (*outline(residual), residual_is(residual, out)),
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
            **extra._asdict(),
            bias=bias,
            residual=residual is not None,
        )
        check_out(spec, out)
        if residual is not None:
            check_residual(spec, residual)
        plan = make_plan(spec, src, wei, residual, out, algorithm, threads, prepared)
        keep(_plans, key, plan, plan.memory)
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
