# SPDX-License-Identifier: BSD-3-Clause
"""Time one case: check everyone, share the time out, then interleave the rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from .case import Case
from .operands import operands, truth
from .process import Process
from .rivals import OURS, PLAIN, RIVALS

FILL = 0.005  # seconds that a short call is repeated for
TURN_EXTRA = 0.008  # seconds that a turn costs beside its timed calls: to warm up and to settle
LEAST_ROUNDS = 5  # a case that takes longer than planned ends after so many
PEAK_SECONDS = 0.04
COPY_SECONDS = 0.02
LEAST_COPY = 4096  # bytes: copies of less are no limit, they take the time of a call
CALL_SHARE = 0.1  # of a case's time: a call known to take more is left out


@dataclass
class Timing:
    """What one rival did with one case; `reason` says why there are no times."""

    seconds: list[float] = field(default_factory=list)  # least per call, one value a round
    medians: list[float] = field(default_factory=list)  # median per call, one value a round
    error: float | None = None  # relative to the largest true output
    reason: str | None = None
    wrong: bool = False
    estimate: float | None = None  # seconds per call, of a rival too slow to be timed

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.medians)


@dataclass
class Result:
    """One case with one thread number: a `Timing` for every rival asked."""

    case: Case
    threads: int
    timings: dict[str, Timing]

    @property
    def timed(self) -> dict[str, Timing]:
        return {name: timing for name, timing in self.timings.items() if timing.seconds}

    def ratio(self, theirs: Sequence[str], ours: Sequence[str] = tuple(OURS)) -> float | None:
        """Best time of `theirs` by best time of `ours`: above 1 ours is faster."""
        timed = self.timed
        them = [timed[n].best for n in theirs if n in timed]
        us = [timed[n].best for n in ours if n in timed]
        return min(them) / min(us) if them and us else None

    def ahead(self) -> float | None:
        return self.ratio([name for name in self.timings if name in RIVALS])

    def to_dict(self) -> dict:
        rivals = {}
        for name, timing in self.timings.items():
            rivals[name] = {k: v for k, v in asdict(timing).items() if v or k == "error"}
            if timing.seconds:
                rivals[name] |= {"min": timing.best, "median": timing.median}
        return {
            "case": self.case.to_dict(),
            "flops": self.case.flops,
            "threads": self.threads,
            "ratio": self.ahead(),
            "rivals": rivals,
        }


def share_rounds(costs: Mapping[str, float], rounds: int, budget: float) -> dict[str, int]:
    """Rounds for each rival, at least one: cheap turns get all, slow ones what is left over."""
    given, left = {}, len(costs)
    for name, cost in sorted(costs.items(), key=lambda item: item[1]):
        given[name] = max(1, int(min(rounds, budget / left / max(cost, 1e-9))))
        budget -= given[name] * cost
        left -= 1
    return given


def takes_part(number: int, given: int, rounds: int) -> bool:
    """Whether a rival with `given` of `rounds` rounds has its turn in this one (evenly spread)."""
    return (number * given) % rounds < given


def save_operands(case: Case, folder: Path, seed: int = 0) -> None:
    """Write the operands and the true result for the workers."""
    arrays = operands(case, seed)
    for name, array in zip(("x", "w", "b", "residual"), arrays, strict=False):
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "y.npy", truth(case, *arrays))


def check(process: Process, case: Case, folder: Path, limit: float) -> tuple[Timing, float]:
    """Prepare the case in one process and compare its result; the estimated seconds a call."""
    finite = limit if np.isfinite(limit) else None
    reply = process.ask("case", case=case.to_dict(), folder=str(folder), limit=finite)
    if not reply["ok"]:
        return Timing(reason=reply["reason"], estimate=reply.get("estimate")), 0.0
    error = reply["error"]
    if not error <= reply["tolerance"]:  # a NaN is wrong too
        return Timing(error=error, reason=f"wrong by {error:.1e}", wrong=True), 0.0
    return Timing(error=error), reply["seconds"]


def measure(
    case: Case,
    threads: int,
    processes: Sequence[Process],
    folder: Path,
    rounds: int,
    budget: float = float("inf"),
    tick: Callable[[float], None] = lambda share: None,
) -> Result:
    """Check and time one case within about `budget` seconds; `tick` hears the share done."""
    end = time.perf_counter() + budget
    save_operands(case, folder)
    plain = folder / "plain"
    if any(process.name in PLAIN for process in processes):
        plain.mkdir()
        save_operands(case.plain, plain)
    timings, costs = {}, {}
    for process in processes:
        task = (case.plain, plain) if process.name in PLAIN else (case, folder)
        timings[process.name], seconds = check(process, *task, budget * CALL_SHARE)
        if timings[process.name].reason is None:
            costs[process.name] = max(seconds, FILL) + TURN_EXTRA
    now = time.perf_counter()
    end = max(end, now + budget / 2)  # a slow check may not eat the rounds
    given = share_rounds(costs, rounds, end - now)
    for number in range(rounds):
        if number >= LEAST_ROUNDS and time.perf_counter() > end:
            break
        for process in processes:
            timing = timings[process.name]
            if timing.reason is None and takes_part(number, given[process.name], rounds):
                reply = process.ask("turn", fill=FILL)
                if reply["ok"]:
                    timing.seconds.append(reply["seconds"])
                    timing.medians.append(reply["median"])
                else:
                    timing.reason, timing.seconds = reply["reason"], []
        tick((number + 1) / rounds)
    return Result(case, threads, timings)


class Peak:
    """What bounds the speed: FMA peaks and copies, the best of short measurements in the run."""

    def __init__(self, process: Process, isa: str | None) -> None:
        self.process = process
        self.isa = {"float32": isa, "float64": isa}
        self.flops: dict[str, float] = {}  # FLOP/s by dtype
        self.copies: dict[int, float] = {}  # bytes/s, read and written, by the sum of both

    def measure(self, dtype: str) -> None:
        """The FMA peak once more; without an ISA the first time takes the best of all."""
        reply = self.process.ask(
            "peak", dtype=np.dtype(dtype).char, isa=self.isa[dtype], seconds=PEAK_SECONDS
        )
        if reply["ok"]:
            self.isa[dtype] = reply["isa"]
            self.flops[dtype] = max(reply["flops"], self.flops.get(dtype, 0.0))

    def measure_copy(self, nbytes: int) -> None:
        """Copies that read and write so many bytes, again and again the same ones."""
        if nbytes < LEAST_COPY:
            return
        size = max(1024, nbytes // 2)
        reply = self.process.ask("copy", size=size, seconds=COPY_SECONDS)
        if reply["ok"]:
            self.copies[nbytes] = max(reply["rate"], self.copies.get(nbytes, 0.0))

    def limit(self, case: Case) -> tuple[str, float] | None:
        """What takes longer, and its seconds: the products ("FMA") or a copy of the bytes."""
        flops, rate = self.flops.get(case.peak), self.copies.get(case.nbytes)
        limits = [("FMA", case.flops / flops)] if flops and case.flops else []
        limits += [("copy", case.nbytes / rate)] if rate else []
        return max(limits, key=lambda limit: limit[1], default=None)

    def percent(self, result: Result, name: str) -> float | None:
        """The limit in percent of a rival's best time."""
        limit, timing = self.limit(result.case), result.timed.get(name)
        return 100 * limit[1] / timing.best if limit and timing else None
