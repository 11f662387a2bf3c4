# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside zero padding, where a tap must add nothing.

The engine multiplies padding as zeros, and 0 * inf is NaN. So such a call runs with finite weights
in their place. That is right but for the outputs that such a weight decides, whose sums are inf,
-inf or NaN: the call counts products to find them, by convolutions of zeros and ones, and stores
them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np

from .._spec.conv import ConvParameters, ConvSpec
from .._spec.dtypes import native
from .._spec.operands import plain_bias
from .layout import Layout, is_finite, native_copy
from .plan import Plan, Variant
from .tiled import Call


def variant(call: Call, make: Callable[[Call], Plan]) -> Variant | None:
    """The plan for weights that are inf or NaN, which no integers are."""
    if call.spec.arithmetic.integer or not call.work.padded:
        return None
    return Variant(
        reason="weight holds inf or NaN",
        holds=lambda src, weights: not weights.finite,
        plan=cache(partial(_plan, call, make)),
        reads_input=False,
        late=True,
    )


def _plan(call: Call, make: Callable[[Call], Plan]) -> Plan:
    """A plan for finite weights, whose engine stores what those that are not finite decide."""
    spec = call.spec
    wei = Layout.contiguous(
        spec.weight_shape, native(call.dtypes[1]), spec.tile_dtype, spec.rank, False
    )
    plan = make(replace(call, arrays=replace(call.arrays, wei=wei)))
    engine = plan._engine
    how = plan.algorithm, plan.threads
    convolve = partial(_convolve, call, how)

    def run(src, wei, packed, bias, residual, dst) -> bool:
        clean = replaced(wei)
        sums = decided_sums(spec, src, wei, clean, convolve)
        with np.errstate(invalid="ignore", over="ignore"):
            results = list(_results(call, how, sums, bias, residual, dst))  # before `dst` changes
        if not engine.run(src, clean if packed is None else None, packed, bias, residual, dst):
            return False
        for part, (place, result) in zip(_components(dst), results, strict=True):
            part[place] = result
        return True

    ours = engine._replace(
        run=run,
        pack=lambda weight: engine.pack(replaced(weight)),
        packing=("finite", *engine.packing),
        variants=(),
    )
    copies = (
        "weight: whole, with finite elements for inf and NaN",
        "out: whole, for the products of inf and NaN",
        *plan.copies,
    )
    return plan._replace(copies=copies, variants=(), _engine=ours)


def _convolve(call: Call, how: tuple, input, weight, **more) -> np.ndarray:
    """A convolution with the parameters of a call, but for its dtype and epilogue."""
    spec = call.spec
    axes = spec.user_axes
    parameters = ConvParameters(
        stride=tuple(axis.stride for axis in axes),
        padding=tuple((axis.before, axis.after) for axis in axes),
        dilation=tuple(axis.dilation for axis in axes),
        groups=spec.groups,
        padding_mode=tuple(axis.border.word for axis in axes),
        channels_last=spec.channels_last,
    )
    arrays = (input, weight, None, None, None)
    return call.convolve(spec.name, spec.rank, parameters._replace(**more), arrays, how)


def replaced(weight: np.ndarray) -> np.ndarray:
    """The weights with 1 or -1 for those that are not finite: what these multiply keeps its sign,
    and nothing becomes NaN."""
    clean = native_copy(weight)
    for part in _components(clean):
        bad = ~np.isfinite(part)
        part[bad] = np.where(part[bad] == -np.inf, -1, 1)
    return clean


def decided_sums(
    spec: ConvSpec,
    src: np.ndarray,
    weight: np.ndarray,
    clean: np.ndarray,
    convolve: Callable[..., np.ndarray],
) -> np.ndarray:
    """The sums that weights which are not finite decide: inf, -inf or NaN; the others are 0.

    ``convolve(input, weight, **more)`` has the parameters of the call.
    """
    axis = -1 if spec.channels_last else -1 - spec.rank
    sums = np.zeros(spec.output_shape, spec.sum_dtype)
    results = [np.moveaxis(part, axis, 0) for part in _components(sums)]
    outputs, *rest = results[0].shape
    counts = np.zeros((3, outputs * len(results), *rest), np.int32)  # of inf, -inf and NaN
    for number, x in enumerate(_components(src)):
        border = (spec.border_value.real, spec.border_value.imag)[number]
        rows = _real_weights(weight, number, len(results))
        made = np.full(len(rows), True)
        if spec.groups == 1:  # only the channels that such weights join
            bad = ~np.isfinite(rows).all(axis=tuple(range(2, rows.ndim)))
            made = bad.any(axis=1)
            x, rows = x.compress(bad.any(axis=0), axis), rows[made][:, bad.any(axis=0)]
        for kind, bits, beyond, chosen in _products(x, border, rows):
            if chosen.any():
                found = convolve(bits, chosen, padding_value=int(spec.reads_constant and beyond))
                counts[kind, made] += np.moveaxis(found, axis, 0)
    for number, part in enumerate(results):
        up, down, nan = counts[:, number :: len(results)] > 0
        part[up] = np.inf
        part[down] = -np.inf
        part[nan | (up & down)] = np.nan
    if not (is_finite(src) and np.isfinite(spec.border_value)):
        x, border = map(_not_finite, (src, np.array(spec.border_value)))
        others = convolve(x, clean, padding_value=border[()], dtype=spec.sum_dtype)
        with np.errstate(invalid="ignore"):
            for part, other in zip(_components(sums), _components(others), strict=True):
                part[part != 0] += other[part != 0]
    return sums


def _results(
    call: Call,
    how: tuple,
    sums: np.ndarray,
    bias: np.ndarray | None,
    residual: np.ndarray | None,
    out: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each component of the output: which sums are not 0, and what these become.

    They are added in float64, where no finite number of float32 overflows to another inf."""
    epilogue = call.spec.epilogue
    if bias is not None:
        bias = plain_bias(call.spec, bias)
        bias = bias if call.spec.channels_last else bias.reshape(-1, *(1,) * call.spec.rank)
        bias = np.broadcast_to(bias, sums.shape)
    for number, part in enumerate(_components(sums)):
        place, as_sum = part != 0, part.dtype.type
        total = part[place] * np.float64(as_sum(epilogue.alpha))
        for factor, array in ((1, bias), (epilogue.beta, out), (1, residual)):
            if array is not None and factor != 0:
                added = _components(array)[number][place].astype(part.dtype)
                total += added * np.float64(as_sum(factor))
        activation = epilogue.activation and (epilogue.activation, *epilogue.parameters)
        parameters = ConvParameters(
            activation=activation,
            dtype=_components(out)[number].dtype,
            overflow="saturate" if epilogue.saturate else "wrap",
        )
        every, one = np.array([[np.inf, -np.inf, np.nan]]), np.ones((1, 1, 1))
        arrays = (every.astype(part.dtype), one.astype(part.dtype), None, None, None)
        stored = call.convolve("conv1d", 1, parameters, arrays, how)[0]
        yield place, stored[np.where(np.isnan(total), 2, total < 0)]


def _not_finite(array: np.ndarray) -> np.ndarray:
    """A copy with 0 for what is finite."""
    copy = native_copy(array)
    for part in _components(copy):
        part[np.isfinite(part)] = 0
    return copy


def _products(x: np.ndarray, border: float, weight: np.ndarray) -> Iterator[tuple]:
    """(0, 1, 2: the product is inf, -inf, NaN; which elements; the border, too; which weights)."""
    with np.errstate(invalid="ignore"):  # bfloat16 warns of NaN
        above, below = x > 0, x < 0
    plus, minus = weight == np.inf, weight == -np.inf
    yield 0, above, border > 0, plus
    yield 0, below, border < 0, minus
    yield 1, above, border > 0, minus
    yield 1, below, border < 0, plus
    yield 2, ~(above | below), not (border > 0 or border < 0), plus | minus
    yield 2, np.broadcast_to(True, x.shape), True, np.isnan(weight)


def _components(array: np.ndarray) -> tuple[np.ndarray, ...]:
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)


def _real_weights(weight: np.ndarray, component: int, components: int) -> np.ndarray:
    """The weights that the real or imaginary part of an input meets: one row for each part of an
    output channel."""
    real, *rest = _components(weight)
    if components == 1:
        return real
    imaginary = rest[0] if rest else np.zeros_like(real)
    pair = (real, imaginary) if component == 0 else (-imaginary, real)
    return np.stack(pair, axis=1).reshape(-1, *weight.shape[1:])
