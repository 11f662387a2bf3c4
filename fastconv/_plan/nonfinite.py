# SPDX-License-Identifier: BSD-3-Clause
"""Weights that are inf or NaN beside zero padding, where a tap must add nothing.

The engine multiplies padding as zeros, and 0 * inf is NaN. So such a call runs with 0 in place of
these weights. That is right except where one of them meets an element of the input: there the sum
is inf, -inf or NaN. The call finds these outputs first (convolutions of zeros and ones count the
products that are inf, -inf and NaN), then runs the engine, then overwrites them. It looks at a part
of the output at a time, which takes little memory, and answers Ctrl-C between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import product
from math import ceil, prod
from typing import NamedTuple

import numpy as np

from .._spec.axis import Axis
from .._spec.conv import CONVOLUTION, ConvParameters, ConvSpec
from .._spec.dtypes import native
from .._spec.operands import plain_bias
from .layout import Layout, is_finite, native_copy, portions
from .plan import Plan, Variant
from .tiled import Call
from .weights import Weights

PART = 1 << 19  # elements of the input or of the output that are looked at together
SUMS = np.array([np.inf, -np.inf, np.nan])  # codes 1, 2, 3: what a sum becomes


def variant(call: Call, make: Callable[[Call], Plan]) -> Variant | None:
    """The plan for weights that hold inf or NaN; None where they cannot, or nothing is padded."""
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
    # It convolves parts of the arrays in other dtypes, too, which `grouped` may refuse.
    name = "direct" if plan.algorithm == "grouped" else plan.algorithm
    how = (name, None if call.shared else plan.threads)

    def run(src, wei, packed, bias, residual, dst) -> bool:
        out = np.asarray(dst)
        with np.errstate(all="ignore"):
            codes = decided(call, how, src, wei, bias, residual, out)  # before `out` changes
        stored = _stored(call, how, _components(out)[0].dtype)
        clean = replaced(wei) if packed is None else None
        if not engine.run(src, clean, packed, bias, residual, dst):
            return False
        for part, code in zip(_components(out), codes, strict=True):
            for portion in portions(part):
                place = code[portion] > 0
                part[portion][place] = stored[code[portion][place] - 1]
        return True

    ours = engine._replace(
        run=run,
        pack=engine.pack
        and (lambda weights: engine.pack(Weights(replaced(weights.array), weights.bias))),
        packing=("finite", *engine.packing),
        variants=(),
    )
    copies = (
        "weight: whole, with 0 for inf and NaN",
        "out: a byte for each number, to mark what inf and NaN decide",
        *plan.copies,
    )
    return plan._replace(copies=copies, variants=(), _engine=ours)


def replaced(weight: np.ndarray, signs: bool = False) -> np.ndarray:
    """A copy with 0 for inf and NaN; with `signs`, 1 for inf and NaN, and -1 for -inf."""
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
    """For each component of the output, a code for each element: 0 where the sum of the engine is
    right; else 1, 2, 3 for inf, -inf, NaN before the activation."""
    spec = call.spec
    axis = -1 if spec.channels_last else -1 - spec.rank
    bad = _bad_weights(spec, weight)
    signs = cache(partial(replaced, bad.array, signs=True))
    if bias is not None:
        bias = plain_bias(spec, bias)
        bias = bias if spec.channels_last else bias.reshape(-1, *(1,) * spec.rank)
        bias = np.broadcast_to(bias, out.shape)
    codes = np.zeros((spec.components, *out.shape), np.uint8)
    alpha, beta = (spec.tile_dtype.type(x) for x in (spec.epilogue.alpha, spec.epilogue.beta))
    added = ((1, bias), (beta, None if beta == 0 else out), (1, residual))
    for place, read, padding in parts(spec, len(bad.inputs), len(bad.outputs)):
        convolve = partial(_convolve, call, how, padding)
        x = taken(src, read).take(bad.inputs, axis)
        numbers = [
            codes[(number, *place)].take(bad.outputs, axis) for number in range(spec.components)
        ]
        others = [0] * spec.components
        if not is_finite(x):  # what the other weights multiply may be inf or NaN, too
            others = convolve(_not_finite(x), signs(), groups=bad.groups, dtype=spec.sum_dtype)
            others = _components(others)
        for number, (up, down, nan) in enumerate(_met(spec, x, bad, numbers[0].shape, convolve)):
            here = up | down | nan
            sums = np.where(up[here], np.inf, -np.inf)
            sums[(nan | (up & down))[here]] = np.nan
            sums += np.broadcast_to(others[number], here.shape)[here]
            sums *= np.float64(alpha)
            # In float64, where finite numbers of float32 cannot overflow. Those of float64 can, as
            # in `reference`.
            for factor, array in added:
                if array is not None:
                    more = _components(array[place])[number].take(bad.outputs, axis)[here]
                    sums += more.astype(spec.tile_dtype) * np.float64(factor)
            found = numbers[number]
            found[here] = np.where(np.isnan(sums), 3, np.where(sums > 0, 1, 2))
            np.moveaxis(codes[(number, *place)], axis, 0)[bad.outputs] = np.moveaxis(found, axis, 0)
    return codes


class _Bad(NamedTuple):
    """Output channels with weights that are inf or NaN; of grouped ones, all of such a group."""

    outputs: np.ndarray  # their numbers
    inputs: np.ndarray  # numbers of the input channels that they read
    groups: int
    array: np.ndarray  # all of their weights


def _bad_weights(spec: ConvSpec, weight: np.ndarray) -> _Bad:
    """Those of a call."""
    bad = ~np.isfinite(weight).all(axis=tuple(range(1, weight.ndim)))
    bad = bad.reshape(spec.groups, spec.c_out)
    groups = np.flatnonzero(bad.any(axis=1))
    outputs = np.flatnonzero(bad[groups[0]]) if len(groups) == 1 else np.arange(spec.c_out)
    outputs = (groups[:, None] * spec.c_out + outputs).ravel()
    inputs = (groups[:, None] * spec.c_in + np.arange(spec.c_in)).ravel()
    return _Bad(outputs, inputs, len(groups), weight[outputs])


def _real_weights(weight: np.ndarray, component: int, components: int) -> np.ndarray:
    """What multiplies the real (0) or imaginary (1) part of an input: for each output channel a row
    for each of its components."""
    real, *rest = _components(weight)
    if components == 1:
        return real
    imaginary = rest[0] if rest else np.zeros_like(real)
    pair = (real, imaginary) if component == 0 else (-imaginary, real)
    return np.stack(pair, axis=1).reshape(-1, *weight.shape[1:])


def parts(spec: ConvSpec, inputs: int, outputs: int) -> Iterator[tuple[tuple, tuple, tuple]]:
    """Parts of the output: where they are, what of the input they read, and the padding that this
    needs. Both are all channels; of these, so many are looked at."""
    axes = (Axis(spec.batch), *spec.user_axes)
    steps = [axis.outputs for axis in axes]
    for number, axis in enumerate(axes):  # the outer ones are cut first
        reads = [(step - 1) * a.stride + a.span for a, step in zip(axes, steps, strict=True)]
        size = max(inputs * prod(reads), outputs * spec.components * prod(steps))
        if size > PART:  # shorter ones than a window would read most elements again and again
            least = ceil(axis.span / axis.stride)
            steps[number] = min(axis.outputs, max(least, steps[number] * PART // size))
    cuts = (
        [
            axis.part(first, min(first + step, axis.outputs))
            for first in range(0, axis.outputs, step)
        ]
        for axis, step in zip(axes, steps, strict=True)
    )
    for cut in product(*cuts):
        where, read, padding = zip(*cut, strict=True)
        yield _index(spec, where), _index(spec, read), padding[1:]


def _index(spec: ConvSpec, axes: tuple) -> tuple:
    """An index of all axes of an array, from one of batch and space."""
    batch, *others = axes
    index = (*others, slice(None)) if spec.channels_last else (slice(None), *others)
    return (batch, *index) if spec.batched else index


def taken(array: np.ndarray, index: tuple) -> np.ndarray:
    """An index for each axis by itself."""
    for axis, part in enumerate(index):
        array = array[(slice(None),) * axis + (part,)]
    return array


def _met(
    spec: ConvSpec,
    src: np.ndarray,
    bad: _Bad,
    shape: tuple[int, ...],
    convolve: Callable[..., np.ndarray],
) -> Iterator[tuple[np.ndarray, ...]]:
    """For each component of the output: which sums have products that are inf, -inf, NaN."""
    axis = -1 if spec.channels_last else -1 - spec.rank
    results = np.zeros((3, spec.components, *shape), bool)
    for component, x in enumerate(_components(src)):
        rows = _real_weights(bad.array, component, spec.components)
        if bad.groups == 1:  # only the input channels that meet such weights
            some = ~np.isfinite(rows).all(axis=(0, *range(2, rows.ndim)))
            x, rows = x.compress(some, axis), rows[:, some]
        for kind, bits, chosen in _products(x, rows):
            if bits.any() and chosen.any():
                found = np.moveaxis(convolve(bits, chosen, groups=bad.groups), axis, 0) > 0
                for number in range(spec.components):
                    part = found[number :: spec.components]
                    results[kind, number] |= np.moveaxis(part, 0, axis)
    for number in range(spec.components):
        yield tuple(results[:, number])


def _products(x: np.ndarray, weight: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(0, 1, 2: a product is inf, -inf, NaN; the elements and the weights that give it)."""
    above, below = x > 0, x < 0
    plus, minus = weight == np.inf, weight == -np.inf
    yield 0, above, plus
    yield 0, below, minus
    yield 1, above, minus
    yield 1, below, plus
    yield 2, ~(above | below), plus | minus
    yield 2, np.broadcast_to(True, x.shape), np.isnan(weight)


def _convolve(call: Call, how: tuple, padding: tuple, input, weight, **more) -> np.ndarray:
    """A convolution of a part of the input with the stride and dilation of a call."""
    spec, axes = call.spec, call.spec.user_axes
    parameters = ConvParameters(
        stride=tuple(axis.stride for axis in axes),
        padding=padding,
        dilation=tuple(axis.dilation for axis in axes),
        channels_last=spec.channels_last,
    )
    arrays = (input, weight, None, None, None)
    said = parameters._replace(**more)
    return call.convolve(CONVOLUTION, spec.name, spec.rank, said, arrays, how)


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
    return call.convolve(CONVOLUTION, "conv1d", 1, parameters, arrays, how)[0]


def _not_finite(array: np.ndarray) -> np.ndarray:
    """A copy with 0 for what is finite."""
    copy = native_copy(array)
    for part in _components(copy):
        part[np.isfinite(part)] = 0
    return copy


def _components(array: np.ndarray) -> tuple[np.ndarray, ...]:
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)
