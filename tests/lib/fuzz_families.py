# SPDX-License-Identifier: BSD-3-Clause
"""The families of operations, for fuzzing.py: what each takes and what it has to return."""

import math
from functools import reduce
from typing import NamedTuple

import numpy as np
from fuzz_masked import masked
from fuzz_shapes import FILTER, IMAGES, KERNELS, common, kind_in, seen_of, spread
from fuzz_sums import Refused, arrivals, axes_of, convolved, each, parts_of
from fuzz_truth import Kind, convolution, finished, rounded, settled, summed
from fuzz_unweighted import WORDS
from fuzz_unweighted_truth import truth_of

# By which names users know the arrays of a case.
NAMES = {name: name for name in ("input", "weight", "bias", "residual", "out")}
PAIR = NAMES | {"weight": "depthwise_weight", "second": "pointwise_weight",
                "first_bias": "depthwise_bias"}  # fmt: skip
IMAGE = NAMES | {"input": "image", "weight": "kernel"}
UNWEIGHTED = {"samples": "_random_samples", "out_indices": "out"}
SEPARABLE = IMAGE | dict.fromkeys(KERNELS, "kernels_1d")

COMMON = ("stride", "channels_last")
WINDOW = (*COMMON, "padding", "dilation", "flip", "padding_mode", "padding_value")


class Family(NamedTuple):
    words: tuple  # parameters that not all families have
    truth: object  # (arrays, said): `Expected`
    names: dict = NAMES
    weighted: bool = True


def shared(op):
    """A convolution in other words."""

    def truth(arrays, said, sizes):
        weight = arrays["weight"]
        if op == "depthwise_conv":
            said = said | {"groups": sizes["groups"]}
        if op == "pointwise_conv":
            weight = weight.reshape(*weight.shape[:2], *(1,) * len(sizes["taps"]))
        return convolution(arrays | {"weight": weight}, said, sizes.get("outer") and in_factors)

    return truth


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
        if 0 in sizes["channels"]:
            raise Refused("no channel")
        (kind,) = kind_in(op, arrays, sizes, said)
        seen = Image(len(sizes["taps"]), sizes["channels"])
        image = seen.inner(arrays["input"])
        with np.errstate(all="ignore"):
            if op == "separable_filter":
                found = separable(kind, image, arrays, said, sizes)
            else:
                found = summed(kind, image, arrays["weight"][None, None], said)
                if sizes.get("outer"):
                    in_factors(kind, found, image, arrays["weight"], said)
            return finished(kind, found, seen, arrays, said)

    return truth


def separable(kind, image, arrays, said, sizes):
    """The sums with the outer product; each pass rounds those of the one before."""
    given = [arrays.get(name) for name in KERNELS[: len(sizes["taps"])]]
    dtype = common([k.dtype for k in given if k is not None])
    wide = np.result_type(kind.wide, np.complex64) if dtype.kind == "c" else kind.wide
    kernels = [np.ones(1, wide) if k is None else k.astype(dtype).astype(wide) for k in given]
    found = summed(kind, image, reduce(np.multiply.outer, kernels)[None, None], said)
    if not kind.whole:
        grows = math.prod(max(1.0, float(magnitude(k).sum())) for k in kernels)
        in_passes(kind, found, image, kernels, grows, said)
        if not all(np.isfinite(k).all() for k in kernels):
            found.anything = np.ones_like(found.anything)
    return found


def in_passes(kind, found, image, kernels, grows, said):
    """Let sums be as far off as those of passes are, in which numbers grow by a factor."""
    limits, size = np.finfo(kind.sums), found.size
    value = abs(complex(said.get("padding_value", 0)))
    most = max(float(np.abs(image[np.isfinite(image)]).max(initial=0)), min(value, 1e308))
    passes = sum(k.size + 12 for k in kernels) * (1 + kind.pairs)
    if kind.pairs:  # parts of the outer product may be smaller than those of its factors
        real = Kind(kind.sums, kind.sums, False)
        whole = reduce(np.multiply.outer, map(magnitude, kernels))[None, None]
        outside = {"padding_value": magnitude(np.array(said.get("padding_value", 0)))[()]}
        size = summed(real, magnitude(image), whole, said | outside).total
        size = np.where(np.isfinite(size), size, 0)
        # An infinity times a complex number is NaN or not, as it is grouped.
        found.anything = found.anything | ~np.isfinite(found.total).all(-1, keepdims=True)
    found.error = float(limits.eps) / 2 * passes * size + (
        passes * limits.smallest_subnormal * grows
    )
    if not grows * most < float(limits.max) / 16:
        found.anything = np.ones_like(found.anything)


def in_factors(kind, found, image, kernel, said):
    """The same for a kernel that is an outer product, if its factors are found."""
    if not kind.whole and kernel.dtype.kind != "c":
        along = [np.abs(kernel).astype("f8").sum(tuple({*range(kernel.ndim)} - {axis}))
                 for axis in range(kernel.ndim)]  # fmt: skip
        total = max(float(along[0].sum()), 1e-300)
        factors = [along[0], *(a / total for a in along[1:])]
        grows = max(1, total, sum(kernel.shape))
        in_passes(kind, found, image, factors, grows, said)


def magnitude(array):
    """The sum of the parts without their signs, of those that are numbers."""
    parts = np.abs(parts_of(array).astype("f8"))
    return np.where(np.isfinite(parts), parts, 0).sum(-1)


FAMILIES = {
    "conv": Family((*WINDOW, "groups"), shared("conv")),
    "masked_conv": Family((*WINDOW, "groups", "nan_policy"), masked),
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
    **{op: Family(words, truth_of(op), UNWEIGHTED, False) for op, words in WORDS.items()},
}  # fmt: skip


def expected(case, arrays, said):
    """The `Expected` of a case: arrays by name, `out` as it was before."""
    return FAMILIES[case["op"]].truth(arrays, said, case["sizes"])
