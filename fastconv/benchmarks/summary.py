# SPDX-License-Identifier: BSD-3-Clause
"""The questions of the summary: who is ahead of whom, and what a feature costs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from .measure import Result
from .rivals import OURS, PLAIN, RIVALS

TENSOR = ("torch", "torch-cl", "onnxruntime", "openvino")  # the libraries with channels
TORCH = TENSOR[:2]
MANY = 16  # channels: from here on a case counts as a layer, not as a filter
FEW_TAPS = 27  # of a kernel that is small: 3x3x3
TINY = 25  # elements of an array whose time is that of a call

Pairs = list[tuple[str, float]]  # (case name, ratio of minima)


def comparisons(results: Sequence[Result]) -> list[tuple[str, Pairs]]:
    """Time of the best of some rivals over that of the best of ours: the larger the better."""
    everything = results
    results = [r for r in everything if r.case.group in ("dense", "features")]
    plain = [r for r in results if not r.case.features]
    layers = [r for r in plain if r.case.channels >= MANY and r.case.dtype == "float32"]
    double = [r for r in plain if r.case.channels >= MANY and r.case.dtype == "float64"]
    single = [r for r in plain if r.case.c_in == r.case.c_out == 1]
    last, borders = having(results, "channels_last"), bordered(results)
    border_layers = [r for r in borders if r.case.c_in > 1]
    border_filters = [r for r in borders if r.case.c_in == 1]
    epilogues = [r for r in results if r.case.epilogue]
    whole = [r for r in results if r.case.dtype.startswith("int")]
    rows = [
        ("every case: fastconv against the best other", everything, RIVALS, OURS),
        (f"{MANY} channels and more, float32: against the best of torch, onnxruntime, openvino",
         layers, TENSOR, OURS),
        ("the same, one call against torch contiguous", layers, ("torch",), ("fastconv",)),
        ("float64 against torch, kernels above 1",
         [r for r in double if not r.case.pointwise], TORCH, OURS),
        ("float64 against torch, 1x1", [r for r in double if r.case.pointwise], TORCH, OURS),
        ("one channel against OpenCV", single, ("opencv",), OURS),
        ("channels_last against torch channels_last", last, ("torch-cl",), OURS),
        ("the same, prepared", last, ("torch-cl",), ("prepared",)),
        ("the same, one call", last, ("torch-cl",), ("fastconv",)),
        ("channels_last against openvino", last, ("openvino",), OURS),
        ("borders of layers against pad and conv of torch", border_layers, TORCH, OURS),
        ("borders of layers against the best of torch, onnxruntime, openvino",
         border_layers, TENSOR, OURS),
        ("borders of filters against OpenCV", border_filters, ("opencv",), OURS),
        ("residual, activations against torch", epilogues, TORCH, OURS),
        ("residual, activations against the best of torch, onnxruntime, openvino",
         epilogues, TENSOR, OURS),
        ("float16 against torch", having(results, "float16"), TORCH, OURS),
        ("float16 against onnxruntime, openvino", having(results, "float16"), TENSOR[2:], OURS),
        ("complex64 against torch", having(results, "complex64"), TORCH, OURS),
        ("integers against torch in floating point", whole, TORCH, OURS),
        ("integers against onnxruntime, openvino", whole, TENSOR[2:], OURS),
        ("uint8 filters against OpenCV", having(results, "uint8"), ("opencv",), OURS),
        *beside(everything),
    ]  # fmt: skip
    return _answered(rows)


def beside(results: Sequence[Result]) -> list[tuple]:
    """The rows of the groups beside the dense one."""
    group = {r.case.group: [s for s in results if s.case.group == r.case.group] for r in results}
    deep, up = group.get("depthwise", []), group.get("transposed", [])
    images = group.get("filters", [])
    alone = [r for r in deep if r.case.channels == 1]
    parts = {
        "depthwise, channels first": [r for r in alone if not r.case.channels_last],
        "depthwise, channels last": [r for r in alone if r.case.channels_last],
        "grouped": [r for r in deep if r.case.channels > 1],
        "transposed, channels first": [r for r in up if not r.case.channels_last],
        "transposed, channels last": [r for r in up if r.case.channels_last],
    }
    rows = []
    for text, chosen in parts.items():
        rows += [
            (f"{text}: against torch", chosen, TORCH, OURS),
            (f"{text}: against the best of torch, onnxruntime, openvino", chosen, TENSOR, OURS),
        ]
    rows += _rows_of_pooling(group.get("pooling", []))
    rows += _rows_of_scipy(group.get("scipy", []))
    separable = [r for r in images if r.case.family == "separable_filter"]
    parts = {
        "filter2d": [r for r in images if r.case.family == "filter" and 1 not in r.case.kernel],
        "columns": [r for r in images if r.case.family == "filter" and 1 in r.case.kernel],
        "separable_filter": [r for r in separable if r.case.dtype == "float32"],
        "separable_filter, float64": [r for r in separable if r.case.dtype == "float64"],
    }
    for text, chosen in parts.items():
        rows += [
            (f"{text}: against OpenCV", chosen, ("opencv",), OURS),
            (f"{text}: against SciPy", chosen, ("scipy",), OURS),
        ]
    return rows


def _rows_of_pooling(results: Sequence[Result]) -> list[tuple]:
    """Pools of windows by layout, and everything else that has no weights."""
    windows = [r for r in results if r.case.family in ("max_pool", "avg_pool")]
    columns = [r for r in results if r.case.family in ("unfold", "fold")]
    others = [r for r in results if r not in windows and r not in columns]
    parts = {
        "pooling, channels first": [r for r in windows if not r.case.channels_last],
        "pooling, channels last": [r for r in windows if r.case.channels_last],
        "adaptive and global pooling, unpooling, resizing": others,
        "unfold, fold": columns,
    }
    rows = [
        (f"{text}: against the best of torch, onnxruntime, openvino", chosen, TENSOR, OURS)
        for text, chosen in parts.items()
    ]
    first = parts["pooling, channels first"]
    return [("pooling, channels first: against torch contiguous", first, ("torch",), OURS), *rows]


def _rows_of_scipy(results: Sequence[Result]) -> list[tuple]:
    """Each function against SciPy, with its bits; single float32 images against OpenCV."""
    fast = [r for r in results if "precision" in r.case.words]
    names = {r.case.name.removesuffix(" fast") for r in fast}
    tiny = [r for r in results if math.prod(r.case.spatial) <= TINY]
    parts: dict[str, list[Result]] = {}
    for result in results:
        if result not in fast and result not in tiny:
            parts.setdefault(_function(result), []).append(result)
    parts[f"arrays of up to {TINY} elements"] = tiny
    parts["float32 images, precision='fast'"] = fast
    single = {
        "float32 images": [r for r in results if r.case.name in names],
        "float32 images, precision='fast'": fast,
    }
    return [
        *((f"{text}: against SciPy", chosen, ("scipy",), OURS) for text, chosen in parts.items()),
        *(
            (f"{text}: against OpenCV", chosen, ("opencv",), OURS)
            for text, chosen in single.items()
        ),
    ]


def _function(result: Result) -> str:
    """The function of SciPy, with what its time depends on most."""
    case = result.case
    name = case.op.partition(".")[2].removesuffix("1d") if "size" in case.words else case.op
    name = name.rpartition(".")[2]
    if name == "median_filter":
        return f"{name} {'x'.join(map(str, case.kernel))}"
    if name == "convolve":
        few = math.prod(case.kernel) <= FEW_TAPS
        return f"{name}, kernels of {'up to' if few else 'more than'} {FEW_TAPS} taps"
    return name


def prices(results: Sequence[Result]) -> list[tuple[str, Pairs]]:
    """Time of a case over that of the same shape without its features: the less the better."""
    results, everything = [r for r in results if r.case.group == "features"], results
    activated = [r for r in results if r.case.activation and not r.case.residual]
    last = having(everything, "channels_last")
    features = [
        ("channels_last relative to channels first", having(results, "channels_last")),
        ("borders relative to zero padding", bordered(results)),
        ("residual and relu relative to neither", having(results, "residual")),
        ("activations relative to none", activated),
        ("float16 relative to float32", having(results, "float16")),
        ("complex64 relative to float32", having(results, "complex64")),
        *(
            (f"{dtype} relative to float64", having(results, dtype))
            for dtype in ("int8", "int16", "int32", "int64")
        ),
        ("uint8 filters relative to float32", having(results, "uint8")),
        *(
            (f"{group}: channels_last relative to channels first",
             [r for r in last if r.case.group == group])
            for group in ("depthwise", "transposed", "pooling")
        ),
        ("filters of images: uint8 relative to float32",
         [r for r in having(everything, "uint8") if r.case.group == "filters"]),
    ]  # fmt: skip
    return _answered(
        (f"the time of {text}, {way}", chosen, (ours,), (plain,))
        for text, chosen in features
        for way, ours, plain in zip(("one call", "prepared"), OURS, PLAIN, strict=True)
    )


def having(results: Sequence[Result], word: str) -> list[Result]:
    return [r for r in results if word in r.case.features]


def bordered(results: Sequence[Result]) -> list[Result]:
    """Borders and nothing else."""
    return [r for r in results if r.case.features == {r.case.padding_mode}]


def _answered(rows: Iterable[tuple]) -> list[tuple[str, Pairs]]:
    """The rows that have cases in which both sides were timed."""
    out = []
    for text, chosen, above, below in rows:
        pairs = [(r.case.name, r.ratio(tuple(above), tuple(below))) for r in chosen]
        out.append((text, [(name, ratio) for name, ratio in pairs if ratio is not None]))
    return [row for row in out if row[1]]


def summary(results: Sequence[Result]) -> list[dict]:
    """Geometric mean and worst ratio for each of the `comparisons` and `prices`."""
    return [row for _, rows in summary_parts(results) for row in rows]


def summary_parts(results: Sequence[Result]) -> list[tuple[str, list[dict]]]:
    """Rows under a heading that says how to read them."""
    parts = (
        ("ratio: above 1, fastconv is faster", comparisons(results), min),
        ("less is better: what a feature costs", prices(results), max),
    )
    return [
        (heading, [_row(text, pairs, worst) for text, pairs in rows])
        for heading, rows, worst in parts
        if rows
    ]


def _row(text: str, pairs: Pairs, worst: Callable) -> dict:
    name, ratio = worst(pairs, key=lambda pair: pair[1])
    return {
        "text": text,
        "cases": len(pairs),
        "geomean": statistics.geometric_mean(ratio for _, ratio in pairs),
        "worst": ratio,
        "worst_case": name,
    }


def summary_lines(results: Sequence[Result]) -> list[str]:
    lines = []
    for heading, rows in summary_parts(results):
        lines.append(heading)
        for row in rows:
            cases = f"{row['cases']} case{'s' * (row['cases'] > 1)}"
            worst = f"worst {row['worst']:.2f}x, {row['worst_case']}"
            lines.append(f"{row['geomean']:.2f}x  {row['text']} ({cases}; {worst})")
    return lines
