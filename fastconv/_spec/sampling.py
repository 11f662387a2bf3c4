# SPDX-License-Identifier: BSD-3-Clause
"""Which inputs the outputs of an axis are made of, and with which weights: the rules of
resampling, an axis at a time.

Output o reads around s(o), a place between inputs:

    s(o) = o * scale                    nearest
    s(o) = (o + 0.5) * scale            nearest-exact, antialias
    s(o) = (o + 0.5) * scale - 0.5      linear, cubic
    s(o) = o * (n - 1) / (outputs - 1)  linear, cubic, if corners are aligned

The arithmetic is that of PyTorch, in float32 or float64, as another rounding would move the nearest
input of some outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Taps = tuple[np.ndarray, np.ndarray]  # (outputs, taps) of places (-1: none), and their weights


class Sampled(NamedTuple):
    """One of depth, height, width."""

    n: int = 1  # elements of the input
    outputs: int = 1
    rule: str = "nearest"  # of RULES
    scale: float | None = None  # outputs for an input, if it was said
    aligned: bool = False  # the first and the last output are the first and the last input
    wide: bool = False  # places and weights are computed in float64
    kernel: int = 1  # of a window, where each input has one
    stride: int = 1
    padding: int = 0

    @property
    def real(self) -> type:
        """What places are computed in."""
        return np.float64 if self.wide else np.float32

    @property
    def step(self) -> np.floating:
        """Inputs from output to output."""
        real = self.real
        if self.aligned:
            return real(self.n - 1) / real(self.outputs - 1) if self.outputs > 1 else real(0)
        return real(1 / self.scale) if self.scale else real(self.n) / real(self.outputs)

    @property
    def taps(self) -> Taps:
        """What each output is made of."""
        return RULES[self.rule](self)

    @property
    def copies(self) -> bool:
        """Whether each output is one input, or none."""
        return self.rule in COPYING


def _counted(axis: Sampled) -> np.ndarray:
    return np.arange(axis.outputs).astype(axis.real)


def _floor(places: np.ndarray, axis: Sampled) -> Taps:
    """The input below each place, whose last bits are those of float32."""
    index = np.floor(places.astype(np.float32)).astype(np.intp)
    return np.minimum(index, axis.n - 1)[:, None], np.ones((axis.outputs, 1), axis.real)


def _nearest(axis: Sampled) -> Taps:
    return _floor(_counted(axis) * axis.step, axis)


def _nearest_exact(axis: Sampled) -> Taps:
    return _floor((_counted(axis) + axis.real(0.5)) * axis.step, axis)


def _same(axis: Sampled) -> Taps:
    return np.arange(axis.n)[:, None], np.ones((axis.n, 1), axis.real)


def _between(axis: Sampled) -> np.ndarray:
    """Places between inputs."""
    if axis.aligned:
        return _counted(axis) * axis.step
    half = axis.real(0.5)
    return (_counted(axis) + half) * axis.step - half


def _linear(axis: Sampled) -> Taps:
    """The two inputs beside a place, by their distances from it; beyond the edge there is the
    edge."""
    if axis.outputs == axis.n:
        return _same(axis)
    place = np.maximum(_between(axis), axis.real(0))
    below = np.minimum(np.floor(place).astype(np.intp), axis.n - 1)
    above = np.minimum(below + 1, axis.n - 1)
    part = np.clip(place - below.astype(axis.real), 0, 1).astype(axis.real)
    return np.stack([below, above], 1), np.stack([1 - part, part], 1)


def _cubic(axis: Sampled) -> Taps:
    """The four inputs around a place, by Keys' cubic with a = -0.75."""
    if axis.outputs == axis.n and axis.step == 1:
        return _same(axis)
    place = _between(axis)
    below = np.floor(place)
    part = np.clip(place - below, 0, 1).astype(axis.real)
    index = below.astype(np.intp)[:, None] + np.arange(-1, 3)
    distance = part[:, None] - np.arange(-1, 3).astype(axis.real)
    return np.clip(index, 0, axis.n - 1), _keys(distance, axis.real(-0.75))


def _keys(distance: np.ndarray, a: np.floating) -> np.ndarray:
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype(distance.dtype)


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(distance)).astype(distance.dtype)


def _antialias(axis: Sampled, reach: int, weigh: Callable[[np.ndarray], np.ndarray]) -> Taps:
    """All inputs that a kernel reaches, which is stretched where inputs are closer than outputs;
    weights are divided by their sum, as the kernel is cut off at the edge."""
    if axis.outputs == axis.n:
        return _same(axis)
    real = axis.real
    stretch = np.maximum(axis.step, real(1))
    support = real(reach) * stretch
    center = (_counted(axis) + real(0.5)) * axis.step
    first = np.maximum((center - support + real(0.5)).astype(np.intp), 0)
    end = np.minimum((center + support + real(0.5)).astype(np.intp), axis.n)
    end = np.minimum(end, first + 2 * int(np.ceil(support)) + 1)
    index = first[:, None] + np.arange(max(1, (end - first).max()))
    distance = (index.astype(real) - center[:, None] + real(0.5)) * (real(1) / stretch)
    inside = index < end[:, None]
    weight = np.where(inside, weigh(distance), real(0))
    total = weight.sum(1, keepdims=True)
    weight = np.divide(weight, total, out=weight, where=total != 0)
    return np.where(inside, index, -1), weight


def _area(axis: Sampled) -> Taps:
    """The mean of the inputs from floor(o n / outputs) to ceil((o + 1) n / outputs)."""
    o = np.arange(axis.outputs)
    first, end = o * axis.n // axis.outputs, -(-(o + 1) * axis.n // axis.outputs)
    count = (end - first)[:, None]
    index = first[:, None] + np.arange(count.max())
    inside = index < end[:, None]
    weight = np.where(inside, axis.real(1) / count.astype(axis.real), axis.real(0))
    return np.where(inside, index, -1), weight


def _windows(axis: Sampled, cells: int) -> Taps:
    """The input whose window has an output among its first cells; of several the last one."""
    cell = np.arange(axis.outputs) + axis.padding
    index = np.minimum(cell // axis.stride, axis.n - 1)
    found = cell - index * axis.stride < cells
    return np.where(found, index, -1)[:, None], found[:, None].astype(axis.real)


RULES: dict[str, Callable[[Sampled], Taps]] = {
    "nearest": _nearest,
    "nearest-exact": _nearest_exact,
    "linear": _linear,
    "cubic": _cubic,
    "area": _area,
    "antialiased linear": lambda axis: _antialias(axis, 1, _triangle),
    "antialiased cubic": lambda axis: _antialias(
        axis, 2, lambda distance: _keys(distance, axis.real(-0.5))
    ),
    "repeat": lambda axis: _windows(axis, axis.kernel),
    "nails": lambda axis: _windows(axis, 1),
}
COPYING = ("nearest", "nearest-exact", "repeat", "nails")
