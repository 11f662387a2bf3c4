# SPDX-License-Identifier: BSD-3-Clause
"""Arrays and other arguments as values that print as Python, for scipy_cases.py."""

from typing import Any, NamedTuple

import numpy as np

inf, nan = float("inf"), float("nan")

CANARY = 0xA5  # bytes around and between the numbers of an array
ROOM = 64  # bytes before and behind them
POOL = np.random.default_rng(12).standard_normal(1 << 16)
EPS = 2.0**-52  # differences up to this do not make weights unsymmetric
HUGE = np.array(
    [2.0**31, -(2.0**31), 2.0**31 - 1, -(2.0**31) - 1, 2.0**32, 2.0**32 + 3, 2.0**53 + 2, 2.0**63,
     -(2.0**63), 2.0**64, 1e30, -1e30, 5e9, -5e9, 300.5, -3.7, 70000.9, 256.0, 255.0, 32768.0, -1.0,
     -0.5, 128.0, 65536.0]
)  # fmt: skip
ODD = np.array([nan, inf, -inf, -0.0, 0.0, 5e-324, -1e-310, 1e-40, 1.0, -2.5])
LAYOUTS = ("C", "F", "reversed", "steps", "rotated", "broadcast", "unaligned", "gaps", "field",
           "backwards")  # fmt: skip


class Array(NamedTuple):
    """An array: its values are of a kind (see `numbers`), its memory has a layout (see `strides`)
    or is a list; `fixed` is read-only."""

    shape: tuple
    dtype: str = "f8"
    values: str = "normal"
    seed: int = 0
    layout: str = "C"
    fixed: bool = False

    def __repr__(self):
        words = list(self)
        while len(words) > 1 and words[-1] == self._field_defaults[self._fields[len(words) - 1]]:
            words.pop()
        return f"Array({', '.join(map(repr, words))})"


class Over(NamedTuple):
    """An output in the memory of the first argument: same, reversed, swapped or next (a row on)."""

    how: str


class Made(NamedTuple):
    """What an expression of NumPy gives: a dtype, a scalar type, a number."""

    text: str


class Own(NamedTuple):
    """A function of the module that is called."""

    name: str


class Call(NamedTuple):
    """A call of a public function: ``Call("ndimage.laplace", (Array((3,)),), {"cval": 1})``."""

    name: str
    args: tuple
    said: dict[str, Any]

    def __repr__(self):
        return f"Call({self.name!r}, {self.args!r}, {self.said!r})"


# ---- numbers -----------------------------------------------------------------------------------


def pooled(size, seed):
    start = seed * 101 % 60000
    if size <= len(POOL) - start:
        return POOL[start : start + size]
    return np.resize(POOL[start:], size)


def weights(size, kind, seed):
    """Weights of a 1-D kernel, or of an N-D one in C order."""
    some = pooled(size, seed)
    if kind == "ones":
        return np.ones(size)
    if kind == "holes":  # taps of no weight, and some at the edge of that
        edge = np.array([0, EPS, -EPS, EPS * (1 + EPS), EPS / 2, 1, -2.5])
        return np.where(some > 0.3, some, edge[(abs(some) * 1e4).astype(int) % 7])
    mirrored = some[::-1]
    if kind == "symmetric":
        return some + mirrored
    if kind == "antisymmetric":
        return some - mirrored
    if kind.startswith("almost"):  # by about as much as is left out of account
        step = np.array([0.0, 0.5, 1.0, 1.0 + EPS, 2.0])[(mirrored * 1e4).astype(int) % 5]
        both = some + mirrored if kind == "almost" else some - mirrored
        return np.round(both * 4) / 4 + np.where(np.arange(size) * 2 < size, 0, step * EPS)
    return some


def numbers(shape, dtype, kind, seed):
    """Numbers of a kind: normal, whole (small), large, huge, flat, odd (with NaN), unbounded (with
    inf), zeros, tiny, or a kind of `weights`."""
    size = int(np.prod(shape))
    if dtype.kind == "c":
        found = np.empty(size, dtype.newbyteorder("="))
        half = np.dtype(f"f{dtype.itemsize // 2}")
        found.real = numbers((size,), half, kind, seed)
        found.imag = numbers((size,), half, kind, seed + 31)
        return found.reshape(shape)
    some = pooled(size, seed)
    at = (abs(some) * 1e6).astype(np.int64)
    if kind == "normal":
        found = some * (30 if dtype.kind in "iu" else 3) + (60 if dtype.kind in "iu" else 0)
    elif kind == "whole":
        found = np.rint(some * 1.7)
    elif kind == "flat":
        found = np.full(size, np.rint(POOL[seed] * 8))
    elif kind == "large":
        if dtype.kind in "iu":
            found = some.view(np.int64) * np.int64(0x2545F4914F6CDD1D) >> 64 - 8 * dtype.itemsize
        else:
            found = some * 2.0 ** (at % 70)
    elif kind == "huge":
        if dtype.kind in "iu":
            ends = np.iinfo(dtype)
            found = np.array([ends.min, ends.max, ends.max // 2 + 1, 1], dtype.type)[at % 4]
        else:
            found = np.where(at % 3, HUGE[at // 3 % len(HUGE)], some)
    elif kind in ("odd", "unbounded") and dtype.kind not in "iub":
        odd = ODD if kind == "odd" else ODD[1:]
        found = np.where(at % 11, some, odd[at // 11 % len(odd)])
    elif kind in ("zeros", "tiny", "odd", "unbounded"):
        found = np.array([0.0, -0.0, 1.0 if kind == "zeros" else 1e-310, -1e-41])[at % 4]
    else:
        found = weights(size, kind, seed)
    if dtype.kind == "b":
        found = found > 0.2
    return found.reshape(shape)


# ---- memory ------------------------------------------------------------------------------------


def strides(shape, size, layout):
    """(strides, bytes of the first element from the lowest)."""
    order = range(len(shape))
    if layout == "F":
        order = order[::-1]
    elif layout == "rotated":
        order = [*order[1:], *order[:1]]
    step = {"steps": 2 * size, "field": size + 3}.get(layout, size)
    found, first = [0] * len(shape), 0
    for axis in reversed(order):
        if layout == "broadcast" and axis == 0:
            continue
        found[axis] = step
        n = max(shape[axis], 1)
        step *= n
        if layout in ("steps", "gaps"):
            step += 3 * size
        if layout == "reversed" or (layout == "backwards" and axis == len(shape) - 1):
            first += found[axis] * (n - 1)
            found[axis] = -found[axis]
    return tuple(found), first


def made(array):
    """(the array or list, the bytes it lies in and around it or None)."""
    dtype = np.dtype(array.dtype)
    with np.errstate(all="ignore"):
        values = numbers(array.shape, dtype, array.values, array.seed)
        if dtype.kind == "O" or array.layout == "list":
            values = values.astype(dtype)
            return (values.tolist() if array.layout == "list" else values), None
        by, first = strides(array.shape, dtype.itemsize, array.layout)
        last = first + sum(max(s, 0) * max(n - 1, 0) for s, n in zip(by, array.shape, strict=True))
        first += ROOM + (array.layout == "unaligned")
        row = abs(by[0]) if by else 0  # room for an output that is a row on
        memory = np.full(last + row + dtype.itemsize + 2 * ROOM + 1, CANARY, np.uint8)
        view = np.ndarray(array.shape, dtype, memory, first, by)
        view[...] = values
    if array.fixed:
        view.flags.writeable = False
    return view, memory


def over(array, view, memory, how):
    """An output that shares memory with an array."""
    if not isinstance(view, np.ndarray) or memory is None or how == "same" or not view.ndim:
        return view
    if how == "reversed":
        return view[::-1]
    if how == "swapped":
        return view.T
    first = view.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return np.ndarray(view.shape, view.dtype, memory, first + abs(view.strides[0]), view.strides)
