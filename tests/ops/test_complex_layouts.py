# SPDX-License-Identifier: BSD-3-Clause
"""Complex arrays with channels last, and stored in fewer digits: parts are channels for tiles."""

import numpy as np
import pytest
from ways import ALGORITHMS, ISAS

import fastconv
from fastconv import conv1d, conv2d


def whole(rng, *shape, dtype="c16"):
    """Small whole numbers, whose sums are exact."""
    return (rng.integers(-4, 5, shape) + 1j * rng.integers(-4, 5, shape)).astype(dtype)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
def test_channels_of_a_task_are_half_of_a_pixel(isa, algorithm):
    """Groups, and an output that is part of a larger array."""
    rng = np.random.default_rng(1)
    for dtype in ("c8", "c16"):
        x, w = whole(rng, 5, 4, dtype=dtype), whole(rng, 4, 2, 1, dtype=dtype)
        said = {"channels_last": True, "alpha": 3}
        with fastconv.settings(isa=isa, algorithm=algorithm):
            got = conv1d(x, w, groups=2, **said)
            wide = np.full((5, 6), 7, dtype)
            narrow = whole(rng, 3, 4, 1, dtype=dtype)
            conv1d(x, narrow, out=wide[:, :3], **said)
        expected = conv1d(x, w, groups=2, algorithm="reference", **said)
        np.testing.assert_array_equal(got, expected)
        expected = conv1d(x, narrow, algorithm="reference", **said)
        np.testing.assert_array_equal(wide[:, :3], expected)
        np.testing.assert_array_equal(wide[:, 3:], 7)


@pytest.mark.parametrize("kind", ["c8", ">c8", ">c16"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_residual_of_another_kind_with_channels_of_several_tasks(threads, kind):
    rng = np.random.default_rng(2)
    x, w = whole(rng, 15, 8, 4), whole(rng, 16, 4, 1, 1)
    residual = whole(rng, 15, 8, 16).astype(kind)
    said = {"channels_last": True, "residual": residual}
    got = conv2d(x, w, threads=threads, **said)
    np.testing.assert_array_equal(got, conv2d(x, w, algorithm="reference", **said))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
def test_sums_of_complex128_stored_as_complex64(isa, algorithm):
    rng = np.random.default_rng(3)
    x, w = whole(rng, 1, 8, 5), whole(rng, 8, 8, 1)
    images, kernel = whole(rng, 1, 7, 7, 1), whole(rng, 8, 7, 2, 3)
    said = {"stride": (1, 2), "padding": ((0, 10), (14, 0)), "dtype": "c8"}
    large = np.full((1, 8, 10), 7, "c8")
    with fastconv.settings(isa=isa, algorithm=algorithm):
        conv1d(x, w, dtype="c8", out=large[..., ::2])
        got = conv2d(images, kernel, threads=3, **said)
    expected = conv1d(x, w, dtype="c8", algorithm="reference")
    np.testing.assert_array_equal(large[..., ::2], expected)
    np.testing.assert_array_equal(large[..., 1::2], 7)
    np.testing.assert_array_equal(got, conv2d(images, kernel, algorithm="reference", **said))


@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("tag", ["i1", "f4", "f8"])
def test_weights_that_are_a_field_of_a_record(tag, dtype):
    """Their step is no multiple of a number, perhaps one of its real part."""
    rng = np.random.default_rng(5)
    for channels, taps in ((1, 1), (2, 1), (1, 3)):
        said = {"flip": taps > 1}
        record = np.zeros((7, channels, taps), [("w", dtype), ("tag", tag)])
        record["tag"] = 99
        w = record["w"]
        w[...] = whole(rng, 7, channels, taps)
        x = whole(rng, channels, 11, dtype=dtype)
        expected = conv1d(x, w.copy(), algorithm="reference", **said)
        for algorithm in ALGORITHMS:
            np.testing.assert_array_equal(conv1d(x, w, algorithm=algorithm, **said), expected)
            layer = fastconv.prepare(w, algorithm=algorithm, **said)
            np.testing.assert_array_equal(layer(x), expected)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
def test_complex_times_real_has_no_product_with_an_imaginary_zero(algorithm):
    """Real numbers have no imaginary part: 0 times inf in its place would be NaN."""
    big = np.array([[[np.inf]]])
    got = conv1d(np.array([[1 - 2j, 3 + 4j]]), big, algorithm=algorithm)
    np.testing.assert_array_equal(got.real, np.inf)
    np.testing.assert_array_equal(got.imag, [[-np.inf, np.inf]])
    got = conv1d(np.array([[np.inf, -1]]), np.array([[[2 - 3j]]]), algorithm=algorithm, alpha=2)
    np.testing.assert_array_equal(got.real, [[np.inf, -4]])
    np.testing.assert_array_equal(got.imag, [[-np.inf, 6]])


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "reference"])
def test_of_two_real_arrays_the_weight_becomes_complex(algorithm):
    """So inf in the input meets an imaginary 0, and inf in the weight does not."""
    one, large = np.ones((1, 1)), np.full((1, 1), np.inf)
    said = {"dtype": "c16", "padding": 1, "algorithm": algorithm}
    kernel = np.ones((1, 1, 3))
    np.testing.assert_array_equal(conv1d(one, kernel * np.inf, **said), [[complex(np.inf, 0)]])
    np.testing.assert_array_equal(conv1d(large, kernel, **said), [[complex(np.inf, np.nan)]])


def test_complex_times_real_costs_two_real_products():
    x, w = np.ones((1, 2, 5), "c8"), np.ones((3, 2, 1), "f4")
    apart = "real and imaginary parts apart"
    assert apart in fastconv.plan(conv1d, x, w).pack
    assert apart not in fastconv.plan(conv1d, x, w.astype("c8")).pack
    assert apart not in fastconv.plan(conv1d, x.real, w.astype("c8")).pack


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kinds", [("c8", "c8"), ("c8", "f4"), ("f4", "c8"), ("c16", "f2")])
def test_complex_weights_that_are_not_finite_add_nothing_on_padding(kinds, bad):
    rng = np.random.default_rng(6)
    for channels_last, value in ((False, 0), (True, 0), (False, 2)):
        x, w = rng.integers(1, 5, (1, 2, 7)), rng.integers(1, 5, (3, 2, 3))
        x, w = x.astype(kinds[0]), w.astype(kinds[1])
        if kinds[0][0] == "c":
            x += 1j * rng.integers(1, 5, x.shape)
        if kinds[1][0] == "c":
            w += 1j * rng.integers(1, 5, w.shape)
        w.real[1, 1, 0] = bad
        said = {"padding": 1, "padding_value": value, "alpha": -2, "channels_last": channels_last}
        x = np.moveaxis(x, 1, -1) if channels_last else x
        residual = np.ones_like(conv1d(x, w, **said))
        expected = conv1d(x, w, residual=residual, algorithm="reference", **said)
        for algorithm in ALGORITHMS:
            got = conv1d(x, w, residual=residual, algorithm=algorithm, **said)
            np.testing.assert_array_equal(got, expected)
            layer = fastconv.prepare(w, algorithm=algorithm, **said)
            np.testing.assert_array_equal(layer(x, residual=residual), expected)
