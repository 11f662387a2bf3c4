# SPDX-License-Identifier: BSD-3-Clause
"""The algorithms, in one list: each says why it refuses, what it would cost, and what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import inf

import numpy as np

from .._core import direct, im2col_gemm, scratch
from .._core.conv import Problem
from .._core.parallel import Tasks
from .._spec import reference, scatter, separable, separable_conv
from .._spec.columns import FoldSpec
from .._spec.conv import ConvSpec
from .._spec.local import LocalSpec
from .._spec.masked import MaskedSpec
from .._spec.moves import MoveSpec
from .._spec.operands import plain_bias
from .._spec.pool import PoolSpec
from .._spec.resample import ResampleSpec
from .._spec.separable import SeparableSpec
from .._spec.separable_conv import SeparableConvSpec
from .._spec.spec import Spec
from .._spec.transpose import TransposeSpec
from .._spec.uneven import UnevenSpec
from .._spec.unpool import UnpoolSpec
from . import (
    columns,
    depthwise,
    factored,
    fft,
    grouped,
    local,
    magnitude,
    masked,
    moves,
    nonfinite,
    passes,
    pooling,
    resample,
    uneven,
    unpool,
)
from .bands import Bands
from .bordered import bordered, spills
from .candidate import Candidate, Packer, Part, chunk, idle, make_engine, runner
from .composed import PARTS, Composed, compose
from .hook import Hook
from .plan import PLAN_BYTES, Plan, Variant
from .schedule import candidates
from .separable import BORDERS, Passes
from .separable_conv import Pair
from .tiled import Call, make_problem
from .work import Schedule, Work


def nothing(call: Call) -> None:
    """Refuse nothing."""


def no_variants(call: Call, make: Callable[[Call], Plan]) -> tuple[Variant, ...]:
    """The same plan for all values."""
    return ()


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row of the list."""

    name: str
    family: type  # of the specifications it is for
    candidate: Callable[[Call], Candidate]
    refuses: Callable[[Call], str | None] = nothing  # the reason, as users read it
    variants: Callable[[Call, Callable[[Call], Plan]], tuple[Variant, ...]] = no_variants
    only_named: str | None = None  # why "auto" never takes it
    parts: tuple[str, ...] = ()  # algorithms of its parts, which users may name, too


# ---- direct and im2col_gemm --------------------------------------------------------------------

ORIENTATIONS = ("pixels", "channels")


@dataclass(frozen=True, slots=True)
class Tiled:
    """An algorithm of register tiles, whose schedule is chosen by its cost."""

    panels: bool  # pixels are gathered into panels
    tasks: Callable[[Problem], Tasks]  # of a call

    def schedules(self, work: Work, orientation: str) -> Iterator[tuple[float, Schedule]]:
        """Those worth comparing, with their costs."""
        return candidates(work._replace(panels=self.panels), orientation)

    def best(self, work: Work) -> tuple[float, Schedule]:
        """The one of least cost."""
        found = (pair for orientation in ORIENTATIONS for pair in self.schedules(work, orientation))
        return min(found, key=lambda pair: pair[0])

    def candidate(self, call: Call) -> Candidate:
        """That with the best schedule."""
        if 0 in call.spec.output_shape:
            return Candidate(0.0, partial(idle, call))
        cost, schedule = _pick.value(self, call.work)
        return Candidate(cost, partial(self.part, call, schedule))

    def part(self, call: Call, schedule: Schedule) -> Part:
        """What runs with a schedule."""
        work = call.work
        problem = make_problem(work, call.components, schedule, call.kernel_epilogue)
        threads = min(call.threads, max(1, problem.tasks))
        scratch.limit(threads * problem.scratch_bytes)
        packer = Packer(problem, threads, call.shared, work.padded)
        channels, lanes = schedule.orientation == "channels", work.machine.lanes
        engine = make_engine(
            call,
            runner(
                self.tasks(problem),
                threads,
                call.shared,
                chunk(call.spec, problem.tasks, threads),
                packer if schedule.ahead else None,
            ),
            bias_room=np.zeros(schedule.width, call.bias_dtype) if channels else None,
            pack=packer.pack,
            packing=(
                *(call.isa, schedule.orientation, call.spec.tile_dtype),
                *(call.spec.components, problem.components, call.spec.apart),
            ),
            memory=PLAN_BYTES + problem.memory_bytes,
        )
        return Part(
            engine=engine,
            isa=call.isa,
            orientation=schedule.orientation,
            threads=threads,
            tile=(work.machine.rows, schedule.width) if channels else (schedule.width, 2 * lanes),
            tasks=problem.tasks,
            scratch_bytes=threads * problem.scratch_bytes,
            copies=self.copies(call, schedule, problem),
        )

    def copies(self, call: Call, schedule: Schedule, problem: Problem) -> tuple[str, ...]:
        """What is copied on the way, in words."""
        work, said = call.work, []
        if self.panels:
            said += ["input: panels of the cache's size"]
        elif work.copies(schedule):
            said += ["input: strips of the cache's size"]
        elif work.padded and direct.makes_strips(problem):
            said += ["input: strips of the cache's size where tiles cannot leave padding out"]
        if schedule.orientation not in work.in_place_store:
            said += ["out: through a buffer that fits into the cache"]
        if not call.prepared:
            said += ["weight: whole" if schedule.ahead else "weight: a panel at a time"]
        return tuple(said)


def _variants(call: Call, make: Callable[[Call], Plan]) -> tuple[Variant, ...]:
    """For weights that are outer products, small integers, weights that are not finite."""
    if 0 in call.spec.output_shape:
        return ()
    found = (module.variant(call, make) for module in (factored, magnitude, nonfinite))
    return tuple(variant for variant in found if variant is not None)


_pick = Hook(Tiled.best)  # (tiled, work) -> one of `tiled.schedules`, with its cost
choosing = _pick.set


# ---- reference ---------------------------------------------------------------------------------


def _reference(call: Call) -> Candidate:
    run = partial(_run_reference, reference.convolve, call.spec)
    return Candidate(inf, lambda: Part(make_engine(call, run), "numpy"))


def _run_reference(compute: Callable, spec: Spec, src, wei, packed, bias, residual, dst) -> bool:
    if bias is not None:
        bias = plain_bias(spec, bias)
    if dst.size:
        dst[...] = compute(spec, src, wei, bias, residual, dst)
    return True


# ---- transposed convolutions -------------------------------------------------------------------


def _phases(call: Call) -> Candidate:
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    if spills(call.spec):
        return Candidate(0.0, partial(_bordered, call))
    cost, composed = compose(call)
    return Candidate(cost, partial(_composed, call, composed))


def _bordered(call: Call) -> Part:
    """What is said of a transposed convolution without border, and of the epilogue after it."""
    made = bordered(call)
    inner, last = made.inner, made.last.plan
    engine = make_engine(
        call,
        made.run,
        pack=made.pack,
        packing=("bordered",),
        memory=PLAN_BYTES + inner._engine.memory + last._engine.memory,
    )
    return Part(
        engine=engine,
        isa=call.isa,
        orientation=inner.orientation,
        threads=max(inner.threads, last.threads),
        tile=inner.tile,
        tasks=inner.tasks + last.tasks,
        scratch_bytes=max(inner.scratch_bytes, last.scratch_bytes),
        copies=("out: whole, with its padding, as sums", *inner.copies),
        steps=(*inner.steps, "padding added to the cells that the border copies", "epilogue"),
    )


def _composed(call: Call, composed: Composed) -> Part:
    """What is said of convolutions in a row; of vectors and tiles what is said of the largest."""
    plans = [piece.plan for piece in composed.pieces]
    largest = max(plans, key=lambda plan: plan.flops)
    engine = make_engine(
        call,
        composed.run,
        pack=composed.pack,
        packing=composed.packing,
        memory=PLAN_BYTES + sum(plan._engine.memory for plan in {id(p): p for p in plans}.values()),
    )
    return Part(
        engine=engine,
        isa=call.isa,
        orientation=largest.orientation,
        threads=max(plan.threads for plan in plans),
        tile=largest.tile,
        tasks=sum(plan.tasks for plan in plans),
        scratch_bytes=max(plan.scratch_bytes for plan in plans),
        copies=composed.copies(),
        steps=composed.told(),
    )


def _transposed_reference(call: Call) -> Candidate:
    run = partial(_run_reference, scatter.transpose, call.spec)
    return Candidate(inf, lambda: Part(make_engine(call, run), "numpy"))


# ---- separable filters -------------------------------------------------------------------------


def _separable(call: Call) -> Candidate:
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = Passes(call)
    how = {"pack": found.pack, "packing": ("separable", call.spec.sizes)}
    return Candidate(found.planned.cost, partial(_in_bands, call, found.planned, found.run, **how))


def _factored(call: Call) -> Candidate:
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = factored.Factored(call)
    planned, packing = found.passes.planned, ("factored", call.spec.kernel, call.spec.tile_dtype)
    how = {"pack": found.pack, "packing": packing, "check": found.check}
    return Candidate(planned.cost, partial(_in_bands, call, planned, found.run, **how))


def _separable_reference(call: Call) -> Candidate:
    run = partial(_run_reference, separable.correlate, call.spec)
    return Candidate(inf, lambda: Part(make_engine(call, run), "numpy"))


# ---- depthwise separable convolutions ----------------------------------------------------------


def _bands(call: Call) -> Candidate:
    if 0 in call.spec.output_shape:
        return Candidate(0.0, partial(idle, call))
    found = Pair(call)
    return Candidate(found.planned.cost, partial(_in_bands, call, found.planned, found.run))


def _in_bands(call: Call, found: Bands, run: Callable[..., bool], **how) -> Part:
    """What is said of convolutions in a row; of vectors and tiles what is said of the largest."""
    plans = found.plans
    largest = max(plans, key=lambda plan: plan.flops)
    scratch.limit(found.scratch_bytes)
    between = ("between convolutions: bands of the cache's size",) * (len(found.names) > 1)
    border = ("input: rows around the border",) * any(band.copies for band in found.each)
    memory = PLAN_BYTES + sum(plan._engine.memory for plan in plans)
    if call.spec.reads_constant:
        memory *= BORDERS
    return Part(
        engine=make_engine(call, run, memory=memory, **how),
        isa=call.isa,
        orientation=largest.orientation,
        threads=max(plan.threads for plan in plans) if found.whole else found.threads,
        tile=largest.tile,
        tasks=len(found.each),
        scratch_bytes=found.scratch_bytes,
        copies=between
        + border
        + tuple(dict.fromkeys(word for plan in plans for word in plan.copies)),
        steps=found.told(),
    )


def _separable_conv_reference(call: Call) -> Candidate:
    def run(src, weights, packed, biases, residual, dst) -> bool:
        if packed is not None:
            weights, biases = zip(*((one.array, one.bias) for one in packed), strict=True)
        if dst.size:
            dst[...] = separable_conv.convolve(call.spec, src, weights, biases, residual, dst)
        return True

    return Candidate(inf, lambda: Part(make_engine(call, run), "numpy"))


# ---- the list ----------------------------------------------------------------------------------


DIRECT, GEMM = Tiled(False, direct.tasks), Tiled(True, im2col_gemm.tasks)
SLOW = "slow and obvious, for tests"

ALGORITHMS = (
    Algorithm("direct", ConvSpec, Tiled(False, direct.tasks).candidate, variants=_variants),
    Algorithm(
        "im2col_gemm", ConvSpec, Tiled(True, im2col_gemm.tasks).candidate, variants=_variants
    ),
    Algorithm(
        "depthwise",
        ConvSpec,
        depthwise.candidate,
        refuses=lambda call: depthwise.refuses(call.spec),
        variants=_variants,
    ),
    Algorithm(
        "grouped",
        ConvSpec,
        grouped.candidate,
        refuses=lambda call: grouped.refuses(call.spec, call.isa),
        variants=_variants,
    ),
    Algorithm("separable", ConvSpec, _factored, refuses=factored.refuses_unnamed),
    Algorithm("fft", ConvSpec, fft.candidate, fft.refuses, fft.variants, fft.ONLY_NAMED),
    Algorithm("reference", ConvSpec, _reference, only_named=SLOW),
    Algorithm("phases", TransposeSpec, _phases, parts=PARTS),
    Algorithm("reference", TransposeSpec, _transposed_reference, only_named=SLOW),
    Algorithm("separable", SeparableSpec, _separable, parts=PARTS),
    Algorithm("reference", SeparableSpec, _separable_reference, only_named=SLOW),
    Algorithm("masked", MaskedSpec, masked.candidate, parts=PARTS),
    Algorithm("reference", MaskedSpec, masked.reference, only_named=SLOW),
    Algorithm("local", LocalSpec, local.candidate),
    Algorithm("reference", LocalSpec, _reference, only_named=SLOW),
    Algorithm("direct", PoolSpec, pooling.candidate),
    Algorithm("separable", PoolSpec, passes.candidate, refuses=passes.refuses),
    Algorithm("reference", PoolSpec, pooling.reference, only_named=SLOW),
    Algorithm("direct", UnevenSpec, uneven.candidate),
    Algorithm("reference", UnevenSpec, uneven.reference, only_named=SLOW),
    Algorithm("direct", UnpoolSpec, unpool.candidate),
    Algorithm("reference", UnpoolSpec, unpool.reference, only_named=SLOW),
    Algorithm("bands", SeparableConvSpec, _bands, parts=PARTS),
    Algorithm("reference", SeparableConvSpec, _separable_conv_reference, only_named=SLOW),
    Algorithm("rows", MoveSpec, moves.candidate),
    Algorithm("reference", MoveSpec, moves.reference, only_named=SLOW),
    Algorithm("rows", FoldSpec, columns.candidate),
    Algorithm("reference", FoldSpec, moves.reference, only_named=SLOW),
    Algorithm("resample", ResampleSpec, resample.candidate),
    Algorithm("reference", ResampleSpec, resample.reference, only_named=SLOW),
)
NAMES = ("auto", *dict.fromkeys(row.name for row in ALGORITHMS))


@cache
def names(spec: type) -> tuple[str, ...]:
    """The words for the algorithms of a family, by the class of its specifications."""
    rows = [row for row in ALGORITHMS if issubclass(spec, row.family)]
    return ("auto", *(name for row in rows for name in (row.name, *row.parts)))


_rows = Hook(ALGORITHMS)  # those that plans choose from
offering = _rows.set


def offered() -> tuple[Algorithm, ...]:
    """The rows that plans choose from."""
    return _rows.value
