# SPDX-License-Identifier: BSD-3-Clause
"""Shapes and dtypes that go together, for fuzzing.py.

A case says by `op` which family it is of, and by `sizes` how large its arrays are.
"""

import math

import numpy as np
from fuzz_sums import BF16, Refused, axes_of, each, is_whole, native, padding_of
from fuzz_truth import Seen, kind_of
from fuzz_unweighted import OF_ANY_RANK, WORDS, broadcast
from fuzz_unweighted import shapes as shapes_unweighted

import fastconv
from fastconv._spec.masked import MASKED

FILTER = {"padding": "same", "padding_mode": "mirror", "overflow": "saturate"}
IMAGES = ("filter2d", "filter_nd", "separable_filter")  # whose operands are images
REAL = ("f2", "f4", "f8", "bf16", ">f4", ">f8", ">f2")
WHOLE = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">u4", ">i8")
PAIRS = ("c8", "c16", ">c8", ">c16")
KERNELS = ("weight", "second", "third")  # of a separable filter, those that there are


def function_of(op, rank):
    op = op.removeprefix("masked_")
    return getattr(fastconv, op if op in (*IMAGES, *OF_ANY_RANK) else f"{op}{rank}d")


def spec_of(op, rank):
    """The class of its specifications."""
    return MASKED.spec if op == "masked_conv" else function_of(op, rank)._family.spec


def with_defaults(op, said):
    return FILTER | said if op in IMAGES else said


def seen_of(sizes, said):
    return Seen(len(sizes["taps"]), bool(sizes["batch"]), said.get("channels_last", False))


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
    if op in WORDS:
        return shapes_unweighted(op, sizes, said)
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
    elif op == "masked_conv":
        found["where"] = broadcast(found["input"], sizes["mask"])
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
    if op == "masked_conv" and is_whole(x) and is_whole(w):
        x = np.dtype("f8")
    if op == "conv_transpose":
        depth = sizes["c_in"]
        axes = axes_of(sizes["sizes"], sizes["taps"], said)
        outputs = outputs_of(op, sizes, said)
        sides = padding_of(said.get("padding", 0), [(m, *a[1:]) for m, a in
                                                    zip(outputs, axes, strict=True)])  # fmt: skip
        modes = each(said.get("padding_mode", "constant"), len(axes))
        for (_, k, s, d), both, mode in zip(axes, sides, modes, strict=True):
            meet = math.ceil(k / (s // math.gcd(s, d)))
            copies = sum(max(0, p) for p in both) if mode != "constant" else 0
            depth *= meet * (1 + copies)
    if op != "depthwise_separable_conv":
        return (kind_of(x, w, wanted, overflow, depth),)
    inner = None if wanted is None or is_whole(np.dtype(wanted)) else wanted
    first = kind_of(x, w, inner, "wrap", depth)
    mixed = sizes["groups"] * sizes["c_out"]
    return first, kind_of(first.result, dtypes["second"], wanted, overflow, mixed)


def draw_dtypes(random, large):
    if large and random.random() < 0.8:
        return random.choice(("i8", "u8", "u4")), random.choice(("i4", "i8", ">u8"))
    one, other = (random.choice(random.choice((REAL, WHOLE, PAIRS))) for _ in range(2))
    chance = random.random()
    if chance < 0.3:
        return random.choice((("f4", "f4"), ("f8", "f8"), ("u1", "i1"), ("c8", "c8")))
    return (one, one) if chance < 0.6 else (one, other)


def draw_result(random, words, said):
    """The dtype that is asked for, if one is."""
    if random.random() < 0.6:
        return
    pairs = any(word in PAIRS for word in words.values())
    said["dtype"] = random.choice(PAIRS[:2] if pairs else (*REAL[:4], *WHOLE[1:9], *PAIRS[:1]))


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
