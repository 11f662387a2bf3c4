# SPDX-License-Identifier: BSD-3-Clause
"""A second truth: what an operation returns, as its documentation tells it, slowly, with NumPy and
none of ours; the sums are those of fuzz_sums.py.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from fuzz_sums import (
    BF16,
    Refused,
    axes_of,
    convolved,
    is_whole,
    native,
    parts_of,
    windows,
)

BLOCK = 256  # the most products that one chain of multiply-adds sums


@dataclass
class Expected:
    """What a call has to return: numbers between `low` and `high`, but where anything may be."""

    low: np.ndarray
    high: np.ndarray
    anything: np.ndarray  # where a sum may leave the range of its dtype on the way

    def differs(self, got):
        """What is wrong with a result, in words; "" if nothing is."""
        if got.shape != self.low.shape:
            return f"shape {got.shape}, {self.low.shape} is right"
        if got.dtype != self.low.dtype:
            return f"dtype {got.dtype}, {self.low.dtype} is right"
        if not got.size:
            return ""
        got, low, high = (parts_of(a) for a in (got, self.low, self.high))
        if got.dtype.kind not in "iu":
            got, low, high = (a.astype(np.longdouble) for a in (got, low, high))
        with np.errstate(invalid="ignore"):
            right = ((low <= got) & (got <= high)) | (np.isnan(low) & np.isnan(got))
        wrong = ~(right | self.anything)
        if not wrong.any():
            return ""
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        return (f"{got[at]} at {at[:-1]}, {low[at]} to {high[at]} is right; "
                f"{np.count_nonzero(wrong)} of {wrong.size} are wrong")  # fmt: skip


class Exact(NamedTuple):
    """What a call has to return, to the last bit; NaN is NaN, unless it is an element that was
    moved."""

    right: np.ndarray
    moved: bool = False
    signed: bool = True  # zeros have a sign

    def differs(self, got):
        """What is wrong with a result, in words; "" if nothing is."""
        right = self.right.astype(native(self.right.dtype))
        if (got.shape, got.dtype) != (right.shape, right.dtype):
            return f"{got.shape} {got.dtype}, {right.shape} {right.dtype} is right"
        a, b = (parts_of(array) for array in (got, right))
        same = a == b
        if self.signed and a.dtype.kind in "fV":
            same &= np.signbit(a) == np.signbit(b)
        if self.moved:
            same = bits_of(a) == bits_of(b)
        elif a.dtype.kind in "fV":
            same |= np.isnan(a) & np.isnan(b)
        if same.all():
            return ""
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        return (f"{a[at]} at {at[:-1]}, {b[at]} is right; "
                f"{np.count_nonzero(~same)} of {same.size} are wrong")  # fmt: skip


class Both(NamedTuple):
    """Values and indices."""

    values: Exact
    indices: Exact

    def differs(self, got):
        for word, one, right in zip(("values", "indices"), got, self, strict=True):
            wrong = right.differs(one)
            if wrong:
                return f"{word}: {wrong}"
        return ""


def bits_of(array):
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


# ---- which dtypes ------------------------------------------------------------------------------


def largest(dtype):
    return 1 if dtype.kind == "b" else max(-int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def dtypes(x, w, wanted, depth):
    """(dtype of the sums, of the result): both of real numbers if only one is complex."""
    if is_whole(x) and is_whole(w) and (wanted is None or is_whole(wanted)):
        most = largest(x) * largest(w) * depth
        narrow = x.itemsize == w.itemsize == 1 and most < 2**31
        return np.dtype("i8"), wanted or np.dtype("i4" if narrow else "i8")
    try:
        common = np.result_type(x, w)
        if wanted is not None and not is_whole(wanted):
            common = np.result_type(common, wanted)
    except TypeError:
        raise Refused("no dtype holds both") from None
    real = common.itemsize // (2 if common.kind == "c" else 1)
    result = common if wanted is None else wanted
    if common.kind == "c" and result.kind != "c":
        raise Refused("a real dtype for complex numbers")
    return np.dtype("f8" if real == 8 else "f4"), result


class Kind(NamedTuple):
    """The dtypes of one convolution."""

    sums: np.dtype
    result: np.dtype
    saturates: bool

    @property
    def whole(self):
        return is_whole(self.sums)

    @property
    def pairs(self):
        return self.result.kind == "c"

    @property
    def wide(self):
        """The dtype in which the truth is summed."""
        if self.whole:
            return np.dtype("i8")
        return np.dtype("f8" if self.sums == "f4" else np.longdouble)

    def as_sum(self, array):
        """An addend: first what sums are, in parts."""
        parts = parts_of(array)
        if self.pairs and parts.shape[-1] == 1:
            parts = np.concatenate([parts, np.zeros_like(parts)], -1)
        return parts.astype(self.sums).astype(self.wide)

    def constant(self, number):
        """alpha, beta and the numbers of an activation."""
        if self.whole:
            return np.int64(number)
        return np.asarray(float(number)).astype(self.sums).astype(self.wide)[()]


def kind_of(x, w, wanted, overflow, depth):
    """The dtypes for these of input and weight."""
    wanted = None if wanted is None else native(np.dtype(wanted))
    sums, result = dtypes(native(x), native(w), wanted, depth)
    if is_whole(result) and not is_whole(sums) and overflow != "saturate":
        raise Refused("integers of floating point without overflow='saturate'")
    return Kind(sums, result, overflow == "saturate")


# ---- what becomes of them ----------------------------------------------------------------------

ULPS = {"sigmoid": 2.3, "tanh": 2.8, "silu": 3.2, "gelu": 9.0, "hardswish": 2.0}


def phi(x):
    """The normal distribution."""
    return np.vectorize(lambda t: math.erfc(-t / math.sqrt(2)) / 2, otypes="d")(x.astype("f8"))


def activated(word, given, x, bound, limits):
    """The activation of sums with an error of `bound`, and the error that it has then."""
    if word in ("relu", "relu6", "clip"):
        low, *high = {"relu": (0,), "relu6": (0, 6)}.get(word, given)
        y = np.maximum(x, low)
        return np.minimum(y, *high) if high else y, bound
    if word == "leaky_relu":
        y = np.where(x < 0, x * given[0], x)
        return y, bound * max(1, abs(given[0])) + limits.eps * np.abs(y)
    sigmoid = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    y = {
        "sigmoid": lambda: sigmoid,
        "tanh": lambda: np.tanh(x),
        "silu": lambda: x * sigmoid,
        "gelu": lambda: x * phi(x),
        "hardswish": lambda: x * (np.clip(x + 3, 0, 6) / 6),
    }[word]()
    ulps = ULPS[word] + (32 + np.minimum(x * x, 2000) if word == "gelu" else 0)
    least = 2000 * float(limits.tiny)  # an exponential may become 0 somewhat too soon
    return y, 1.5 * bound + ulps * limits.eps * np.abs(y) + least


def whole_numbers(x, dtype):
    """Sums of floating point as integers, rounded and saturated."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    flat = [0 if math.isnan(t) else low if t <= low else high if t >= high else int(t)
            for t in np.rint(x).ravel()]  # fmt: skip
    return np.array(flat, dtype).reshape(x.shape)


def narrowed(x, dtype):
    """Numbers in a narrower dtype, rounded once: NumPy goes to the halves by way of others."""
    if dtype.itemsize > 2:
        return x.astype(dtype)
    via = np.dtype("f4" if dtype == BF16 else "f8")
    y = x.astype(via)
    y = np.where(np.abs(y) > np.abs(x), np.nextafter(y, via.type(0)), y)  # cut off
    bits = y.view(f"u{via.itemsize}")
    return np.where(np.isfinite(x) & (y != x), bits | 1, bits).view(via).astype(dtype)


def settled(kind, found, addends, alpha=1, activation=None):
    """(sums, how far off they may be, where anything may be): after the epilogue, in parts."""
    word, *given = [activation] if isinstance(activation, str) else activation or [None]
    alpha, given = kind.constant(alpha), [kind.constant(p) for p in given]
    total, size, depth, anything = found.total, found.size, found.depth, found.anything
    if kind.whole:
        total = alpha * total
        for addend in addends:
            total = total + addend
        if word in ("relu", "relu6", "clip"):
            total, _ = activated(word, given, total, None, None)
        return total, None, anything
    limits = np.finfo(kind.sums)
    unit = float(limits.eps) / 2
    block = max(1, min(depth, BLOCK))
    bound = unit * (block + depth / block + 8) * size + depth * limits.smallest_subnormal
    bound = bound + found.error
    if not np.isfinite(alpha):
        anything = anything | (np.abs(total) <= bound)
    anything = anything | (size > float(limits.max) / 16)
    total = alpha * total
    scale = min(abs(alpha), limits.max)
    size, bound = scale * size, scale * bound
    for addend in addends:
        total = total + addend
        size = size + np.where(np.isfinite(addend), np.abs(addend), 0)
    bound = bound + (2 * len(addends) + 1) * (unit * size + limits.smallest_subnormal)
    anything = anything | (size > float(limits.max) / 16)
    if word not in (None, "none"):
        total, bound = activated(word, given, total, bound, limits)
    return total, np.where(np.isfinite(total), bound, 0), anything


def rounded(kind, total, bound, anything):
    """The `Expected` of settled sums."""
    result = kind.result
    if kind.whole:
        if kind.saturates:
            limits = np.iinfo(result)
            total = np.clip(total, limits.min, min(int(limits.max), 2**63 - 1))
        total = total.astype(result)[..., 0]
        return Expected(total, total, anything)
    ends = [total - bound, total + bound]
    if is_whole(result):
        ends = [whole_numbers(end[..., 0], result) for end in ends]
    elif kind.pairs:
        ends = [np.ascontiguousarray(end.astype(f"f{result.itemsize // 2}")) for end in ends]
        ends = [end.view(result)[..., 0] for end in ends]
    else:
        ends = [narrowed(end[..., 0], result) for end in ends]
    return Expected(*ends, anything)


class Seen(NamedTuple):
    """How a user sees arrays that are (N, C, *sizes) here."""

    rank: int
    batched: bool = True
    last: bool = False

    def inner(self, array):
        if self.last:
            array = np.moveaxis(array, -1, -1 - self.rank)
        return array if self.batched else array[None]

    def outer(self, array):
        array = array if self.batched else array[0]
        return np.moveaxis(array, -1 - self.rank, -1) if self.last else array

    def bias(self, array):
        """One number per channel, or for each output of it."""
        return array.reshape(*array.shape, *(1,) * (self.rank + 1 - array.ndim))


def finished(kind, found, seen, arrays, said):
    """The `Expected` of sums: with bias, residual and what `out` held, as the user sees it."""
    addends, beta = [], kind.constant(said.get("beta", 0))
    if arrays.get("bias") is not None:
        addends.append(kind.as_sum(seen.bias(arrays["bias"])))
    if beta != 0:
        addends.append(beta * kind.as_sum(seen.inner(arrays["out"])))
    if arrays.get("residual") is not None:
        addends.append(kind.as_sum(seen.inner(arrays["residual"])))
    total, bound, anything = settled(
        kind, found, addends, said.get("alpha", 1), said.get("activation")
    )
    end = rounded(kind, total, bound, anything)
    anything = np.stack([seen.outer(p) for p in np.moveaxis(anything, -1, 0)], -1)
    return Expected(seen.outer(end.low), seen.outer(end.high), anything)


def convolution(arrays, said, more=None):
    """What ``convN`` has to return, of a dict of arrays (`out` is what it held) and of what is
    said. With one kernel, `more` is an error that sums may have."""
    x, w = arrays["input"], arrays["weight"]
    rank = w.ndim - 2
    seen = Seen(rank, x.ndim == w.ndim, said.get("channels_last", False))
    depth = math.prod(w.shape[1:])
    kind = kind_of(x.dtype, w.dtype, said.get("dtype"), said.get("overflow", "wrap"), depth)
    with np.errstate(all="ignore"):
        found = summed(kind, seen.inner(x), w, said)
        if more:
            more(kind, found, seen.inner(x), w[0, 0], said)
        return finished(kind, found, seen, arrays, said)


def summed(kind, x, w, said, places=0):
    """The `Sums` of x (N, C, *sizes), before any epilogue; of the weight the first axes may be
    `places` of the output."""
    rank = w.ndim - 2 - places
    where = windows(axes_of(x.shape[2:], w.shape[w.ndim - rank :], said), said.get("padding", 0),
                    said.get("padding_mode", "constant"))  # fmt: skip
    if said.get("flip"):
        w = np.flip(w, tuple(range(-rank, 0)))
    value, groups = said.get("padding_value", 0), said.get("groups", 1)
    return convolved(x, w, where, groups, value, kind.wide, kind.pairs, places > 0)
