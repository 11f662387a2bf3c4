# SPDX-License-Identifier: BSD-3-Clause
"""The run of `fastconv bench`, from the first worker to the last line."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .._plan.machine import cpu_name
from . import contention, report
from .case import Case
from .measure import Peak, Result, measure
from .process import Process
from .rivals import EVERYONE, OURS, PLAIN, RIVALS
from .text import Progress, terminal_width, wrapped


@dataclass
class Run:
    """What was measured, by number of threads."""

    rounds: int
    peaks: dict[int, Peak] = field(default_factory=dict)
    results: dict[int, list[Result]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def all_results(self) -> list[Result]:
        return [result for results in self.results.values() for result in results]

    @property
    def complete(self) -> bool:
        """Whether fastconv was right and timed in every case."""
        ours = (
            timing
            for result in self.all_results
            for name, timing in result.timings.items()
            if name not in RIVALS
        )
        return all(timing.seconds for timing in ours)

    def title(self, threads: int) -> str:
        return f"{cpu_name()}, {threads} thread{'s' * (threads > 1)}"

    def to_json(self) -> dict:
        return report.to_json(self.all_results, self.peaks, self.versions, self.rounds)


def run_cases(
    cases: Sequence[Case],
    names: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    budget: float,
    isa: str | None = None,
) -> Run:
    """Measure the cases with each number of threads, and print what was found."""
    run = Run(rounds)
    for number in threads:
        with ExitStack() as stack:
            processes = start(names, number, isa, stack, run.versions)
            peak = run.peaks[number] = Peak(processes[0], isa)
            run.results[number] = run_all(cases, number, processes, peak, rounds, budget)
        print(*lines_of(run, number, names, terminal_width()), sep="\n", flush=True)
    return run


def lines_of(run: Run, threads: int, names: Sequence[str], width: int) -> list[str]:
    """What is printed of one number of threads."""
    results, peak = run.results[threads], run.peaks[threads]
    lines = ["", run.title(threads), "", *report.overview(results, peak, width)]
    rivals = report.times(results, names, width)
    lines += ["", *rivals, ""] if rivals else [""]
    lines += [
        f"FMA peak, {dtype}: {flops / 1e9:.0f} GFLOP/s" for dtype, flops in peak.flops.items()
    ]
    if peak.copies:
        lines += [f"copies: {report.copies_text(peak)}"]
    for note in report.notes(results, run.rounds):
        lines += wrapped(note, width, "  ")
    for line in report.summary_lines(results):
        lines += wrapped(line, width, " " * 7)
    return lines


def run_contention(
    names: Sequence[str], threads: Sequence[int], isa: str | None = None
) -> list[contention.Contention]:
    """Measure calls beside a busy core and with pauses, and print what was found."""
    libraries = [name for name in names if name not in ("numpy", "scipy", "opencv")]
    found = []
    for number in threads:
        measured, missing = contention.measure_contention(libraries, number, isa)
        found += measured
        for text in [*(result.line for result in measured), *missing]:
            print(*wrapped(text, terminal_width(), "  "), sep="\n", flush=True)
    return found


def start(
    names: Sequence[str], threads: int, isa: str | None, stack: ExitStack, versions: dict
) -> list[Process]:
    """Start all workers at once; ours stay in the list in any case, absent rivals do not."""
    started = [stack.enter_context(Process(name, threads, isa)) for name in names]
    usable = []
    for process in started:
        if process.ready():
            versions[process.name] = process.version
        else:
            print(*wrapped(f"{process.name}: {process.reason}", terminal_width(), "  "), sep="\n")
        if process.reason is None or process.name in OURS:
            usable.append(process)
    return usable


def weight(case: Case) -> float:
    """Roughly how long a case takes, in cases of a millisecond: sets its share of the time."""
    work = case.flops * (2e-9 if case.peak == "float64" else 1e-9)
    return 1 + 2 * work + 3e-7 * math.prod(case.output_shape)


def takes(name: str, case: Case) -> bool:
    """Whether a library has such functions; a case without features is its own plain shape."""
    if name in PLAIN and not case.features:
        return False
    return case.family in EVERYONE[name].families


def run_all(
    cases: Sequence[Case],
    threads: int,
    processes: Sequence[Process],
    peak: Peak,
    rounds: int,
    budget: float,
) -> list[Result]:
    """Measure the cases one after the other, each with its share of the remaining time."""
    weights = [weight(case) for case in cases]
    end = time.perf_counter() + budget
    results = []
    progress = Progress()  # it draws between two turns, never during one
    try:
        for index, case in enumerate(cases):
            before = sum(weights[:index])

            def tick(share: float, index: int = index, before: float = before) -> None:
                done = (before + share * weights[index]) / sum(weights)
                progress.show(f"{done:4.0%}  {index + 1} of {len(cases)}: {cases[index].name}")

            tick(0)
            asked = [process for process in processes if takes(process.name, case)]
            share = (end - time.perf_counter()) * weights[index] / sum(weights[index:])
            with tempfile.TemporaryDirectory(prefix="fastconv-bench-") as folder:
                peak.measure(case.peak)
                peak.measure_copy(case.nbytes)
                results.append(
                    measure(case, threads, asked, Path(folder), rounds, max(0, share), tick)
                )
                peak.measure_copy(case.nbytes)  # what else runs may have slowed the first
    finally:
        progress.clear()
    peak.measure(cases[-1].peak)
    return results
