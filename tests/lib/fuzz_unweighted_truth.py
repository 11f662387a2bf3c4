# SPDX-License-Identifier: BSD-3-Clause
"""What functions without weights return, for fuzzing.py: slowly, with NumPy.

Arrays are (N, C, *sizes) here.
"""

import math
from functools import reduce
from itertools import product

import numpy as np
from fuzz_sums import Refused, cells, each, is_narrow, is_whole, native, parts_of, sum_dtype
from fuzz_truth import Both, Exact, Expected, Seen, narrowed, whole_numbers
from fuzz_unweighted import (
    SHUFFLES,
    WINDOWED,
    alike,
    average,
    covering,
    outputs_of,
    pad_sides,
    read,
    shifted,
    spread_of,
    weights_of,
    windows_of,
)

from fastconv._spec.resample import make_interpolate_spec


def seen_of(sizes, said):
    return Seen(len(sizes["sizes"]), bool(sizes["batch"]), said.get("channels_last", False))


# ---- largest elements --------------------------------------------------------------------------


def worst_of(dtype, smallest):
    """What a window without cells gives."""
    if dtype.kind == "b":
        return smallest
    if is_whole(dtype):
        return np.iinfo(dtype).max if smallest else np.iinfo(dtype).min
    return math.inf if smallest else -math.inf


def largest(op, x, window, said, shape, first=(0, 0)):
    """(values, indices) of windows; `first`: the plane that x begins with, of `shape` in all."""
    dtype, smallest = native(x.dtype), "min_pool" in op
    real = x.astype(dtype) if is_whole(dtype) else x.astype("f8")
    outputs = [len(axis[0]) for axis in window]
    best = np.full((*x.shape[:2], *outputs), worst_of(dtype, smallest), real.dtype)
    index, seen = np.full(best.shape, -1, np.int64), np.zeros(best.shape, bool)
    weights = weights_of(said.get("index_convention", "plane"), shape[1], shape[2:])
    planes = [np.arange(n).reshape(-1, *(1,) * k) + at
              for n, k, at in zip(x.shape, (len(outputs) + 1, len(outputs)), first,
                                  strict=False)]  # fmt: skip
    base = sum(w * at for w, at in zip(weights, planes, strict=False))
    value = np.asarray(said.get("padding_value", 0)).astype(dtype).astype(real.dtype)
    for places, there, fixed, held in read(real, window):
        here = base + sum(w * at for w, at in zip(weights[2:], places, strict=True))
        held, here = np.where(fixed, value, held), np.where(fixed, -1, here)
        missing = held != held
        take = ~seen | (held < best if smallest else held > best)
        take = take & ~missing if said.get("nan_policy") == "omit" else take | missing
        take &= there
        best, index, seen = np.where(take, held, best), np.where(take, here, index), seen | take
    return best.astype(dtype), index.astype(said.get("index_dtype") or "i8")


def largest_of(op):
    def truth(arrays, said, sizes):
        seen, outputs = seen_of(sizes, said), outputs_of(op, sizes, said)
        x = seen.inner(arrays["input"])
        if "samples" in arrays:
            values, indices = largest_of_planes(op, x, outputs, arrays["samples"], said)
        else:
            window = covering(x.shape[2:], outputs) if op not in WINDOWED else (
                alike(op, x.shape[2:], said, said.get("padding_value") is not None))  # fmt: skip
            values, indices = largest(op, x, window, said, x.shape)
        # Without indices, other windows are compared an axis after the other: of several zeros any.
        signed = op in WINDOWED or bool(said.get("return_indices"))
        values = Exact(seen.outer(values), signed=signed)
        return Both(values, Exact(seen.outer(indices))) if said.get("return_indices") else values

    return truth


def largest_of_planes(op, x, outputs, samples, said):
    """A fractional pool, whose windows are others in each plane."""
    rank, samples = len(outputs), samples.astype("f8")
    if not ((samples >= 0) & (samples <= 1)).all():
        raise Refused("samples beyond 0 to 1")
    real, kernel = np.float32 if is_narrow(x.dtype) else np.float64, each(said["kernel_size"], rank)
    values = np.empty((*x.shape[:2], *outputs), native(x.dtype))
    indices = np.empty(values.shape, said.get("index_dtype") or "i8")
    for n, c in np.ndindex(*x.shape[:2]):
        u = samples[n, c][:: -1 if rank == 2 else 1]  # of two axes the width comes first
        window = shifted(x.shape[2:], outputs, kernel, u, real)
        found = largest(op, x[n : n + 1, c : c + 1], window, said, x.shape, (n, c))
        values[n, c], indices[n, c] = (one[0, 0] for one in found)
    return values, indices


# ---- averages and norms ------------------------------------------------------------------------


def chain(window):
    """The most roundings of a sum: along each axis in blocks of 256."""
    return sum(min(len(taps), 256) + len(taps) // 256 for taps in window) + 8


def counted(op, axes, said, modes):
    """Cells of each window that an average counts."""
    found = []
    for ((n, k, s, d), (before, after), outputs), mode in zip(axes, modes, strict=True):
        at = np.arange(outputs)[:, None] * s - before + np.arange(k) * d
        low, high = (-before, n + after) if said.get("count_include_pad", True) else (0, n)
        bordered = mode != "constant" or said.get("padding_value")
        found.append(np.full(outputs, k) if bordered else ((at >= low) & (at < high)).sum(1))
    return np.prod(np.broadcast_arrays(*np.ix_(*found)), 0)


def averages_of(op):
    def truth(arrays, said, sizes):
        seen, lengths = seen_of(sizes, said), sizes["sizes"]
        x, power = seen.inner(arrays["input"]), said.get("norm_type") if "lp" in op else None
        source = native(x.dtype)
        result = said.get("dtype") or (np.dtype("f8") if is_whole(source) else source)
        result = native(np.dtype(result))
        narrow = is_narrow(source) and is_narrow(result)
        sums, wide = ("f4", np.float64) if narrow else ("f8", np.longdouble)
        outputs, axes = outputs_of(op, sizes, said), None
        if op in WINDOWED:
            axes = windows_of(op, lengths, said)
            modes = each(said.get("padding_mode", "constant"), len(lengths))
            window = alike(op, lengths, said)
        else:
            window = covering(lengths, outputs)
        some = said.get("nan_policy") == "omit"
        where = arrays.get("where")
        if where is not None:
            where = seen.inner(np.broadcast_to(where, arrays["input"].shape) != 0)
        value = np.asarray(said.get("padding_value", 0)).astype(source).astype(sums).astype(wide)
        total = np.zeros((*x.shape[:2], *outputs), wide)
        size, count = total.copy(), total.astype("f8")
        masks = read(where, window) if where is not None else None
        for _, there, fixed, held in read(x.astype(sums).astype(wide), window):
            held = np.where(fixed, value, held)
            counts = np.broadcast_to(there, held.shape)
            if masks is not None:
                counts = counts & (fixed | next(masks)[3])
            counts = counts & ~np.isnan(held) if some else counts
            held = np.where(counts, held, 0)
            if power is not None:
                held = np.abs(held) if power == math.inf else np.abs(held) ** wide(power)
            total = np.maximum(total, held) if power == math.inf else total + held
            size, count = size + np.where(np.isfinite(held), np.abs(held), 0), count + counts
        limits = np.finfo(sums)
        unit = float(limits.eps) / 2
        alone = said.get("algorithm") == "reference"  # which adds one after the other
        links = math.prod(map(len, window)) if alone else chain(window)
        error = unit * (links + 4 * (power is not None)) * size
        error = error + math.prod(map(len, window)) * float(limits.smallest_subnormal)
        error = np.where(np.isfinite(total), error, 0)
        anything = size > float(limits.max) / 16
        if power == math.inf:
            low = high = total
        elif power is not None:
            low, high = (np.maximum(t, 0) ** (1 / wide(power))
                         for t in (total - error, total + error))  # fmt: skip
            grows = unit * (4 + 2 * np.abs(np.log(np.where(high > 0, high, 1))))
            low, high = low * (1 - grows), high * (1 + grows)
            low = np.where(np.isfinite(total), low, total)
        else:
            if axes is not None and not some and where is None:
                count = counted(op, axes, said, modes)
                count = said.get("divisor_override") or count
            rounding = 4 * unit * np.abs(total / count) + float(limits.smallest_subnormal)
            rounding = np.where(np.isfinite(rounding), rounding, 0)
            low, high = ((total + sign * error) / count + sign * rounding for sign in (-1, 1))
            low, high = (np.where(count == 0, np.nan, end) for end in (low, high))
        as_result = whole_numbers if is_whole(result) else narrowed
        low, high = (seen.outer(as_result(end, result)) for end in (low, high))
        return Expected(low, high, seen.outer(anything)[..., None])

    return truth


# ---- moves -------------------------------------------------------------------------------------


def unpooled(arrays, said, sizes):
    """Each value where its index says, one after the other."""
    seen, x = seen_of(sizes, said), arrays["input"]
    outputs = outputs_of("max_unpool", sizes, said)
    shape = (*seen.inner(x).shape[:2], *outputs)
    weights = weights_of(said.get("index_convention", "plane"), shape[1], outputs)

    def keys(found, plane):
        """Numbers of places: of an index that does not tell the plane it is that of the value."""
        own = (plane[0] * (weights[0] == 0)) * shape[1] + plane[1] * (weights[1] == 0)
        return np.where((found < 0) | (found >= math.prod(shape)), -1, found + own * y.size)

    y = np.zeros(shape, native(x.dtype))
    grid = np.indices(shape)
    known = keys(sum(w * at for w, at in zip(weights, grid, strict=True)), grid).ravel()
    index = seen.inner(arrays["indices"].astype("i8"))
    wanted = seen.outer(keys(index, np.indices(index.shape))).ravel()
    kept, order = arrays["indices"].ravel() != -1, np.argsort(known)
    at = np.minimum(np.searchsorted(known[order], wanted[kept]), max(y.size - 1, 0))
    if (known[order][at] != wanted[kept]).any():
        raise Refused("an index of nothing")
    met = {}
    for to, value in zip(order[at], x.astype(y.dtype).ravel()[kept], strict=True):
        met.setdefault(to, []).append(value)
    for to, values in met.items():
        y.flat[to] = combined(said.get("overlap", "last"), values)
    return Exact(seen.outer(y), signed=said.get("overlap") != "max")


def combined(overlap, values):
    """What several values of a place give, in their order."""
    if overlap == "sum":  # of narrow numbers it is rounded once
        dtype = sum_dtype(values[0].dtype)
        return reduce(np.add, [value.astype(dtype) for value in values], dtype.type(0))
    result = values[0]
    for value in values[1:]:
        if overlap == "last" or value > result or value != value:
            result = value
    return result


def spread_out(op):
    """nearest_unpool and bed_of_nails_unpool: the last window that holds a place."""

    def truth(arrays, said, sizes):
        seen, cut = seen_of(sizes, said), []
        for (n, k, s), before, size in spread_of(op, sizes, said):
            at = np.full(size, -1)
            for i in range(n):
                reach = range(i * s - before, i * s - before + (k if op[0] == "n" else 1))
                for place in reach:
                    if 0 <= place < size:
                        at[place] = i
            cut.append(at)
        return Exact(seen.outer(placed(seen.inner(arrays["input"]), cut)), True)

    return truth


def placed(x, where, value=0):
    """The elements of the last axes at these places, `value` where they are below 0."""
    for axis, at in enumerate(where, x.ndim - len(where)):
        shape = [1] * x.ndim
        shape[axis] = len(at)
        held = np.zeros_like(x, shape=(*x.shape[:axis], len(at), *x.shape[axis + 1 :])) if (
            x.shape[axis] == 0) else np.take(x, np.maximum(at, 0), axis)  # fmt: skip
        x = np.where((at < 0).reshape(shape), np.asarray(value).astype(x.dtype), held)
    return x


def columns(op):
    """unfold, unfold_view and fold."""

    def truth(arrays, said, sizes):
        seen, x, batch = seen_of(sizes, said), arrays["input"], sizes["batch"]
        kernel = each(said["kernel_size"], seen.rank)
        lengths = each(said["output_size"], seen.rank) if op == "fold" else sizes["sizes"]
        window = alike(op, lengths, said, op != "fold")
        if op == "fold":
            return folded(x, window, kernel, lengths, seen)
        value = np.asarray(said.get("padding_value", 0)).astype(x.dtype)
        rows = [np.where(fixed, value, held) for *_, fixed, held in read(seen.inner(x), window)]
        y = np.stack(rows, 2)  # (N, C, taps, *outputs)
        if op == "unfold":
            y = y.reshape(y.shape[0], y.shape[1] * y.shape[2], math.prod(y.shape[3:]))
        else:
            y = np.moveaxis(y, 2, -1).reshape(*y.shape[:2], *y.shape[3:], *kernel)
        return Exact(y if batch else y[0], True)

    return truth


def folded(x, window, kernel, lengths, seen):
    """The sums of columns, in the order of taps."""
    outputs = [len(axis[0]) for axis in window]
    x = x if seen.batched else x[None]
    x = x.reshape(len(x), -1 if x.size else x.shape[1] // math.prod(kernel), *kernel, *outputs)
    dtype = native(x.dtype)
    real = np.dtype("i8") if is_whole(dtype) else sum_dtype(dtype)
    y = np.zeros((*x.shape[:2], *lengths), real)
    for tap, at in zip(np.ndindex(*kernel), product(*window), strict=True):
        some = np.ix_(*(np.flatnonzero(a >= 0) for a in at))
        to = np.ix_(*(a[a >= 0] for a in at))
        with np.errstate(all="ignore"):
            y[(..., *to)] += x[(slice(None), slice(None), *tap)][(..., *some)].astype(real)
    with np.errstate(all="ignore"):
        return Exact(seen.outer(y.astype(dtype)))


def padded(arrays, said, sizes):
    x, rank = arrays["input"], len(sizes["sizes"])
    modes = each(said.get("mode", "constant"), rank)
    for axis, (before, after) in enumerate(pad_sides(said["padding"], rank)):
        n, mode = x.shape[axis], modes[axis]
        if n == 0 and mode != "constant" and max(before, after) > 0:
            raise Refused("no cell to go on from")
        at = cells(mode, np.arange(-before, n + after), n)
        moved = placed(np.moveaxis(x, axis, -1), [at], said.get("value", 0))
        x = np.moveaxis(moved, -1, axis)
    return Exact(x, True)


def shuffled(op):
    """Axes that are divided, exchanged and joined."""

    def truth(arrays, said, sizes):
        seen, lengths, c = seen_of(sizes, said), sizes["sizes"], sizes["c_in"]
        x, rank = seen.inner(arrays["input"]), len(lengths)
        if op == "channel_shuffle":
            y = x.reshape(len(x), said["groups"], c, *lengths).swapaxes(1, 2).reshape(x.shape)
            return Exact(seen.outer(y), True)
        factors = each(said[SHUFFLES[op]], rank)
        inside = (len(x), c, *factors, *lengths)  # (batch, channel, *places in a pixel, *pixels)
        order = [0, 1, *(2 + axis + more for axis in range(rank) for more in (rank, 0))]
        if op == "pixel_shuffle":
            larger = (n * r for n, r in zip(lengths, factors, strict=True))
            y = x.reshape(inside).transpose(order).reshape(len(x), c, *larger)
        else:
            y = x.reshape([inside[axis] for axis in order]).transpose(np.argsort(order))
            y = y.reshape(len(x), c * math.prod(factors), *lengths)
        return Exact(seen.outer(y), True)

    return truth


# ---- interpolation -----------------------------------------------------------------------------


def resampled(arrays, said, sizes):
    """Sums with the weights of each axis, whose places are those of the specification."""
    seen, x = seen_of(sizes, said), arrays["input"]
    outputs_of("interpolate", sizes, said)
    spec = make_interpolate_spec("interpolate", 0, ((x.shape, x.dtype),), **said)
    axes, dtype = spec.axes[3 - seen.rank :], native(x.dtype)
    taps = [axis.taps for axis in axes]
    if spec.copies:
        return Exact(seen.outer(placed(seen.inner(x), [index[:, 0] for index, _ in taps])), True)
    wide = np.dtype("f8" if spec.sums == "f4" else np.longdouble)
    total = parts_of(seen.inner(x.astype(dtype))).astype(spec.sums).astype(wide)
    odd = (~np.isfinite(total)).astype("f8")
    size = np.abs(np.where(odd > 0, 0, total))
    unclear = 0 * odd
    for number, (index, weight) in enumerate(taps, 2):
        shape = [1] * total.ndim
        shape[number] = -1
        sums = [0, 0, 0, 0]
        for t in range(index.shape[1]):
            at, w = np.maximum(index[:, t], 0), weight[:, t].reshape(shape).astype(wide)
            there = (index[:, t] >= 0).reshape(shape)
            held = [np.take(array, at, number) for array in (total, size, odd, unclear)]
            terms = (held[0] * w, held[1] * abs(w), held[2], held[3] + held[2] * (w == 0))
            sums = [np.where(there, s + term, s) for s, term in zip(sums, terms, strict=True)]
        total, size, odd, unclear = sums
    limits = np.finfo(spec.sums)
    depth = sum(index.shape[1] + 3 for index, _ in taps)
    error = float(limits.eps) / 2 * depth * size + depth * float(limits.smallest_subnormal)
    ends = (total - error, total + error)
    anything = (unclear > 0) | (size > float(limits.max) / 16)
    if dtype.kind == "c":
        ends = [np.ascontiguousarray(end.astype(f"f{dtype.itemsize // 2}")).view(dtype)[..., 0]
                for end in ends]  # fmt: skip
    else:
        as_result = whole_numbers if is_whole(dtype) else narrowed
        ends = [as_result(end[..., 0], dtype) for end in ends]
    anything = np.stack([seen.outer(part) for part in np.moveaxis(anything, -1, 0)], -1)
    return Expected(*map(seen.outer, ends), anything)


def truth_of(op):
    """The function that gives the `Expected` or `Exact` of an operation."""
    if op.endswith(("max_pool", "min_pool")):
        find = largest_of(op)
    elif average(op):
        find = averages_of(op)
    elif op in SHUFFLES or op == "channel_shuffle":
        find = shuffled(op)
    elif op.startswith(("nearest", "bed")):
        find = spread_out(op)
    else:
        find = {"max_unpool": unpooled, "pad": padded, "interpolate": resampled}.get(op) or (
            columns(op))  # fmt: skip

    def truth(arrays, said, sizes):
        with np.errstate(all="ignore"):
            return find(arrays, said, sizes)

    return truth
