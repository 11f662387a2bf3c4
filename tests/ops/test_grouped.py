# SPDX-License-Identifier: BSD-3-Clause
"""grouped against direct, whose bits it has, whatever the arrays, and its plans."""

from itertools import product

import numpy as np
import pytest
from arrays import numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import assert_same_bits
from ways import ISAS, planned_anew, run, with_caches

import fastconv
from fastconv import conv1d, conv2d, conv_transpose1d, plan
from fastconv._core import table
from fastconv._plan import grouped
from fastconv._plan.kept import forget, kept

pytestmark = pytest.mark.usefixtures("poisoned")
BORDERS = ("constant", "edge", "wrap", "mirror", "symmetric")
TILES = {"f4": "f", "f8": "d", "f2": "f", "u1": "f", "i4": "d", "i8": "q"}


def lanes_of(isa, dtype):
    """Elements of a vector, of the dtype in which these are multiplied."""
    return table.tile_rows(isa, TILES[dtype])[0]


@st.composite
def problems(draw, isa):
    """(input, weight, keywords) of groups that fit into a vector."""
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    dtype = pick("f4", "f4", "f4", "f8", "f2", "u1", "i4", "i8")
    lanes = lanes_of(isa, dtype)
    rank = pick(1, 2, 2, 3)
    sizes = [pick(1, 2, 7, 11, 17, 37) if rank < 3 else pick(1, 3, 5, 7) for _ in range(rank)]
    kernel = [pick(1, 2, 3, 5, 7) if rank < 3 else pick(1, 2, 3) for _ in range(rank)]
    groups, batch = pick(1, 2, 3, 5, 11), pick(1, 2)
    inputs, outputs = (min(lanes, pick(1, 2, 2, 3, 4, 5, 8, 13, 16)) for _ in range(2))
    inputs += inputs == outputs == 1
    said = {
        "groups": groups,
        "stride": [pick(1, 1, 2, 3) for _ in range(rank)],
        "dilation": [pick(1, 1, 2, 3) for _ in range(rank)],
        "padding": [(pick(-1, 0, 1, 2, 5), pick(-1, 0, 1, 2, 5)) for _ in range(rank)],
        "padding_mode": [pick(*BORDERS, "constant") for _ in range(rank)],
        "channels_last": draw(st.booleans()),
        "flip": draw(st.booleans()),
    }
    axes = zip(sizes, kernel, said["dilation"], said["padding"], strict=True)
    if any(n + a + b < d * (k - 1) + 1 or -min(a, b) > n for n, k, d, (a, b) in axes):
        said["padding"] = "full"
    if "constant" in said["padding_mode"] and draw(st.booleans()):
        said["padding_value"] = 3
    x_shape = (batch, groups * inputs, *sizes)
    if said["channels_last"]:
        x_shape = (batch, *sizes, groups * inputs)
    x = numbers(x_shape, dtype)
    w = numbers((groups * outputs, inputs, *kernel), dtype, 1)
    if dtype != "i8" and draw(st.booleans()):
        said["activation"] = pick("relu", "relu6")
    if dtype in ("f4", "f8") and draw(st.booleans()):
        said["activation"] = "gelu"
    if draw(st.booleans()):
        said["bias"] = numbers((groups * outputs,), dtype, 2)
    if draw(st.booleans()):
        x = np.repeat(x, 2, -1)[..., ::2]
    return x, w, said


@pytest.mark.parametrize("isa", ISAS)
@settings(max_examples=120, deadline=None)
@given(st.data())
def test_bits_are_those_of_direct(isa, data):
    x, w, said = data.draw(problems(isa))
    bias = said.pop("bias", None)
    expected = run(x, w, bias, isa=isa, algorithm="direct", threads=1, **said)
    how = {"isa": isa, "algorithm": "grouped", **said}
    forget()
    got = run(x, w, bias, threads=data.draw(st.integers(1, 3)), **how)
    assert kept()[-1].algorithm == "grouped"
    assert_same_bits(got, expected)
    assert_same_bits(run(x, w, bias, prepared=True, **how), expected)
    residual = numbers(expected.shape, expected.dtype, 3)
    both = [
        run(x, w, bias, residual=residual, out=np.zeros_like(residual), **how | {"algorithm": name})
        for name in ("direct", "grouped")
    ]
    assert_same_bits(*both)


# (input, weight, keywords): several columns of pixels, vectors that are not whole, blocks of k.
LARGE = [
    ((3, 22, 23, 71), (22, 2, 3, 3), {"padding": 1, "groups": 11}),
    ((2, 21, 31, 67), (21, 3, 5, 5), {"padding": 2, "groups": 7, "stride": 2}),
    ((2, 20, 29, 53), (40, 4, 7, 7), {"padding": 3, "groups": 5}),
    ((2, 6, 37, 41), (3, 2, 3, 3), {"padding": 3, "groups": 3, "dilation": 3}),
    ((2, 6, 41, 31), (6, 2, 19, 17), {"padding": 8, "groups": 3}),
    ((2, 8, 7, 9, 35), (8, 4, 3, 3, 3), {"padding": 1, "groups": 2}),
    ((2, 6, 307), (3, 2, 257), {"padding": 100, "groups": 3}),
    ((1, 4, 301, 7), (4, 2, 201, 1), {"padding": (100, 0), "groups": 2}),
    ((1, 8, 23, 29), (6, 4, 9, 9), {"padding": 4, "groups": 2, "padding_mode": "wrap"}),
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", LARGE, ids=lambda case: str(case[1]))
def test_threads_batch_layout_and_caches(case, isa):
    x_shape, w_shape, said = case
    if max(w_shape[1], w_shape[0] // said["groups"]) > lanes_of(isa, "f4"):
        w_shape = (w_shape[0] // 2, *w_shape[1:])
    x, w, bias = numbers(x_shape, "f4"), numbers(w_shape, "f4", 1), numbers(w_shape[:1], "f4", 2)
    expected = run(x, w, bias, isa=isa, algorithm="direct", threads=1, **said)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for l2 in (2**15, 2**20):
        with with_caches(l2):
            for threads in (1, 3):
                how = {"isa": isa, "algorithm": "grouped", "threads": threads, **said}
                assert_same_bits(run(x, w, bias, **how), expected)
                assert_same_bits(run(x[:1], w, bias, **how), expected[:1])
                got = run(last, w, bias, channels_last=True, **how)
                assert_same_bits(np.moveaxis(got, -1, 1), expected)


def test_auto_takes_it_where_it_is_for():
    for shape, weight, groups in [
        ((56, 56, 64), (64, 2, 3, 3), 32),
        ((56, 56, 96), (96, 3, 3, 3), 32),
        ((56, 56, 128), (128, 4, 3, 3), 32),
    ]:
        said = {"groups": groups, "padding": 1, "channels_last": True}
        for threads in (1, 2):
            assert plan(conv2d, shape, weight, threads=threads, **said).algorithm == "grouped"
        layer = fastconv.prepare(np.ones(weight, np.float32), **said)
        assert layer.plan(shape).algorithm == "grouped"
    for weight in ((64, 64, 3, 3), (64, 64, 1, 1), (64, 32, 3, 3)):
        how = plan(conv2d, (1, 64, 56, 56), weight, groups=64 // weight[1], padding="same")
        assert how.algorithm != "grouped"


def test_what_it_refuses():
    x, w = np.ones((1, 40, 9, 9)), np.ones((40, 20, 3, 3))
    lanes = lanes_of(ISAS[-1], "f8")
    words = f"a group has 20 input channels, a vector {lanes}"
    with pytest.raises(ValueError, match=f"must be another one here: {words}"):
        conv2d(x, w, groups=2, algorithm="grouped")
    assert dict(plan(conv2d, x, w, groups=2).refused)["grouped"] == words
    with pytest.raises(ValueError, match="here: a group has 20 output channels, a vector"):
        conv2d(x[:, :2], w[:, :1], groups=2, algorithm="grouped")
    with pytest.raises(ValueError, match="must be another one here: complex numbers"):
        conv2d(x[:, :4] * 1j, w[:4, :2], groups=2, algorithm="grouped")


def test_nothing_to_multiply():
    x, w = np.ones((1, 0, 9), np.float32), np.ones((4, 0, 3), np.float32)
    with pytest.raises(ValueError, match="must be another one here: there is nothing to multiply"):
        conv1d(x, w, algorithm="grouped")
    x, w = np.ones((1, 4, 9), np.float32), np.ones((4, 6, 3), np.float32)
    assert_same_bits(  # between the taps of a large stride are outputs without any
        conv_transpose1d(x, w, stride=8), conv_transpose1d(x, w, stride=8, algorithm="reference")
    )


def test_what_is_copied():
    x, w = np.ones((1, 6, 19, 23), np.float32), np.ones((6, 2, 3, 3), np.float32)

    def copies(x, **said):
        how = {"groups": 3, "algorithm": "grouped", **said}
        return plan(conv2d, x, w, **how).copies

    strips, panels = "input: strips of the cache's size", "weight: a panel at a time"
    through = "out: through a buffer that fits into the cache"
    assert copies(x, padding=1) == (strips, through, panels)
    last = np.ones((1, 19, 23, 6), np.float32)
    assert copies(last, padding=1, channels_last=True) == (panels,)
    assert copies(last, padding=1, padding_mode="mirror", channels_last=True) == (panels,)
    assert copies(last.astype(np.float16), channels_last=True) == (strips, panels)
    layer = fastconv.prepare(w, groups=3, algorithm="grouped", channels_last=True)
    assert layer.plan(last).copies == ()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite_touch_no_padding(value):
    x, w = np.ones((1, 4, 5, 7), np.float32), np.ones((4, 2, 3, 3), np.float32)
    w[1, 0, 0, 0] = value
    expected = conv2d(x, w, padding=1, groups=2, algorithm="reference")
    for isa, last in product(ISAS, (False, True)):
        moved = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
        said = {"padding": 1, "groups": 2, "channels_last": last, "algorithm": "grouped"}
        for prepared in (False, True):
            got = run(moved, w, isa=isa, prepared=prepared, **said)
            assert_same_bits(np.moveaxis(got, -1, 1) if last else got, expected)


def test_boxes_hold_columns_of_pixels_that_share_what_they_read(monkeypatch):
    """A kernel along the first of three axes is one along a joined axis with a large dilation: cut
    for two threads, pixels that share what they read would be in other boxes."""
    found = []
    part = grouped._part

    def noted(asked, call, way):
        found.append((way, call.work.axes[3]))
        return part(asked, call, way)

    monkeypatch.setattr(grouped, "_part", noted)
    x, w = np.zeros((1, 12, 12, 12, 9), np.float32), np.zeros((6, 3, 3, 1, 1), np.float32)
    with planned_anew():
        fastconv.conv3d(x, w, groups=3, padding="same", channels_last=True, threads=2,
                        algorithm="grouped")  # fmt: skip
    ((way, width),) = found
    assert width.k == 1 or way.box[3] >= width.k * width.dilation
