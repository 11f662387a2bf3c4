# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside zero padding, where a tap must add nothing.

The engine multiplies padding as zeros, and 0 * inf is NaN. So such a call runs with finite weights
in their place, and a residual: what the products of those weights sum to at each output, which is
0, inf, -inf or NaN. To know it, the call counts products, by convolutions of zeros and ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np

from .._spec.conv import ConvParameters, ConvSpec
from .._spec.dtypes import TOTALS, native
from .layout import Layout, native_copy
from .plan import Plan, Variant, epilogue_words
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
    """A plan with a residual and finite weights, which its engine makes of those of the call."""
    spec = call.spec
    shape, dtype, total = spec.output_shape, spec.sum_dtype, TOTALS[spec.arithmetic.total]
    layouts = {
        "wei": Layout.contiguous(
            spec.weight_shape, native(call.dtypes[1]), spec.tile_dtype, spec.rank, False
        ),
        "residual": Layout.contiguous(shape, dtype, total, spec.rank, spec.channels_last),
    }
    arrays = replace(call.arrays, **layouts, residual_is_out=False)
    epilogue = spec.epilogue._replace(residual=True)
    plan = make(replace(call, spec=replace(spec, epilogue=epilogue), arrays=arrays))
    engine = plan._engine
    count = partial(_count, call, (plan.algorithm, plan.threads))

    def run(src, wei, packed, bias, residual, dst) -> bool:
        total = residual_for(spec, src, wei, residual, dtype, count)
        clean = replaced(wei) if packed is None else None
        return engine.run(src, clean, packed, bias, total, dst)

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
    said = {"spec": spec, "copies": copies, "variants": (), "epilogue": epilogue_words(spec)}
    return plan._replace(**said, bytes=call.arrays.moved_bytes(spec), _engine=ours)


def _count(call: Call, how: tuple, input, weight, groups: int, padding_value: int) -> np.ndarray:
    """The convolution of zeros and ones with the parameters of a call: integers."""
    spec = call.spec
    axes = spec.user_axes
    parameters = ConvParameters(
        stride=tuple(axis.stride for axis in axes),
        padding=tuple((axis.before, axis.after) for axis in axes),
        dilation=tuple(axis.dilation for axis in axes),
        groups=groups,
        padding_mode=tuple(axis.border.word for axis in axes),
        padding_value=padding_value,
        channels_last=spec.channels_last,
    )
    return call.convolve(spec.name, spec.rank, parameters, (input, weight, None, None, None), how)


def replaced(weight: np.ndarray) -> np.ndarray:
    """The weights with 1 or -1 for those that are not finite: what these multiply keeps its sign,
    and nothing becomes NaN."""
    clean = native_copy(weight)
    for part in _components(clean):
        bad = ~np.isfinite(part)
        part[bad] = np.where(part[bad] == -np.inf, -1, 1)
    return clean


def residual_for(
    spec: ConvSpec,
    src: np.ndarray,
    weight: np.ndarray,
    residual: np.ndarray | None,
    dtype: np.dtype,
    convolve: Callable[..., np.ndarray],
) -> np.ndarray:
    """What the products of weights that are not finite sum to, plus the residual, as `dtype`.

    ``convolve(input, weight, groups, padding_value)`` has the other parameters of the call.
    """
    axis = -1 if spec.channels_last else -1 - spec.rank
    nothing = -np.zeros((), dtype)  # -0 changes no sum, not even -0
    total = np.full(spec.output_shape, nothing)
    results = [np.moveaxis(part, axis, 0) for part in _components(total)]
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
                beyond = int(beyond) if spec.reads_constant else 0
                found = convolve(bits, chosen, spec.groups, beyond)
                counts[kind, made] += np.moveaxis(found, axis, 0)
    for number, part in enumerate(results):
        up, down, nan = counts[:, number :: len(results)] > 0
        part[up] = np.inf
        part[down] = -np.inf
        part[nan | (up & down)] = np.nan
        with np.errstate(invalid="ignore"):
            part[part != 0] *= spec.epilogue.alpha
    if residual is not None:
        with np.errstate(invalid="ignore", over="ignore"):
            total += residual.astype(dtype)  # in place: a new array might have another layout
    return total


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
