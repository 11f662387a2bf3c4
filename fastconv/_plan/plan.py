# SPDX-License-Identifier: BSD-3-Clause
"""Plan: how a convolution will run, and why. Made once for each kind of call, then kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial

import numpy as np

from .._core import direct, measure, scratch, table
from .._core.conv import Problem, address
from .._spec.borders import Border
from .._spec.conv import ConvSpec
from .._spec.dtypes import SMALL, TOTALS, native, parts
from . import constants as costs
from .algorithms import ALGORITHMS, REFERENCE, Algorithm
from .epilogue import Finishing, finishing
from .layout import Layout
from .magnitude import worth_looking
from .settings import default_threads
from .tiled import Arrays, analyse, as_tile_bytes
from .work import Schedule, Work, axes_of, operations

PLAN_BYTES = 16 << 10  # of a plan without its spans

_pick: Callable[[Algorithm, Work], Schedule] = Algorithm.best


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
    bytes: int  # input, weight, output and residual, each once
    scratch_bytes: int  # of all threads
    copies: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    output_shape: tuple[int, ...]
    pack: str  # how input and weight come to the tiles
    finishing: Finishing
    shared: bool = False  # concurrent calls divide the threads among them
    replaced: bool = False  # weights that are not finite are, and a residual adds what they do
    chunk: int = field(default=1, repr=False)  # tasks between two looks at signals
    schedule: Schedule | None = field(default=None, repr=False)
    problem: Problem | None = field(default=None, repr=False, compare=False)
    runner: Callable[..., bool] | None = field(default=None, repr=False, compare=False)
    if_not_finite: Callable[[], Plan] | None = field(default=None, repr=False, compare=False)
    if_small: Callable[[], Plan] | None = field(default=None, repr=False, compare=False)

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
        lines = [head, how, work, f"pack: {self.pack}", f"finish: {self.finish}"]
        lines += ["copies: " + ("; ".join(self.copies) or "none")]
        lines += [f"refused: {name} - {reason}" for name, reason in self.refused]
        return "\n".join(lines)

    @property
    def finish(self) -> str:
        """What is done to sums, and what they become."""
        spec = self.spec
        total, words = TOTALS[spec.arithmetic.total], str(spec.finish)
        if spec.parts == 2:
            total = np.result_type(total, np.complex64)
        if spec.dtype != total:
            kind = "saturated" if spec.dtype.kind in "iu" and spec.finish.saturate else ""
            words = ", ".join(filter(None, (words, f"{total} -> {spec.dtype}", kind)))
        return words or "none"

    def run(self, src, wei, packed, bias, residual, dst) -> bool:
        """Run on arrays that are as planned; False: see `_core/parallel.pyx`."""
        return self.runner(
            self.problem,
            address(src),
            0 if wei is None else address(wei),
            0 if packed is None else address(packed),
            0 if bias is None else address(bias),
            0 if residual is None else address(residual),
            address(dst),
            self.threads,
            self.shared,
            self.chunk,
        )

    def __reduce__(self):
        """A plan that is pickled or copied tells the same; only the engine's own runs."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        return partial(Plan, **kept), ()

    @property
    def memory(self) -> int:
        """Bytes that the plan itself takes, at most."""
        return PLAN_BYTES + (self.problem.memory_bytes if self.problem else 0)

    @property
    def bias_dtype(self) -> np.dtype:
        """What the kernel that adds a bias reads."""
        return TOTALS[self.finishing.dtype]

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


@contextmanager
def choosing(pick: Callable[[Algorithm, Work], Schedule]) -> Iterator[None]:
    """For tests: plans that are made inside, in any thread, take of each algorithm the schedule
    ``pick(row, work)``, one of `Algorithm.schedules`. Call `execute.forget` before and after."""
    global _pick
    before, _pick = _pick, pick
    try:
        yield
    finally:
        _pick = before


def make(
    spec: ConvSpec,
    arrays: Arrays,
    dtypes: tuple[np.dtype, np.dtype, np.dtype | None],
    *,
    algorithm: str = "auto",
    isa: str | None = None,
    threads: int = 1,
    shared: bool = False,
    prepared: bool = False,
    replaced: bool = False,
    copies: tuple[str, ...] = (),
) -> Plan:
    """Compare what the algorithms would cost and plan the best, or the one that is named.

    `dtypes` are those of input, weight and residual. `replaced`: the weights were not finite, see
    _plan/nonfinite.py.
    """
    isa = isa or isas()[-1]
    again = partial(
        make,
        dtypes=dtypes,
        algorithm=algorithm,
        isa=isa,
        threads=threads,
        shared=shared,
        prepared=prepared,
        copies=copies,
    )
    moved = arrays.moved_bytes(spec)
    whole_arrays = arrays
    if spec.apart:
        arrays = arrays.components()
    finish = finishing(spec.finish, spec.arithmetic, arrays.dst, arrays.residual)
    if algorithm == REFERENCE or 0 in spec.output_shape:  # nothing for the core
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
            pack=_packing(spec, dtypes),
            finishing=finish,
        )
    simply = (finish.simple and arrays.dst.native) or (finish.pairs and finish.moved)
    work = analyse(spec, arrays, isa, threads, prepared=prepared, simple=simply)
    best: dict[str, tuple[Algorithm, Schedule]] = {}
    refused = []
    for row in ALGORITHMS:
        reason = row.refuses(spec)
        if reason is None and algorithm in ("auto", row.name):
            best[row.name] = row, _pick(row, work)
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
    problem = _problem(work, arrays, schedule, finish)
    if not row.panels and not work.reads_in_place(schedule.in_regions):
        copies += ("input: strips of the cache's size",)
    elif not row.panels and work.padded and direct.makes_strips(problem):
        copies += ("input: strips of the cache's size where tiles cannot leave padding out",)
    if row.panels:
        copies += ("input: panels of the cache's size",)
    if schedule.orientation not in work.in_place_store:
        copies += ("out: sums of the cache's size, on their way to it",)
    if not prepared:
        copies += ("weight: a strip at a time",)
    small = None
    if worth_looking(spec, *dtypes[:2], threads, prepared):
        small = cache(partial(again, replace(spec, arithmetic=SMALL), arrays.converted()))
    used = min(threads, max(1, problem.tasks))
    scratch.limit(used * problem.scratch_bytes)
    lanes = work.machine.lanes
    tile = (schedule.width, 2 * lanes)
    if schedule.orientation == "channels":
        tile = (work.machine.rows, schedule.width)
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
        runner=row.run,
        chunk=max(used, problem.tasks * costs.OPERATIONS_PER_CHUNK // operations(spec)),
        replaced=replaced,
        output_shape=spec.output_shape,
        pack=_packing(spec, dtypes),
        finishing=finish,
        if_not_finite=_if_not_finite(spec, whole_arrays, dtypes[1], again)
        if work.padded and not replaced
        else None,
        if_small=small,
    )


def _if_not_finite(
    spec: ConvSpec, arrays: Arrays, weight: np.dtype, again: Callable
) -> Callable[[], Plan] | None:
    """The plan for weights that are inf or NaN, which no integers are."""
    if spec.arithmetic.whole:
        return None
    finish = spec.finish._replace(residual=True)
    dtype = spec.sum_dtype
    residual = Layout.contiguous(
        spec.output_shape, dtype, TOTALS[spec.arithmetic.total], spec.rank, spec.channels_last
    )
    wei = Layout.contiguous(spec.weight_shape, native(weight), spec.tile_dtype, spec.rank, False)
    arrays = replace(arrays, wei=wei, residual=residual, residual_is_out=False)
    return cache(partial(again, replace(spec, finish=finish), arrays, replaced=True))


def _packing(spec: ConvSpec, dtypes: tuple) -> str:
    """What happens to input and weight on their way to the tiles, in words."""
    said = []
    for argument, dtype in zip(("input", "weight"), dtypes, strict=False):
        words = [f"{argument} {dtype}"]
        if dtype != spec.tile_dtype:
            pairs = "pairs of " if parts(dtype) == 2 and not spec.apart else ""
            words[0] += f" -> {pairs}{spec.tile_dtype}"
        if argument == "input":
            words += ["real and imaginary parts apart"] if spec.apart else []
            words += ["channels last"] if spec.channels_last else []
            modes = [axis.border.word for axis in spec.user_axes]
            modes = modes[:1] if len(set(modes)) == 1 else modes
            if any(axis.border is not Border.ZERO for axis in spec.axes):
                value = f" {spec.border_value:g}" if spec.reads_constant else ""
                words.append(f"border {' '.join(modes)}{value}")
        elif spec.flipped:
            words.append("flipped")
        said.append(", ".join(words))
    return "; ".join(said)


def _problem(work: Work, arrays: Arrays, schedule: Schedule, finish: Finishing) -> Problem:
    spec, src, dst = work.spec, arrays.src, arrays.dst
    residual = arrays.residual or dst
    steps = ((layout.strides[0], *layout.strides[2:]) for layout in (src, dst, residual))
    pixels = schedule.orientation == "pixels"
    return Problem(
        isa=work.machine.isa,
        dtype=spec.arithmetic.tile,
        axes=[(*axis, *step) for axis, *step in zip(axes_of(spec), *steps, strict=True)],
        cuts=schedule.cuts,
        separate=schedule.separate,
        groups=spec.groups,
        c_in=spec.c_in,
        c_out=spec.c_out,
        block_k=work.blocks.size,
        windows=work.blocks.windows,
        enclosing=work.blocks.enclosing,
        src=src,
        dst=dst,
        residual=residual,
        wei=arrays.wei,
        border_values=as_tile_bytes(spec, spec.border_value),
        finish=finish,
        in_place_store=schedule.orientation in work.in_place_store,
        dst_native=dst.native and "pixels" in work.contiguous,
        wei_direct=work.wei_direct,
        in_place_allowed=work.reads_in_place(schedule.in_regions),
        channels_first=work.channels_first or not schedule.in_regions,
        pixels_wide=pixels,
        width=schedule.width,
        task_strips=schedule.task_strips,
        panel=schedule.panel,
        cut_rows=work.cuts,
        short_run=costs.SHORT_RUN,
        apart=2 if spec.apart else 1,
        guard=work.padded,
    )
