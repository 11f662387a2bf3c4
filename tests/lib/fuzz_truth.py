# SPDX-License-Identifier: BSD-3-Clause
"""A second truth: convolution as its documentation tells it, slowly, with NumPy and none of ours.

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
BLOCK = 256  # the most products that one chain of multiply-adds sums


class Refused(Exception):
    """The arguments do not go together: a TypeError or ValueError is due."""


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


def parts_of(array):
    """The real numbers of an array, on an axis of their own."""
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], -1)
    return array[..., None]


def native(dtype):
    return dtype if dtype == BF16 else dtype.newbyteorder("=")


def is_whole(dtype):
    return dtype.kind in "biu"


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


# ---- which cells -------------------------------------------------------------------------------


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


def each(value, rank):
    """One entry per axis, of one value or of one per axis."""
    entries = list(value) if isinstance(value, (tuple, list)) else [value]
    return entries * rank if len(entries) == 1 else entries


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


# ---- sums --------------------------------------------------------------------------------------


def sum_of_taps(x, w, where, value, skipped):
    """x (N, G, C, *sizes) with w (G, O, C, *taps) gives (N, G, O, *outputs): tap by tap.

    `where[axis][tap]` holds the cell that each output reads. On the constant lies `value`, one per
    channel; if it is `skipped` it adds nothing.
    """
    rank = len(where)
    if not x.size:  # a cell to look up, which no output reads
        x = np.zeros((*x.shape[:3], *(max(n, 1) for n in x.shape[3:])), x.dtype)
    sizes = [len(axis[0]) for axis in where]
    y = np.zeros((x.shape[0], *w.shape[:2], math.prod(sizes)), x.dtype)
    for tap in product(*(range(len(axis)) for axis in where)):
        places = np.ix_(*(where[axis][tap[axis]] for axis in range(rank)))
        border = reduce(np.logical_or, (place < 0 for place in places)).ravel()
        seen = x[(..., *(np.maximum(place, 0) for place in places))]
        seen = np.where(border, value[:, None], seen.reshape(*x.shape[:3], math.prod(sizes)))
        if not (skipped and border.all()):
            added = np.matmul(w[(..., *tap)], seen)
            y += np.where(border, 0, added) if skipped else added
    return y.reshape(*y.shape[:3], *sizes)


def convolved(x, w, stride, padding, dilation, groups, mode, value, dtype, pairs):
    """Of x (N, C, *sizes): (sums, sums of |x| |w|, how many products each has, which may be NaN);
    arrays (N, O, *outputs, parts)."""
    rank = w.ndim - 2
    axes = list(zip(x.shape[2:], w.shape[2:], each(stride, rank), each(dilation, rank),
                    strict=True))  # fmt: skip
    where = []
    for (n, k, s, d), (before, after), word in zip(
        axes, padding_of(padding, axes), each(mode, rank), strict=True
    ):
        outputs = (n + before + after - d * (k - 1) - 1) // s + 1
        if outputs < 1:
            raise Refused("no output")
        if n == 0 and word != "constant" and max(before, after) > 0:
            raise Refused("no cell to go on from")
        where.append([cells(word, np.arange(outputs) * s + t * d - before, n) for t in range(k)])
    held = value if x.dtype.kind in "iu" else np.asarray(value).astype(x.dtype)
    skipped = bool(held == 0)
    if dtype == np.int64:
        held = np.array((int(held) + 2**63) % 2**64 - 2**63)
    a = list(np.moveaxis(parts_of(x), -1, 0))
    b = list(np.moveaxis(parts_of(w), -1, 0))
    v = [held.real, held.imag] if pairs else [held]
    a, b, v = ([np.asarray(p).astype(dtype) for p in s] for s in (a, b, v))
    n, c = x.shape[:2]
    a = [p.reshape(n, groups, c // groups, *p.shape[2:]) for p in a]
    b = [p.reshape(groups, p.shape[0] // groups, *p.shape[1:]) for p in b]
    value = np.repeat(np.stack(v), c // groups)

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
            weights = np.concatenate([sign * b[j] for _, j, sign in way], 2)
            value = np.repeat(np.stack([v[i] for i, _, _ in way]), c // groups)
            y = sum_of_taps(both, weights, where, value, skipped)
            sums.append(y.reshape(n, len(w), *y.shape[3:]))
        return np.stack(sums, -1)

    def size(arrays):
        return [np.where(np.isfinite(p), np.abs(p), 0).astype(np.float64) for p in arrays]

    sums = total(a, b, v)
    depth = c // groups * math.prod(w.shape[2:]) * (2 if pairs else 1)
    if dtype == np.int64:
        return sums, None, depth, np.zeros(sums.shape, bool)
    unclear = np.zeros(sums.shape, bool)
    if pairs and len(a) + len(b) < 4:
        # A real number has no imaginary part, or one of 0: an infinity makes NaN of that.
        filled = ([*s, np.zeros_like(s[0])][:2] for s in (a, b, v))
        unclear = np.isnan(total(*filled)) != np.isnan(sums)
    return sums, total(size(a), size(b), size(v), minus=1), depth, unclear


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


def expected(
    x, w, bias=None, residual=None, before=None, stride=1, padding=0, dilation=1, groups=1, *,
    padding_mode="constant", padding_value=0, channels_last=False, flip=False, activation=None,
    alpha=1, beta=0, dtype=None, overflow="wrap", **how,
):  # fmt: skip
    """What ``convN(x, w, ...)`` has to return; `before` is what `out` held."""
    rank, batched = w.ndim - 2, x.ndim == w.ndim
    wanted = None if dtype is None else native(np.dtype(dtype))
    depth = w[:1].size
    sums, result = dtypes(native(x.dtype), native(w.dtype), wanted, depth)
    whole, pairs = is_whole(sums), result.kind == "c"
    if is_whole(result) and not whole and overflow != "saturate":
        raise Refused("integers of floating point without overflow='saturate'")
    wide = np.dtype("i8") if whole else np.dtype("f8" if sums == "f4" else np.longdouble)

    def as_sum(array):
        parts = parts_of(array)
        if pairs and parts.shape[-1] == 1:
            parts = np.concatenate([parts, np.zeros_like(parts)], -1)
        return parts.astype(sums).astype(wide)

    def constant(number):
        if whole:
            return np.int64(number)
        return np.asarray(float(number)).astype(sums).astype(wide)[()]

    if channels_last:
        x = np.moveaxis(x, -1, -1 - rank)
    if not batched:
        x = x[None]
    if flip:
        w = np.flip(w, tuple(range(2, w.ndim)))
    word, *given = [activation] if isinstance(activation, str) else activation or [None]
    with np.errstate(all="ignore"):
        total, size, depth, anything = convolved(
            x, w, stride, padding, dilation, groups, padding_mode, padding_value, wide, pairs
        )
        alpha, beta, given = constant(alpha), constant(beta), [constant(p) for p in given]
        if bias is not None:
            bias = as_sum(bias).reshape(-1, *[1] * rank, 2 if pairs else 1)
        if not batched:
            total, size, anything = (s if s is None else s[0] for s in (total, size, anything))
        if channels_last:
            total, size, anything = (s if s is None else np.moveaxis(s, -2 - rank, -2)
                                     for s in (total, size, anything))  # fmt: skip
            bias = None if bias is None else np.moveaxis(bias, 0, -2)
        addends = [bias] if bias is not None else []
        if beta != 0:
            addends.append(beta * as_sum(before))
        if residual is not None:
            addends.append(as_sum(residual))
        if whole:
            total = alpha * total
            for addend in addends:
                total = total + addend
            if word in ("relu", "relu6", "clip"):
                total, _ = activated(word, given, total, None, None)
            limits = np.iinfo(result)
            if overflow == "saturate":
                total = np.clip(total, limits.min, min(int(limits.max), 2**63 - 1))
            total = total.astype(result)[..., 0]
            return Expected(total, total, anything)
        limits = np.finfo(sums)
        unit = float(limits.eps) / 2
        block = max(1, min(depth, BLOCK))
        bound = unit * (block + depth / block + 8) * size + depth * limits.smallest_subnormal
        if not np.isfinite(alpha):
            anything |= np.abs(total) <= bound
        anything |= size > float(limits.max) / 16
        total = alpha * total
        scale = min(abs(alpha), limits.max)
        size, bound = scale * size, scale * bound
        for addend in addends:
            total = total + addend
            size = size + np.where(np.isfinite(addend), np.abs(addend), 0)
        bound = bound + (2 * len(addends) + 1) * (unit * size + limits.smallest_subnormal)
        anything |= size > float(limits.max) / 16
        if word not in (None, "none"):
            total, bound = activated(word, given, total, bound, limits)
        bound = np.where(np.isfinite(total), bound, 0)
        ends = [total - bound, total + bound]
        if is_whole(result):
            ends = [whole_numbers(end[..., 0], result) for end in ends]
        elif pairs:
            ends = [np.ascontiguousarray(end.astype(f"f{result.itemsize // 2}")) for end in ends]
            ends = [end.view(result)[..., 0] for end in ends]
        else:
            ends = [narrowed(end[..., 0], result) for end in ends]
    return Expected(*ends, anything)
