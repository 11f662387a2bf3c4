# SPDX-License-Identifier: BSD-3-Clause
"""Axes that are one: rows of many vectors where those of the arrays are short."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from .._spec.axis import Axis
from .hook import Hook
from .tiled import Call


class Lies(NamedTuple):
    """An axis, and the bytes from one of its elements to the next."""

    axis: Axis
    images: tuple[int, ...]  # of input, output and residual
    weights: int


NONE = Axis(1)

_choice = Hook(list)  # of the forms
choosing = _choice.set


def forms(call: Call) -> list[Call]:
    """The call as it is, and with axes that are joined if there are any."""
    return _choice.value([call, *filter(None, [joined(call)])])


def joined(call: Call) -> Call | None:
    """The same call, with sums in the same order, but fewer axes; None if all are needed."""
    arrays = call.arrays
    images = [arrays.src, arrays.dst] + [arrays.residual] * (arrays.residual is not None)
    needed: list[Lies] = []  # the last axis first
    for a, axis in reversed(list(enumerate(call.spec.axes, 2))):
        outer = Lies(axis, tuple(image.strides[a] for image in images), arrays.wei.strides[a])
        both = _join(outer, needed.pop()) if needed else (outer,)
        needed += reversed(both)
    needed += [Lies(NONE, (0,) * len(images), 0)] * (3 - len(needed))
    axes = tuple(lies.axis for lies in reversed(needed))
    if axes == call.spec.axes:
        return None
    steps = zip(*(lies.images for lies in reversed(needed)), strict=True)
    weights = tuple(lies.weights for lies in reversed(needed))
    images = [
        replace(image, strides=(*image.strides[:2], *step))
        for image, step in zip(images, steps, strict=True)
    ]
    wei = replace(arrays.wei, strides=(*arrays.wei.strides[:2], *weights))
    arrays = replace(
        arrays, src=images[0], wei=wei, dst=images[1], residual=images[2] if images[2:] else None
    )
    return replace(call, spec=replace(call.spec, axes=axes), arrays=arrays)


def _join(outer: Lies, inner: Lies) -> tuple[Lies, ...]:
    """One axis, if the inner one has one tap, and its n outputs are its n positions:

    out[y][x] = sum over t of w[t] in[y + t d - before][x]
    out[i]    = sum over t of w[t] in[i + (t d - before) n],  i = y n + x
    """
    axis, n = outer.axis, inner.axis.n
    if axis == NONE:
        return (inner,)
    if inner.axis[1:3] + inner.axis[4:6] != (1, 1, 0, 0):  # taps, stride and padding
        return outer, inner
    if n == 1:
        return (outer,)
    follow = all(a == n * b for a, b in zip(outer.images, inner.images, strict=True))
    if not follow or axis.stride > 1 or axis.reads_border:
        return outer, inner
    dilation = axis.dilation * n if axis.k > 1 else 1
    long = Axis(axis.n * n, axis.k, 1, dilation, axis.before * n, axis.after * n)
    return (Lies(long, inner.images, outer.weights),)
