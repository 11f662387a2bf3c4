# SPDX-License-Identifier: BSD-3-Clause
"""A drawing of the results: percent of the limit, and how far ahead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Peak, Result
from .summary import TENSOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SERIES = {
    "fastconv, prepared": (("prepared",), "#1b6ca8"),
    "fastconv, one call": (("fastconv",), "#74b3e0"),
    "best of torch, onnxruntime, openvino": (TENSOR, "#e39b3b"),
    "OpenCV": (("opencv",), "#7fae5a"),
}


AHEAD, BEHIND = "#1b6ca8", "#b5483a"


def draw(results: Sequence[Result], peak: Peak, path: Path, title: str) -> None:
    """Write the bars of one thread number to `path`; the suffix chooses the format.

    Functions of SciPy have a drawing of their own: most of them have no limit to compare with.
    """
    if results and all(result.case.group == "scipy" for result in results):
        figure = speedups(results, title)
    else:
        figure = limits(results, peak, title)
    figure.savefig(path, dpi=120)


def limits(results: Sequence[Result], peak: Peak, title: str) -> Figure:
    """Percents of the limit, and how far ahead of the best other library."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2 + 0.42 * len(results)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    figure.suptitle(title)
    height = 0.8 / len(SERIES)
    for index, (label, (names, color)) in enumerate(SERIES.items()):
        bars = [
            (row + (index - (len(SERIES) - 1) / 2) * height, max(percents))
            for row, result in enumerate(results)
            if (percents := [p for n in names if (p := peak.percent(result, n)) is not None])
        ]
        if bars:
            left.barh(*zip(*bars, strict=True), height=height, color=color, label=label)
    left.set_yticks(range(len(results)), [result.case.name for result in results])
    left.invert_yaxis()
    left.set_xlabel("percent of the limit: the measured FMA peak, or a copy of the bytes")
    if left.containers:  # without a peak there are no percents
        left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    ratios = [(row, ratio) for row, r in enumerate(results) if (ratio := r.ahead()) is not None]
    for row, ratio in ratios:
        right.barh(row, ratio, height=0.6, color=AHEAD if ratio >= 1 else BEHIND)
        right.text(ratio, row, f" {ratio:.2f}", va="center", fontsize="small")
    right.axvline(1, color="black", linewidth=0.8)
    right.set_xlabel("time of the best other library / time of fastconv")
    if ratios and max(ratio for _, ratio in ratios) > 8:
        right.set_xscale("log")
    for axes in (left, right):
        _plain(axes)
    return figure


def speedups(results: Sequence[Result], title: str) -> Figure:
    """Bars: the time of SciPy over that of fastconv. Dots: the same of OpenCV."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2 + 0.22 * len(results)), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title)
    for row, result in enumerate(results):
        scipy, opencv = result.ratio(["scipy"]), result.ratio(["opencv"])
        if scipy is not None:
            axes.barh(row, scipy - 1, left=1, color=AHEAD if scipy >= 1 else BEHIND)
            axes.text(max(scipy, 1), row, f" {scipy:.1f}", va="center", fontsize="small")
        if opencv is not None:
            axes.plot(opencv, row, "o", markersize=5, color="#7fae5a")
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(results)), [result.case.name for result in results])
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.set_xlabel("time of SciPy (bar), of OpenCV (dot) / time of fastconv")
    _plain(axes)
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
