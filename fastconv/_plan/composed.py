# SPDX-License-Identifier: BSD-3-Clause
"""Transposed convolutions: several convolutions in a row, each of which writes some of the outputs.

Weights and outputs of each are views of the caller's arrays: see _spec/derive.py. Only the weights
of several groups with several channels are copied, as their axes are not evenly strided. Two
elements of a row may be seen as one complex number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .._spec.derive import Along, Step, can_fold, can_pair, paired, steps
from .._spec.transpose import TransposeSpec
from . import constants as costs
from .layout import Layout, copy
from .plan import Plan
from .tiled import Arrays, Call
from .variants import choose
from .variants import run as run_plan
from .weights import LayerWeights, Weights

PARTS = ("direct", "im2col_gemm")  # algorithms of the convolutions


class Piece(NamedTuple):
    """One convolution: its plan, and views of the arrays of a call."""

    plan: Plan
    step: Step
    reads: Callable[[np.ndarray], np.ndarray]  # of the input: all of it, or no channel
    taps: Callable[[np.ndarray], np.ndarray]  # of what `as_weights` returns
    writes: Callable[[np.ndarray], np.ndarray]  # of the output, and of a residual

    def bias(self, bias: np.ndarray | None) -> np.ndarray | None:
        """That of a call, which is one number, perhaps complex, where outputs are channels."""
        channels = self.step.along[2].channels
        if bias is None or channels == 1:
            return bias
        return np.repeat(bias, channels) if self.step.spec.apart else np.tile(bias, channels)


def pieces(call: Call, fold: bool) -> tuple[Piece, ...]:
    """The convolutions of a call, planned; equal ones share a plan."""
    spec, plans, found = call.spec, {}, []
    wei = _as_weights(spec, call.arrays.wei)
    for step in steps(spec, fold):
        arrays = Arrays(
            src=call.arrays.src,
            wei=_taken(wei, step),
            dst=_written(call.arrays.dst, step),
            residual=call.arrays.residual and _written(call.arrays.residual, step),
            residual_is_out=call.arrays.residual_is_out,
        )
        if (step.spec, arrays) not in plans:
            plans[step.spec, arrays] = _planned(call, step, arrays)
        views = (_reads(step), _taps(step), _writes(step))
        found.append(Piece(plans[step.spec, arrays], step, *views))
    return tuple(found)


def _planned(call: Call, step: Step, arrays: Arrays) -> Plan:
    threads = call.threads
    if call.shared:
        threads = max(1, min(threads, step.spec.flops // costs.OPERATIONS_PER_THREAD))
    algorithm = call.algorithm if call.algorithm in PARTS else "auto"
    return call.make(
        replace(
            call, spec=step.spec, arrays=arrays, algorithm=algorithm, threads=threads, copies=()
        )
    )


# ---- how arrays lie ----------------------------------------------------------------------------


def _written(layout: Layout, step: Step) -> Layout:
    """That of the outputs of a step."""
    spec = step.spec
    batch, channel, *space = layout.strides
    if step.along[2].channels > 1:  # outputs side by side
        channel = space[2]
    sizes = (spec.batch, spec.groups * spec.c_out, *spec.outputs)
    space = (stride * part.step for stride, part in zip(space, step.along, strict=True))
    return layout.placed(sizes, (batch, channel, *space))


def _taken(layout: Layout, step: Step) -> Layout:
    """That of the weights of a step."""
    spec = step.spec
    outer, inner, *space = layout.strides
    if step.along[2].channels > 1:
        outer = space[2]
    space = (stride * part.tap_step for stride, part in zip(space, step.along, strict=True))
    sizes = (spec.groups * spec.c_out, spec.c_in, *spec.kernel)
    return layout.placed(sizes, (outer, inner, *space))


def copies_weights(spec: TransposeSpec, layout: Layout) -> bool:
    """Whether (groups, output channels) cannot be one axis of a view."""
    if spec.groups == 1 or spec.c_out == 1:
        return False
    return spec.c_in != 1 or layout.strides[0] != spec.c_out * layout.strides[1]


def _as_weights(spec: TransposeSpec, layout: Layout) -> Layout:
    """That of (groups * c_out, c_in, *kernel), from (groups * c_in, c_out, *kernel)."""
    if copies_weights(spec, layout):
        shape, step, strides = (spec.groups * spec.c_out, spec.c_in, *spec.kernel), 1, []
        for n in reversed(shape):
            strides.insert(0, step * layout.itemsize)
            step *= max(n, 1)
        return layout.placed(shape, tuple(strides))
    outer, inner, *space = layout.strides
    if spec.groups == 1:
        outer, inner = inner, outer
    elif spec.c_out == 1:
        outer, inner = outer * spec.c_in, outer
    else:  # c_in is 1
        outer, inner = inner, outer
    return replace(layout, strides=(outer, inner, *space))


# ---- the same of arrays ------------------------------------------------------------------------


def as_weights(spec: TransposeSpec, copied: bool, weight: np.ndarray) -> np.ndarray:
    """(groups * c_out, c_in, *kernel), from (groups * c_in, c_out, *kernel)."""
    groups, c_in, c_out, kernel = spec.groups, spec.c_in, spec.c_out, weight.shape[2:]
    if groups == 1:
        return weight.swapaxes(0, 1)
    if not copied and c_out > 1:  # c_in is 1
        return weight.reshape(groups * c_out, 1, *kernel)
    grouped = weight.reshape(groups, c_in, c_out, *kernel)
    if not copied:
        return grouped[:, :, 0]
    result = np.empty((groups, c_out, c_in, *kernel), weight.dtype)
    copy(result, grouped.swapaxes(1, 2))
    return result.reshape(groups * c_out, c_in, *kernel)


def _view(index: tuple) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: array[index]


def _spread(index: tuple, along: int, channel: int, sizes: tuple, step: int):
    """A view whose last axis in space and whose channels are steps along one axis of an array."""

    def spread(array: np.ndarray) -> np.ndarray:
        part = array[index]
        shape, strides = list(part.shape), list(part.strides)
        strides[channel], strides[along] = strides[along], strides[along] * step
        shape[channel], shape[along] = sizes
        return as_strided(part, shape, strides)

    return spread


def _seen(spec, space: tuple, channels: slice = slice(None)) -> tuple:
    """An index of an array with channels, from that of its axes in space."""
    space = space[3 - spec.rank :]
    return (..., *space, channels) if spec.channels_last else (..., channels, *space)


def _reads(step: Step):
    """A view of the input."""
    channels = slice(None) if step.spec.c_in else slice(0)
    return _view(_seen(step.spec, (slice(None),) * 3, channels))


def _taps(step: Step):
    """A view of the weights."""
    spec, (*others, last) = step.spec, step.along
    if not spec.c_in:
        return _view((slice(None), slice(0), *(slice(1),) * spec.rank))
    if last.channels == 1:
        return _view((slice(None), slice(None), *map(_tap_slice, step.along[3 - spec.rank :])))
    space = (*map(_tap_slice, others), slice(last.tap, None))[3 - spec.rank :]
    sizes = (last.channels, spec.axes[2].k)
    return _spread((slice(None), slice(None), *space), -1, 0, sizes, last.tap_step)


def _tap_slice(part: Along) -> slice:
    end = part.tap + part.axis.k * part.tap_step
    return slice(part.tap, end if end >= 0 else None, part.tap_step)


def _writes(step: Step):
    """A view of the output."""
    spec, (*others, last) = step.spec, step.along
    space = [slice(part.first, None, part.step) for part in others]
    if last.channels == 1:
        end = last.first + (last.axis.outputs - 1) * last.step + 1
        return _view(_seen(spec, (*space, slice(last.first, end, last.step))))
    along, channel = (-2, -1) if spec.channels_last else (-1, -1 - spec.rank)
    sizes = (last.channels, last.axis.outputs)
    index = _seen(spec, (*space, slice(last.first, None)))
    return _spread(index, along, channel, sizes, last.step)


# ---- what runs ---------------------------------------------------------------------------------


class Composed(NamedTuple):
    """Convolutions in a row."""

    spec: TransposeSpec
    copied: bool  # weights are
    pairs: bool  # of elements of weights, output and residual are complex numbers
    pieces: tuple[Piece, ...]

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run them; `packed` is what `pack` returned."""
        if self.pairs:
            dst, residual = _in_pairs(dst), None if residual is None else _in_pairs(residual)
        if packed is None:
            if self.pairs:
                wei, bias = _in_pairs(wei), None if bias is None else np.repeat(bias, 2)
            wei = as_weights(self.spec, self.copied, wei)
        for number, piece in enumerate(self.pieces):
            here = piece.writes(dst)
            added = None if residual is None else piece.writes(residual)
            if packed is None:
                arrays = (piece.taps(wei), None, piece.bias(bias), added, here)
                run_plan(piece.plan, piece.reads(src), *arrays)
            else:
                layer = packed[number]
                plan, panels, padded = layer.chosen(piece.plan, choose)
                arrays = (layer.array, panels, padded, added, here, layer)
                run_plan(plan, piece.reads(src), *arrays)
        return True

    def pack(self, weights: Weights) -> tuple[LayerWeights, ...]:
        """The weights of a layer, as layers of the convolutions."""
        array, bias = weights.array, weights.bias
        if self.pairs:
            array, bias = _in_pairs(array), _twice(bias, self.spec.dtype)
        array = as_weights(self.spec, self.copied, array)
        return tuple(LayerWeights(piece.taps(array), piece.bias(bias)) for piece in self.pieces)

    def told(self) -> tuple[str, ...]:
        """A line for each, or for several that are alike."""
        lines = {}
        for piece in self.pieces:
            plan = piece.plan
            shapes = (plan.spec.weight_shape, plan.output_shape)
            weight, output = ("x".join(map(str, shape)) for shape in shapes)
            words = [f"weight {weight} -> {output}{' pairs' * self.pairs}", plan.algorithm]
            words += [f"{plan.orientation} in vectors"] * (plan.orientation != "none")
            line = ", ".join(words)
            line += "".join(f"; another plan if {reason}" for reason in plan.variants)
            lines[line] = lines.get(line, 0) + 1
        return tuple(f"{count} x {line}" for line, count in lines.items())

    def copies(self) -> tuple[str, ...]:
        """What is copied, and by how many of the convolutions, where not by all."""
        counts = Counter(word for piece in self.pieces for word in piece.plan.copies)
        whole = ("weight: whole, because a group has several channels",) * self.copied
        return whole + tuple(
            word + f" ({count} of {len(self.pieces)} convolutions)" * (count < len(self.pieces))
            for word, count in counts.items()
        )

    @property
    def packing(self) -> tuple:
        """What the packed weights depend on."""
        return ("phases", self.pairs, *(piece.step.taps for piece in self.pieces))


def _in_pairs(array: np.ndarray) -> np.ndarray:
    return array.view(np.result_type(array.dtype, np.complex64))


def _twice(bias: Any, dtype: np.dtype) -> np.ndarray | None:
    """Complex numbers whose parts are equal."""
    if bias is None:
        return None
    pairs = np.empty(np.shape(bias), dtype)
    with np.errstate(all="ignore"):  # what is too large becomes inf
        pairs.real = pairs.imag = bias
    return pairs


def compose(call: Call) -> tuple[float, Composed]:
    """The best way, with its estimated cost."""
    return min(ways(call), key=lambda pair: pair[0])


def ways(call: Call) -> list[tuple[float, Composed]]:
    """Phases by themselves, some as channels, or pairs of them as complex numbers."""
    found = []
    for pairs in (False, True)[: 1 + _can_pair(call)]:
        call = _paired(call) if pairs else call
        spec = call.spec
        copied = copies_weights(spec, call.arrays.wei)
        for fold in (False, True)[: 1 + can_fold(spec)]:
            made = pieces(call, fold)
            cost = sum(piece.plan._engine.cost for piece in made) + costs.PIECE * len(made)
            found.append((cost, Composed(spec, copied, pairs, made)))
    return found


def _can_pair(call: Call) -> bool:
    """Whether pairs of elements lie side by side, too, along the last axis of the arrays."""
    arrays, size = call.arrays, call.spec.dtype.itemsize
    written = [arrays.wei, arrays.dst] + ([arrays.residual] if arrays.residual else [])
    return (
        can_pair(call.spec)
        and not call.spec.channels_last
        and all(layout.native and layout.strides[4] == size for layout in written)
    )


def _paired(call: Call) -> Call:
    arrays, (source, weight, added) = call.arrays, call.dtypes

    def pairs(layout: Layout) -> Layout:
        *strides, last = layout.strides
        return replace(
            layout, strides=(*strides, 2 * last), itemsize=2 * layout.itemsize, components=2
        )

    spec = paired(call.spec)
    dtypes = (source, np.result_type(weight, np.complex64), None if added is None else spec.dtype)
    arrays = replace(
        arrays,
        wei=pairs(arrays.wei),
        dst=pairs(arrays.dst),
        residual=arrays.residual and pairs(arrays.residual),
    )
    return replace(call, spec=spec, arrays=arrays, dtypes=dtypes)
