# SPDX-License-Identifier: BSD-3-Clause
"""`fastconv bench`: its options, and the run from the first worker to the last line."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from ..machine import cpu_name
from ..settings import default_threads
from . import contention, report
from .case import KINDS, Case
from .cases import CASES, QUICK, random_cases, select
from .features import FEATURES, QUICK_FEATURES
from .measure import Peak, Result, measure
from .process import Process
from .rivals import OURS, PLAIN, RIVALS

# Seconds per thread number. The default run ends within two minutes with the start of all
# libraries, the one call that each of them makes before its time is known, and the drawing.
BUDGET, QUICK_BUDGET, FEATURES_BUDGET = 105.0, 15.0, 300.0
ROUNDS, QUICK_ROUNDS = 15, 5
RICH = "fastconv bench: the table needs rich, install it with: pip install 'fastconv[bench]'"


PLOTS = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark to a command's parser."""
    add, rivals = parser.add_argument, tuple(RIVALS)
    budgets = f"{BUDGET:.0f}, of features {FEATURES_BUDGET:.0f}"
    add("--cases", nargs="+", metavar="GLOB", help="only such names: '64@*3x3*', '*mirror'")
    add("--features", action="store_true", help="layouts, borders, finishing, dtypes instead")
    add("--dtype", choices=tuple(KINDS), help="only cases of this dtype")
    add("--threads", nargs="+", type=positive, metavar="N", help="thread numbers (default: all)")
    add("--rounds", type=positive, metavar="N", help=f"rounds for each rival (default: {ROUNDS})")
    add("--rivals", nargs="+", choices=rivals, help="only these (default: all that are installed)")
    add("--isa", metavar="NAME", help="force the instruction set of fastconv and of the peak")
    add("--random", type=int, metavar="SEED", help="random two-dimensional shapes instead")
    add("--count", type=positive, default=20, metavar="N", help="how many (default: 20)")
    add("--quick", action="store_true", help="few cases, five rounds")
    add("--full", action="store_true", help="1 and all threads, all rounds for slow rivals too")
    add("--budget", type=float, metavar="S", help=f"seconds for timing (default: {budgets})")
    add("--contention", action="store_true", help="a busy core and paced calls instead")
    add("--list", action="store_true", help="print the names of the cases and end")
    add("--json", type=Path, metavar="FILE", help="write everything measured")
    add("--plot", type=Path, metavar="FILE", help="write a drawing (png, svg or pdf)")


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def chosen_cases(args: argparse.Namespace) -> list[Case]:
    if args.random is not None:
        found = random_cases(args.random, args.count, args.dtype or "float32")
        return select(found, args.cases or ())
    quick = QUICK_FEATURES if args.features else QUICK
    patterns = args.cases or (quick if args.quick else ())
    plain = [] if args.features else select(CASES, patterns, args.dtype)
    return plain or select(FEATURES, patterns, args.dtype)


def chosen_libraries(args: argparse.Namespace, cases: Sequence[Case]) -> list[str]:
    """Ours, what a feature of ours is compared with, and the rivals."""
    plain = PLAIN if any(case.features for case in cases) else ()
    return [*OURS, *plain, *(name for name in RIVALS if name in (args.rivals or RIVALS))]


def chosen_threads(args: argparse.Namespace) -> list[int]:
    everyone = default_threads()
    return args.threads or (sorted({1, everyone}) if args.full else [everyone])


def unusable(args: argparse.Namespace) -> str | None:
    """What of the options cannot work on this machine."""
    for option, path in (("--json", args.json), ("--plot", args.plot)):
        if path and not path.absolute().parent.is_dir():
            return f"{option} {path}: there is no folder {path.absolute().parent}"
    if args.plot:
        if args.plot.suffix not in PLOTS:
            return f"--plot {args.plot}: a name that ends in {', '.join(PLOTS)} is needed"
        if find_spec("matplotlib") is None:
            return RICH.replace("table needs rich", "plot needs matplotlib")
    if args.isa and find_spec("fastconv.kernels.table"):
        from fastconv.kernels import table

        if args.isa not in table.isas_usable():
            return f"--isa {args.isa}: one of {', '.join(table.isas_usable())} is needed"
    return None


def main(args: argparse.Namespace) -> int:
    """Run what the options ask for; 0, or 1 where fastconv is wrong or absent, 2 for usage."""
    try:
        from rich.console import Console
    except ImportError:
        print(RICH, file=sys.stderr)
        return 2
    refused = unusable(args)  # better now than after two minutes
    if refused:
        print(f"fastconv bench: {refused}", file=sys.stderr)
        return 2
    cases = chosen_cases(args)
    if not cases:
        among = " among the features" if args.features else ""
        print(
            f"fastconv bench: no case has such a name{among}; --list prints them", file=sys.stderr
        )
        return 2
    if args.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)  # a file has no width to keep to
    threads = chosen_threads(args)
    if args.contention:
        return run_contention(args, chosen_libraries(args, ()), threads, console)
    return run_cases(args, cases, chosen_libraries(args, cases), threads, console)


def run_contention(args, names, threads, console) -> int:
    libraries = [name for name in names if name not in ("numpy", "scipy", "opencv")]
    found = []
    for number in threads:
        measured, missing = contention.measure_contention(libraries, number, args.isa)
        found += measured
        for text in [*(result.line for result in measured), *missing]:
            console.print(text, markup=False)
    if args.json:
        args.json.write_text(json.dumps([result.to_dict() for result in found], indent=1) + "\n")
    return 0 if any(result.rival in OURS for result in found) else 1


def run_cases(args, cases: list[Case], names: list[str], threads: list[int], console) -> int:
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    standard = FEATURES_BUDGET if any(case.features for case in cases) else BUDGET
    standard = QUICK_BUDGET if args.quick else standard
    budget = args.budget or (float("inf") if args.full else standard)
    results: list[Result] = []
    peaks: dict[int, Peak] = {}
    versions: dict[str, str] = {}
    for number in threads:
        with ExitStack() as stack:
            processes = start(names, number, args.isa, stack, console, versions)
            peaks[number] = Peak(processes[0], args.isa)
            done = run_all(cases, number, processes, peaks[number], rounds, budget, console)
        results += done
        present = [process.name for process in processes]
        title = f"{cpu_name()}, {number} thread{'s' * (number > 1)}"
        console.print(report.table(done, peaks[number], present, title))
        for dtype, flops in peaks[number].flops.items():
            console.print(f"FMA peak, {dtype}: {flops / 1e9:.0f} GFLOP/s", markup=False)
        for line in report.notes(done, rounds) + report.summary_lines(done):
            console.print(line, markup=False)
        if args.plot:
            from .plot import draw

            name = args.plot
            if len(threads) > 1:
                name = name.with_stem(f"{name.stem}-{number}")
            draw(done, peaks[number], name, title)
    if args.json:
        content = report.to_json(results, peaks, versions, rounds)
        args.json.write_text(json.dumps(content, indent=1) + "\n")
    bad = [t for r in results for n, t in r.timings.items() if n not in RIVALS and not t.seconds]
    return 1 if bad else 0


def start(
    names: Sequence[str], threads: int, isa: str | None, stack: ExitStack, console, versions: dict
) -> list[Process]:
    """Start all workers at once; ours stay in the list in any case, absent rivals do not."""
    started = [stack.enter_context(Process(name, threads, isa)) for name in names]
    usable = []
    for process in started:
        if process.ready():
            versions[process.name] = process.version
        else:
            console.print(f"{process.name}: {process.reason}", markup=False)
        if process.reason is None or process.name in OURS:
            usable.append(process)
    return usable


def weight(case: Case) -> float:
    """Roughly how long a case takes, in cases of a millisecond: sets its share of the time."""
    work = case.flops * (2e-9 if case.kind.peak == "float64" else 1e-9)
    return 1 + 2 * work + 3e-7 * math.prod(case.output_shape)


def run_all(
    cases: Sequence[Case],
    threads: int,
    processes: Sequence[Process],
    peak: Peak,
    rounds: int,
    budget: float,
    console,
) -> list[Result]:
    """Measure the cases one after the other, each with its share of the remaining time."""
    from rich.progress import Progress

    weights = [weight(case) for case in cases]
    end = time.perf_counter() + budget
    results = []
    # no refresh thread: the drawing happens between two turns, never during one
    with Progress(console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=sum(weights))
        for index, case in enumerate(cases):
            before = sum(weights[:index])
            progress.update(task, description=case.name, completed=before, refresh=True)

            def tick(share: float, index: int = index, before: float = before) -> None:
                progress.update(task, completed=before + share * weights[index], refresh=True)

            share = (end - time.perf_counter()) * weights[index] / sum(weights[index:])
            with tempfile.TemporaryDirectory(prefix="fastconv-bench-") as folder:
                peak.measure(case.kind.peak)
                results.append(
                    measure(case, threads, processes, Path(folder), rounds, max(0, share), tick)
                )
    peak.measure(cases[-1].kind.peak)
    return results
