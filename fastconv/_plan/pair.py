# SPDX-License-Identifier: BSD-3-Clause
"""The path of a call with two weights, of a depthwise and of a pointwise convolution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .._core.arrays import empty
from .._core.measure import openmp_threads
from .._spec.arguments import as_array, as_operand
from .._spec.layers import with_taps
from .._spec.operands import check_out, check_residual
from .._spec.separable_conv import SEPARABLE_CONV, check_biases
from .compare import make
from .execute import known, layout_of, make_call, outlined, overlaps, settle, through_a_copy
from .kept import Store, frozen, keep, outline
from .layout import is_same
from .plan import Plan
from .separable_conv import PairArrays
from .settings import current

_plans = Store()


class Operands(NamedTuple):
    """The arrays of a call; those of a pair are depthwise and pointwise."""

    src: Any
    weights: tuple[Any, Any]
    biases: tuple[Any, Any]
    residual: np.ndarray | None
    out: np.ndarray | None


def read(name: str, rank: int, parameters: tuple, operands: tuple, as_read=as_operand) -> Operands:
    """The operands (input, weights, bias, depthwise bias, residual, out), as arrays where they have
    to be; the depthwise weight as it is multiplied."""
    input, depthwise, pointwise, bias, depthwise_bias, residual, out = operands
    said = SEPARABLE_CONV.parameters(*parameters)
    src, wei = as_read(name, "input", input), as_read(name, "depthwise_weight", depthwise)
    if known(wei) is not None:
        wei = SEPARABLE_CONV.view(wei, rank, said)
    second = with_taps(as_read(name, "pointwise_weight", pointwise), rank)
    if residual is not None:
        residual = as_operand(name, "residual", residual)
    first_bias, last_bias = (
        None if value is None else as_array(name, word, value)
        for word, value in (("depthwise_bias", depthwise_bias), ("bias", bias))
    )
    return Operands(src, (wei, second), (first_bias, last_bias), residual, out)


def execute(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple):
    """Run a request: the parameters in the order of those of its family, the operands as `read`
    takes them, and (algorithm, threads)."""
    parameters, said = settle(family, parameters)
    found = read(name, rank, parameters, operands)
    plan = find(name, rank, parameters, said, found, how, False)
    check_biases(plan.spec, *found.biases)
    if overlaps_any(found):

        def apart(out, residual):
            copied = (*operands[:5], residual, out)
            return execute(family, name, rank, parameters, copied, how)

        return through_a_copy(apart, found.out, found.residual)
    return run(plan, found)


def overlaps_any(operands: Operands) -> bool:
    """Whether writing the output would change what is still to be read."""
    src, weights, biases, residual, out = operands
    return out is not None and overlaps(out, residual, src, *weights, *biases)


def run(plan: Plan, operands: Operands, layer: tuple | None = None) -> np.ndarray:
    """Run a plan for arrays as they were read, which do not overlap; `layer` has both weights, as
    a layer keeps them."""
    src, weights, biases, residual, out = operands
    if out is None:
        out = empty(plan._engine.output_shape, plan._engine.dtype)
    plan._engine.run(src, weights, layer, biases, residual, out)
    return out


def find(name, rank, parameters, said, operands: Operands, how: tuple, layer: bool) -> Plan:
    """The plan of a call, kept from one like it or made now; this checks all but the values of
    biases."""
    algorithm, threads = how
    options = current()
    if threads is None:
        threads = options.threads
    residual, out = operands.residual, operands.out
    key = (
        name, *(_seen(array) for array in (operands.src, *operands.weights)),
        *(bias is None for bias in operands.biases),
        tuple(map(frozen, parameters[: SEPARABLE_CONV.often])), said, frozen(algorithm),
        (openmp_threads(),) if threads is None else frozen(threads),
        options, layer, None if out is None else outline(out),
        None if residual is None else (*outline(residual), is_same(residual, out)),
    )  # fmt: skip
    plan = _plans.get(key)
    if plan is None:
        plan = planned(name, rank, parameters, operands, (algorithm, threads), layer)
        keep(_plans, key, plan, plan._engine.memory)
    return plan


def _seen(array: np.ndarray) -> tuple:
    return array.shape, array.strides, array.dtype, array.flags.aligned


def planned(name, rank, parameters, operands: Operands, how: tuple, layer: bool = False) -> Plan:
    """A plan made now, for arrays or their outlines."""
    src, (first, second), biases, residual, out = operands
    spec = SEPARABLE_CONV.make_spec(
        name,
        rank,
        src.shape,
        src.dtype,
        (first.shape, second.shape),
        (first.dtype, second.dtype),
        **SEPARABLE_CONV.parameters(*parameters)._asdict(),
        depthwise_bias=biases[0] is not None,
        bias=biases[1] is not None,
        residual=residual is not None,
    )
    check_out(spec, out, layer)
    if residual is not None:
        check_residual(spec, residual)
    call = make_call(spec, src, None, residual, out, *how, layer)
    given = call.arrays
    arrays = PairArrays(
        given.src,
        layout_of(spec.depthwise, first, spec.depthwise.tile_dtype, False),
        given.dst,
        given.residual,
        given.residual_is_out,
        layout_of(spec.pointwise, second, spec.pointwise.tile_dtype, False),
    )
    copies = tuple(
        f"out: whole, because it overlaps {argument}"
        for argument, weight in (("depthwise_weight", first), ("pointwise_weight", second))
        if known(weight) is not None and out is not None and np.may_share_memory(out, weight)
    )
    dtypes = src.dtype, first.dtype, second.dtype, residual if residual is None else residual.dtype
    return make(replace(call, arrays=arrays, dtypes=dtypes, copies=(call.copies or copies)[:1]))


def explain(family, name: str, rank: int, parameters: tuple, operands: tuple, how: tuple) -> Plan:
    """The plan of a request; input and weights may be shapes."""
    parameters, _ = settle(family, parameters)
    found = read(name, rank, parameters, operands, outlined)
    algorithm, threads = how
    how = (algorithm, current().threads if threads is None else threads)
    plan = planned(name, rank, parameters, found, how)
    check_biases(plan.spec, *found.biases)
    return plan
