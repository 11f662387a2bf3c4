# SPDX-License-Identifier: BSD-3-Clause
"""A run as a page of Markdown: machine, versions, and every table."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence

import numpy as np

from .._core import table as kernel_table
from .._plan.machine import facts
from .groups import HEADINGS
from .measure import Peak, Result
from .report import best_rival, cell, copies_text, gigaflops, notes, percent_cell, present
from .rivals import EVERYONE, OURS, RIVALS
from .run import Run
from .summary import summary_parts

READING = """\
A case is named by its input, its filters, its kernel, and what else there is:
`CHANNELS@SIZE->FILTERS KERNEL`, then `s` stride, `d` dilation, `g` groups, `N` batch, `causal`
(all padding before the signal), `T` (transposed), the dtype (`f64` is float64, `u8` is uint8;
float32 has no word), `NHWC` and the like for channels last, a border, and `+` what is done to the
result. A filter of an image, `CHANNELS@SIZE KERNEL filter`, has one kernel for all channels, which
are last; `separable` has a 1-D kernel along each axis. What has no weights is named by its input,
or the image that `fold` makes, by its windows and by what is done; `indices` are found, too.

```python
>>> from fastconv.benchmarks.cases import CASES, select
>>> (case,) = select(CASES, ["3@224->64 7x7s2"])
>>> case.input_shape, case.weight_shape, case.stride, case.padding
((1, 3, 224, 224), (64, 3, 7, 7), (2, 2), (3, 3))

```

`fastconv` is one call, `prepared` a call of what `fastconv.prepare` returns. Each library has a
process of its own and the same number of threads, its result is compared with the truth, and then
all take turns in rounds. Times are in ms, the least of all rounds; `~` is estimated from a part.
% is the share of the limit. That is the FMA peak; or, where it takes longer and the number has a
`c`, a copy: as many threads read and write as many bytes as input, weights and result have, again
and again the same. Both are measured in the same run and vary, so that % can exceed 100. `ratio` is
the time of the best other library over that of fastconv: above 1 fastconv is faster. `plain` and
`plain-prepared` are fastconv on the same shape without what is special of it."""


def page(run: Run, command: str) -> str:
    """The whole page."""
    lines = ["# Benchmark", ""]
    lines += [f"Written by `{command}` on {time.strftime('%Y-%m-%d')}.", "", READING, ""]
    lines += ["## Machine", "", *rows_of(("", ""), machine_rows(run)), ""]
    for threads, results in run.results.items():
        word = f"{threads} thread{'s' * (threads > 1)}"
        for group, heading in HEADINGS.items():
            part = [result for result in results if result.case.group == group]
            if part:
                lines += [f"## {heading}, {word}", "", *part_lines(run, threads, part)]
    return "\n".join(lines).rstrip() + "\n"


def machine_rows(run: Run) -> list[tuple[str, str]]:
    """What was measured with, and where."""
    told = facts()
    caches = ", ".join(
        f"{name} {size / 1024:g} KiB" for name, size in told["caches"].items() if size
    )
    cpus = told["cpus"] if told["affinity"] is None else told["affinity"]
    rows = [
        ("CPU", f"{told['cpu']} ({told['architecture']})"),
        ("CPUs", str(cpus)),
        ("caches", caches or "unknown"),
        ("system", " ".join([platform.system(), *platform.libc_ver()]).strip()),
        ("compiler", kernel_table.compiler()),
        ("Python", f"{platform.python_version()}, NumPy {np.__version__}"),
    ]
    for threads, peak in run.peaks.items():
        said = [
            f"{dtype} {flops / 1e9:.0f} GFLOP/s ({peak.isa[dtype]})"
            for dtype, flops in peak.flops.items()
        ]
        word = f"{threads} thread{'s' * (threads > 1)}"
        rows.append((f"FMA peak, {word}", ", ".join(said) or "-"))
        if peak.copies:
            rows.append((f"copies, {word}", copies_text(peak)))
    rows += [
        (name, version)
        for name, version in run.versions.items()
        if name == "fastconv" or name in RIVALS
    ]
    return rows


def part_lines(run: Run, threads: int, results: Sequence[Result]) -> list[str]:
    """The tables of some results of one number of threads, and what follows from them."""
    names = present(results, list(EVERYONE))
    lines = time_table(results, run.peaks[threads], names)
    lines += ["", "Medians of the rounds, in ms:", ""]
    lines += rows_of(
        ("case", *names), [(r.case.name, *(cell(r, n, "median") for n in names)) for r in results]
    )
    for heading, rows in summary_parts(results):
        lines += ["", f"Geometric means, {heading}:", ""]
        lines += rows_of(
            ("", "mean", "cases", "worst", "case"),
            [
                (
                    row["text"],
                    f"{row['geomean']:.2f}",
                    str(row["cases"]),
                    f"{row['worst']:.2f}",
                    row["worst_case"],
                )
                for row in rows
            ],
        )
    lines += ["", *(f"- {note}" for note in notes(results, run.rounds)), ""]
    return lines


def time_table(results: Sequence[Result], peak: Peak, names: Sequence[str]) -> list[str]:
    """The least times, ours with their share of the peak, the least of all in bold."""
    head = ["case", "GFLOP"]
    for name in names:
        head += [name, "%"] if name in OURS else [name]
    rows = []
    for result in results:
        row = [result.case.name, gigaflops(result)]
        shown = [*OURS, best_rival(result)]
        times = {n: result.timed[n].best for n in shown if n in result.timed}
        first = min(times, key=times.__getitem__, default=None)
        for name in names:
            text = cell(result, name)
            row.append(f"**{text}**" if name == first else text)
            if name in OURS:
                row.append(percent_cell(peak, result, name).rstrip("%"))  # a c stays
        ahead = result.ahead()
        rows.append((*row, "-" if ahead is None else f"{ahead:.2f}"))
    return rows_of((*head, "ratio"), rows)


def rows_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown, numbers to the right.

    >>> rows_of(("case", "ms"), [("a", "1.5")])
    ['| case | ms |', '|---|--:|', '| a | 1.5 |']
    """
    columns = list(zip(*rows, strict=True))[1:]
    rule = "|---|" + "".join("--:|" if all(map(is_number, c)) else "---|" for c in columns)
    lines = (f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in rows)
    return [f"| {' | '.join(head)} |", rule, *lines]


def is_number(text: str) -> bool:
    """Whether a cell is a number, or stands where one is missing.

    >>> is_number("**1.5**"), is_number("~20"), is_number("-"), is_number("64@56->64 3x3")
    (True, True, True, False)
    """
    return text in ("-", "wrong") or text.strip("*~c").replace(".", "", 1).isdecimal()
