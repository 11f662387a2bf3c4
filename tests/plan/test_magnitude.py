# SPDX-License-Identifier: BSD-3-Clause
"""Wide integers that hold small numbers: multiplied in float64, where that is exact."""

from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import specified, truth
from ways import ISAS, run

import fastconv
from fastconv._plan import magnitude
from fastconv._spec.dtypes import BLOCK_K, EXACT_F64, SMALL

pytestmark = pytest.mark.usefixtures("poisoned")

WIDE = ("u4", "i4", "u8", "i8")
DEPTH = BLOCK_K  # of the convolutions here, or more: a block of k is full


def arrays(dtype, most, weight_dtype="i8", weight_most=3, seed=0):
    """Enough multiply-adds for a look; the largest number is there, once."""
    random = np.random.default_rng(seed)
    made = []
    for shape, kind, limit in (
        ((1, 41, 23, 29), np.dtype(dtype), most),
        ((67, 41, 3, 3), np.dtype(weight_dtype), weight_most),
    ):
        low = 0 if kind.kind == "u" else -limit
        numbers = random.integers(low, limit, shape, kind, endpoint=True)
        numbers.flat[random.integers(numbers.size)] = limit
        made.append(numbers)
    return made


def tile(x, w, **said):
    return fastconv.plan(fastconv.conv2d, x, w, **said).spec.arithmetic.tile


@pytest.mark.parametrize("dtype", WIDE)
def test_small_numbers_take_float64(dtype):
    x, w = arrays(dtype, 1000, dtype, 999)
    assert tile(x, w) == "d"
    assert tile(*arrays(dtype, np.iinfo(dtype).max, dtype, 2**24)) in "ql"
    assert tile(x.shape, w.shape) == "f"  # of shapes nothing is known but float32


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("prepared", [False, True])
def test_the_largest_that_fit_are_exact(isa, prepared):
    """All at the limit, so that a sum would be rounded if the limit were wrong by a few bits."""
    most = isqrt((EXACT_F64 - 1) // DEPTH)
    x, w = (np.full_like(array, most - 1 + odd) for odd, array in enumerate(arrays("i8", 1)))
    assert tile(x, w) == "d"
    got = run(x, w, isa=isa, prepared=prepared, padding=1)
    np.testing.assert_array_equal(got, truth(x, w, padding=1)[0])
    assert tile(x + 9, w) == "q"


@pytest.mark.parametrize("change", ["input", "weight", "border", "negative"])
def test_one_large_number_is_enough_for_int64(change):
    x, w = arrays("i8", 9)
    said = {"padding": 1}
    large = 2**53 + 1  # which float64 does not hold
    if change == "input":
        x[0, 40, 22, 28] = large
    elif change == "weight":
        w[66, 40, 2, 2] = large
    elif change == "negative":
        x[0, 0, 0, 0] = -(2**63)
    else:
        said |= {"padding_mode": "constant", "padding_value": large}
    assert tile(x, w, **said) == "q"
    expected = truth(x, w, **said)[0]
    for prepared in (False, True):
        got = run(x, w, prepared=prepared, **said)
        np.testing.assert_array_equal(got, expected)


def test_a_constant_border_of_small_numbers():
    x, w = arrays("i4", 9)
    said = {"padding": 2, "padding_mode": "constant", "padding_value": -7}
    assert tile(x, w, **said) == "d"
    np.testing.assert_array_equal(run(x, w, **said), truth(x, w, **said)[0])
    said["padding_mode"] = "edge"
    assert tile(x, w, padding=2, padding_mode="edge") == "d"


def test_prepared_layers_look_at_every_input():
    """The same layer, small and large numbers by turns, with an output and a residual."""
    small, w = arrays("i8", 9)
    large = arrays("i8", 2**60, seed=1)[0]
    layer = fastconv.prepare(w, np.arange(67), padding=1, activation="relu")
    out = np.empty((1, 67, 23, 29), np.int64)
    residual = np.arange(out.size).reshape(out.shape)
    for x in (small, large, small, large):
        said = {"bias": np.arange(67), "padding": 1, "activation": "relu"}
        np.testing.assert_array_equal(layer(x), truth(x, w, **said)[0])
        layer(x, out=out, residual=residual)
        np.testing.assert_array_equal(out, truth(x, w, residual=residual, **said)[0])
    assert [layer.plan(x).spec.arithmetic.tile for x in (small, large)] == ["d", "q"]


def test_beta_and_a_residual_that_is_the_output():
    x, w = arrays("i8", 9)
    out = np.arange(67 * 21 * 27).reshape(1, 67, 21, 27)
    expected = truth(x, w, out=out.copy(), beta=3, alpha=2)[0]
    np.testing.assert_array_equal(fastconv.conv2d(x, w, out=out, beta=3, alpha=2), expected)
    expected = truth(x, w, residual=out.copy())[0]
    np.testing.assert_array_equal(fastconv.conv2d(x, w, out=out, residual=out), expected)


def test_little_work_is_not_worth_a_look():
    x, w = np.ones((1, 1, 67, 71), np.int64), np.ones((1, 1, 3, 3), np.int64)
    assert tile(x, w) == "q"
    spec = specified(x, w)
    assert not magnitude.worth_looking(spec, x.dtype, w.dtype, 1, False)


def test_a_filter_of_many_taps_is_worth_a_look():
    spec = specified(np.ones((1, 1, 809, 811), np.int64), np.ones((1, 1, 5, 7), np.int64))
    assert magnitude.worth_looking(spec, np.dtype("i8"), np.dtype("i8"), 1, False)


@settings(deadline=None)
@given(
    st.sampled_from(WIDE), st.sampled_from(("i2", *WIDE)),
    st.integers(0, 63), st.integers(0, 63), st.booleans(), st.integers(0, 2),
)  # fmt: skip
def test_whatever_the_numbers_are(dtype, weight_dtype, bits, weight_bits, last, padding):
    most = min(2**bits, int(np.iinfo(dtype).max))
    weight_most = min(2**weight_bits, int(np.iinfo(weight_dtype).max))
    x, w = arrays(dtype, most, weight_dtype, weight_most)
    if last:
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    said = {"channels_last": last, "padding": padding}
    fits = most * weight_most * DEPTH < EXACT_F64
    if weight_dtype != "i2" or dtype in ("u8", "i8"):
        assert (tile(x, w, **said) == SMALL.tile) == fits
    np.testing.assert_array_equal(run(x, w, **said), truth(x, w, **said)[0])
