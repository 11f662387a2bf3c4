# SPDX-License-Identifier: BSD-3-Clause
"""Pools and unpoolings to test: any that can be asked for, and how close they must be."""

import numpy as np
from arrays import BF16, numbers
from hypothesis import strategies as st

from fastconv._spec.borders import MODES

DTYPES = ("f4", "f4", "f8", "f2", BF16, "?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
DTYPES += (">f4", ">i8")
CONVENTIONS = ("plane", "flat", "flat_column_major", "nhwc", "nhwc_batch")
WORDS = ("valid", "same", "same_lower", "full")
LONGEST = {1: 43, 2: 13, 3: 6}  # axis, by rank
CLOSE = {2: 2e-3, 4: 2e-6, 8: 1e-14}  # by bytes of an element


@st.composite
def arrays(draw, rank, channels=(1, 2, 3, 9, 17), dtypes=DTYPES):
    """An array with channels, few numbers (so that some are equal), inf and NaN, and any strides;
    and whether its channels are last."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    sizes = draw(st.lists(st.integers(1, LONGEST[rank]), min_size=rank, max_size=rank))
    batch = draw(st.sampled_from([(), (1,), (2,), (3,), (0,)]))
    last = draw(st.booleans())
    count = draw(st.sampled_from(channels))
    shape = (*batch, *((*sizes, count) if last else (count, *sizes)))
    x = numbers(shape, dtype.newbyteorder("="), draw(st.integers(0, 5)))
    if draw(st.booleans()) and dtype.kind != "b":
        x = (np.asarray(x, "f8") % 3).astype(x.dtype)
    if dtype.kind in "fV":
        random = np.random.default_rng(draw(st.integers(0, 3)))
        for value in draw(st.sampled_from([(), (np.nan,), (-np.inf,), (np.inf, np.nan)])):
            x[random.random(shape) < 0.2] = value
    return laid_out(draw, x.astype(dtype)), last


def laid_out(draw, x):
    """The same elements with other strides."""
    way = draw(st.sampled_from(["plain", "turned", "apart", "backwards"]))
    if way == "turned":
        return np.ascontiguousarray(x.T).T
    if way == "apart":
        room = np.zeros([2 * n for n in x.shape], x.dtype)
        view = room[tuple(slice(0, 2 * n, 2) for n in x.shape)]
        view[...] = x
        return view
    return np.flip(np.ascontiguousarray(np.flip(x))) if way == "backwards" else x


@st.composite
def pools(draw, kinds=("max", "min", "avg", "lp"), indices=True):
    """(name, arguments, keywords); of pools that have indices and masks, or not."""
    rank, kind = draw(st.integers(1, 3)), draw(st.sampled_from(kinds))
    x, last = draw(arrays(rank))

    def per_axis(entries):
        return draw(st.lists(entries, min_size=rank, max_size=rank))

    kernel = per_axis(st.sampled_from([1, 2, 3, 4, 5] if indices else [1, 2, 3, 5, 6, 7, 11]))
    pair = st.tuples(st.integers(-1, 4), st.integers(-1, 4))
    said = {
        "stride": draw(st.none() | st.lists(st.integers(1, 4), min_size=rank, max_size=rank)),
        "padding": draw(
            st.sampled_from(WORDS) | st.just(0) | st.lists(pair, min_size=rank, max_size=rank)
        ),
        "dilation": per_axis(st.sampled_from([1, 1, 2, 3])),
        "ceil_mode": draw(st.booleans()),
        "channels_last": last,
    }
    if draw(st.booleans()):
        said["padding_mode"] = per_axis(st.sampled_from(sorted(MODES)))
    elif draw(st.booleans()):
        said["padding_value"] = 1
    arguments = (x, kernel)
    if kind in ("max", "min") and indices:
        said |= draw(of_indices())
    elif kind == "avg":
        said["count_include_pad"] = draw(st.booleans())
        said |= draw(st.sampled_from([{}, {"divisor_override": 3}]))
        if "divisor_override" not in said and indices and draw(st.booleans()):
            said["nan_policy"] = "omit"
        if "divisor_override" not in said and indices and draw(st.booleans()) and x.size:
            mask = np.random.default_rng(draw(st.integers(0, 9))).random(x.shape) < 0.6
            said["where"] = mask[(0,) * draw(st.integers(0, x.ndim - 1))]
    elif kind == "lp":
        arguments = (x, draw(st.sampled_from([1, 2, 3, 2.5, np.inf])), kernel)
    return f"{kind}_pool{rank}d", arguments, said


@st.composite
def of_indices(draw):
    """What pools with indices take."""
    return {
        "return_indices": draw(st.booleans()),
        "index_convention": draw(st.sampled_from(CONVENTIONS)),
        "index_dtype": draw(st.sampled_from([None, np.int64, np.int32])),
        "nan_policy": draw(st.sampled_from(["propagate", "omit"])),
    }


@st.composite
def uneven_pools(draw):
    """(name, arguments, keywords) of adaptive, global and fractional pools."""
    rank = draw(st.integers(1, 3))
    x, last = draw(arrays(rank))
    sizes = x.shape[-1 - rank : -1] if last else x.shape[-rank:]
    kinds = ["adaptive_max", "adaptive_avg", "global_max", "global_min", "global_avg", "global_lp"]
    kind = draw(st.sampled_from(kinds + ["fractional_max"] * (rank > 1)))
    said, arguments = {"channels_last": last}, (x,)
    if kind.startswith("adaptive"):
        arguments += ([draw(st.none() | st.integers(1, n + 2)) for n in sizes],)
    if kind == "global_lp":
        arguments += (draw(st.sampled_from([1, 2, 3, 2.5, np.inf])),)
    if kind == "fractional_max":
        kernel = [draw(st.integers(1, min(3, n))) for n in sizes]
        outputs = [draw(st.integers(1, n - k + 1)) for n, k in zip(sizes, kernel, strict=True)]
        planes = x.shape[0] if x.ndim == rank + 2 else 1
        channels = x.shape[-1] if last else x.shape[x.ndim - rank - 1]
        samples = np.random.default_rng(draw(st.integers(0, 9))).random((planes, channels, rank))
        arguments += (kernel, outputs)
        said["_random_samples"] = samples
    if kind[-3:] in ("max", "min"):
        said |= draw(of_indices())
    return f"{kind}_pool{rank}d", arguments, said


def assert_right(got, wanted, exact):
    """Values, or values and indices, are those of the reference: to the bit, or close."""
    got, wanted = (one if isinstance(one, tuple) else (one,) for one in (got, wanted))
    assert len(got) == len(wanted)
    for here, there in zip(got, wanted, strict=True):
        assert here.dtype == there.dtype
        assert here.shape == there.shape
        if not exact:
            # Of what cancels, the largest element tells how large sums have been.
            close = 1e-2 if here.dtype.kind == "V" else CLOSE[here.dtype.itemsize]
            a, b = (np.asarray(one, "f8") for one in (here, there))
            finite = np.isfinite(b)
            scale = abs(b[finite]).max(initial=1)
            np.testing.assert_allclose(a, b, rtol=close, atol=4 * close * scale)
        elif here.dtype.kind in "fV":
            np.testing.assert_array_equal(np.asarray(here, "f8"), np.asarray(there, "f8"))
        else:
            np.testing.assert_array_equal(here, there)
