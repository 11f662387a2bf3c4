# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call: find its plan among those kept, allocate, run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from .._core import table
from .._core.arrays import empty
from .._core.measure import openmp_threads
from .._spec.arguments import as_operand, as_shape, check_algorithm, check_threads
from .._spec.dtypes import TOTALS
from .._spec.family import Family, settled_parameters
from .._spec.operands import check_bias, check_out, check_residual
from .._spec.values import is_flat
from .algorithms import NAMES, names
from .compare import choose_threads, isas, make
from .kept import Store, frozen, keep, outline
from .layout import Layout, copy, is_same, native_copy
from .plan import Plan
from .settings import check_environment, check_isa, current
from .tiled import Arrays, Call
from .variants import choose, run
from .weights import Weights

check_environment(isas(), table.isas_compiled(), NAMES[1:])

_plans = Store()

# Types whose values cannot change, and of which two that are equal do the same.
LASTING = frozenset({int, bool, str, type(None)})


def execute(family: Family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple):
    """Run a request: the parameters in the order of those of its family, (input, weight, bias,
    residual, out), and (algorithm, threads)."""
    parameters, said = settle(family, parameters)
    input, weight, bias, residual, out = operands
    src = as_operand(name, "input", input)
    wei = as_operand(name, "weight", weight) if family.weighted else None
    if said is not None or family.views_always:
        wei = family.view(wei, rank, parameters)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    plan = find(
        family, name, rank, parameters, said, src, wei, bias is not None, residual, out, how, False
    )
    engine = plan._engine
    added = None if bias is None else check_bias(plan.spec, bias, engine.bias_dtype)
    if out is None:
        out = empty(engine.output_shape, engine.dtype)
    elif overlaps(out, residual, src, wei, added):
        return through_a_copy(
            lambda out, residual: execute(
                family, name, rank, parameters, (input, weight, bias, residual, out), how
            ),
            out,
            residual,
        )
    return run(plan, src, wei, None, added, residual, out)


def settle(family: Family, parameters: tuple) -> tuple[tuple, Any]:
    """The parameters in values that stay, and what of a key is made of those that few calls say.

    Equality would not do to find out whether they say any: 1 is 1.0, and float64 is None."""
    often = family.often
    seldom = parameters[often:]
    if all(map(is_, seldom, family.seldom)):
        return parameters, None
    parameters = family.parameters._make(parameters)
    kinds = tuple(map(type, seldom))
    if LASTING.issuperset(kinds):
        return parameters, (kinds, seldom)
    parameters = settled_parameters(parameters)
    return parameters, frozen(parameters[often:], -1)


def overlaps(out, residual, *read) -> bool:
    """Whether writing the output would change what is still to be read; a residual that is the
    output is read before."""
    for array in read:
        if array is not None and np.may_share_memory(out, array):
            return True
    return (
        residual is not None and not is_same(residual, out) and np.may_share_memory(out, residual)
    )


def through_a_copy(operation: Callable, out, residual):
    """`operation` (out, residual), which reads what it would overwrite, on a copy of the output."""
    apart = native_copy(out)
    if residual is not None and is_same(residual, out):
        residual = apart
    copy(out, operation(apart, residual))
    return out


def find(
    family, name, rank, parameters, said, src, wei, bias, residual, out, how, prepared
) -> Plan:  # fmt: skip
    """The plan of a call, kept from one like it or made now; this checks all arguments but bias,
    of which it takes whether there is one."""
    each = parameters[: family.often]
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
        None if wei is None else (wei.shape, wei.strides, wei.dtype, wei.flags.aligned), bias,
        each, said,
        algorithm if type(algorithm) is str else frozen(algorithm),
        (openmp_threads(),) if threads is None else frozen(threads),
        options, prepared, None if out is None else outline(out),
        None if residual is None else (*outline(residual), is_same(residual, out)),
    )  # fmt: skip
    plan = _plans.get(key)
    if plan is None:
        plan = planned(
            family, name, rank, parameters, src, wei, bias, residual, out, (algorithm, threads),
            prepared,
        )  # fmt: skip
        keep(_plans, key, plan, plan._engine.memory)
    return plan


def planned(
    family, name, rank, parameters, src, wei, bias, residual, out, how, prepared=False
) -> Plan:
    """A plan made now, for arrays or their outlines."""
    spec = family.make_spec(
        name,
        rank,
        src.shape,
        src.dtype,
        None if wei is None else wei.shape,
        None if wei is None else wei.dtype,
        **family.parameters(*parameters)._asdict(),
        bias=bias,
        residual=residual is not None,
    )
    check_out(spec, out, prepared)
    if residual is not None:
        check_residual(spec, residual)
    return plan_arrays(spec, src, wei, residual, out, *how, prepared)


def explain(
    family: Family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple
) -> Plan:
    """The plan of a request; input and weight may be shapes."""
    parameters, said = settle(family, parameters)
    input, weight, bias, residual, out = operands
    src = outlined(name, "input", input)
    wei = outlined(name, "weight", weight) if family.weighted else None
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    if family.views_always or (said is not None and known(wei) is not None):
        wei = family.view(wei, rank, parameters)
    algorithm, threads = how
    how = (algorithm, current().threads if threads is None else threads)
    plan = planned(family, name, rank, parameters, src, wei, bias is not None, residual, out, how)
    check_bias(plan.spec, bias, plan.spec.tile_dtype)
    return choose(plan, known(src), None if known(wei) is None else Weights(wei))


class Outline(NamedTuple):
    """What stands for a contiguous array."""

    shape: tuple[int, ...]
    dtype: np.dtype
    shared: bool = False  # all parts along the first axis are the same memory


def outlined(name: str, argument: str, value: Any, dtype: Any = np.float32):
    """An array, or the outline of one; a shape stands for an array of `dtype`."""
    if isinstance(value, Outline):
        return value
    if is_flat(value):
        return Outline(as_shape(name, argument, value), np.dtype(dtype))
    return as_operand(name, argument, value)


def known(array: np.ndarray | Outline | None) -> np.ndarray | None:
    """The array, if there is one."""
    return array if isinstance(array, np.ndarray) else None


def plan_arrays(spec, src, wei, residual, out, algorithm, threads, prepared=False) -> Plan:
    """A plan for arrays or their outlines."""
    return make(make_call(spec, src, wei, residual, out, algorithm, threads, prepared))


def plan_dtypes(spec, src, wei, residual, algorithm, threads) -> Plan:
    """A plan for contiguous arrays of these dtypes."""
    shapes = (spec.input_shape, spec.weight_shape, spec.output_shape)
    pairs = zip(shapes, (src, wei, residual), strict=True)
    arrays = (None if dtype is None else Outline(shape, dtype) for shape, dtype in pairs)
    return plan_arrays(spec, *arrays, None, algorithm, threads)


def make_call(spec, src, wei, residual, out, algorithm, threads, prepared=False) -> Call:
    """What a plan for arrays or their outlines is made for."""
    options = current()
    algorithm = check_algorithm(spec.name, algorithm, names(type(spec)))
    of_settings = algorithm == "auto" and options.algorithm in names(type(spec))
    if of_settings:
        algorithm = options.algorithm
    isa = None if options.isa is None else check_isa(options.isa, isas(), table.isas_compiled())
    threads = check_threads(spec.name, threads)
    sums = TOTALS[spec.arithmetic.total]
    last, new = spec.channels_last, Outline(spec.output_shape, spec.dtype)
    arrays = Arrays(
        src=layout_of(spec, src, spec.tile_dtype, last),
        wei=None if wei is None else layout_of(spec, wei, spec.tile_dtype, False),
        dst=layout_of(spec, new if out is None else out, sums, last),
        residual=None if residual is None else layout_of(spec, residual, sums, last),
        residual_is_out=residual is not None and is_same(residual, out),
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
    return Call(
        spec=spec,
        arrays=arrays,
        dtypes=tuple(None if array is None else array.dtype for array in (src, wei, residual)),
        algorithm=algorithm,
        of_settings=of_settings,
        isa=isa or isas()[-1],
        threads=choose_threads(spec.flops, threads),
        shared=threads is None,
        prepared=prepared,
        convolve=execute,
        make=make,
        copies=copies,
    )


def layout_of(spec: Any, array: Any, dtype: np.dtype, channels_last: bool) -> Layout:
    """The layout of an array or of what an outline stands for."""
    if not isinstance(array, np.ndarray):
        found = Layout.contiguous(*array[:2], dtype, spec.rank, channels_last)
        return replace(found, strides=(0, *found.strides[1:])) if array.shared else found
    seen = (array.shape, array.strides, array.dtype, array.flags.aligned)
    return Layout.of(*seen, dtype, spec.rank, channels_last)
