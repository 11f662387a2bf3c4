# SPDX-License-Identifier: BSD-3-Clause
"""Results as tables of text and as JSON, beside the lines of the summary."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from .._plan.machine import cpu_name
from .measure import Peak, Result
from .rivals import OURS, PLAIN, RIVALS
from .summary import summary, summary_lines
from .text import aligned, wrapped

__all__ = ["notes", "overview", "summary", "summary_lines", "times", "to_json"]

CAPTION = (
    "ms per call, the least of all rounds, and the share of its limit: the FMA peak (%), or where "
    "that takes longer a copy of its bytes (c); ratio: the time of the best other library over "
    "that of fastconv"
)
CAPTION_TIMES = "ms per call, the least of all rounds (~: estimated); medians: --json, --markdown"
CAPTION_PLAIN = "plain: fastconv on the same shape without what is special of it"


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.3g}" if value < 99.5 else f"{value:.0f}"


def cell(result: Result, name: str, what: str = "best") -> str:
    """The least time in ms, or the median; "-" where there is none."""
    timing = result.timings.get(name)
    if timing is not None and timing.seconds:
        return milliseconds(getattr(timing, what))
    if timing is not None and timing.estimate:
        return f"~{milliseconds(timing.estimate)}"
    return "wrong" if timing is not None and timing.wrong else "-"


def gigaflops(result: Result) -> str:
    """The work of a case; "-" where nothing is multiplied."""
    work = result.case.flops / 1e9
    return "-" if not work else f"{work:.3g}" if work > 1e-4 else "0.0"


def percent_cell(peak: Peak, result: Result, name: str) -> str:
    """The share of the limit: "95%" of the FMA peak, "95c" of a copy."""
    value, limit = peak.percent(result, name), peak.limit(result.case)
    if value is None or limit is None:
        return "-"
    return f"{value:.0f}" + {"FMA": "%", "copy": "c"}[limit[0]]


def copies_text(peak: Peak) -> str:
    """The rates of the smallest and the largest copy."""
    ends = sorted(peak.copies.items())[:: max(1, len(peak.copies) - 1)]
    return ", ".join(f"{rate / 1e9:.0f} GB/s of {size / 1e6:.3g} MB" for size, rate in ends)


def best_rival(result: Result) -> str:
    """Who needs the least time, but for us."""
    times = {name: timing.best for name, timing in result.timed.items() if name in RIVALS}
    return min(times, key=times.__getitem__) if times else "-"


def present(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    """Those of whom there is something to show."""
    return [name for name in names if any(cell(result, name) != "-" for result in results)]


def overview(results: Sequence[Result], peak: Peak, width: int) -> list[str]:
    """Lines of a table: ours, and the best of the others."""
    rows = []
    for result in results:
        ours = [f"{cell(result, name)} {percent_cell(peak, result, name):>4}" for name in OURS]
        ahead = result.ahead()
        told = "-" if ahead is None else f"{ahead:.2f}"
        rows.append((result.case.name, *ours, best_rival(result), told))
    lines = aligned(("case", *OURS, "best other", "ratio"), rows, width)
    return [*lines, "", *wrapped(CAPTION, width)]


def times(results: Sequence[Result], names: Sequence[str], width: int) -> list[str]:
    """Lines of a table: the time of each rival, and of the same without its features."""
    names = present(results, [name for name in names if name not in OURS])
    rows = [(r.case.name, gigaflops(r), *(cell(r, name) for name in names)) for r in results]
    if not names:
        return []
    lines = aligned(("case", "GFLOP", *names), rows, width)
    captions = [CAPTION_TIMES, CAPTION_PLAIN] if set(names) & set(PLAIN) else [CAPTION_TIMES]
    return [*lines, "", *wrapped("; ".join(captions), width)]


def notes(results: Sequence[Result], rounds: int) -> list[str]:
    """Why cells are blank, once per rival and reason, and who had fewer rounds than asked."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, timing in result.timings.items():
            if timing.reason:
                reasons.setdefault((name, timing.reason), []).append(result.case.name)
    lines = [
        f"{name}: {reason} ({cases[0] if len(cases) == 1 else f'{len(cases)} cases'})"
        for (name, reason), cases in sorted(reasons.items())
    ]
    counts = [len(timing.seconds) for result in results for timing in result.timed.values()]
    fewer = [count for count in counts if count < rounds]
    if fewer:
        lines.append(
            f"{len(fewer)} of {len(counts)} times come from fewer than {rounds} rounds "
            f"(least {min(fewer)}), to end in time; --budget or --full gives more"
        )
    return lines


def to_json(
    results: Sequence[Result], peaks: dict[int, Peak], versions: dict[str, str], rounds: int
) -> dict:
    """Everything that was measured, as plain values."""
    threads = list(peaks)
    return {
        "machine": {
            "cpu": cpu_name(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": versions,
        "rounds": rounds,
        "fma_peak": [
            {"threads": t, "dtype": dtype, "isa": peaks[t].isa[dtype],
             "flops": flops}
            for t in threads
            for dtype, flops in peaks[t].flops.items()
        ],
        "copies": [
            {"threads": t, "bytes": size, "rate": rate}
            for t in threads
            for size, rate in sorted(peaks[t].copies.items())
        ],
        "results": [
            result.to_dict()
            | {"group": result.case.group,
               "limit": (peaks[result.threads].limit(result.case) or (None,))[0],
               "percent": {name: peaks[result.threads].percent(result, name)
                           for name in result.timed}}
            for result in results
        ],
        "summary": {str(t): summary([r for r in results if r.threads == t]) for t in threads},
    }  # fmt: skip
