# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions in a row, in bands: of what lies between two of them, there is only so much at a
time as stays in the cache.

A band is a box of output positions, perhaps of several images. The first convolution of a band
reads its part of the input, with what the kernel reaches around it; the last one writes its part of
the output. No sum depends on the bands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from .._core import chain
from .._core.conv import address
from .._spec.operands import check_bias
from .._spec.spec import Spec
from . import constants as costs
from .cached import cached
from .candidate import chunk
from .kept import keep
from .plan import Plan
from .variants import choose
from .variants import run as run_plan
from .weights import SeveralWeights, Weights

STAGES_BYTES = 4096  # that a layer keeps for a plan, at most, but for packed weights


class Band(NamedTuple):
    """One box of outputs."""

    reads: tuple  # an index of the input; positions on an axis where a border copies
    copies: bool  # there are positions
    writes: tuple  # an index of the output
    places: tuple[int, int, int]  # in bytes, of its first element in input, residual and output
    plans: tuple[Plan, ...]  # of the convolutions, in their order


@dataclass(frozen=True)
class Bands:
    """All of them. Threads take one after another; or where `whole`, all threads work on each."""

    spec: Spec
    names: tuple[str, ...]  # of the convolutions
    each: tuple[Band, ...]
    threads: int
    shared: bool
    whole: bool
    prepared: bool = True  # plans are for packed weights

    @cached
    def between_bytes(self) -> tuple[int, int]:
        """The largest of what convolutions 0, 2, ... leave for the next, and 1, 3, ...: at any time
        there is one of each."""
        sizes = [[0], [0]]
        for plan, number in ((p, i) for band in self.kinds for i, p in enumerate(band.plans[:-1])):
            sizes[number % 2].append(prod(plan.output_shape) * plan.spec.dtype.itemsize)
        return max(sizes[0]), max(sizes[1])

    @property
    def plans(self) -> list[Plan]:
        """Those of all bands, each once."""
        return [plan for band in self.kinds for plan in band.plans]

    @cached
    def tasks_bytes(self) -> int:
        """Scratch of a thread, beside what lies between."""
        return max(plan.scratch_bytes // plan.threads for plan in self.plans)

    @property
    def scratch_bytes(self) -> int:
        """Of all threads."""
        if self.whole:
            return sum(self.between_bytes) + max(plan.scratch_bytes for plan in self.plans)
        return self.threads * chain.scratch_bytes(self.between_bytes, self.tasks_bytes)

    @cached
    def chunk(self) -> int:
        """Bands between two looks at signals."""
        return chunk(self.spec, len(self.each), self.threads)

    @property
    def cost(self) -> float:
        """An estimate, in cycles."""
        each = [sum(plan._engine.cost for plan in band.plans) for band in self.each]
        if self.whole:
            return sum(each) + costs.REGION * (self.threads > 1) * len(self.names) * len(each)
        rounds = -(-len(each) // self.threads)
        return max(each) * rounds

    def run(self, src, weights: Sequence[Weights], residual, dst) -> bool:
        """Run them."""
        if not self.prepared:
            self._run_once(src, weights, residual, dst)
            return True
        stages = None if self.whole else self._stages(weights)
        if stages is None:
            self._run_each(src, weights, residual, dst)
            return True
        table, copies = self.table, []  # copies have to live until they are read
        if self.copied:
            table = table.copy()
            for number in self.copied:
                copies.append(_gathered(src, self.each[number].reads))
                table[number, -1] = address(copies[-1])
        return chain.run(
            address(src), 0 if residual is None else address(residual), address(dst), stages,
            address(table), len(table), self.between_bytes, self.tasks_bytes, self.threads,
            self.shared, self.chunk,
        )  # fmt: skip

    def _stages(self, weights: Sequence[Weights]) -> chain.Stages | None:
        """The convolutions of each kind of band as the core takes them; None where plans do more
        than the core."""
        layer = isinstance(weights, SeveralWeights)
        found = weights.stages.get(id(self)) if layer else None
        if found is None:
            ready = [_ready(band, weights) for band in self.kinds]
            stages = None
            if all(map(_can_chain, ready)):
                stages = chain.Stages([_stages_of(band, weights) for band in ready])
            found = self, stages, ready  # whose arrays the stages read
            if layer:
                keep(weights.stages, id(self), found, STAGES_BYTES)
        return found[1]

    def _run_once(self, src, weights, residual, dst) -> None:
        """Run the only band, of weights that are not packed."""
        (band,) = self.each
        for plan, one in zip(band.plans, weights, strict=True):
            last = plan is band.plans[-1]
            out = dst if last else np.empty(plan.output_shape, plan.spec.dtype)
            bias = check_bias(plan.spec, one.bias, plan._engine.bias_dtype)
            run_plan(plan, src, one.array, None, bias, residual if last else None, out)
            src = out

    @cached
    def kinds(self) -> list[Band]:
        """A band for each set of plans."""
        return list({id(band.plans): band for band in self.each}.values())

    @cached
    def copied(self) -> list[int]:
        """Numbers of the bands that read copies."""
        return [number for number, band in enumerate(self.each) if band.copies]

    @cached
    def table(self) -> np.ndarray:
        """A `band_t` of _core/chain.pyx for each."""
        numbers = {id(band.plans): number for number, band in enumerate(self.kinds)}
        rows = [(numbers[id(band.plans)], *band.places, 0) for band in self.each]
        return np.array(rows, np.int64)

    def _run_each(self, src, weights, residual, dst) -> None:
        """Run band after band."""
        places = [np.empty(size, np.uint8) for size in self.between_bytes]
        for band in self.each:
            read = _gathered(src, band.reads) if band.copies else src[band.reads]
            ready = _ready(band, weights)
            for number, (plan, packed, bias) in enumerate(ready):
                last = number == len(ready) - 1
                out, added = dst[band.writes] if last else None, None
                if last and residual is not None:
                    added = residual[band.writes]
                if not last:
                    shape, dtype = plan.output_shape, plan.spec.dtype
                    size = prod(shape) * dtype.itemsize
                    out = places[number % 2][:size].view(dtype).reshape(shape)
                one = weights[number]
                run_plan(plan, read, one.array, packed, bias, added, out, one)
                read = out

    def told(self) -> tuple[str, ...]:
        """A line for bands that are alike."""
        lines, many = {}, Counter(id(band.plans) for band in self.each)
        for band in self.kinds:
            line = ", then ".join(
                f"{name} -> {'x'.join(map(str, plan.output_shape))} {plan.spec.dtype}, "
                f"{plan.algorithm}"
                + f" {plan.orientation} in vectors" * (plan.orientation != "none")
                + f", {plan.epilogue}" * (plan.epilogue != "none")
                + "".join(f"; another plan if {reason}" for reason in plan.variants)
                for name, plan in zip(self.names, band.plans, strict=True)
            )
            lines[line] = lines.get(line, 0) + many[id(band.plans)]
        return tuple(f"{count} x {line}" for line, count in lines.items())


def _ready(band: Band, weights: Sequence[Weights]) -> list[tuple]:
    """The plan, the packed weights and the bias of each convolution of a band."""
    pairs = zip(band.plans, weights, strict=True)
    return [one.chosen(plan, choose) for plan, one in pairs]


def _stages_of(ready: list[tuple], weights: Sequence[Weights]) -> list[tuple]:
    """The same as addresses, and tasks in place of plans."""
    return [
        (
            plan._engine.run.tasks,
            address(one.array),
            0 if packed is None else address(packed),
            0 if bias is None else address(bias),
        )
        for (plan, packed, bias), one in zip(ready, weights, strict=True)
    ]


def _can_chain(ready: list[tuple]) -> bool:
    """Whether all plans of a band are tasks that a thread can do, whatever the input."""
    return all(hasattr(plan._engine.run, "tasks") and not by_input(plan) for plan, _, _ in ready)


def by_input(plan: Plan) -> bool:
    """Whether elements of the input decide which plan runs."""
    return any(variant.reads_input for variant in plan._engine.variants)


def _gathered(array: np.ndarray, reads: tuple) -> np.ndarray:
    """A contiguous copy of these elements, an index for each axis by itself."""
    for axis, part in enumerate(reads):
        array = array[(slice(None),) * axis + (part,)]
    return np.ascontiguousarray(array)
