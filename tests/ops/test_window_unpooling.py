# SPDX-License-Identifier: BSD-3-Clause
"""nearest_unpool and bed_of_nails_unpool: windows, sizes, layouts and errors."""

import re

import numpy as np
import pytest
from arrays import BF16, EVERY, READABLE, WRITEABLE, numbers
from resampled import UNPOOL, unpooled
from ways import ISAS

from fastconv import bed_of_nails_unpool2d, interpolate, nearest_unpool2d, plan, settings

pytestmark = pytest.mark.usefixtures("poisoned")

KINDS = tuple(UNPOOL)
SHAPES = {1: (2, 3, 17), 2: (2, 3, 5, 7), 3: (1, 2, 3, 5, 4)}
# kernel, stride, padding: beside one another, with gaps, overlapping, cut off
WINDOWS = [
    ((2, 2, 2), (2, 2, 2), (0, 0, 0)),
    ((2, 1, 3), (3, 2, 5), (0, 0, 0)),
    ((5, 3, 4), (2, 1, 3), (0, 0, 0)),
    ((3, 4, 2), (2, 3, 2), (1, 2, 1)),
    ((1, 1, 1), (1, 2, 3), (0, 0, 1)),
]


def default(shape, kernel, stride, padding):
    """The sizes of the result."""
    windows = zip(shape[-len(kernel) :], kernel, stride, padding, strict=True)
    return tuple((n - 1) * s + k - 2 * p for n, k, s, p in windows)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_window_for_each_element(isa, kind, rank, window):
    kernel, stride, padding = (values[:rank] for values in window)
    for shape in (SHAPES[rank], SHAPES[rank][1:], (1, 65, *SHAPES[rank][2:])):
        x = numbers(shape, "f4")
        sizes = default(shape, kernel, stride, padding)
        expected = unpooled(x, kind, kernel, stride, padding, sizes)
        with settings(isa=isa):
            got = UNPOOL[kind][rank - 1](x, kernel, stride, padding)
            np.testing.assert_array_equal(got, expected)
            last = np.moveaxis(x, -1 - rank, -1)
            for given in (last, np.ascontiguousarray(last)):
                got = UNPOOL[kind][rank - 1](given, kernel, stride, padding, channels_last=True)
                np.testing.assert_array_equal(np.moveaxis(got, -1, -1 - rank), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_elements_of_every_dtype_are_copied(kind, dtype):
    """Also the bits of a NaN."""
    bits = np.random.default_rng(0).integers(0, 256, 3 * 7 * 19 * dtype.itemsize, np.uint8)
    bits = bits % 2 if dtype.kind == "b" else bits
    x = bits.view(dtype).reshape(3, 7, 19)
    words = x.view(np.uint8).reshape(*x.shape, -1)
    expected = unpooled(words.transpose(3, 0, 1, 2), kind, (2, 3), (3, 3), (1, 0), (18, 57))
    got = UNPOOL[kind][1](x, (2, 3), 3, (1, 0))
    assert got.dtype == dtype
    seen = got.view(np.uint8).reshape(*got.shape, -1).transpose(3, 0, 1, 2)
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("size", [(9, 14), (10, 13), (11, 15), (2, 3, 11, 15)])
def test_sizes_that_are_said(size):
    x = numbers((2, 3, 5, 7), "i4")
    for kind in KINDS:
        expected = unpooled(x, kind, (2, 2), (2, 2), (0, 0), size[-2:])
        np.testing.assert_array_equal(UNPOOL[kind][1](x, 2, output_size=size), expected)
        if len(size) == 4:
            size = (2, 11, 15, 3)
            got = UNPOOL[kind][1](np.moveaxis(x, 1, -1), 2, output_size=size, channels_last=True)
            np.testing.assert_array_equal(np.moveaxis(got, -1, 1), expected)
            size = (2, 3, 11, 15)


def test_windows_beside_one_another_are_interpolation():
    x = numbers((2, 3, 5, 7), "f4")
    np.testing.assert_array_equal(nearest_unpool2d(x, (2, 3)), interpolate(x, scale_factor=(2, 3)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f4", "u1", "c16", "i2"])
def test_layouts(kind, dtype):
    x = numbers((2, 5, 7, 23), dtype)
    expected = UNPOOL[kind][1](x, 2, 3)
    for name in READABLE:
        a = READABLE[name](x)
        same = UNPOOL[kind][1](a.astype(dtype), 2, 3)
        np.testing.assert_array_equal(UNPOOL[kind][1](a, 2, 3), same)
    for name in WRITEABLE:
        out = WRITEABLE[name](np.ones_like(expected))
        assert UNPOOL[kind][1](x, 2, 3, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_overlap_and_empty_arrays(kind):
    function = UNPOOL[kind][1]
    x = numbers((3, 17, 31, 37), "f4")
    for last in (False, True):
        results = [function(x, 2, threads=n, channels_last=last) for n in (1, 2, 3)]
        assert len({one.tobytes() for one in results}) == 1
    memory = numbers((1, 2, 8, 8), "f4")
    expected = function(memory[..., :4, :4], 2)
    function(memory[..., :4, :4], 2, out=memory)
    np.testing.assert_array_equal(memory, expected)
    assert function(np.zeros((0, 2, 3, 5)), 2).shape == (0, 2, 6, 10)
    assert function(np.zeros((2, 0, 3, 5)), 2).shape == (2, 0, 6, 10)
    assert function(np.zeros((2, 1, 3, 5), BF16), 2).dtype == BF16
    assert plan(function, (2, 1, 3, 5), 2).flops == 0


X = np.zeros((1, 3, 5, 7), "f4")


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (
            {"input": np.zeros((5, 7)), "kernel_size": 2},
            ValueError,
            "input has shape (5, 7), but it must be (N, C, H, W) or (C, H, W); for an input of one "
            "channel write input[None]",
        ),
        (
            {"input": X[:, :, :0], "kernel_size": 2},
            ValueError,
            "input has shape (1, 3, 0, 7), but its spatial axes must have a size of at least 1",
        ),
        (
            {"kernel_size": 0},
            ValueError,
            "kernel_size is 0, but it must be an integer of at least 1 (or one per axis)",
        ),
        (
            {"kernel_size": 2, "stride": (1, 0)},
            ValueError,
            "stride[1] is 0, but it must be an integer of at least 1",
        ),
        (
            {"kernel_size": 2, "padding": -1},
            ValueError,
            "padding is -1, but it must be an integer of at least 0 (or one per axis)",
        ),
        (
            {"kernel_size": 2, "padding": 5},
            ValueError,
            "padding is 5, but an output of at least 1 on each axis needs less: it would be (0, 4)",
        ),
        (
            {"kernel_size": 2, "output_size": (10, 17)},
            ValueError,
            "output_size[1] is 17, but it must be an integer from 13 to 15",
        ),
        (
            {"kernel_size": 2, "output_size": (1, 2, 3)},
            ValueError,
            "output_size has 3 entries, but it must be one integer or 2 of them, one per axis",
        ),
        (
            {"kernel_size": 2, "out": np.zeros((1, 3, 10, 14))},
            TypeError,
            "out has dtype float64, but it must be float32",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("function", [nearest_unpool2d, bed_of_nails_unpool2d])
def test_a_refusal_says_why(function, said, kind, message):
    with pytest.raises(kind, match=f"^{function.__name__}: {re.escape(message)}$"):
        function(**{"input": X} | said)
