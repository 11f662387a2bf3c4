# SPDX-License-Identifier: BSD-3-Clause
"""Plan: how a convolution will run, and why. Made once for each kind of call, then kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from math import gcd, prod

import numpy as np

from . import costs, machine
from .algorithms import ALGORITHMS, REFERENCE, Algorithm
from .kernels import measure, scratch, table
from .kernels.problem import Problem, address
from .layout import Layout
from .settings import default_threads
from .spec import ConvSpec
from .work import Machine, Schedule, Work, axes_of, blocks_of, cuttable, pads


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
    bytes: int  # input, weight and output, each once
    scratch_bytes: int  # of all threads
    copies: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    output_shape: tuple[int, ...]
    shared: bool = False  # concurrent calls divide the threads among them
    exact: bool = False  # taps on padding are kept apart from the others
    chunk: int = field(default=1, repr=False)  # tasks between two looks at signals
    schedule: Schedule | None = field(default=None, repr=False)
    problem: Problem | None = field(default=None, repr=False, compare=False)
    walk: Callable[..., bool] | None = field(default=None, repr=False, compare=False)
    exactly: Callable[[], Plan] | None = field(default=None, repr=False, compare=False)

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
        return self.walk(
            self.problem,
            address(src),
            0 if wei is None else address(wei),
            0 if packed is None else address(packed),
            0 if bias is None else address(bias),
            address(dst),
            self.threads,
            self.shared,
            self.chunk,
        )

    def pad_bias(self, bias: np.ndarray | None) -> np.ndarray | None:
        """Where channels lie in vectors, tiles read the bias in whole vectors."""
        if bias is None or self.orientation != "channels":
            return bias
        return np.append(bias, np.zeros(self.tile[1], bias.dtype))


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


@cache
def isas() -> tuple[str, ...]:
    """The ISAs that this CPU can run, the plainest first."""
    return table.isas_usable()


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
    shared: bool = False,
    prepared: bool = False,
    exact: bool = False,
    copies: tuple[str, ...] = (),
) -> Plan:
    """Compare what the algorithms would cost and plan the best, or the one that is named.

    `exact` keeps taps on padding apart from the others, for weights that are not finite.
    """
    isa = isa or isas()[-1]
    itemsize = spec.dtype.itemsize
    moved = itemsize * (prod(spec.input_shape) + prod(spec.weight_shape) + prod(spec.output_shape))
    if algorithm == REFERENCE or 0 in spec.output_shape:  # no walk
        return Plan(
            spec=spec,
            algorithm=ALGORITHMS[0].name if algorithm == "auto" else algorithm,
            orientation="none",
            isa="numpy" if algorithm == REFERENCE else isa,
            threads=1,
            tile=(1, 1),
            tasks=1,
            flops=spec.flops,
            bytes=moved,
            scratch_bytes=0,
            copies=copies,
            refused=(),
            output_shape=spec.output_shape,
        )
    lanes, rows = table.tile_rows(isa, spec.dtype.char)
    level2 = machine.caches()["L2"]
    budget = max(costs.SCRATCH_LEAST, int(level2 * costs.SCRATCH_SHARE))
    target = Machine(isa, lanes, rows, threads, level2, budget)
    straight = dst.regular and (dst.strides[4] == itemsize or spec.dst[2] == 1)
    blocks = blocks_of(spec.c_in, spec.wei)
    channels = blocks.size // prod(spec.wei)  # of a block
    # A tile of many multiply-adds a step waits neither for the second level nor between runs.
    patient = 2 * rows * lanes * itemsize >= costs.PATIENT_BYTES
    cuts = patient or channels > costs.SHORT_RUN
    # Pixels side by side can be read as vectors; with one between two of them, as numbers.
    apart = 1 if spec.dst[2] == 1 else spec.stride[2] * src.strides[4] / itemsize
    in_place = src.regular and apart == 1 and not pads(spec) and not _aliases(src)
    work = Work(
        spec=spec,
        machine=target,
        panels=False,
        in_place=in_place,
        cut_in_place=src.regular
        and apart in (1, 2)
        and not _crowds(src, channels, level2)
        and (patient or not _aliases(src))
        and (not pads(spec) or (cuts and not exact and cuttable(axes_of(spec)[3]))),
        cuts=cuts,
        straight=straight,
        prepared=prepared,
        exact=exact,
        blocks=blocks,
        taps=prod(spec.wei),
    )
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
    problem = _problem(work, src, wei, dst, schedule)
    if not row.panels and not work.reads_in_place(schedule.in_pieces):
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
        shared=shared,
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
        output_shape=spec.output_shape,
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
                shared=shared,
                prepared=prepared,
                exact=True,
            )
        ),
    )


def _aliases(layout: Layout) -> bool:
    """Channels a multiple of 4 KiB apart meet in one set of the first-level cache."""
    return layout.strides[1] % costs.ALIAS_BYTES == 0


def _crowds(layout: Layout, channels: int, level2: int) -> bool:
    """Whether the channels of a block fill more than half of some sets of the second level."""
    way = level2 // costs.WAYS
    sets = way // gcd(layout.strides[1], way)  # that hold a number of each channel
    return channels > sets * costs.WAYS / 2


def _problem(work: Work, src: Layout, wei: Layout, dst: Layout, schedule: Schedule) -> Problem:
    spec = work.spec
    src_steps = (src.strides[0], *src.strides[2:])
    dst_steps = (dst.strides[0], *dst.strides[2:])
    return Problem(
        isa=work.machine.isa,
        dtype=spec.dtype.char,
        axes=[
            (*axis, a, b) for axis, a, b in zip(axes_of(spec), src_steps, dst_steps, strict=True)
        ],
        cuts=schedule.cuts,
        separate=schedule.separate,
        groups=spec.groups,
        c_in=spec.c_in,
        c_out=spec.c_out,
        block_k=work.blocks.size,
        windows=work.blocks.windows,
        enclosing=work.blocks.enclosing,
        src_c_bytes=src.strides[1],
        dst_c_bytes=dst.strides[1],
        src_end_bytes=src.end,
        src_storage=src.storage,
        dst_storage=dst.storage,
        wei_storage=wei.storage,
        dst_regular=work.straight,
        in_place_allowed=work.reads_in_place(schedule.in_pieces),
        wei_bytes=wei.strides,
        wei_regular=wei.regular,
        pixels_wide=schedule.orientation == "pixels",
        width=schedule.width,
        task_strips=schedule.task_strips,
        panel=schedule.panel,
        panels=schedule.panel > 0,
        cut_rows=work.cuts,
        short_run=costs.SHORT_RUN,
        guard=not work.exact and pads(spec),
    )
