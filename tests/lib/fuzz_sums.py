# SPDX-License-Identifier: BSD-3-Clause
"""Sums of the second truth: which cell each output reads through each tap, and their products.

Every number is looked up by its index: of an axis, of an output and of a tap. Sums are made in
int64, in float64 where float32 is due, and in long double where float64 is due.
"""

import math
from dataclasses import dataclass
from functools import reduce
from itertools import product

import ml_dtypes
import numpy as np

BF16 = np.dtype(ml_dtypes.bfloat16)


class Refused(Exception):
    """The arguments do not go together: a TypeError or ValueError is due."""


@dataclass
class Sums:
    """Arrays (N, O, *outputs, parts)."""

    total: np.ndarray
    size: np.ndarray | None  # sums of |x| |w|; None: integers, which are exact
    depth: int  # how many products each has
    anything: np.ndarray  # where NaN may be, too
    error: np.ndarray | float = 0.0  # of what was multiplied


def parts_of(array):
    """The real numbers of an array, on an axis of their own."""
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], -1)
    return array[..., None]


def native(dtype):
    return dtype if dtype == BF16 else dtype.newbyteorder("=")


def is_whole(dtype):
    return dtype.kind in "biu"


def is_narrow(dtype):
    """Whether float32 holds its numbers."""
    return dtype == BF16 or (dtype.kind == "f" and dtype.itemsize <= 4)


def sum_dtype(dtype):
    """In what elements are added where nothing else is said."""
    return np.dtype("f4") if is_narrow(dtype) else dtype


# ---- which cells -------------------------------------------------------------------------------


def each(value, rank):
    """One entry per axis, of one value or of one per axis."""
    entries = list(value) if isinstance(value, (tuple, list)) else [value]
    return entries * rank if len(entries) == 1 else entries


def padding_of(padding, axes):
    """(before, after) of each axis; `axes` holds (size, kernel, stride, dilation) of each."""
    if not isinstance(padding, str):
        return [(p, p) if isinstance(p, int) else tuple(p) for p in each(padding, len(axes))]
    found = []
    for n, k, s, d in axes:
        reach = d * (k - 1)
        total = {"valid": 0, "full": 2 * reach, "same_torch": reach}.get(padding)
        if total is None:
            total = max(0, (math.ceil(n / s) - 1) * s + reach + 1 - n)
        less = total // 2
        found.append((total - less, less) if padding == "same_lower" else (less, total - less))
    return found


def axes_of(sizes, taps, said):
    """(size, kernel, stride, dilation) of each axis."""
    rank = len(taps)
    both = (each(said.get(name, 1), rank) for name in ("stride", "dilation"))
    return list(zip(sizes, taps, *both, strict=True))


def cells(mode, at, n):
    """Which cell of an axis of `n` lies at each of these places; -1: the constant."""
    inside = (at >= 0) & (at < n)
    if mode == "constant" or n == 0:
        return np.where(inside, at, -1)
    up = list(range(n))
    table = {"wrap": up, "mirror": up + up[-2:0:-1], "symmetric": up + up[::-1]}.get(mode)
    if table is None:
        return np.clip(at, 0, n - 1)
    return np.array(table)[at % len(table)]


def windows(axes, padding, mode):
    """For each axis and tap the cell that each output reads."""
    where = []
    for (n, k, s, d), (before, after), word in zip(
        axes, padding_of(padding, axes), each(mode, len(axes)), strict=True
    ):
        outputs = (n + before + after - d * (k - 1) - 1) // s + 1
        if outputs < 1:
            raise Refused("no output")
        if n == 0 and word != "constant" and max(before, after) > 0:
            raise Refused("no cell to go on from")
        where.append([cells(word, np.arange(outputs) * s + t * d - before, n) for t in range(k)])
    return where


def arrivals(n, size, axis, before, mode):
    """(tap of each entry, entries): for each output of `size` the input cell of `n` that is added
    to it through a tap. Of a border several cells may arrive through one tap: it has entries for
    all."""
    _, k, s, d = axis
    taps, where = [], []
    for tap in range(k):
        ends = cells(mode, np.arange(n) * s + tap * d - before, size)
        come = [np.flatnonzero(ends == o) for o in range(size)]
        for number in range(max(1, *(len(c) for c in come))):
            taps.append(tap)
            where.append(np.array([c[number] if number < len(c) else -1 for c in come]))
    return taps, where


# ---- sums --------------------------------------------------------------------------------------


def sum_of_taps(x, w, where, value, skipped, unshared=False):
    """x (N, G, C, *sizes) with w (G, O, C, *taps) gives (N, G, O, *outputs): tap by tap.

    `where[axis][tap]` holds the cell that each output reads. On the constant lies `value`, one per
    channel; if it is `skipped` it adds nothing. `unshared`: w is (outputs, G, O, C, *taps).
    """
    rank = len(where)
    if not x.size:  # a cell to look up, which no output reads
        x = np.zeros((*x.shape[:3], *(max(n, 1) for n in x.shape[3:])), x.dtype)
    sizes = [len(axis[0]) for axis in where]
    y = np.zeros((x.shape[0], *w.shape[unshared : 2 + unshared], math.prod(sizes)), x.dtype)
    for tap in product(*(range(len(axis)) for axis in where)):
        places = np.ix_(*(where[axis][tap[axis]] for axis in range(rank)))
        border = reduce(np.logical_or, (place < 0 for place in places)).ravel()
        seen = x[(..., *(np.maximum(place, 0) for place in places))]
        seen = np.where(border, value[:, None], seen.reshape(*x.shape[:3], math.prod(sizes)))
        if not (skipped and border.all()):
            if unshared:
                added = np.einsum("ngcp,pgoc->ngop", seen, w[(..., *tap)])
            else:
                added = np.matmul(w[(..., *tap)], seen)
            y += np.where(border, 0, added) if skipped else added
    return y.reshape(*y.shape[:3], *sizes)


def convolved(x, w, where, groups, value, dtype, pairs, unshared=False):
    """The `Sums` of x (N, C, *sizes) with w (O, C/groups, *taps) in `dtype`, in two parts if they
    are `pairs`; `value` lies beside x. `unshared`: w is (*outputs, O, C/groups, *taps)."""
    places = len(where) if unshared else 0
    held = value if x.dtype.kind in "iu" else np.asarray(value).astype(x.dtype)
    skipped = bool(held == 0)
    if dtype == np.int64:
        held = np.array((int(held) + 2**63) % 2**64 - 2**63)
    a = list(np.moveaxis(parts_of(x), -1, 0))
    b = list(np.moveaxis(parts_of(w), -1, 0))
    v = [held.real, held.imag] if pairs else [held]
    a, b, v = ([np.asarray(p).astype(dtype) for p in s] for s in (a, b, v))
    n, c = x.shape[:2]
    outputs, c_in, *taps = w.shape[places:]
    a = [p.reshape(n, groups, c // groups, *p.shape[2:]) for p in a]
    before = (math.prod(w.shape[:places]),) * unshared
    b = [p.reshape(*before, groups, outputs // groups, c_in, *taps) for p in b]
    channels = 2 + unshared

    def total(a, b, v, minus=-1):
        """The real parts, and of complex numbers the imaginary ones."""
        ways = [[(0, 0, 1)]]
        if pairs:
            ways = [[(0, 0, 1), (1, 1, minus)], [(0, 1, 1), (1, 0, 1)]]
        sums = []
        for way in ways:
            way = [(i, j, sign) for i, j, sign in way if i < len(a) and j < len(b)]
            if not way:
                sums.append(np.zeros_like(sums[0]))
                continue
            both = np.concatenate([a[i] for i, _, _ in way], 2)
            weights = np.concatenate([sign * b[j] for _, j, sign in way], channels)
            value = np.repeat(np.stack([v[i] for i, _, _ in way]), c // groups)
            y = sum_of_taps(both, weights, where, value, skipped, unshared)
            sums.append(y.reshape(n, outputs, *y.shape[3:]))
        return np.stack(sums, -1)

    def size(arrays):
        return [np.where(np.isfinite(p), np.abs(p), 0).astype(np.float64) for p in arrays]

    sums = total(a, b, v)
    depth = c // groups * math.prod(map(len, where)) * (2 if pairs else 1)
    unclear = np.zeros(sums.shape, bool)
    if dtype == np.int64:
        return Sums(sums, None, depth, unclear)
    if pairs and len(a) + len(b) < 4:
        # A real number has no imaginary part, or one of 0: an infinity makes NaN of that.
        filled = ([*s, np.zeros_like(s[0])][:2] for s in (a, b, v))
        unclear = np.isnan(total(*filled)) != np.isnan(sums)
    return Sums(sums, total(size(a), size(b), size(v), minus=1), depth, unclear)
