# SPDX-License-Identifier: BSD-3-Clause
"""A drawing of the results: percent of the limit, and how far ahead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .measure import Peak, Result
from .summary import TENSOR

SERIES = {
    "fastconv, prepared": (("prepared",), "#1b6ca8"),
    "fastconv, one call": (("fastconv",), "#74b3e0"),
    "best of torch, onnxruntime, openvino": (TENSOR, "#e39b3b"),
    "OpenCV": (("opencv",), "#7fae5a"),
}


def draw(results: Sequence[Result], peak: Peak, path: Path, title: str) -> None:
    """Write the bars of one thread number to `path`; the suffix chooses the format."""
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
        right.barh(row, ratio, height=0.6, color="#1b6ca8" if ratio >= 1 else "#b5483a")
        right.text(ratio, row, f" {ratio:.2f}", va="center", fontsize="small")
    right.axvline(1, color="black", linewidth=0.8)
    right.set_xlabel("time of the best other library / time of fastconv")
    if ratios and max(ratio for _, ratio in ratios) > 8:
        right.set_xscale("log")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=120)
