# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside zero padding, where a tap must add nothing.

The engine multiplies padding as zeros, and 0 * inf is NaN. So such a call runs with 0 in their
place. That is right but for the outputs that such a weight decides, whose sums are inf, -inf or
NaN. The call finds these before, by convolutions of zeros and ones that count products, and stores
them afterwards. It looks at a part of the output at a time, and at what that reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from .._spec.axis import Axis
from .._spec.conv import ConvParameters, ConvSpec
from .._spec.dtypes import components, native
from .._spec.operands import plain_bias
from .layout import Layout, is_finite, native_copy, portions
from .plan import Plan, Variant
from .tiled import Call

PART = 1 << 20  # elements of the input or of the output that are looked at together
SUMS = np.array([np.inf, -np.inf, np.nan])  # what such weights decide; a code is a place here + 1


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
    how = plan.algorithm, None if call.shared else plan.threads

    def run(src, wei, packed, bias, residual, dst) -> bool:
        out = np.asarray(dst)
        with np.errstate(all="ignore"):
            codes = decided(call, how, src, wei, bias, residual, out)  # before `out` changes
        clean = replaced(wei) if packed is None else None
        if not engine.run(src, clean, packed, bias, residual, dst):
            return False
        for part, code in zip(_components(out), codes, strict=True):
            stored = _stored(call, how, part.dtype)
            for portion in portions(code):
                place = code[portion] > 0
                part[portion][place] = stored[code[portion][place] - 1]
        return True

    ours = engine._replace(
        run=run,
        pack=lambda weight: engine.pack(replaced(weight)),
        packing=("finite", *engine.packing),
        variants=(),
    )
    copies = (
        "weight: whole, with 0 for inf and NaN",
        "out: a byte for each number, for what inf and NaN decide",
        *plan.copies,
    )
    return plan._replace(copies=copies, variants=(), _engine=ours)


def replaced(weight: np.ndarray, signs: bool = False) -> np.ndarray:
    """The weights with 0 for those that are not finite, or with their signs."""
    clean = native_copy(weight)
    for part in _components(clean):
        for portion in portions(part):
            numbers = part[portion]
            with np.errstate(invalid="ignore"):  # bfloat16 warns of NaN
                bad = ~np.isfinite(numbers)
                numbers[bad] = np.where(numbers[bad] == -np.inf, -1, 1) if signs else 0
    return clean


def decided(
    call: Call,
    how: tuple,
    src: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    residual: np.ndarray | None,
    out: np.ndarray,
) -> np.ndarray:
    """For each component of the output, codes of what its sums become before the activation: 0
    where no weight that is not finite decides them."""
    spec = call.spec
    bad = [_bad(spec, weight, number) for number in range(components(src.dtype))]
    signs = cache(partial(replaced, weight, signs=True))
    if bias is not None:
        bias = plain_bias(spec, bias)
        bias = bias if spec.channels_last else bias.reshape(-1, *(1,) * spec.rank)
        bias = np.broadcast_to(bias, out.shape)
    codes = np.zeros((spec.components, *out.shape), np.uint8)
    alpha, beta = (spec.tile_dtype.type(x) for x in (spec.epilogue.alpha, spec.epilogue.beta))
    added = ((1, bias), (beta, None if beta == 0 else out), (1, residual))
    for place, read, padding in parts(spec):
        convolve = partial(_convolve, call, how, padding)
        x = src[read]
        met = _met(spec, x, bad, convolve)
        others = [np.zeros((), spec.tile_dtype)] * spec.components
        if not is_finite(x):  # what the other weights multiply may be inf or NaN, too
            others = _components(convolve(_not_finite(x), signs(), dtype=spec.sum_dtype))
        for number, (up, down, nan) in enumerate(met):
            here = up | down | nan
            sums = np.where(up, np.inf, -np.inf)
            sums[nan | (up & down)] = np.nan
            sums = (sums + others[number])[here] * np.float64(alpha)
            # In float64, where no finite number of float32 overflows to another inf.
            for factor, array in added:
                if array is not None:
                    more = _components(array[place])[number][here].astype(spec.tile_dtype)
                    sums += more * np.float64(factor)
            codes[number][place][here] = np.where(np.isnan(sums), 3, np.where(sums > 0, 1, 2))
    return codes


class _Bad(NamedTuple):
    """Weights that are not finite, of those that one component of the input meets."""

    rows: np.ndarray  # numbers of the components of output channels that have such weights
    channels: np.ndarray  # numbers of the input channels that meet them
    groups: int
    kinds: tuple[np.ndarray, np.ndarray, np.ndarray]  # which are inf, -inf, NaN


def _bad(spec: ConvSpec, weight: np.ndarray, component: int) -> _Bad:
    """Of the weights that the real or imaginary part of an input meets."""
    rows = _real_weights(weight, component, spec.components)
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(rows).all(axis=tuple(range(2, rows.ndim)))
    bad = bad.reshape(spec.groups, -1, spec.c_in)
    groups = np.flatnonzero(bad.any(axis=(1, 2)))
    if len(groups) == 1:
        row, channel = (np.flatnonzero(bad[groups[0]].any(axis=axis)) for axis in (1, 0))
    else:
        row, channel = np.arange(bad.shape[1]), np.arange(spec.c_in)
    made = (groups[:, None] * bad.shape[1] + row).ravel()
    rows = rows[made][:, channel]
    kinds = (rows == np.inf, rows == -np.inf, np.isnan(rows))
    return _Bad(made, (groups[:, None] * spec.c_in + channel).ravel(), len(groups), kinds)


def _real_weights(weight: np.ndarray, component: int, rows: int) -> np.ndarray:
    """The weights that the real or imaginary part of an input meets: so many rows for an output
    channel, one for each component of it."""
    real, *rest = _components(weight)
    if rows == 1:
        return real
    imaginary = rest[0] if rest else np.zeros_like(real)
    pair = (real, imaginary) if component == 0 else (-imaginary, real)
    return np.stack(pair, axis=1).reshape(-1, *weight.shape[1:])


def parts(spec: ConvSpec) -> Iterator[tuple[tuple, tuple, tuple]]:
    """Parts of the output: where they are, the input that each reads, the padding that it needs."""
    axes = (Axis(spec.batch), *spec.user_axes)
    steps = [axis.outputs for axis in axes]
    channels = spec.groups * max(spec.c_in, spec.c_out)
    for number, axis in enumerate(axes):  # the outer ones are cut first
        read = ((step - 1) * a.stride + a.span for a, step in zip(axes, steps, strict=True))
        read = (min(length, a.n) for a, length in zip(axes, read, strict=True))
        size = max(1, channels * max(prod(steps), prod(read)))
        if axis.cuttable and size > PART:
            steps[number] = max(1, steps[number] * PART // size)

    def placed(batch: slice, others: tuple) -> tuple:
        index = (*others, slice(None)) if spec.channels_last else (slice(None), *others)
        return (batch, *index) if spec.batched else index

    cuts = (
        [
            axis.part(first, min(first + step, axis.outputs))
            for first in range(0, axis.outputs, step)
        ]
        for axis, step in zip(axes, steps, strict=True)
    )
    for cut in product(*cuts):
        where, read, padding = zip(*cut, strict=True)
        yield placed(where[0], where[1:]), placed(read[0], read[1:]), padding[1:]


def _met(
    spec: ConvSpec,
    src: np.ndarray,
    bad: list[_Bad],
    convolve: Callable[..., np.ndarray],
) -> Iterator[tuple[np.ndarray, ...]]:
    """For each component of the output: which sums have products that are inf, -inf, NaN."""
    axis = -1 if spec.channels_last else -1 - spec.rank
    met = None
    for x, weights in zip(_components(src), bad, strict=True):
        x = x.take(weights.channels, axis)
        for kind, bits, chosen in _products(x, *weights.kinds):
            if chosen.any():
                found = np.moveaxis(convolve(bits, chosen, groups=weights.groups), axis, 0) > 0
                if met is None:
                    outputs = spec.groups * spec.c_out * spec.components
                    met = np.zeros((3, outputs, *found.shape[1:]), bool)
                met[kind, weights.rows] |= found
    for number in range(spec.components):
        yield tuple(np.moveaxis(part[number :: spec.components], 0, axis) for part in met)


def _products(x: np.ndarray, plus, minus, nan) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(0, 1, 2: the product is inf, -inf, NaN; which elements; which weights)."""
    above, below = x > 0, x < 0
    yield 0, above, plus
    yield 0, below, minus
    yield 1, above, minus
    yield 1, below, plus
    yield 2, ~(above | below), plus | minus
    yield 2, np.broadcast_to(True, x.shape), nan


def _convolve(call: Call, how: tuple, padding: tuple, input, weight, **more) -> np.ndarray:
    """A convolution with the parameters of a call, but for its epilogue."""
    spec, axes = call.spec, call.spec.user_axes
    parameters = ConvParameters(
        stride=tuple(axis.stride for axis in axes),
        padding=padding,
        dilation=tuple(axis.dilation for axis in axes),
        groups=spec.groups,
        padding_mode=tuple(axis.border.word for axis in axes),
        channels_last=spec.channels_last,
    )
    arrays = (input, weight, None, None, None)
    return call.convolve(spec.name, spec.rank, parameters._replace(**more), arrays, how)


def _stored(call: Call, how: tuple, dtype: np.dtype) -> np.ndarray:
    """SUMS, activated, in the dtype of a component of the output."""
    epilogue = call.spec.epilogue
    parameters = ConvParameters(
        activation=epilogue.activation and (epilogue.activation, *epilogue.parameters),
        dtype=native(dtype),
        overflow="saturate" if epilogue.saturate else "wrap",
    )
    one = np.ones((1, 1, 1), call.spec.tile_dtype)
    arrays = (SUMS.astype(one.dtype)[None], one, None, None, None)
    return call.convolve("conv1d", 1, parameters, arrays, how)[0]


def _not_finite(array: np.ndarray) -> np.ndarray:
    """A copy with 0 for what is finite."""
    copy = native_copy(array)
    for part in _components(copy):
        part[np.isfinite(part)] = 0
    return copy


def _components(array: np.ndarray) -> tuple[np.ndarray, ...]:
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)
