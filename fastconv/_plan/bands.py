# SPDX-License-Identifier: BSD-3-Clause
"""A depthwise convolution and then a pointwise one, in bands: of what lies between them, there is
only so much at a time as stays in the cache.

A band is a box of output positions, as many rows as fit, perhaps of several images. The depthwise
convolution of a band reads its rows of the input, with those around it that the kernel reaches;
the pointwise one writes its rows of the output. No sum depends on the bands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.dtypes import TOTALS
from .._spec.separable_conv import SeparableConvSpec
from . import constants as costs
from . import machine
from .composed import PARTS
from .layout import Layout
from .plan import Plan
from .tiled import Arrays, Call
from .variants import choose
from .variants import run as run_plan
from .weights import CallWeights


@dataclass(frozen=True, slots=True)
class PairArrays(Arrays):
    """With a second weight: `wei` is the depthwise one."""

    pointwise: Layout | None = None

    def moved_bytes(self, spec: SeparableConvSpec) -> int:
        """Input, weights, output and residual, each once."""
        more = self.pointwise.itemsize * prod(spec.pointwise.weight_shape)
        return Arrays.moved_bytes(self, spec) + more


class Band(NamedTuple):
    """One box of outputs."""

    reads: tuple  # of each axis of the input: a slice, or positions where a border copies
    copies: bool  # there are positions
    writes: tuple  # an index of the output
    between: tuple[int, ...]  # the shape of what lies between
    depthwise: Plan
    pointwise: Plan


@dataclass(frozen=True)
class Bands:
    """All of them."""

    spec: SeparableConvSpec
    each: tuple[Band, ...]

    @property
    def elements(self) -> int:
        """Of what lies between, in the largest band."""
        return max(prod(band.between) for band in self.each)

    def run(self, src, weights, packed, biases, residual, dst) -> bool:
        """Run them; `packed` is None, or weights of a layer."""
        if packed is None:
            packed = tuple(map(CallWeights, weights, biases))
        first, second = packed
        memory = np.empty(self.elements, self.spec.depthwise.dtype)
        for band in self.each:
            between = memory[: prod(band.between)].reshape(band.between)
            read = _gathered(src, band.reads) if band.copies else src[band.reads]
            plan, panels, bias = first.chosen(band.depthwise, choose)
            run_plan(plan, read, first.array, panels, bias, None, between, first)
            plan, panels, bias = second.chosen(band.pointwise, choose)
            added = None if residual is None else residual[band.writes]
            run_plan(
                plan, between, second.array, panels, bias, added, dst[band.writes], second
            )
        return True

    def told(self) -> tuple[str, ...]:
        """A line for bands that are alike."""
        lines = {}
        for band in self.each:
            line = ", then ".join(
                f"{name} -> {'x'.join(map(str, plan.output_shape))} {plan.spec.dtype}, "
                f"{plan.algorithm}"
                + f" {plan.orientation} in vectors"
                * (plan.orientation != "none")
                + f", {plan.epilogue}"
                * (plan.epilogue != "none")
                + "".join(f"; another plan if {reason}" for reason in plan.variants)
                for name, plan in (("depthwise", band.depthwise), ("pointwise", band.pointwise))
            )
            lines[line] = lines.get(line, 0) + 1
        return tuple(f"{count} x {line}" for line, count in lines.items())


def _gathered(array: np.ndarray, reads: tuple) -> np.ndarray:
    """A contiguous copy of these elements, an index for each axis by itself."""
    for axis, part in enumerate(reads):
        array = array[(slice(None),) * axis + (part,)]
    return np.ascontiguousarray(array)


# ---- how the outputs are divided ---------------------------------------------------------------


def _steps(sizes: tuple[int, ...], most: int) -> list[int]:
    """Lengths of bands on each axis: as many positions as allowed, the last axes whole first; and
    as even as can be."""
    steps = []
    for size in reversed(sizes):
        step = min(size, max(1, most))
        pieces = -(-size // step)
        steps.insert(0, -(-size // pieces))
        most = 1 if pieces > 1 else most // size
    return steps


def _boxes(spec: SeparableConvSpec) -> Iterator[tuple[tuple[int, int], ...]]:
    """(first, end) on the axes of batch and space, of each band."""
    between = spec.depthwise
    pixel = between.groups * between.c_out * between.dtype.itemsize
    budget = int(machine.caches()["L2"] * costs.SCRATCH_SHARE)
    sizes = (spec.batch, *spec.outputs)
    steps = _steps(sizes, budget // pixel)
    return product(
        *(
            [(first, min(first + step, size)) for first in range(0, size, step)]
            for size, step in zip(sizes, steps, strict=True)
        )
    )


def bands(call: Call) -> Bands:
    """The bands of a call, planned; equal ones share plans."""
    spec, plans, found = call.spec, {}, []
    for batch, *space in _boxes(spec):
        parts = [
            axis.piece(*box) for axis, box in zip(spec.depthwise.axes, space, strict=True)
        ]
        axes = tuple(axis for _, axis in parts)
        count = batch[1] - batch[0]
        first = replace(spec.depthwise, batch=count, axes=axes)
        sizes = tuple(Axis(end - start) for start, end in space)
        second = replace(spec.pointwise, batch=count, axes=sizes)
        reads = tuple(part for part, _ in parts)
        copies = any(isinstance(part, np.ndarray) for part in reads)
        if (first, copies) not in plans:
            plans[first, copies] = _planned(call, first, second, copies)
        images = slice(*batch)
        found.append(
            Band(
                reads=_index(spec, images, reads),
                copies=copies,
                writes=_index(spec, images, tuple(slice(*box) for box in space)),
                between=first.output_shape,
                depthwise=plans[first, copies][0],
                pointwise=plans[first, copies][1],
            )
        )
    return Bands(spec, tuple(found))


def _index(spec: SeparableConvSpec, images: slice, space: tuple) -> tuple:
    """An index of all axes of an array, from one of batch and space."""
    space = space[3 - spec.rank :]
    index = (*space, slice(None)) if spec.channels_last else (slice(None), *space)
    return (images, *index) if spec.batched else index


# ---- their plans -------------------------------------------------------------------------------


def _planned(call: Call, first: ConvSpec, second: ConvSpec, copies: bool) -> tuple[Plan, Plan]:
    """Those of both convolutions of a band."""
    given, rank, last = call.arrays, first.rank, first.channels_last
    source, *weights, added = call.dtypes  # of input, both weights, residual
    shape, dtype = first.output_shape, first.dtype
    if copies:
        src = Layout.contiguous(first.input_shape, source, first.tile_dtype, rank, last)
    else:
        src = _placed(given.src, first, first.groups * first.c_in, [axis.n for axis in first.axes])
    channels = second.groups * second.c_out
    dst = _placed(given.dst, second, channels, second.outputs)
    sums = TOTALS[first.arithmetic.total]
    residual = given.residual and _placed(given.residual, second, channels, second.outputs)
    return (
        _make(
            call,
            first,
            Arrays(src, given.wei, Layout.contiguous(shape, dtype, sums, rank, last)),
            (source, weights[0], None),
        ),
        _make(
            call,
            second,
            Arrays(
                Layout.contiguous(shape, dtype, second.tile_dtype, rank, last),
                given.pointwise,
                dst,
                residual,
                given.residual_is_out,
            ),
            (dtype, weights[1], added),
        ),
    )


def _placed(layout: Layout, spec: ConvSpec, channels: int, sizes: Any) -> Layout:
    """That of a band of an array."""
    return layout.placed((spec.batch, channels, *sizes), layout.strides)


def _make(call: Call, spec: ConvSpec, arrays: Arrays, dtypes: tuple) -> Plan:
    threads = call.threads
    if call.shared:
        threads = max(1, min(threads, spec.flops // costs.OPERATIONS_PER_THREAD))
    algorithm = call.algorithm if call.algorithm in PARTS else "auto"
    return call.make(
        replace(
            call, spec=spec, arrays=arrays, dtypes=dtypes, algorithm=algorithm, threads=threads,
            prepared=True, copies=(),
        )
    )  # fmt: skip

