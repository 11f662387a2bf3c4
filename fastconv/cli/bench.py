# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv bench``: convolutions checked and timed against other libraries."""

import argparse
import json
import math
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..benchmarks.case import KINDS, Case
from ..benchmarks.cases import random_cases, select
from ..benchmarks.groups import DEFAULT, GROUPS, QUICK_OF
from ..benchmarks.rivals import OURS, PLAIN, RIVALS
from .files import check_writable, write_file
from .parse import Parser, parse_integer, parse_positive, parse_seconds

# Seconds per thread number. The default run ends within three minutes with the start of all
# libraries, the one call that each of them makes before its time is known, and the drawing.
DEFAULT_BUDGET, QUICK_BUDGET = 140.0, 15.0
BUDGET, FEATURES_BUDGET = 105.0, 300.0
BUDGETS = {
    "dense": BUDGET,
    "features": FEATURES_BUDGET,
    "depthwise": 120.0,
    "transposed": 45.0,
    "filters": 100.0,
    "pooling": 60.0,
    "scipy": 120.0,
}
ROUNDS, QUICK_ROUNDS = 15, 5
PLOTS = (".png", ".svg", ".pdf")


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add, rivals = parser.add_argument, tuple(RIVALS)
    budgets = f"{DEFAULT_BUDGET:.0f}; for each group: " + ", ".join(
        f"{group} {seconds:.0f}" for group, seconds in BUDGETS.items()
    )
    positive = {"type": parse_positive, "metavar": "N"}
    add(
        "--cases",
        nargs="+",
        metavar="GLOB",
        help="only cases whose name matches, as '64@*3x3*' or '*mirror'",
    )
    add(
        "--group",
        nargs="+",
        choices=(*GROUPS, "all"),
        default=[],
        metavar="GROUP",
        help=f"of {', '.join(GROUPS)}, all (default: dense, and a few of layers and filters)",
    )
    add(
        "--features",
        action="store_true",
        help="--group features: layouts, borders, activations and dtypes",
    )
    add("--all", action="store_true", help="--group all")
    add("--dtype", choices=tuple(KINDS), metavar="DTYPE", help=f"one of {', '.join(KINDS)}")
    add("--threads", nargs="+", **positive, help="numbers of threads (default: all)")
    add("--rounds", **positive, help=f"rounds for each library (default: {ROUNDS})")
    add(
        "--rivals",
        nargs="+",
        choices=rivals,
        metavar="NAME",
        help=f"of {', '.join(rivals)} (default: all that are installed)",
    )
    add(
        "--isa",
        metavar="NAME",
        help="the ISA of fastconv, one that `fastconv info` lists as usable",
    )
    add("--random", type=parse_integer, metavar="SEED", help="random 2-D shapes instead")
    add("--count", default=20, **positive, help="how many shapes of --random (default: 20)")
    add("--quick", action="store_true", help="few cases, five rounds")
    add(
        "--full",
        action="store_true",
        help="with one thread and with all, and all rounds for slow libraries too",
    )
    add(
        "--budget",
        type=parse_seconds,
        metavar="S",
        help=f"seconds for timing (default: {budgets})",
    )
    add(
        "--contention",
        action="store_true",
        help="time calls beside a busy core, and calls with pauses between them, instead",
    )
    add("--list", action="store_true", help="print the names of the cases and exit")
    add("--json", type=Path, metavar="FILE", help="write all measurements as JSON")
    add("--markdown", type=Path, metavar="FILE", help="write a page with all tables")
    add("--plot", type=Path, metavar="FILE", help="write a plot (.png, .svg or .pdf)")


def chosen_groups(options: argparse.Namespace) -> list[str]:
    """The groups that the options name, in the order of the tables."""
    named = {*options.group, *["features"] * options.features, *["all"] * options.all}
    return [group for group in GROUPS if group in named or "all" in named]


def chosen_cases(options: argparse.Namespace) -> list[Case]:
    """The cases that the options name."""
    if options.random is not None:
        found = random_cases(options.random, options.count, options.dtype or "float32")
        return select(found, options.cases or ())

    def found_in(group: str) -> list[Case]:
        usual = QUICK_OF[group] if options.quick else ()
        whole = group != "dense" or groups or options.quick or options.cases
        pool = GROUPS[group] if whole else DEFAULT
        return select(pool, options.cases or usual, options.dtype)

    groups = chosen_groups(options)
    if groups:
        return [case for group in groups for case in found_in(group)]
    # Dense ones first: "64@56*" is a layer, and all that is special of it comes with its group.
    dense, featured, *others = map(found_in, GROUPS)
    return dense or featured or [case for found in others for case in found]


def chosen_libraries(options: argparse.Namespace, cases: Sequence[Case]) -> list[str]:
    """Ours, what a feature of ours is compared with, and the rivals."""
    plain = PLAIN if any(case.features for case in cases) else ()
    return [*OURS, *plain, *(name for name in RIVALS if name in (options.rivals or RIVALS))]


def chosen_threads(options: argparse.Namespace) -> list[int]:
    """The numbers of threads, each once."""
    from .._plan.settings import default_threads

    everyone = default_threads()
    usual = sorted({1, everyone}) if options.full else [everyone]
    return list(dict.fromkeys(options.threads or usual))


def chosen_budget(options: argparse.Namespace, cases: Sequence[Case]) -> float:
    """Seconds for each number of threads."""
    if options.budget or options.full:
        return options.budget or math.inf
    if options.quick:
        return QUICK_BUDGET
    if list(cases) == list(DEFAULT):
        return DEFAULT_BUDGET
    return sum(BUDGETS[group] for group in {case.group for case in cases})


def check_options(options: argparse.Namespace) -> None:
    """Raise for what cannot work on this machine: better now than after two minutes."""
    for name in ("json", "markdown", "plot"):
        path = getattr(options, name)
        if path is not None:
            check_writable(path, f"--{name}")
        if path is not None and options.contention and name != "json":
            raise ValueError(f"--{name} is given, but --contention must have --json only")
    if options.plot:
        if options.plot.suffix not in PLOTS:
            raise ValueError(f"--plot is {options.plot}, but it must end in {', '.join(PLOTS)}")
        if find_spec("matplotlib") is None:
            raise ImportError("--plot needs matplotlib: pip install matplotlib")
    if options.isa:
        from .._core import table
        from .._spec.values import word_needed

        if options.isa not in table.isas_usable():
            needed = word_needed(options.isa, table.isas_usable(), " on this CPU")
            raise ValueError(f"--isa is {options.isa!r}, {needed}")


def run(options: argparse.Namespace) -> int:
    """Run what the options ask for; 0, or 1 where fastconv is wrong or absent."""
    from ..benchmarks.run import run_cases, run_contention

    check_options(options)
    cases = chosen_cases(options)
    if not cases:
        groups = chosen_groups(options)
        among = f" in {', '.join(groups)}" * bool(groups)
        among = " among the features" if groups == ["features"] else among
        raise ValueError(f"no case has such a name{among}; --list prints them")
    if options.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    if any(case.group == "scipy" for case in cases) and find_spec("scipy") is None:
        raise ImportError("--group scipy needs SciPy: pip install 'fastconv[scipy]'")
    threads = chosen_threads(options)
    if options.contention:
        found = run_contention(chosen_libraries(options, ()), threads, options.isa)
        if options.json:
            rows = [result.to_dict() for result in found]
            write_file(options.json, json.dumps(rows, indent=1) + "\n")
        return 0 if any(result.rival in OURS for result in found) else 1
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    done = run_cases(
        cases,
        chosen_libraries(options, cases),
        threads,
        rounds,
        chosen_budget(options, cases),
        options.isa,
    )
    if options.json:
        write_file(options.json, json.dumps(done.to_json(), indent=1) + "\n")
    if options.markdown:
        from ..benchmarks.page import page

        write_file(options.markdown, page(done, shlex.join(["fastconv", *options.words])))
    if options.plot:
        from ..benchmarks.plot import draw

        for number in threads:
            name = options.plot
            if len(threads) > 1:
                name = name.with_stem(f"{name.stem}-{number}")
            draw(done.results[number], done.peaks[number], name, done.title(number))
    return 0 if done.complete else 1
