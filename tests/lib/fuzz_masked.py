# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions of which some elements of the input do not count, for fuzzing.py: how masks and gaps
are drawn, the truth from three sums, and what a convolution without a mask says of it."""

import math

import numpy as np
from fuzz_arrays import described, some
from fuzz_shapes import kind_in, seen_of
from fuzz_sums import each, is_whole
from fuzz_truth import BLOCK, Kind, finished, summed

DTYPES = ("?", "?", "?", "u1", "i8", ">i2", "f4", "f2", "bf16", ">f8")


def draw_mask(random, rank):
    """Of each of the last axes of the input, whether the mask has it or a 1."""
    axes = random.choice((0, rank, rank + 1, rank + 2, rank + 2, rank + 2))
    return tuple(random.random() < 0.75 for _ in range(axes))


def draw_gaps(random, case, shape, said):
    """What does not count: where a mask says so, NaN, or both."""
    rank = len(case["sizes"]["sizes"])
    masked, omit = random.choice(((True, False), (False, True), (True, True)))
    if omit:
        said["nan_policy"] = "omit"
        if random.random() < 0.7:
            case["input"]["kind"] = "gaps"
        whole = case["input"]["dtype"].lstrip(">")[0] in "?iu"
        constant = "constant" in each(said.get("padding_mode", "constant"), rank)
        if constant and not whole and random.random() < 0.3:
            said["padding_value"] = math.nan
    elif random.random() < 0.5:
        said["nan_policy"] = "propagate"
    if masked:
        kind = some(random, (4, 0.5), (3, 0.9), (2, 0.1), (1, 1.0), (1, 0.0), (2, "special"))
        case["where"] = described(random, shape["where"], random.choice(DTYPES), kind)


def counted(arrays, said, sizes):
    """(Which elements count, as (N, C, *sizes); whether constant padding does.)"""
    x, where = arrays["input"], arrays.get("where")
    valid = np.ones(x.shape, bool) if where is None else np.broadcast_to(where != 0, x.shape)
    omit = said.get("nan_policy") == "omit" and not is_whole(x.dtype)
    if omit:
        valid = valid & (x == x)
    value = said.get("padding_value", 0)
    return seen_of(sizes, said).inner(valid), not (omit and value != value)


def masked(arrays, said, sizes):
    """sum(w m x) * sum(|w|) / sum(|w| m), where |w| is 0 of weights that are not finite."""
    (kind,) = kind_in("masked_conv", arrays, sizes, said)
    seen, w = seen_of(sizes, said), arrays["weight"]
    valid, padding_counts = counted(arrays, said, sizes)
    x = seen.inner(arrays["input"])
    limits, real = np.finfo(kind.sums), Kind(kind.sums, kind.sums, False)
    with np.errstate(all="ignore"):
        outside = {} if padding_counts else {"padding_value": 0}
        found = summed(kind, np.where(valid, x, np.zeros((), x.dtype)), w, said | outside)
        size = np.abs(w.astype(np.result_type(kind.wide, np.complex64) if w.dtype.kind == "c"
                               else kind.wide))  # fmt: skip
        size = np.where(np.isfinite(size), size, 0).astype(kind.wide)
        size[~size.any(tuple(range(1, size.ndim)))] = 1  # without weights, elements are counted
        counts = {"padding_value": int(padding_counts)}
        part = summed(real, valid.astype(kind.wide), size, said | counts).total
        whole = size.sum(tuple(range(1, w.ndim))).reshape(-1, *(1,) * (w.ndim - 1))
        share = np.where(part == whole, 1, whole / part)
        depth = math.prod(w.shape[1:])
        unit, least = float(limits.eps) / 2, depth * limits.smallest_subnormal
        lost = np.where(part == 0, 0, least / part)  # as subnormal numbers are rounded
        off = 2 * unit * (min(depth, BLOCK) + depth / BLOCK + 16) + 2 * lost
        total = found.total * share
        known = np.where(np.isfinite(total), np.abs(total), 0)
        scale = np.where(np.isfinite(share), share, 0)
        found.total, found.size = total, found.size * scale
        found.error = known * off + least * scale
        large = (whole > limits.max / 16) | (share > limits.max / 16) & (part > 0)
        found.anything = found.anything | large | (lost > 0.1)
        return finished(kind, found, seen, arrays, said)


def complete(arrays, said, sizes):
    """In which windows all elements count, as the user sees the output."""
    valid, padding_counts = counted(arrays, said, sizes)
    w = np.ones(arrays["weight"].shape)
    kind, outside = Kind(w.dtype, w.dtype, False), {"padding_value": int(padding_counts)}
    found = summed(kind, valid.astype(w.dtype), w, said | outside).total[..., 0]
    return seen_of(sizes, said).outer(found == math.prod(w.shape[1:]))
