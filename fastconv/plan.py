# SPDX-License-Identifier: BSD-3-Clause
"""Plan: how a convolution will run, and why. Made once for each kind of call, then kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from math import prod

import numpy as np

from . import costs, machine
from .algorithms import ALGORITHMS, REFERENCE, Algorithm
from .kernels import measure, scratch
from .kernels.problem import Problem, address
from .layout import Layout
from .schedule import Machine, Schedule, Work, axes_of, block_k, pads
from .settings import default_threads
from .spec import ConvSpec


@dataclass(frozen=True, slots=True)
class Plan:
    """What will run and why; a value that prints."""

    spec: ConvSpec
    algorithm: str
    orientation: str  # what lies in vectors: "pixels" or "channels"
    isa: str
    threads: int
    tile: tuple[int, int]  # rows x columns of a register tile
    tasks: int
    flops: int  # nominal: 2 a multiply-add, taps on padding included
    bytes: int  # input, weight, bias and output, each once
    scratch_bytes: int  # of all threads
    copies: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    schedule: Schedule | None = field(repr=False)
    problem: Problem | None = field(repr=False, compare=False)
    walk: Callable | None = field(repr=False, compare=False)
    chunk: int = field(repr=False)  # tasks between two looks at signals
    exact: bool  # taps on padding are kept apart from the others
    exactly: Callable[[], Plan] = field(repr=False, compare=False)

    def __str__(self) -> str:
        spec = self.spec
        head = (
            f"{spec.name} {spec.dtype}  {_shape(spec.input_shape)} * {_shape(spec.weight_shape)}"
            f" -> {_shape(spec.output_shape)}"
        )
        how = f"{self.algorithm}  {self.orientation} in vectors  {self.isa}  {self.threads} " + (
            "thread" if self.threads == 1 else "threads"
        )
        work = (
            f"{self.flops / 1e9:.3g} GFLOP  {_size(self.bytes)} moved  "
            f"tile {self.tile[0]}x{self.tile[1]}  {self.tasks} tasks  "
            f"scratch {_size(self.scratch_bytes)}"
        )
        lines = [head, how, work, "copies: " + ("; ".join(self.copies) or "none")]
        lines += [f"refused: {name} - {reason}" for name, reason in self.refused]
        return "\n".join(lines)

    def run(self, src, wei, packed, bias, dst) -> bool:
        """Run on arrays that are as planned; False: see `kernels/walk.pyx`."""
        if bias is not None and self.orientation == "channels":
            bias = np.append(bias, np.zeros(self.tile[1], bias.dtype))  # read in whole vectors
        return self.walk(
            self.problem,
            address(src),
            0 if wei is None else address(wei),
            0 if packed is None else address(packed),
            0 if bias is None else address(bias),
            address(dst),
            self.threads,
            self.chunk,
        )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


@cache
def isas() -> tuple[str, ...]:
    """The ISAs that this CPU can run, the plainest first."""
    return measure.isas_usable()


def choose_threads(spec: ConvSpec, explicit: int | None) -> int:
    """An explicit number is obeyed; the default leaves small work to fewer threads."""
    if explicit is not None:
        return explicit
    limit = min(default_threads(), measure.openmp_threads())
    return max(1, min(limit, spec.flops // costs.OPERATIONS_PER_THREAD))


def make(
    spec: ConvSpec,
    src: Layout,
    wei: Layout,
    dst: Layout,
    *,
    algorithm: str = "auto",
    isa: str | None = None,
    threads: int = 1,
    prepared: bool = False,
    exact: bool = False,
    copies: tuple[str, ...] = (),
) -> Plan:
    """Compare what the algorithms would cost and plan the best, or the one that is named.

    `exact` keeps taps on padding apart from the others, for weights that are not finite.
    """
    isa = isa or isas()[-1]
    itemsize = spec.dtype.itemsize
    moved = itemsize * (
        prod(spec.input_shape) + prod(spec.weight_shape) + prod(spec.output_shape)
    )
    if algorithm == REFERENCE:
        return Plan(spec, REFERENCE, "none", "numpy", 1, (1, 1), 1, spec.flops, moved, 0, copies,
                    (), None, None, None, 1, True, lambda: None)  # fmt: skip
    lanes, rows = measure.tile_rows(isa, spec.dtype.char)
    budget = int(machine.caches()["L2"] * costs.SCRATCH_SHARE)
    target = Machine(isa, lanes, rows, threads, budget)
    straight = dst.regular and (dst.strides[4] == itemsize or spec.dst[2] == 1)
    in_place = (
        src.regular
        and not pads(spec)
        and (spec.dst[2] == 1 or (spec.stride[2] == 1 and src.strides[4] == itemsize))
        and not _aliases(src)
    )
    work = Work(spec, target, False, in_place, straight, prepared, exact)
    best: dict[str, tuple[Algorithm, Schedule]] = {}
    refused = []
    for row in ALGORITHMS:
        reason = row.refuses(spec)
        if reason is None and algorithm in ("auto", row.name):
            best[row.name] = row, row.best(work)
        elif reason:
            refused.append((row.name, reason))
        else:
            refused.append((row.name, f"algorithm={algorithm!r} was asked for"))
    name = min(best, key=lambda name: best[name][1].cost)
    row, schedule = best[name]
    refused += [
        (other, f"estimated {choice.cost / schedule.cost:.2f}x slower")
        for other, (_, choice) in best.items()
        if other != name
    ]
    refused.append((REFERENCE, "only by name: slow and obvious, for tests"))
    problem = _problem(spec, src, wei, dst, isa, schedule, in_place, straight, exact)
    if not in_place and not row.panels:
        copies += ("input: strips of the cache's size",)
    if row.panels:
        copies += ("input: panels of the cache's size",)
    if not straight:
        copies += ("out: tiles, on their way to its strides or byte order",)
    if not prepared:
        copies += ("weight: a strip at a time",)
    used = min(threads, max(1, problem.tasks))
    scratch.limit(used * problem.scratch_bytes)
    tile = (schedule.width, 2 * lanes)
    if schedule.orientation == "channels":
        tile = (rows, schedule.width)
    return Plan(
        spec=spec,
        algorithm=name,
        orientation=schedule.orientation,
        isa=isa,
        threads=used,
        tile=tile,
        tasks=problem.tasks,
        flops=spec.flops,
        bytes=moved,
        scratch_bytes=used * problem.scratch_bytes,
        copies=copies,
        refused=tuple(refused),
        schedule=schedule,
        problem=problem,
        walk=row.run,
        chunk=max(used, problem.tasks * costs.OPERATIONS_PER_CHUNK // max(1, spec.flops)),
        exact=exact,
        exactly=cache(
            partial(
                make,
                spec,
                src,
                wei,
                dst,
                algorithm=algorithm,
                isa=isa,
                threads=threads,
                prepared=prepared,
                exact=True,
            )
        ),
    )


def _aliases(layout: Layout) -> bool:
    """Channels a multiple of 4 KiB apart meet in the same sets of the caches."""
    return layout.strides[1] % 4096 == 0


def _problem(spec, src, wei, dst, isa, schedule, in_place, straight, exact) -> Problem:
    src_steps = (src.strides[0], *src.strides[2:])
    dst_steps = (dst.strides[0], *dst.strides[2:])
    return Problem(
        isa=isa,
        dtype=spec.dtype.char,
        axes=[
            (*axis, a, b)
            for axis, a, b in zip(axes_of(spec), src_steps, dst_steps, strict=True)
        ],
        cuts=schedule.cuts,
        separate=schedule.separate,
        groups=spec.groups,
        c_in=spec.c_in,
        c_out=spec.c_out,
        block_k=block_k(spec.c_in, spec.wei),
        src_c_bytes=src.strides[1],
        dst_c_bytes=dst.strides[1],
        src_end_bytes=src.end,
        src_storage=src.storage,
        dst_storage=dst.storage,
        wei_storage=wei.storage,
        src_regular=src.regular,
        dst_regular=straight,
        in_place_allowed=in_place,
        wei_bytes=wei.strides,
        pixels_wide=schedule.orientation == "pixels",
        width=schedule.width,
        task_strips=schedule.task_strips,
        panel=schedule.panel,
        panels=schedule.panel > 0,
        guard=not exact and pads(spec),
    )
