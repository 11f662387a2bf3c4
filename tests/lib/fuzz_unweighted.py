# SPDX-License-Identifier: BSD-3-Clause
"""Functions without weights, for fuzzing.py: what they take, and shapes that go together.

Of such a case `sizes` holds batch (one size, or none), c_in (channels) and sizes (of the spatial
axes); all else is said.
"""

import math
from itertools import product

import numpy as np
from fuzz_sums import Refused, axes_of, cells, each, padding_of

INDICES = ("return_indices", "index_convention", "index_dtype", "nan_policy")
HOW = ("channels_last",)
WINDOW = ("kernel_size", "stride", "padding", "dilation", "padding_mode", "padding_value", *HOW)
POOL = (*WINDOW, "ceil_mode")
SPREAD = ("kernel_size", "stride", "padding", "output_size", *HOW)
WORDS = {
    "max_pool": (*POOL, *INDICES),
    "min_pool": (*POOL, *INDICES),
    "avg_pool": (*POOL, "count_include_pad", "divisor_override", "nan_policy", "dtype"),
    "lp_pool": (*POOL, "norm_type", "dtype"),
    "adaptive_max_pool": ("output_size", *HOW, *INDICES),
    "adaptive_avg_pool": ("output_size", *HOW, "dtype"),
    "global_max_pool": (*HOW, *INDICES),
    "global_min_pool": (*HOW, *INDICES),
    "global_avg_pool": (*HOW, "dtype"),
    "global_lp_pool": ("norm_type", *HOW, "dtype"),
    "fractional_max_pool": ("kernel_size", "output_size", "output_ratio", *HOW, *INDICES),
    "max_unpool": (*SPREAD, "index_convention", "overlap"),
    "nearest_unpool": SPREAD,
    "bed_of_nails_unpool": SPREAD,
    "unfold": WINDOW,
    "unfold_view": ("kernel_size", "stride", "dilation", *HOW),
    "fold": ("kernel_size", "stride", "padding", "dilation", "output_size", *HOW),
    "pad": ("padding", "mode", "value"),
    "interpolate": ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor",
                    "antialias", *HOW),
    "pixel_shuffle": ("upscale_factor", *HOW),
    "pixel_unshuffle": ("downscale_factor", *HOW),
    "channel_shuffle": ("groups", *HOW),
}  # fmt: skip
WINDOWED = ("max_pool", "min_pool", "avg_pool", "lp_pool")
COLUMNS = ("unfold", "unfold_view", "fold")
NONE, CONSTANT = -1, -2  # what a window reads where it reads no cell
SHUFFLES = {"pixel_shuffle": "upscale_factor", "pixel_unshuffle": "downscale_factor"}
OF_ANY_RANK = (*COLUMNS, *SHUFFLES, "pad", "interpolate", "channel_shuffle")  # by one name
LARGEST = tuple(op for op in WORDS if op[-8:] in ("max_pool", "min_pool"))
MOVES = (*COLUMNS, *SHUFFLES, "pad", "channel_shuffle", "nearest_unpool", "bed_of_nails_unpool")

# ---- shapes ------------------------------------------------------------------------------------


def windows_of(op, lengths, said):
    """((n, k, stride, dilation), (before, after), outputs) of each axis."""
    kernel = each(said["kernel_size"], len(lengths))
    stride = said.get("stride") or (1 if op in COLUMNS else said["kernel_size"])
    axes = axes_of(lengths, kernel, said | {"stride": stride})
    sides, found = padding_of(said.get("padding", 0), axes), []
    for (n, k, s, d), (before, after) in zip(axes, sides, strict=True):
        padded, span, ceil = n + before + after, d * (k - 1) + 1, said.get("ceil_mode")
        if padded < span and not (ceil and n + before > 0 and padded > 0):
            raise Refused("a window longer than the input")
        outputs = (padded - span) // s + 1
        if ceil and (padded - span) % s and outputs * s < n + before:
            outputs += 1  # a last window that hangs over
            if after < 0:
                raise Refused("a window over what is cropped")
        if outputs < 1:
            raise Refused("no output")
        found.append(((n, k, s, d), (before, after), outputs))
    return found


def spread_of(op, sizes, said):
    """((n, k, stride), before, size) of each axis of an unpooling."""
    lengths, last = sizes["sizes"], said.get("channels_last")
    rank = len(lengths)
    kernel = each(said["kernel_size"], rank)
    stride = each(said.get("stride") or kernel, rank)
    sides = padding_of(said.get("padding", 0), [None] * rank)
    wanted = said.get("output_size")
    wanted = [None] * rank if wanted is None else each(wanted, rank)
    if len(wanted) > rank:  # of the whole array
        wanted = (wanted[:-1] if last else wanted)[-rank:]
    found = []
    for n, k, s, (before, after), size in zip(lengths, kernel, stride, sides, wanted, strict=True):
        usual = (n - 1) * s + k - before - after
        size = usual if size is None else size
        if size < 1 or abs(size - usual) >= s or (op != "max_unpool" and (n < 1 or before < 0)):
            raise Refused("no such size")
        found.append(((n, k, s), before, size))
    return found


def outputs_of(op, sizes, said):
    """The sizes of the spatial axes of the result, or of the windows in it."""
    lengths = sizes["sizes"]
    rank = len(lengths)
    if op in WINDOWED or op in COLUMNS:
        lengths = each(said["output_size"], rank) if op == "fold" else lengths
        return tuple(outputs for *_, outputs in windows_of(op, lengths, said))
    if op.endswith("unpool"):
        return tuple(size for *_, size in spread_of(op, sizes, said))
    if op.startswith("global"):
        found = (1,) * rank
    elif op == "interpolate" and said.get("scale_factor") is not None:
        scales = each(said["scale_factor"], rank)
        found = tuple(math.floor(n * f) for n, f in zip(lengths, scales, strict=True))
    elif "output_ratio" in said:
        found = tuple(int(n * r) for n, r in zip(lengths, each(said["output_ratio"], rank),
                                                 strict=True))  # fmt: skip
    else:
        wanted = each(said["size" if op == "interpolate" else "output_size"], rank)
        found = tuple(n if out is None else out for n, out in zip(lengths, wanted, strict=True))
    kernel = each(said.get("kernel_size", 1), rank)
    if op.startswith("fractional"):
        short = any(n < out + k - 1 for n, k, out in zip(lengths, kernel, found, strict=True))
    else:
        short = min(lengths) < 1
    if short or min(found) < 1:
        raise Refused("too few elements")
    return found


def shapes(op, sizes, said):
    """{array: its shape}; those that a case need not have, too, but no `out` if none is right."""
    lengths, rank = tuple(sizes["sizes"]), len(sizes["sizes"])
    if op == "pad":
        sides = pad_sides(said["padding"], rank)
        out = tuple(n + before + after for n, (before, after) in zip(lengths, sides, strict=True))
        if min(out, default=0) < 0:
            raise Refused("more is cropped than there is")
        return {"input": lengths, "out": out}
    batch, c = sizes["batch"], sizes["c_in"]

    def seen(channels, inner):
        inner = (*inner, channels) if said.get("channels_last") else (channels, *inner)
        return (*batch, *inner)

    if op in SHUFFLES or op == "channel_shuffle":
        factors = each(said[SHUFFLES.get(op, "groups")], rank if op in SHUFFLES else 1)
        if op == "channel_shuffle":
            return dict.fromkeys(("input", "out"), seen(c * factors[0], lengths))
        larger = seen(c, [n * r for n, r in zip(lengths, factors, strict=True)])
        both = (seen(c * math.prod(factors), lengths), larger)
        return dict(zip(("input", "out"), both[:: 1 if op == "pixel_shuffle" else -1], strict=True))
    found = {"input": seen(c, lengths)}
    if op == "avg_pool":
        found["where"] = broadcast(found["input"], sizes.get("mask", ()))
    if op == "max_unpool":
        found["indices"] = found["input"]
    if op.startswith("fractional"):
        found["samples"] = (*(batch or (1,)), c, rank)
    try:
        outputs = outputs_of(op, sizes, said)
    except Refused:
        return found
    found["out"] = seen(c, outputs)
    if op in COLUMNS:
        kernel = each(said["kernel_size"], rank)
        columns = (*batch, c * math.prod(kernel), math.prod(outputs))
        if op == "unfold_view":
            return found | {"out": (*batch, c, *outputs, *kernel)}
        if op == "fold":
            return {"input": columns, "out": seen(c, each(said["output_size"], rank))}
        return found | {"out": columns}
    if said.get("return_indices"):
        found["out_indices"] = found["out"]
    return found


def broadcast(shape, mask):
    """The shape of a mask that has some of the last axes of an array, of the others a 1."""
    mask = mask[-len(shape) :]
    return tuple(n if kept else 1 for n, kept in zip(shape[len(shape) - len(mask) :], mask,
                                                     strict=True))  # fmt: skip


def pad_sides(padding, rank):
    """(before, after) of each axis, of what numpy.pad takes."""
    if isinstance(padding, int):
        return [(padding, padding)] * rank
    if len(padding) == 2 and isinstance(padding[0], int):
        return [padding] * rank
    return list(padding) * (rank if len(padding) == 1 else 1)


def weights_of(convention, c, lengths):
    """What an index has for each step of batch, channel and spatial axes."""
    plane = math.prod(lengths)
    rows = [math.prod(lengths[at + 1 :]) for at in range(len(lengths))]
    columns = [math.prod(lengths[:at]) for at in range(len(lengths))]
    return {
        "plane": (0, 0, *rows),
        "flat": (c * plane, plane, *rows),
        "flat_column_major": (c * plane, plane, *columns),
        "nhwc": (0, 1, *(c * w for w in rows)),
        "nhwc_batch": (c * plane, 1, *(c * w for w in rows)),
    }[convention]


def average(op):
    """Whether numbers are added and divided, or rooted."""
    return op.endswith(("avg_pool", "lp_pool"))


# ---- windows -----------------------------------------------------------------------------------


def alike(op, lengths, said, counts_zero=False):
    """The windows of all planes; on a constant of 0 there is no cell, unless it counts."""
    found, modes = [], each(said.get("padding_mode", "constant"), len(lengths))
    value = said.get("padding_value")
    skipped = NONE if (value is None or not value) and not counts_zero else CONSTANT
    axes = windows_of(op, lengths, said)
    for ((n, k, s, d), (before, after), outputs), mode in zip(axes, modes, strict=True):
        if n == 0 and mode != "constant" and max(before, after) > 0:
            raise Refused("no cell to go on from")
        starts = np.arange(outputs) * s - before
        taps = [cells(mode, starts + t * d, n) for t in range(k)]
        found.append([np.where(at < 0, skipped, at) for at in taps])
    return found


def between(firsts, ends):
    """The windows of an axis, from first cells to ends."""
    most = int((ends - firsts).max(initial=0))
    return [np.where(firsts + t < ends, firsts + t, NONE) for t in range(most)]


def covering(lengths, outputs):
    """Adaptive windows."""
    return [
        between(np.array([o * n // m for o in range(m)]),
                np.array([-(-(o + 1) * n // m) for o in range(m)]))
        for n, m in zip(lengths, outputs, strict=True)
    ]  # fmt: skip


def shifted(lengths, outputs, kernel, samples, real):
    """Windows of a fractional pool in one plane, from a sample for each axis."""
    found = []
    for n, m, k, u in zip(lengths, outputs, kernel, samples, strict=True):
        u, step = real(u), real(n - k) / real(max(m - 1, 1))
        first = [int((real(o) + u) * step) - int(u * step) for o in range(m - 1)] + [n - k]
        found.append(between(np.array(first), np.array(first) + k))
    return found


def read(x, window):
    """(places, whether there is a cell, whether there is a constant, cells) for each tap."""
    for tap in product(*window):
        places = np.ix_(*tap)
        none = np.any(np.broadcast_arrays(*(at == NONE for at in places)), 0)
        fixed = np.any(np.broadcast_arrays(*(at == CONSTANT for at in places)), 0) & ~none
        if none.all():
            continue
        empty = 0 in x.shape[2:]
        held = np.zeros((*x.shape[:2], *none.shape), x.dtype) if empty else (
            x[(..., *(np.maximum(at, 0) for at in places))])  # fmt: skip
        yield places, ~none, fixed, held
