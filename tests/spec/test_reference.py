# SPDX-License-Identifier: BSD-3-Clause
"""The slow truth against slower ones: single loops, SciPy, and PyTorch."""

from itertools import product

import numpy as np
import pytest
from arrays import BF16
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import signal

import fastconv
from fastconv._spec import conv as spec
from fastconv._spec import reference


def make(x, w, **said):
    rank = w.ndim - 2
    return spec.make_conv_spec(f"conv{rank}d", rank, x.shape, x.dtype, w.shape, w.dtype, **said)


def convolve(x, w, bias=None, **said):
    return reference.convolve(make(x, w, **said), x, w, bias)


def loops(spec, x, w):
    """Every output, channel and tap on its own, with Python's own sums."""
    x = x.reshape(spec.batch, spec.groups, spec.c_in, *(axis.n for axis in spec.axes)).tolist()
    w = w.reshape(spec.groups, spec.c_out, spec.c_in, *spec.kernel).tolist()
    outputs = (spec.batch, spec.groups, spec.c_out, *spec.outputs)
    y = []
    for n, g, o, *cell in product(*map(range, outputs)):
        total = 0.0
        for c, *tap in product(range(spec.c_in), *map(range, spec.kernel)):
            at = [
                i * axis.stride + t * axis.dilation - axis.before
                for i, t, axis in zip(cell, tap, spec.axes, strict=True)
            ]
            if all(0 <= i < axis.n for i, axis in zip(at, spec.axes, strict=True)):
                total += x[n][g][c][at[0]][at[1]][at[2]] * w[g][o][c][tap[0]][tap[1]][tap[2]]
        y.append(total)
    return np.array(y).reshape(spec.output_shape)


@st.composite
def problems(draw):
    """Arrays of small integers, so that every sum is exact, and keywords."""
    rank = draw(st.integers(1, 3))
    few, groups = st.integers(1, 3), draw(st.integers(1, 2))
    per_axis = st.lists(few, min_size=rank, max_size=rank)
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    c_in, c_out = draw(st.integers(0, 2)), draw(few)
    src = draw(st.lists(st.integers(1, 5), min_size=rank, max_size=rank))
    pair = st.tuples(st.integers(-2, 3), st.integers(-2, 3))
    said = {
        "stride": draw(per_axis),
        "dilation": draw(per_axis),
        "padding": draw(
            st.sampled_from(["valid", "full", "same", "same_lower", "same_torch"])
            | st.lists(pair, min_size=rank, max_size=rank)
        ),
        "groups": groups,
    }
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-9, 10, (*batch, groups * c_in, *src)).astype("f4")
    w = rng.integers(-9, 10, (groups * c_out, c_in, *draw(per_axis))).astype("f8")
    return x, w, said


@settings(deadline=None)
@given(problems())
def test_against_loops(problem):
    x, w, said = problem
    try:
        problem = make(x, w, **said)
    except ValueError:  # no output cell
        assume(False)
    np.testing.assert_array_equal(reference.convolve(problem, x, w), loops(problem, x, w))
    bound = loops(problem, np.abs(x), np.abs(w))
    np.testing.assert_array_equal(reference.magnitude(problem, x, w), bound)


@pytest.mark.parametrize("mode", ["valid", "full", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_against_scipy(mode, rank):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, *(13, 11, 7)[:rank]))
    w = rng.standard_normal((2, 3, *(3, 5, 1)[:rank]))
    expected = np.stack(
        [
            sum(signal.correlate(x[c], w[o, c], mode, method="direct") for c in range(3))
            for o in range(2)
        ]
    )
    np.testing.assert_allclose(convolve(x, w, padding=mode), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": 3, "groups": 3},
        {"stride": 3, "padding": 2, "dilation": 3, "groups": 3},
        {"padding": "same", "dilation": 3},
        {"padding": "valid"},
    ],
)
def test_against_torch(rank, said):
    import torch

    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 6, *(13, 11, 17)[:rank]))
    w = rng.standard_normal((9, 6 // said.get("groups", 1), *(3, 2, 4)[:rank]))
    bias = rng.standard_normal(9)
    theirs = getattr(torch.nn.functional, f"conv{rank}d")
    for batch in (x, x[0]):
        expected = theirs(*map(torch.from_numpy, (batch, w, bias)), **said).numpy()
        np.testing.assert_allclose(
            convolve(batch, w, bias, **said), expected, rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8"])
def test_dtypes(dtype):
    x, w = np.arange(7, dtype=dtype)[None], np.ones((2, 1, 3), dtype)
    got = convolve(x, w, np.array([0, 1], dtype))
    assert got.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(got, [[3, 6, 9, 12, 15], [4, 7, 10, 13, 16]])


def test_nothing_to_sum():
    none = convolve(np.zeros((0, 3, 7)), np.zeros((2, 3, 3)))
    assert none.shape == (0, 2, 5)
    no_channels = convolve(np.zeros((2, 0, 7)), np.zeros((2, 0, 3)), [1.0, 2.0])
    np.testing.assert_array_equal(no_channels, np.broadcast_to([[[1.0], [2.0]]], (2, 2, 5)))


@pytest.mark.parametrize("padding", [((-9, 20),), ((20, -9),)])
def test_a_crop_of_everything(padding):
    """The window lies beside the input: all that it sees is padding."""
    x, w = np.ones((1, 5)), np.full((1, 1, 3), np.nan)
    got = convolve(x, w, padding=padding)
    np.testing.assert_array_equal(got, loops(make(x, w, padding=padding), x, w))
    assert got.shape == (1, 14)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_tap_on_padding_adds_nothing(bad):
    x, w = np.ones((1, 3)), np.array([[[bad, 1.0, 1.0]]])
    np.testing.assert_array_equal(convolve(x, w, padding=1), [[2, bad, bad]])


def test_sums_are_in_double_and_longer():
    x = np.array([[1e8, 1.0, -1e8]], "f4")
    assert convolve(x, np.ones((1, 1, 3), "f4")) == 1
    x, w = np.array([[1e17, 1.0, -1e17]]), np.ones((1, 1, 3))
    longer = reference.convolve(make(x, w), x, w, dtype=np.longdouble)
    assert longer == (1 if np.finfo(np.longdouble).nmant > 60 else 0)
    assert longer.dtype == np.float64


def test_magnitude():
    x, w = np.array([[-1.0, 2.0, -3.0]]), np.array([[[1.0, -2.0]]])
    np.testing.assert_array_equal(reference.magnitude(make(x, w), x, w), [[5, 8]])


@pytest.mark.parametrize(
    ("said", "number"),
    [({"alpha": 1e-42}, 12), ({"beta": 1e-42}, 0), ({"activation": ("leaky_relu", 1e-42)}, -12)],
    ids=["alpha", "beta", "activation"],
)
def test_numbers_are_of_the_dtype_of_sums(said, number):
    """float32 holds few digits of 1e-42."""
    x, w = np.full((1, 5), number, "f4"), np.ones((1, 1, 1), "f4")
    got = fastconv.conv1d(x, w, out=np.full((1, 5), 12, "f4"), algorithm="reference", **said)
    assert np.abs(got).tolist() == [[np.float32(12) * np.float32(1e-42)] * 5]


def test_bfloat16_is_rounded_once():
    """By way of float32 332398600 would become a half, and then the even neighbour."""
    x, w = np.array([[332398600.0]]), np.ones((1, 1, 1))
    for algorithm in ("reference", "direct"):
        got = fastconv.conv1d(x, w, dtype=BF16, algorithm=algorithm)
        assert float(got[0, 0]) == 333447168


def test_bits_do_not_depend_on_where_weights_lie():
    rng = np.random.default_rng(5)
    x, w = rng.integers(0, 2**32, (3, 6, 17, 3), np.uint32), rng.standard_normal((5, 3, 2, 5))
    memory = np.zeros(w.nbytes + 4, np.uint8)
    unaligned = memory[4:].view("f8").reshape(w.shape)
    unaligned[...] = w
    assert not unaligned.flags.aligned
    said = {"channels_last": True, "algorithm": "reference"}
    expected = fastconv.conv2d(x, w, **said)
    np.testing.assert_array_equal(fastconv.conv2d(x, unaligned, **said), expected)
    layer = fastconv.prepare(np.asfortranarray(w), **said)
    np.testing.assert_array_equal(layer(x), expected)
