# SPDX-License-Identifier: BSD-3-Clause
"""The families of operations, for fuzzing.py: the shapes that go together, the dtypes, the truth.

A case says by `op` which family it is of, and by `sizes` how large its arrays are.
"""

import math
from functools import reduce
from typing import NamedTuple

import numpy as np
from fuzz_sums import (
    BF16,
    Refused,
    arrivals,
    axes_of,
    convolved,
    each,
    is_whole,
    native,
    padding_of,
    parts_of,
)
from fuzz_truth import Kind, Seen, convolution, finished, kind_of, rounded, settled, summed

import fastconv

FILTER = {"padding": "same", "padding_mode": "mirror", "overflow": "saturate"}
IMAGES = ("filter2d", "filter_nd", "separable_filter")  # whose operands are images
KERNELS = ("weight", "second", "third")  # of a separable filter, those that there are

# By which names users know the arrays of a case.
NAMES = {name: name for name in ("input", "weight", "bias", "residual", "out")}
PAIR = NAMES | {"weight": "depthwise_weight", "second": "pointwise_weight",
                "first_bias": "depthwise_bias"}  # fmt: skip
IMAGE = NAMES | {"input": "image", "weight": "kernel"}
SEPARABLE = IMAGE | dict.fromkeys(KERNELS, "kernels_1d")

COMMON = ("stride", "channels_last")
WINDOW = (*COMMON, "padding", "dilation", "flip", "padding_mode", "padding_value")


class Family(NamedTuple):
    words: tuple  # parameters that not all families have
    truth: object  # (arrays, said): `Expected`
    names: dict = NAMES


def function_of(op, rank):
    return getattr(fastconv, op if op in IMAGES else f"{op}{rank}d")


def with_defaults(op, said):
    return FILTER | said if op in IMAGES else said


# ---- shapes ------------------------------------------------------------------------------------


def outputs_of(op, sizes, said):
    """The sizes of the output."""
    said = with_defaults(op, said)
    if op == "conv_transpose":
        return tuple(size for size, _ in spread(sizes["sizes"], sizes["taps"], said))
    axes = axes_of(sizes["sizes"], [max(1, k) for k in sizes["taps"]], said)
    return tuple(
        (n + before + after - d * (k - 1) - 1) // s + 1
        for (n, k, s, d), (before, after) in zip(
            axes, padding_of(said.get("padding", 0), axes), strict=True
        )
    )


def spread(sizes, taps, said):
    """(size of the output, elements before it that are cropped) of each axis of a transposed
    convolution."""
    axes, padding, rank = axes_of(sizes, taps, said), said.get("padding", 0), len(taps)
    more, wanted = each(said.get("output_padding", 0), rank), said.get("output_size")
    wanted = [None] * rank if wanted is None else each(wanted, rank)
    if len(wanted) > rank:  # a whole shape
        wanted = wanted[-1 - rank : -1] if said.get("channels_last") else wanted[-rank:]
    same, found = str(padding).startswith("same"), []
    for at, (n, k, s, d) in enumerate(axes):
        if n < 1:
            raise Refused("no input")
        size = wanted[at]
        if same:
            size = n * s if size is None else size
            low, high = (n - 1) * s + 1, n * s
        before, after = padding_of(
            padding if isinstance(padding, str) else [each_side(padding, at, rank)],
            [(size, k, s, d)],
        )[0]
        least = (n - 1) * s + d * (k - 1) + 1 - before - after
        if not same:
            size = least + more[at] if size is None else size
            low, high = least, least + max(s, d) - 1
        if not low <= size <= high or size < 1 or more[at] >= max(s, d):
            raise Refused("no such size")
        found.append((size, before))
    if any(more) and (same or said.get("output_size") is not None):
        raise Refused("two sizes")
    return found


def each_side(padding, at, rank):
    entry = each(padding, rank)[at]
    return (entry, entry) if isinstance(entry, int) else entry


def shapes(op, sizes, said):
    """{array: its shape}; those that a case need not have, too."""
    outputs, taps = outputs_of(op, sizes, said), sizes["taps"]
    if op in IMAGES:
        channels = sizes["channels"]
        x, y = (*sizes["sizes"], *channels), (*outputs, *channels)
        bias = channels if sizes.get("placed") else ()
        found = {"input": x, "bias": bias, "residual": y, "out": y}
        if op != "separable_filter":
            return found | {"weight": tuple(taps)}
        return found | {name: (k,) for name, k in zip(KERNELS, taps, strict=False) if k}
    groups, c_in, c_out, batch = (sizes[name] for name in ("groups", "c_in", "c_out", "batch"))
    last, ones = said.get("channels_last", False), () if sizes.get("flat") else (1,) * len(taps)

    def seen(channels, inner):
        return (*batch, *inner, channels) if last else (*batch, channels, *inner)

    outer = sizes["mixed"] if op == "depthwise_separable_conv" else groups * c_out
    y = seen(outer, outputs)
    found = {"input": seen(groups * c_in, sizes["sizes"]), "bias": (outer,),
             "weight": (groups * c_out, c_in, *taps), "residual": y, "out": y}  # fmt: skip
    if op == "pointwise_conv":
        found["weight"] = (groups * c_out, c_in, *ones)
    elif op == "conv_transpose":
        found["weight"] = (groups * c_in, c_out, *taps)
    elif op == "local_conv":
        found["weight"] = (*outputs, *found["weight"])
        found["bias"] = (outer, *outputs) if sizes.get("placed") else (outer,)
    elif op == "depthwise_separable_conv":
        found |= {"second": (outer, groups * c_out, *ones), "first_bias": (groups * c_out,)}
    return found


def work_of(op, sizes, said):
    """About how many multiply-adds the truth makes."""
    outputs = outputs_of(op, sizes, said)
    places = math.prod(max(1, n) for n in outputs) * math.prod(max(1, k) for k in sizes["taps"])
    if op in IMAGES:
        return places * math.prod(sizes["channels"])
    if op == "conv_transpose":  # a border: cells that arrive through a tap
        mode = said.get("padding_mode", "constant")
        axes = list(zip(sizes["sizes"], outputs, each(mode, len(outputs)), strict=True))
        places *= math.prod(1 + (word != "constant") * 2 * n // m for n, m, word in axes)
    batch = math.prod(max(1, n) for n in sizes["batch"])
    each_group = places * max(1, sizes["c_in"]) * sizes["c_out"]
    mixed = math.prod(outputs) * sizes["c_out"] * sizes.get("mixed", 0)
    return batch * sizes["groups"] * (each_group + mixed)


# ---- dtypes ------------------------------------------------------------------------------------


def kinds_of(op, dtypes, sizes, said):
    """The `Kind` of each convolution; `dtypes` of the arrays by name."""
    said = with_defaults(op, said)
    x, w, wanted = dtypes["input"], dtypes.get("weight"), said.get("dtype")
    overflow, depth = said.get("overflow", "wrap"), math.prod(max(1, k) for k in sizes["taps"])
    if op in IMAGES:
        if op == "separable_filter":
            w = common([dtypes[name] for name in KERNELS if name in dtypes])
        if wanted is None and x.kind != "b" and (w.kind != "c" or x.kind == "c"):
            wanted = x
        kind = kind_of(x, w, wanted, overflow, depth)
        if op == "separable_filter" and kind.whole:
            kind = kind._replace(sums=np.dtype("i8"))
        return (kind,)
    depth *= sizes["c_in"]
    if op == "conv_transpose":
        depth = sizes["c_in"]
        axes = axes_of(sizes["sizes"], sizes["taps"], said)
        outputs = outputs_of(op, sizes, said)
        sides = padding_of(said.get("padding", 0), [(m, *a[1:]) for m, a in
                                                    zip(outputs, axes, strict=True)])  # fmt: skip
        modes = each(said.get("padding_mode", "constant"), len(axes))
        for (_, k, s, d), both, mode in zip(axes, sides, modes, strict=True):
            meet = math.ceil(k / (s // math.gcd(s, d)))
            depth *= meet * (1 + sum(max(0, p) for p in both) if mode != "constant" else 1)
    if op != "depthwise_separable_conv":
        return (kind_of(x, w, wanted, overflow, depth),)
    inner = None if wanted is None or is_whole(np.dtype(wanted)) else wanted
    first = kind_of(x, w, inner, "wrap", depth)
    mixed = sizes["groups"] * sizes["c_out"]
    return first, kind_of(first.result, dtypes["second"], wanted, overflow, mixed)


def common(dtypes):
    """The dtype of all kernels of a separable filter."""
    plain = [dtype for dtype in map(native, dtypes) if dtype != BF16]
    last = [BF16] * (len(plain) < len(dtypes))
    if not dtypes:
        return np.dtype(bool)
    try:
        return np.result_type(*([np.result_type(*plain)] if plain else []), *last)
    except TypeError:
        raise Refused("no dtype holds all kernels") from None


def kind_in(op, arrays, sizes, said):
    dtypes = {name: array.dtype for name, array in arrays.items() if array is not None}
    return kinds_of(op, dtypes, sizes, said)


# ---- truths ------------------------------------------------------------------------------------


def shared(op):
    """A convolution in other words."""

    def truth(arrays, said, sizes):
        weight = arrays["weight"]
        if op == "depthwise_conv":
            said = said | {"groups": sizes["groups"]}
        if op == "pointwise_conv":
            weight = weight.reshape(*weight.shape[:2], *(1,) * len(sizes["taps"]))
        return convolution(arrays | {"weight": weight}, said)

    return truth


def seen_of(sizes, said):
    return Seen(len(sizes["taps"]), bool(sizes["batch"]), said.get("channels_last", False))


def separable_conv(arrays, said, sizes):
    """Both convolutions; what lies between is no further off than its bound."""
    first, last = kind_in("depthwise_separable_conv", arrays, sizes, said)
    seen, w = seen_of(sizes, said), arrays["second"]
    bias = arrays.get("first_bias")
    w = w.reshape(*w.shape[:2], *(1,) * seen.rank)
    with np.errstate(all="ignore"):
        addends = [] if bias is None else [first.as_sum(seen.bias(bias))]
        found = summed(first, seen.inner(arrays["input"]), arrays["weight"],
                       said | {"groups": sizes["groups"]})  # fmt: skip
        total, bound, anything = settled(
            first, found, addends, activation=said.get("depthwise_activation")
        )
        if first.whole:
            between = rounded(first, total, bound, anything).low
            return finished(last, summed(last, between, w, {}), seen, arrays, said)
        between = np.ascontiguousarray(total)
        if first.pairs:
            between = between.view(np.result_type(between.dtype, np.complex64))
        found = summed(last, between[..., 0], w, {})
        too_large = np.abs(total) > float(np.finfo(last.sums).max) / 16  # as it is multiplied
        bound, odd = bound.sum(-1), (anything | too_large).any(-1)
        sizes_of_w = np.stack([w.real, w.imag]) if w.dtype.kind == "c" else w[None]
        sizes_of_w = np.abs(sizes_of_w.astype("f8")).sum(0)
        finite = np.isfinite(sizes_of_w)
        real = Kind(last.sums, last.sums, False)

        def reached(x, w):
            return summed(real, x.astype("f8"), w.astype("f8"), {}).total

        found.error = reached(bound, np.where(finite, sizes_of_w, 0))
        odd = reached(odd, np.ones(w.shape)) + reached(bound > 0, ~finite)
        found.anything = found.anything | (odd > 0)
        return finished(last, found, seen, arrays, said)


def transposed(arrays, said, sizes):
    """Each element of the output from those of the input that are added to it."""
    (kind,) = kind_in("conv_transpose", arrays, sizes, said)
    seen, w, rank = seen_of(sizes, said), arrays["weight"], len(sizes["taps"])
    groups = said.get("groups", 1)
    axes = axes_of(sizes["sizes"], sizes["taps"], said)
    modes, where, taps = each(said.get("padding_mode", "constant"), rank), [], []
    for axis, (size, before), mode in zip(
        axes, spread(sizes["sizes"], sizes["taps"], said), modes, strict=True
    ):
        tap, entries = arrivals(axis[0], size, axis, before, mode)
        taps.append(tap)
        where.append(entries)
    if said.get("flip"):
        w = np.flip(w, tuple(range(2, w.ndim)))
    w = w.reshape(groups, -1 if w.size else sizes["c_in"], *w.shape[1:]).swapaxes(1, 2)
    w = w.reshape(-1 if w.size else groups * sizes["c_out"], *w.shape[2:])
    w = w[(slice(None), slice(None), *np.ix_(*taps))]
    with np.errstate(all="ignore"):
        found = convolved(seen.inner(arrays["input"]), w, where, groups, 0, kind.wide, kind.pairs)
        return finished(kind, found, seen, arrays, said)


def local(arrays, said, sizes):
    (kind,) = kind_in("local_conv", arrays, sizes, said)
    with np.errstate(all="ignore"):
        seen = seen_of(sizes, said)
        found = summed(
            kind, seen.inner(arrays["input"]), arrays["weight"], said, len(sizes["taps"])
        )
        return finished(kind, found, seen, arrays, said)


class Image(NamedTuple):
    """An image (*sizes, *channels) as one of a batch for each channel."""

    rank: int
    channels: tuple

    def inner(self, array):
        whole = array.reshape(*array.shape[: self.rank], math.prod(self.channels))
        return np.moveaxis(whole, -1, 0)[:, None]

    def outer(self, array):
        whole = np.moveaxis(array[:, 0], 0, -1)
        return whole.reshape(*whole.shape[:-1], *self.channels)

    def bias(self, array):
        return np.broadcast_to(array, self.channels).reshape(-1, *(1,) * (self.rank + 1))


def filtered(op):
    def truth(arrays, said, sizes):
        said = FILTER | said
        (kind,) = kind_in(op, arrays, sizes, said)
        seen = Image(len(sizes["taps"]), sizes["channels"])
        image = seen.inner(arrays["input"])
        with np.errstate(all="ignore"):
            if op == "separable_filter":
                found = separable(kind, image, arrays, said, sizes)
            else:
                found = summed(kind, image, arrays["weight"][None, None], said)
            return finished(kind, found, seen, arrays, said)

    return truth


def separable(kind, image, arrays, said, sizes):
    """The sums with the outer product; each pass rounds those of the one before."""
    given = [arrays.get(name) for name in KERNELS[: len(sizes["taps"])]]
    dtype = common([k.dtype for k in given if k is not None])
    pairs = dtype.kind == "c"
    wide = np.result_type(kind.wide, np.complex64) if pairs else kind.wide
    kernels = [np.ones(1, wide) if k is None else k.astype(dtype).astype(wide) for k in given]
    found = summed(kind, image, reduce(np.multiply.outer, kernels)[None, None], said)
    if kind.whole:
        return found
    limits = np.finfo(kind.sums)
    grows = math.prod(max(1.0, float(magnitude(k).sum())) for k in kernels)
    value = abs(complex(said.get("padding_value", 0)))
    most = max(float(np.abs(image[np.isfinite(image)]).max(initial=0)), min(value, 1e308))
    passes = sum(k.size + 12 for k in kernels) * (1 + pairs)
    size = found.size
    if kind.pairs:  # parts of the outer product may be smaller than those of its factors
        real = Kind(kind.sums, kind.sums, False)
        whole = reduce(np.multiply.outer, map(magnitude, kernels))[None, None]
        outside = {"padding_value": magnitude(np.array(said.get("padding_value", 0)))[()]}
        size = summed(real, magnitude(image), whole, said | outside).total
        size = np.where(np.isfinite(size), size, 0)
    found.error = float(limits.eps) / 2 * passes * size + (
        passes * limits.smallest_subnormal * grows
    )
    if kind.pairs:  # an infinity times a complex number is NaN or not, as it is grouped
        found.anything = found.anything | ~np.isfinite(found.total).all(-1, keepdims=True)
    finite = all(np.isfinite(k).all() for k in kernels)
    if not (finite and grows * most < float(limits.max) / 16):
        found.anything = np.ones_like(found.anything)
    return found


def magnitude(array):
    """The sum of the parts without their signs, of those that are numbers."""
    parts = np.abs(parts_of(array).astype("f8"))
    return np.where(np.isfinite(parts), parts, 0).sum(-1)


FAMILIES = {
    "conv": Family((*WINDOW, "groups"), shared("conv")),
    "depthwise_conv": Family(WINDOW, shared("depthwise_conv")),
    "pointwise_conv": Family((*COMMON, "groups"), shared("pointwise_conv")),
    "depthwise_separable_conv": Family(
        (*WINDOW, "depthwise_activation"), separable_conv, PAIR
    ),
    "conv_transpose": Family(
        (*COMMON, "padding", "dilation", "groups", "flip", "padding_mode", "output_padding",
         "output_size"),
        transposed,
    ),
    "local_conv": Family((*WINDOW, "groups"), local),
    **{op: Family(tuple(w for w in WINDOW if w != "channels_last"), filtered(op),
                  SEPARABLE if op == "separable_filter" else IMAGE)
       for op in IMAGES},
}  # fmt: skip


def expected(case, arrays, said):
    """The `Expected` of a case: arrays by name, `out` as it was before."""
    return FAMILIES[case["op"]].truth(arrays, said, case["sizes"])
