# SPDX-License-Identifier: BSD-3-Clause
"""Results as a table and as JSON, beside the lines of the summary."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from ..machine import cpu_name
from .measure import Peak, Result
from .rivals import OURS, PLAIN
from .summary import summary, summary_lines

__all__ = ["notes", "summary", "summary_lines", "table", "to_json"]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def cell(result: Result, name: str) -> str:
    """Minimum and median in ms, the fastest in bold; "-" where there is none."""
    timing = result.timings.get(name)
    if timing is None or not timing.seconds:
        if timing and timing.estimate:
            return f"[dim]~{milliseconds(timing.estimate)}[/]"
        return "[red]wrong[/]" if timing and timing.wrong else "[dim]-[/]"
    rivals = [t.best for n, t in result.timed.items() if n not in PLAIN]
    first = name not in PLAIN and timing.best == min(rivals)
    text = milliseconds(timing.best)
    return f"{f'[bold]{text}[/]' if first else text} [dim]{milliseconds(timing.median)}[/]"


def percent_cell(value: float | None) -> str:
    return "[dim]-[/]" if value is None else f"{value:.0f}"


def table(results: Sequence[Result], peak: Peak, names: Sequence[str], title: str):
    """A rich Table: one row a case, one column a rival."""
    from rich.table import Table

    out = Table(
        title=title, caption="ms per call: minimum, median (~: estimated); % of the FMA peak"
    )
    out.add_column("case", no_wrap=True)
    out.add_column("GFLOP", justify="right")
    for name in names:
        out.add_column(name, justify="right", no_wrap=True)
        if name in OURS:
            out.add_column("%", justify="right")
    out.add_column("ahead", justify="right")
    for result in results:
        row = [result.case.name, f"{result.case.flops / 1e9:.3g}"]
        for name in names:
            row.append(cell(result, name))
            if name in OURS:
                row.append(percent_cell(peak.percent(result, name)))
        ahead = result.ahead()
        color = "green" if ahead and ahead >= 1 else "red"
        row.append("[dim]-[/]" if ahead is None else f"[{color}]{ahead:.2f}[/]")
        out.add_row(*row)
    return out


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
        "results": [
            result.to_dict()
            | {"percent": {name: peaks[result.threads].percent(result, name)
                           for name in result.timed}}
            for result in results
        ],
        "summary": {str(t): summary([r for r in results if r.threads == t]) for t in threads},
    }  # fmt: skip
