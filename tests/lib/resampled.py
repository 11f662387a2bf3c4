# SPDX-License-Identifier: BSD-3-Clause
"""What resampling has to give: calls of it in any way, and slow rules written another time."""

from itertools import product
from math import ceil, floor

import numpy as np
from arrays import BF16

import fastconv
from fastconv import interpolate
from fastconv._spec.dtypes import is_integer

UNPOOL = {
    "nearest": (
        fastconv.nearest_unpool1d, fastconv.nearest_unpool2d, fastconv.nearest_unpool3d
    ),
    "nails": (
        fastconv.bed_of_nails_unpool1d,
        fastconv.bed_of_nails_unpool2d,
        fastconv.bed_of_nails_unpool3d,
    ),
}  # fmt: skip
MODES = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}
LINEAR = ("linear", "bilinear", "trilinear")
COPYING = ("nearest", "nearest-exact")
ANTIALIASED = ("bilinear", "bicubic")
EACH = [(rank, mode) for rank, modes in MODES.items() for mode in modes]
SHAPES = {1: (2, 3, 37), 2: (2, 5, 11, 13), 3: (1, 3, 5, 7, 11)}


def sizes_of(rank):
    return [{"size": size[:rank]} for size in ((23, 5, 17), (74, 29, 31), (1, 1, 1), (37, 11, 13))]


def scales_of(rank):
    scales = ((2.0, 2.0, 2.0), (0.37, 1.3, 0.71), (3.3, 0.5, 1.0), (1.01, 2.9, 1.99))
    return [{"scale_factor": scale[:rank]} for scale in scales]


def run(x, isa=None, **said):
    """`interpolate` with an instruction set."""
    with fastconv.settings(isa=isa):
        return interpolate(x, **said)


# ---- rules of an axis, in float64 --------------------------------------------------------------


def cubic(x, a):
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def row(mode, o, n, outputs, step, aligned, antialias):
    """{input: weight} of output o of an axis of n inputs."""
    if mode in COPYING:
        return {min(n - 1, floor((o + 0.5 * (mode == "nearest-exact")) * step)): 1.0}
    if mode == "area":
        places = range(floor(o * n / outputs), ceil((o + 1) * n / outputs))
        return {i: 1 / len(places) for i in places}
    if n == outputs and (antialias or mode in LINEAR):
        return {o: 1.0}
    if antialias:
        weigh, reach = (lambda x: max(0, 1 - abs(x))), 1
        if mode == "bicubic":
            weigh, reach = (lambda x: cubic(x, -0.5)), 2
        center, stretch = (o + 0.5) * step, max(1, step)
        low = max(0, int(center - reach * stretch + 0.5))
        high = min(n, int(center + reach * stretch + 0.5))
        found = {i: weigh((i + 0.5 - center) / stretch) for i in range(low, high)}
        return {i: w / sum(found.values()) for i, w in found.items()}
    place = o * step if aligned else (o + 0.5) * step - 0.5
    weights = {}
    if mode in LINEAR:
        place = max(0, place)
        pairs = ((i, 1 - abs(place - i)) for i in (floor(place), floor(place) + 1))
    else:
        pairs = ((i, cubic(place - i, -0.75)) for i in range(floor(place) - 1, floor(place) + 3))
    for i, weight in pairs:
        i = min(max(i, 0), n - 1)
        weights[i] = weights.get(i, 0.0) + weight
    return weights


def matrix(mode, n, outputs, scale, aligned, antialias):
    """(outputs, n) weights."""
    step = n / outputs if scale is None else 1 / scale
    if aligned:
        step = (n - 1) / (outputs - 1) if outputs > 1 else 0
    weights = np.zeros((outputs, n))
    for o in range(outputs):
        for i, weight in row(mode, o, n, outputs, step, aligned, antialias).items():
            weights[o, i] = weight
    return weights


def truth(x, mode, size=None, scale_factor=None, aligned=False, antialias=False):
    """What interpolation gives in float64, of an array with channels first."""
    sums = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    rank = x.ndim - 2
    for a, n in enumerate(x.shape[2:]):
        scale = None if scale_factor is None else scale_factor[a]
        outputs = size[a] if scale is None else floor(n * scale)
        twice = mode == "nearest" and rank == 2 and outputs in (n, 2 * n)
        scale = None if mode == "area" or twice else scale
        by = matrix(mode, n, outputs, scale, aligned, antialias)
        sums = np.moveaxis(np.tensordot(by, sums, (1, 2 + a)), 0, 2 + a)
    assert sums.ndim == rank + 2
    return sums


def assert_near(got, expected, largest):
    """`got` is what `expected` is in float64, but for rounding; `largest` of what was summed."""
    if is_integer(got.dtype):
        limits = np.iinfo(got.dtype)
        clipped = np.clip(expected, float(limits.min), float(limits.max))
        away = abs(got.astype(np.float64) - clipped)
        bound = 0.5001 if got.dtype.itemsize < 8 else 0.5001 + largest * 2**-48
        assert away.max(initial=0) <= bound
        return
    digits = 7 if got.dtype == BF16 else {2: 10, 4: 20, 8: 20, 16: 46}[got.dtype.itemsize]
    if got.dtype == np.float64:
        digits = 46
    wide = np.complex128 if got.dtype.kind == "c" else np.float64
    assert abs(got.astype(wide) - expected).max(initial=0) <= largest * 2.0**-digits + 1e-30


def unpooled(x, kind, kernel, stride, padding, sizes):
    """A window after the other, of an array with channels first."""
    rank = len(kernel)
    lead = x.shape[: x.ndim - rank]
    out = np.zeros((*lead, *sizes), x.dtype)
    for at in np.ndindex(x.shape[x.ndim - rank :]):
        reach = kernel if kind == "nearest" else (1,) * rank
        starts = [i * s - p for i, s, p in zip(at, stride, padding, strict=True)]
        for cell in product(*(range(k) for k in reach)):
            place = [a + c for a, c in zip(starts, cell, strict=True)]
            if all(0 <= i < n for i, n in zip(place, sizes, strict=True)):
                out[(..., *place)] = x[(..., *at)]
    return out
