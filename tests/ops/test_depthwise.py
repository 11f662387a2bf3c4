# SPDX-License-Identifier: BSD-3-Clause
"""depthwise against direct, whose bits it has, whatever the arrays, and its plans."""

from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from arrays import numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import assert_same_bits
from ways import (
    CONV,
    DEPTHWISE,
    ISAS,
    planes,
    planned_anew,
    with_any_schedule,
    with_caches,
)

import fastconv
from fastconv import conv2d, plan
from fastconv._plan import depthwise
from fastconv._plan.kept import kept
from fastconv._spec.axis import Axis
from fastconv._spec.borders import Border

pytestmark = pytest.mark.usefixtures("poisoned")
BORDERS = ("constant", "edge", "wrap", "mirror", "symmetric")


def run(x, w, *, isa, **said):
    with fastconv.settings(isa=isa):
        return CONV[w.ndim - 2](x, w, **said)


@st.composite
def problems(draw):
    """(input, weight, keywords) of one input channel a group."""
    rank = draw(st.integers(1, 3))
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    sizes = [pick(1, 2, 7, 11, 17, 37) if rank < 3 else pick(1, 3, 5, 7) for _ in range(rank)]
    kernel = [pick(1, 2, 3, 5, 7) if rank < 3 else pick(1, 2, 3) for _ in range(rank)]
    channels, multiplier, batch = pick(1, 2, 5, 16, 19), pick(1, 1, 2), pick(1, 2)
    said = {
        "groups": channels,
        "stride": [pick(1, 1, 2, 3) for _ in range(rank)],
        "dilation": [pick(1, 1, 2, 3) for _ in range(rank)],
        "padding": [(pick(-1, 0, 1, 2, 5), pick(-1, 0, 1, 2, 5)) for _ in range(rank)],
        "padding_mode": [pick(*BORDERS, "constant") for _ in range(rank)],
        "channels_last": draw(st.booleans()),
        "flip": draw(st.booleans()),
    }
    dtypes = pick(("f4", "f4"), ("f8", "f4"), ("f2", "f2"), ("i4", "i2"), ("u1", "u1"),
                  ("i8", "i8"), ("c8", "f4"))  # fmt: skip
    axes = zip(sizes, kernel, said["dilation"], said["padding"], strict=True)
    if any(n + a + b < d * (k - 1) + 1 or -min(a, b) > n for n, k, d, (a, b) in axes):
        said["padding"] = "full"
    x_shape = (batch, *sizes, channels) if said["channels_last"] else (batch, channels, *sizes)
    x, w = numbers(x_shape, dtypes[0]), numbers((channels * multiplier, 1, *kernel), dtypes[1], 1)
    if dtypes[0] in ("f4", "u1") and draw(st.booleans()):
        said["activation"] = "relu"
    if draw(st.booleans()):
        said["bias"] = numbers((channels * multiplier,), dtypes[1], 2)
    if draw(st.booleans()):
        x = np.repeat(x, 2, -1)[..., ::2]
    return x, w, said


@settings(max_examples=150, deadline=None)
@given(
    problems(),
    st.sampled_from(DEPTHWISE),
    st.sampled_from(ISAS),
    st.integers(1, 3),
    st.sampled_from((2**20, 2**12, 2**8)),
)
def test_bits_are_those_of_direct(problem, way, isa, threads, l2):
    x, w, said = problem
    expected = run(x, w, isa=isa, algorithm="direct", threads=1, **said)
    algorithm, orientation = way
    with with_caches(l2), with_any_schedule(orientation, Random(0)):
        got = run(x, w, isa=isa, algorithm=algorithm, threads=threads, **said)
        assert kept()[-1].algorithm == "depthwise"
        assert_same_bits(got, expected)
        bias = said.pop("bias", None)
        with fastconv.settings(isa=isa):
            layer = fastconv.prepare(w, bias, algorithm=algorithm, **said)
            assert_same_bits(layer(x), expected)


# (input, weight, keywords): kernels with functions of their own, and others; blocks of k.
LARGE = [
    ((3, 17, 23, 71), (17, 1, 3, 3), {"padding": 1, "groups": 17}),
    ((2, 19, 31, 67), (19, 1, 5, 5), {"padding": 2, "groups": 19, "stride": 2}),
    ((2, 5, 29, 53), (5, 1, 7, 7), {"padding": 3, "groups": 5}),
    ((2, 3, 37, 41), (6, 1, 3, 3), {"padding": 3, "groups": 3, "dilation": 3}),
    ((2, 3, 41, 31), (3, 1, 19, 17), {"padding": 8, "groups": 3}),
    ((2, 2, 7, 9, 35), (2, 1, 3, 3, 3), {"padding": 1, "groups": 2}),
    ((2, 3, 307), (3, 1, 257), {"padding": 100, "groups": 3}),
    ((1, 1, 301, 7), (1, 1, 201, 1), {"padding": (100, 0)}),
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", LARGE, ids=lambda case: str(case[1]))
def test_threads_batch_layout_and_caches(case, isa):
    x_shape, w_shape, said = case
    x, w, bias = numbers(x_shape, "f4"), numbers(w_shape, "f4", 1), numbers(w_shape[:1], "f4", 2)
    expected = run(x, w, bias=bias, isa=isa, algorithm="direct", threads=1, **said)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for (_, orientation), l2 in product(DEPTHWISE, (2**15, 2**20)):
        with with_caches(l2), with_any_schedule(orientation, Random(0)):
            for threads in (1, 3):
                how = {"isa": isa, "algorithm": "depthwise", "threads": threads, **said}
                assert_same_bits(run(x, w, bias=bias, **how), expected)
                assert_same_bits(run(x[:1], w, bias=bias, **how), expected[:1])
                got = run(last, w, bias=bias, channels_last=True, **how)
                assert_same_bits(np.moveaxis(got, -1, 1), expected)


@pytest.mark.parametrize(
    "padding", [(-17, 5), (-35, 5), (5, -17), (-3, 1), (3, 5), (-150, 300), (300, -150)]
)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_row_with_a_border_is_cut_within_its_outputs(padding, stride):
    axis = Axis(211, 5, stride, 1, *padding, Border.EDGE)
    edges = depthwise._edges(axis, 16)
    assert (edges[0], edges[-1]) == (0, axis.outputs)
    assert list(edges) == sorted(set(edges))
    inside = [
        (first, end)
        for first, end in pairwise(edges)
        if first * stride >= padding[0] and (end - 1) * stride - padding[0] + axis.span <= axis.n
    ]
    assert bool(inside) == (len(edges) > 2)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["u1", "f4"])
@pytest.mark.parametrize("axis", [0, 1])
def test_long_kernels_have_neither_small_boxes_nor_large_tables(axis, dtype, isa):
    shape, kernel = np.roll((30011, 32), axis), np.ones(np.roll((10007, 1), axis), "f4")
    for border in ({"padding_value": 1}, {"padding_value": 0}, {"padding_mode": "mirror"}):
        said = {"padding_mode": "constant", **border}
        with fastconv.settings(isa=isa):
            plan = fastconv.plan(fastconv.filter_nd, np.zeros(shape, dtype), kernel, **said)
        assert plan.algorithm == "depthwise"
        assert plan.tasks < 1000
        assert plan.scratch_bytes < plan.threads * 4e6
    wide = np.zeros(np.roll((16_000, 300), axis), dtype)
    with fastconv.settings(isa=isa):
        plan = fastconv.plan(fastconv.filter_nd, wide, kernel, padding="valid")
    assert plan.tasks * plan.tile[1] < 64_000  # columns of a box are whole tiles


def test_rows_of_one_pixel_that_lie_apart():
    x = np.array([-1 - 2j, 3 + 4j], "c8").reshape(2, 1, 1)
    w = np.array([[-1, 2], [3, 5]], "f4").reshape(2, 1, 1, 2)
    said = {"padding": "full", "groups": 2}
    for y in (x, np.ones((2, 1, 3), "f4")[..., ::3]):
        got = conv2d(y, w, algorithm="depthwise", **said)
        assert_same_bits(got, conv2d(y, w, algorithm="direct", **said))


def test_auto_takes_it_where_it_is_for():
    for shape, weight, groups in [
        ((1, 32, 56, 56), (32, 1, 3, 3), 32),
        ((1, 96, 14, 14), (96, 1, 7, 7), 96),
        ((16, 100, 100), (32, 1, 5, 5), 16),
        ((1, 480, 640), (1, 1, 5, 5), 1),
        ((1, 480, 640), (1, 1, 101, 1), 1),
    ]:
        assert plan(conv2d, shape, weight, groups=groups, padding="same").algorithm == "depthwise"
    got = plan(conv2d, (56, 56, 32), (32, 1, 3, 3), groups=32, channels_last=True)
    assert (got.algorithm, got.orientation) == ("depthwise", "channels")


def test_it_refuses_more_channels_and_complex_weights():
    x, w = np.ones((1, 4, 9, 9)), np.ones((4, 2, 3, 3))
    with pytest.raises(ValueError, match="must be another one here: a group has 2 input channels"):
        conv2d(x, w, groups=2, algorithm="depthwise")
    with pytest.raises(ValueError, match="must be another one here: complex weights"):
        conv2d(x, w[:, :1] * 1j, groups=4, algorithm="depthwise")
    assert dict(plan(conv2d, x, w, groups=2).refused)["depthwise"] == (
        "a group has 2 input channels, not one"
    )


@pytest.mark.parametrize("isa", ISAS)
def test_what_is_copied(isa):
    x, w = np.ones((1, 3, 19, 17), np.float32), np.ones((3, 1, 3, 3), np.float32)

    def copies(x, vectors="pixels", **said):
        with fastconv.settings(isa=isa), planned_anew(planes(vectors)):
            return plan(conv2d, x, w, groups=3, algorithm="depthwise", **said).copies

    strips = "input: strips of the cache's size"
    assert copies(x, padding=1) == ()
    assert copies(x, padding=1, stride=2) == ()
    assert copies(x, padding=1, padding_mode=("mirror", "constant")) == ()
    assert copies(x, padding=1, padding_mode="mirror") == (strips,)
    wide = np.ones((1, 3, 19, 999), np.float32)
    assert copies(wide, padding=1, padding_mode="mirror") == (strips + " at the ends of rows",)
    transposed = (strips, "out: through a buffer that fits into the cache")
    assert copies(x, "channels", stride=(1, 3)) == (*transposed, "weight: a panel at a time")
    assert copies(x.astype(np.float16)) == (strips,)
    assert copies(x, dtype=np.float64) == (strips, "weight: a panel at a time")


@pytest.mark.parametrize("channel", range(8))
@pytest.mark.parametrize("step", [2, -2])
def test_weights_that_are_not_finite_and_do_not_follow_one_another(step, channel):
    x, packed = np.ones((8, 200), np.float32), np.ones((16, 1, 15), np.float32)
    weight = packed[::step]
    weight[channel, 0, 0] = np.inf
    said = {"padding": 7, "groups": 8, "threads": 1}
    expected = fastconv.conv1d(x, weight, algorithm="reference", **said)
    np.testing.assert_array_equal(fastconv.conv1d(x, weight, **said), expected)
    between = packed[1::2] if step > 0 else packed[::2]
    between[...] = np.inf  # of no kernel
    np.testing.assert_array_equal(fastconv.conv1d(x, weight, **said), expected)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite_touch_no_padding(value):
    x, w = np.ones((1, 2, 5, 7), np.float32), np.ones((2, 1, 3, 3), np.float32)
    w[1, 0, 0, 0] = value
    expected = conv2d(x, w, padding=1, groups=2, algorithm="reference")
    for (algorithm, orientation), last in product(DEPTHWISE, (False, True)):
        with with_any_schedule(orientation, Random(0)):
            moved = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
            said = {"padding": 1, "groups": 2, "channels_last": last, "algorithm": algorithm}
            for got in (conv2d(moved, w, **said), fastconv.prepare(w, **said)(moved)):
                assert_same_bits(np.moveaxis(got, -1, 1) if last else got, expected)


@pytest.mark.parametrize("shape", [(40_000_000, 1), (10_000_000, 4), (4, 10_000_000), (8000, 8000)])
def test_a_large_image_needs_little_scratch(shape):
    for kernel in ((1, 5), (5, 1), (3, 3)):
        plan = fastconv.plan(fastconv.filter2d, np.empty(shape, "f4"), np.ones(kernel, "f4"))
        assert plan.scratch_bytes < plan.threads * 4e6


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_narrow_planes_are_made_together(isa, dtype):
    """Planes of one vector a row: some of them, and those that are left, have direct's bits."""
    rng = np.random.default_rng(8)
    for depth, rows, columns, padding, stride, dilation in [
        (16, 5, 4, 1, 1, 1),
        (13, 7, 3, (2, 1, 1), 1, (2, 1, 1)),
        (23, 3, 2, (1, 2, 2), (2, 1, 1), (1, 2, 2)),
        (6, 5, 4, 0, 1, 1),
        (7, 3, 4, (3, 1, 1), 1, (3, 1, 1)),
    ]:
        x = rng.standard_normal((2, 3, depth, rows + 2, columns)).astype(dtype)
        w = rng.standard_normal((6, 1, 3, 3, 3)).astype(dtype)
        bias = rng.standard_normal(6).astype(dtype)
        said = {"padding": padding, "stride": stride, "dilation": dilation, "groups": 3}
        residual = rng.standard_normal(fastconv.conv3d(x, w, bias, **said).shape).astype(dtype)
        for more in ({}, {"activation": "relu"}, {"residual": residual}):
            with fastconv.settings(isa=isa), planned_anew(planes("pixels")):
                ours = fastconv.conv3d(x, w, bias, algorithm="depthwise", **said, **more)
                direct = fastconv.conv3d(x, w, bias, algorithm="direct", **said, **more)
            np.testing.assert_array_equal(ours, direct)
