# SPDX-License-Identifier: BSD-3-Clause
"""What runs in place of SciPy's passes with precision='fast': filters of float32 arrays.

A job is made of what a call says: of steps of `filter_nd` or `separable_filter`, which sum in
float32 with fused multiply-add. Where SciPy would do more than round differently, or where its own
passes are as fast, there is no job: `Ordinary` is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._core.arrays import empty
from .._ops.filters import filter_nd, separable_filter
from .._ops.operation import plan
from .._plan.layout import is_finite, is_same

FLOAT32 = np.dtype(np.float32)
TINY, LARGEST = float(np.finfo(FLOAT32).tiny), float(np.finfo(FLOAT32).max)

# Measured: below, SciPy's own passes over our kernels are as fast.
ELEMENTS = 1 << 16  # of an image
WORTH = 1 << 22  # multiply-adds of a filter
INNERMOST = 32  # elements of the last axis, if it is filtered
FUSED_TAPS = 27  # of a kernel that one pass computes faster than a pass for each axis does
CHANNELS = 4096  # axes behind the filtered ones hold at most so many channels

WORDS = frozenset({"float32", "single", "f4", "f"})  # for an output of float32
_plans: ContextVar[list | None] = ContextVar("fastconv.fast_plans", default=None)


class Ordinary(Exception):
    """A call is not for a fast form."""


def need(condition: Any) -> None:
    """Leave the call to SciPy's passes unless this holds."""
    if not condition:
        raise Ordinary


class Line(NamedTuple):
    """Taps along one axis."""

    axis: int
    taps: np.ndarray  # of float64
    before: int  # taps before the element of the output
    border: str


class Step(NamedTuple):
    """A filter over the whole image."""

    operation: Callable
    kernel: Any
    words: dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Filters of one image, whose results are added.

    With `norm`, it is the root of the sum of their squares."""

    image: np.ndarray
    out: np.ndarray | None
    shape: tuple[int, ...]  # of the result
    axes: tuple[int, ...]  # that are filtered
    steps: tuple[Step, ...]
    norm: bool = False

    def run(self) -> np.ndarray:
        """The result."""
        out = empty(self.shape, FLOAT32) if self.out is None else self.out
        image, target = self.views(out)
        plans = _plans.get()
        for number, (operation, kernel, words) in enumerate(self.steps):
            more = {"out": target, **words}
            if number and self.norm:
                more["out"] = empty(target.shape, FLOAT32)
            elif number:
                more["residual"] = target
            if plans is not None:
                plans.append(plan(operation, image, kernel, **more))
                continue
            result = operation(image, kernel, **more)
            if self.norm:
                np.multiply(result, result, result)
                if number:
                    np.add(target, result, target)
        if self.norm and plans is None:
            np.sqrt(out, out)
        return out

    def views(self, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Image and output with the axes that the steps know."""
        groups = grouped(self.image, self.axes)
        return _viewed(self.image, groups), _viewed(out, groups)


@contextmanager
def explaining():
    """Inside, jobs of this context note the plans of their steps, and compute nothing."""
    token = _plans.set(plans := [])
    try:
        yield plans
    finally:
        _plans.reset(token)


# ---- axes --------------------------------------------------------------------------------------


def grouped(image: np.ndarray, axes: Sequence[int]) -> list[list[int]]:
    """The axes of an image, neighbours that are not filtered together.

    >>> grouped(np.zeros((2, 3, 4, 5)), [2]), grouped(np.zeros((2, 3, 4, 5)), [0, 3])
    ([[0, 1], [2], [3]], [[0], [1, 2], [3]])
    """
    groups: list[list[int]] = []
    for axis in range(image.ndim):
        apart = axis in axes or not groups or groups[-1][-1] in axes
        groups[len(groups) :] = [[]] if apart else []
        groups[-1].append(axis)
    merged = any(len(group) > 1 for group in groups)
    if merged and image.ndim <= 3 and not image.flags.c_contiguous:
        return [[axis] for axis in range(image.ndim)]
    return groups


def _viewed(array: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """The array with one axis for each group; it must be a view."""
    if len(groups) == array.ndim:
        return array
    view = array.reshape([prod(array.shape[axis] for axis in group) for group in groups])
    need(np.may_share_memory(view, array))
    return view


def _spatial(image: np.ndarray, axes: Sequence[int]) -> list[int | None]:
    """For each axis that a kernel has, the axis of the image, None if it is not filtered. Axes
    behind the last one that is filtered are channels, unless there are too many."""
    found = [group[0] if group[0] in axes else None for group in grouped(image, axes)]
    channels = prod(image.shape[max(axes) + 1 :])
    if channels <= CHANNELS or len(found) > 3:
        while found[-1] is None:
            found.pop()
    need(len(found) <= 3)
    need(max(axes) < image.ndim - 1 or image.shape[-1] >= INNERMOST)
    return found


# ---- steps -------------------------------------------------------------------------------------


def rounded(taps: np.ndarray) -> np.ndarray:
    """Taps in float32, if that is but a rounding."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        found = taps.astype(FLOAT32)
        need(np.isfinite(found).all())
        need(not ((np.abs(found) < TINY) & (taps != 0)).any())
    return found


def window(
    image: np.ndarray,
    kernel: np.ndarray,
    pads: Sequence[tuple[int, int]],
    borders: Sequence[str],
    value: float,
) -> tuple[tuple[int, ...], Step]:
    """(The axes that are filtered, a step) for a kernel with as many axes as the image."""
    need(image.size * kernel.size >= WORTH)
    axes = tuple(axis for axis in range(image.ndim) if kernel.shape[axis] > 1)
    need(axes)
    at = _spatial(image, axes)
    shape = [1 if axis is None else kernel.shape[axis] for axis in at]
    return axes, Step(
        filter_nd,
        np.ascontiguousarray(rounded(kernel)).reshape(shape),
        _padding(at, pads, borders, value),
    )


def passes(image: np.ndarray, lines: Sequence[Line], value: float) -> tuple[tuple[int, ...], Step]:
    """(The axes that are filtered, a step) for one pass after the other."""
    need(lines and image.size * sum(len(line.taps) for line in lines) >= WORTH)
    if len(lines) > 1 and value and any(line.border == "constant" for line in lines):
        # In SciPy, each pass reads this border around what the last one left.
        need(all(abs(line.taps.sum() - 1) < 1e-12 for line in lines))
    by_axis = {line.axis: line for line in lines}
    axes = tuple(sorted(by_axis))
    pads, borders = [(0, 0)] * image.ndim, ["edge"] * image.ndim
    for line in lines:
        pads[line.axis] = line.before, len(line.taps) - 1 - line.before
        borders[line.axis] = line.border
    at = _spatial(image, axes)
    words = _padding(at, pads, borders, value)
    each = [np.ones(1) if axis is None else by_axis[axis].taps for axis in at]
    if len(lines) == 1 or prod(map(len, each)) <= FUSED_TAPS:
        return axes, Step(filter_nd, rounded(reduce(np.multiply.outer, each)), words)
    kernels = [None if axis is None else rounded(by_axis[axis].taps) for axis in at]
    return axes, Step(separable_filter, kernels, words)


def _padding(at, pads, borders, value) -> dict[str, Any]:
    """The words of a filter for its borders."""
    modes = tuple("edge" if axis is None else borders[axis] for axis in at)
    return {
        "padding": tuple((0, 0) if axis is None else pads[axis] for axis in at),
        "padding_mode": modes,
        "padding_value": value if "constant" in modes else 0,
    }


def check_finite(image: np.ndarray) -> None:
    """Leave an image with inf or NaN to SciPy's passes, which multiply other elements by 0."""
    need(is_finite(image))


# ---- arguments ---------------------------------------------------------------------------------


def as_image(value: Any) -> np.ndarray:
    """An image of float32, of some size."""
    need(as_array(value).size >= ELEMENTS)
    return value


def as_array(value: Any) -> np.ndarray:
    """An array of float32."""
    need(type(value) is np.ndarray and value.dtype == FLOAT32 and value.ndim and value.size)
    return value


def as_output(output: Any, image: np.ndarray, in_place: bool = True) -> np.ndarray | None:
    """Where the result goes; None for a new array."""
    if output is None or output is np.float32 or (type(output) is str and output in WORDS):
        return None
    if isinstance(output, np.dtype):
        need(output == FLOAT32)
        return None
    need(type(output) is np.ndarray and output.dtype == FLOAT32 and output.shape == image.shape)
    need(output.flags.writeable and 0 not in output.strides)
    if np.may_share_memory(output, image):
        need(in_place and is_same(image, output))
    return output


def as_weights(value: Any) -> np.ndarray:
    """Real weights, in float64."""
    array = np.asarray(value)
    need(array.dtype.kind in "biuf" and array.size)
    return array.astype(np.float64)


def as_int(value: Any) -> int:
    """An integer."""
    need(type(value) is int or isinstance(value, np.integer))
    return int(value)


def as_float(value: Any) -> float:
    """A finite number."""
    need(type(value) in (int, float) or isinstance(value, np.floating | np.integer))
    need(math.isfinite(value))
    return float(value)


def as_value(value: Any) -> float:
    """That of a constant border, which float32 holds to rounding."""
    number = as_float(value)
    need(number == 0 or TINY <= abs(number) <= LARGEST)
    return number


def as_axis(value: Any, rank: int) -> int:
    """The number of an axis."""
    axis = as_int(value)
    need(-rank <= axis < rank)
    return axis % rank


def as_axes(value: Any, rank: int) -> list[int]:
    """The numbers of axes."""
    if value is None:
        return list(range(rank))
    given = value if isinstance(value, tuple | list) else [value]
    axes = [as_axis(axis, rank) for axis in given]
    need(axes and len(set(axes)) == len(axes))
    return axes


def per_axis(value: Any, count: int) -> list:
    """One entry for each axis."""
    if isinstance(value, tuple | list):
        need(len(value) == count)
        return list(value)
    need(not isinstance(value, np.ndarray))
    return [value] * count
