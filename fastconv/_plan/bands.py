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
from functools import cached_property
from itertools import product
from math import prod
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from .._core import chain
from .._core.conv import address
from .._spec.axis import Axis
from .._spec.conv import ConvSpec
from .._spec.dtypes import TOTALS
from .._spec.operands import check_bias
from .._spec.separable_conv import SeparableConvSpec
from . import constants as costs
from . import machine
from .candidate import chunk
from .composed import PARTS
from .kept import keep
from .layout import Layout
from .plan import Plan
from .tiled import Arrays, Call
from .variants import choose
from .variants import run as run_plan
from .weights import CallWeights, PairWeights

STAGES_BYTES = 4096  # that a layer keeps for a plan, at most, but for packed weights


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
    places: tuple[int, int, int]  # in bytes, of its first element in input, residual and output
    between: tuple[int, ...]  # the shape of what lies between
    depthwise: Plan
    pointwise: Plan


@dataclass(frozen=True)
class Bands:
    """All of them. Threads take one after another; or where `whole`, all threads work on each."""

    spec: SeparableConvSpec
    each: tuple[Band, ...]
    threads: int
    shared: bool
    whole: bool
    prepared: bool = True  # plans are for packed weights

    @cached_property
    def between_bytes(self) -> int:
        """Of what lies between, in the largest band."""
        return self.spec.depthwise.dtype.itemsize * max(prod(band.between) for band in self.each)

    @property
    def plans(self) -> list[Plan]:
        """Those of all bands, each once."""
        return [plan for band in self.pairs for plan in (band.depthwise, band.pointwise)]

    @cached_property
    def tasks_bytes(self) -> int:
        """Scratch of a thread, beside what lies between."""
        return max(plan.scratch_bytes // plan.threads for plan in self.plans)

    @property
    def scratch_bytes(self) -> int:
        """Of all threads."""
        if self.whole:
            return self.between_bytes + max(plan.scratch_bytes for plan in self.plans)
        return self.threads * chain.scratch_bytes(self.between_bytes, self.tasks_bytes)

    @cached_property
    def chunk(self) -> int:
        """Bands between two looks at signals."""
        return chunk(self.spec.depthwise, len(self.each), self.threads)

    @property
    def cost(self) -> float:
        """An estimate, in cycles."""
        each = [band.depthwise._engine.cost + band.pointwise._engine.cost for band in self.each]
        if self.whole:
            return sum(each)
        rounds = -(-len(each) // self.threads)
        return max(each) * rounds

    def run(self, src, weights, packed, biases, residual, dst) -> bool:
        """Run them; `packed` is None, or the weights of a layer."""
        if packed is None and not self.prepared:
            self._run_once(src, weights, biases, residual, dst)
            return True
        stages = None
        if packed is None:
            packed = tuple(map(CallWeights, weights, biases))
        elif not self.whole:
            stages = packed.stages.get(id(self))
        if stages is None and not self.whole:
            stages = self, self._stages(packed)
            if isinstance(packed, PairWeights):
                keep(packed.stages, id(self), stages, STAGES_BYTES)
        if stages is None or stages[1] is None:
            self._run_each(src, packed, residual, dst)
            return True
        table, copies = self.table, []  # copies have to live until they are read
        if self.copied:
            table = table.copy()
            for number in self.copied:
                copies.append(_gathered(src, self.each[number].reads))
                table[number, -1] = address(copies[-1])
        return chain.run(
            address(src), 0 if residual is None else address(residual), address(dst),
            address(stages[1][0]), address(table), len(table), self.between_bytes,
            self.tasks_bytes, self.threads, self.shared, self.chunk,
        )  # fmt: skip

    def _stages(self, packed: tuple) -> tuple[np.ndarray, list] | None:
        """Both convolutions of each pair, as the core takes them, with the arrays that they read;
        None where plans do more than the core."""
        ready = [self._ready(band, packed) for band in self.pairs]
        if not all(map(_can_chain, ready)):
            return None
        stages = np.empty((len(ready), 2, chain.STAGE_BYTES), np.uint8)
        at, step = address(stages), chain.STAGE_BYTES
        for (one, panels, bias), (two, more_panels, more_bias) in ready:
            one._engine.run.stage(at, packed[0].array, panels, bias)
            two._engine.run.stage(at + step, packed[1].array, more_panels, more_bias)
            at += 2 * step
        return stages, ready

    def _run_once(self, src, weights, biases, residual, dst) -> None:
        """Run the only band, of weights that are not packed."""
        (band,) = self.each
        between = np.empty(band.between, self.spec.depthwise.dtype)
        for plan, *arrays, bias, added, out in (
            (band.depthwise, src, weights[0], biases[0], None, between),
            (band.pointwise, between, weights[1], biases[1], residual, dst),
        ):
            bias = check_bias(plan.spec, bias, plan._engine.bias_dtype)
            run_plan(plan, *arrays, None, bias, added, out)

    @cached_property
    def pairs(self) -> list[Band]:
        """A band for each pair of plans."""
        return list({id(band.depthwise): band for band in self.each}.values())

    @cached_property
    def copied(self) -> list[int]:
        """Numbers of the bands that read copies."""
        return [number for number, band in enumerate(self.each) if band.copies]

    @cached_property
    def table(self) -> np.ndarray:
        """A `band_t` of _core/chain.pyx for each."""
        numbers = {id(band.depthwise): number for number, band in enumerate(self.pairs)}
        rows = [(numbers[id(band.depthwise)], *band.places, 0) for band in self.each]
        return np.array(rows, np.int64)

    def _ready(self, band: Band, packed: tuple) -> tuple:
        """The plan, the weights and the bias of both convolutions of a band."""
        first, second = packed
        return first.chosen(band.depthwise, choose), second.chosen(band.pointwise, choose)

    def _run_each(self, src, packed, residual, dst) -> None:
        """Run band after band."""
        memory = np.empty(self.between_bytes, np.uint8).view(self.spec.depthwise.dtype)
        for band in self.each:
            (one, panels, bias), (two, more_panels, more_bias) = self._ready(band, packed)
            between = memory[: prod(band.between)].reshape(band.between)
            read = _gathered(src, band.reads) if band.copies else src[band.reads]
            run_plan(one, read, packed[0].array, panels, bias, None, between, packed[0])
            added = None if residual is None else residual[band.writes]
            arrays = (packed[1].array, more_panels, more_bias, added, dst[band.writes], packed[1])
            run_plan(two, between, *arrays)

    def told(self) -> tuple[str, ...]:
        """A line for bands that are alike."""
        lines = {}
        for band in self.each:
            line = ", then ".join(
                f"{name} -> {'x'.join(map(str, plan.output_shape))} {plan.spec.dtype}, "
                f"{plan.algorithm}"
                + f" {plan.orientation} in vectors" * (plan.orientation != "none")
                + f", {plan.epilogue}" * (plan.epilogue != "none")
                + "".join(f"; another plan if {reason}" for reason in plan.variants)
                for name, plan in (("depthwise", band.depthwise), ("pointwise", band.pointwise))
            )
            lines[line] = lines.get(line, 0) + 1
        return tuple(f"{count} x {line}" for line, count in lines.items())


def _can_chain(ready: tuple) -> bool:
    """Whether both plans of a band are tasks that a thread can do, whatever the input."""
    return all(hasattr(plan._engine.run, "stage") and not _by_input(plan) for plan, _, _ in ready)


def _by_input(plan: Plan) -> bool:
    """Whether elements of the input decide which plan runs."""
    return any(variant.reads_input for variant in plan._engine.variants)


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


def _boxes(spec: SeparableConvSpec, least: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """(first, end) on the axes of batch and space, of each of at least so many bands, if there are
    as many rows."""
    between = spec.depthwise
    pixel = between.groups * between.c_out * between.dtype.itemsize
    budget = int(machine.caches()["L2"] * costs.BAND_SHARE)
    sizes = (spec.batch, *spec.outputs)
    total = -(-prod(sizes) * pixel // budget)  # bands, which threads share evenly
    total = -(-total // least) * least
    steps = _steps(sizes, min(budget // pixel, -(-prod(sizes) // total)))
    return product(
        *(
            [(first, min(first + step, size)) for first in range(0, size, step)]
            for size, step in zip(sizes, steps, strict=True)
        )
    )


def bands(call: Call) -> Bands:
    """The better way: a band for a thread, or all threads for a band."""
    threads = call.threads
    each = _bands(replace(call, prepared=True), 1)
    found = [Bands(call.spec, each, threads, call.shared, True)]
    if threads == 1 and (call.prepared or len(each) > 1):
        return replace(found[0], whole=False)
    if len(each) == 1 and not call.prepared:
        found[0] = replace(found[0], each=_bands(call, 1), prepared=False)
        if threads == 1:
            return found[0]
    each = _bands(replace(call, threads=1, prepared=True), threads)
    if len(each) > 1 and not any(_by_input(plan) for band in each for plan in band[-2:]):
        few = min(threads, len(each))
        found.append(Bands(call.spec, each, few, call.shared, False))
    return min(found, key=lambda one: one.cost)


def _bands(call: Call, least: int) -> tuple[Band, ...]:
    """The bands of a call, planned; equal ones share plans."""
    spec, plans, found = call.spec, {}, []
    for batch, *space in _boxes(spec, least):
        parts = [axis.piece(*box) for axis, box in zip(spec.depthwise.axes, space, strict=True)]
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
                _index(spec, images, reads),
                copies,
                _index(spec, images, tuple(slice(*box) for box in space)),
                _places(call, batch[0], [box[0] for box in space], reads),
                first.output_shape,
                *plans[first, copies],
            )
        )
    return tuple(found)


def _places(call: Call, image: int, space: list[int], reads: tuple) -> tuple[int, int, int]:
    """Bytes from the first element of input, residual and output to that of a band."""
    starts = [0 if isinstance(part, np.ndarray) else part.start or 0 for part in reads]

    def place(layout: Layout | None, firsts: list[int]) -> int:
        if layout is None:
            return 0
        batch, _, *others = layout.strides
        return image * batch + sum(map(mul, firsts, others))

    arrays = call.arrays
    return place(arrays.src, starts), place(arrays.residual, space), place(arrays.dst, space)


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
            (_is_far(call.spec.input_shape, first.tile_dtype), None),
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
            (None, _is_far(call.spec.output_shape, second.tile_dtype)),
        ),
    )


def _placed(layout: Layout, spec: ConvSpec, channels: int, sizes: Any) -> Layout:
    """That of a band of an array."""
    return layout.placed((spec.batch, channels, *sizes), layout.strides)


def _is_far(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether an array is larger than the second level of the cache."""
    return prod(shape) * dtype.itemsize > machine.caches()["L2"]


def _make(call: Call, spec: ConvSpec, arrays: Arrays, dtypes: tuple, far: tuple) -> Plan:
    threads = call.threads
    if call.shared:
        threads = max(1, min(threads, spec.flops // costs.OPERATIONS_PER_THREAD))
    algorithm = call.algorithm if call.algorithm in PARTS else "auto"
    return call.make(
        replace(
            call, spec=spec, arrays=arrays, dtypes=dtypes, algorithm=algorithm, threads=threads,
            copies=(), far=far,
        )
    )  # fmt: skip
