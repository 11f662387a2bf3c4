# SPDX-License-Identifier: BSD-3-Clause
"""``fastconv calibrate``: how long direct sums and Fourier transforms take on this machine."""

import json
import time
from collections.abc import Callable, Iterator

from .files import check_writable, write_file
from .parse import Parser

# Sizes of signal and kernel along each axis, by rank and way.
SIZES = {
    "direct": (
        ((100, 5), (2000, 30), (20000, 16), (20000, 300), (5000, 2000)),
        ((8, 3), (64, 5), (200, 3), (200, 15)),
        ((5, 2), (16, 3), (48, 3), (40, 7)),
    ),
    "fft": (
        ((100, 5), (2000, 1000), (30000, 20000), (200000, 100000)),
        ((8, 3), (64, 32), (200, 120), (500, 300)),
        ((5, 2), (16, 10), (48, 30), (64, 40)),
    ),
    "overlap_add": (
        ((2000, 30), (20000, 4), (20000, 300), (200000, 300), (200000, 3000)),
        ((64, 3), (200, 4), (200, 15), (600, 15), (600, 40)),
        ((12, 3), (32, 4), (48, 3), (64, 8), (96, 7)),
    ),
}
SECONDS = 0.01  # of a measurement


def add_arguments(parser: Parser) -> None:
    """The options of the command."""
    add = parser.add_argument
    add(
        "-o", "--output", metavar="FILE", help="write the constants there, for FASTCONV_CALIBRATION"
    )
    add("--rounds", type=int, default=3, help="how often all is timed; the least time counts")


def run(options) -> None:
    """Measure, and print or write what was found."""
    if options.rounds < 1:
        raise ValueError(f"--rounds is {options.rounds}, but it must be at least 1")
    if options.output:
        check_writable(options.output, "--output")
    from .. import __version__
    from .._plan import machine
    from .._scipy.convolve_cost import CALIBRATION

    found = measured(options.rounds)
    if options.output:
        report = {"version": __version__, "cpu": machine.facts()["cpu"], "convolve": found}
        write_file(options.output, json.dumps(report, indent=1) + "\n")
        print(f"{options.output}: to use it, set {CALIBRATION}={options.output}")
    else:
        print(as_text(found))


def measured(rounds: int) -> dict:
    """The constants: see _scipy/convolve_cost.py."""
    import numpy as np

    from .. import settings

    times = {}
    with settings(threads=1):
        for _ in range(rounds):
            for key, call in calls(np.random.default_rng(0)):
                times[key] = min(times.get(key, np.inf), least(call))
    found: dict = {}
    for dtype, rank, way in dict.fromkeys(key[:3] for key in times):
        pairs = {key[3]: time for key, time in times.items() if key[:3] == (dtype, rank, way)}
        found.setdefault(dtype, {}).setdefault(str(rank), {})[way] = fitted(way, rank, pairs)
    return found


def calls(random) -> Iterator[tuple[tuple, Callable]]:
    """What is timed: (dtype, rank, way, sizes), and the call."""
    from .._scipy.convolve_cost import DTYPES
    from ..signal import convolve, fftconvolve, oaconvolve

    ways = {
        "direct": lambda x, w: convolve(x, w, method="direct"),
        "fft": fftconvolve,
        "overlap_add": oaconvolve,
    }
    for dtype in DTYPES.values():
        for way, function in ways.items():
            for rank, several in enumerate(SIZES[way], 1):
                for sizes in several:
                    x, w = (random.standard_normal((n,) * rank).astype(dtype) for n in sizes)
                    yield (dtype, rank, way, sizes), lambda f=function, x=x, w=w: f(x, w)


def least(call: Callable) -> float:
    """The nanoseconds of the shortest of some calls."""
    call()
    end, found = time.perf_counter() + SECONDS, []
    while not found or time.perf_counter() < end:
        start = time.perf_counter_ns()
        call()
        found.append(time.perf_counter_ns() - start)
    return float(min(found))


def fitted(way: str, rank: int, times: dict) -> list[float]:
    """The constants, none below 0, whose estimates are nearest to the times, in proportion."""
    import numpy as np
    from scipy.optimize import nnls

    from .._scipy.convolve_cost import work_of

    rows = []
    for n, k in times:
        work = work_of((n,) * rank, (k,) * rank, "full")
        several = {"fft": [work.points], "overlap_add": [work.blocks, work.overlapped]}
        rows.append([1.0, *several.get(way, [work.outputs, work.multiplies])])
    given = np.array(list(times.values()))
    constants, _ = nnls(np.array(rows) / given[:, None], np.ones(len(given)))
    return [float(f"{number:.3g}") for number in constants]


def as_text(found: dict) -> str:
    """A line for each dtype and number of axes."""
    lines = ["nanoseconds of one thread", "dtype       axes  direct: call, output, multiply-add"]
    lines[1] += "   fft: call, point   overlap-add: call, block, point"
    for dtype, ranks in found.items():
        for rank, ways in ranks.items():
            cells = (" ".join(f"{number:9.3g}" for number in numbers) for numbers in ways.values())
            lines.append(f"{dtype:<10} {rank:>5}  " + "   ".join(cells))
    return "\n".join(lines)
