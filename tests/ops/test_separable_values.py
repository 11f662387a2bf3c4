# SPDX-License-Identifier: BSD-3-Clause
"""separable_filter of odd values: none at all, too large ones, of several dtypes; its bits."""

from itertools import permutations

import numpy as np
import pytest
from arrays import BF16, have_common_dtype, numbers
from filtered import CHANNELS
from truth import assert_same_bits

from fastconv import filter2d, separable_filter

pytestmark = pytest.mark.usefixtures("poisoned")


@pytest.mark.filterwarnings("error")
def test_a_constant_that_grows_to_inf():
    image, large = np.ones((3, 5), "f4"), np.float32([1e30])
    said = {"padding": 1, "padding_mode": "constant", "padding_value": 1e30}
    got = separable_filter(image, [large, large * np.float32(1e-30)], **said)
    assert np.isinf(got[0]).all()
    assert np.isinf(got[:, -1]).all()
    np.testing.assert_array_equal(got[1:-1, 1:-1], np.float32(1e30))


def test_kernels_of_inf_and_nan_in_bands():
    """Along the axes that are not cut, the image grows."""
    image = numbers((37, 3, 4, 3), np.float32)
    kernels = [numbers((n,), np.float32) for n in (3, 3, 7)]
    kernels[0][1], kernels[2][2] = np.inf, np.nan
    said = {"padding": 2, "padding_mode": "constant"}
    expected = separable_filter(image, kernels, threads=1, **said)
    assert not np.isfinite(expected).all()
    for threads in (2, 3):
        assert_same_bits(separable_filter(image, kernels, threads=threads, **said), expected)


@pytest.mark.parametrize("sizes", [(7, 0), (0, 5), (0, 0)])
@pytest.mark.parametrize("dtype", ["f8", "i4"])
def test_an_image_without_elements_has_a_border_all_the_same(sizes, dtype):
    image, factors = np.zeros((*sizes, 3), dtype), [[1, 2], [3, 4, 5]]
    said = {"padding": ((2, 1), (1, 4)), "padding_mode": "constant", "padding_value": 7}
    expected = filter2d(image, np.multiply.outer(*factors), **said)
    got = separable_filter(image, factors, **said)
    assert expected.shape == (sizes[0] + 2, sizes[1] + 3, 3)
    np.testing.assert_array_equal(got, expected)
    assert (got == 7 * 3 * 12).all()


@pytest.mark.parametrize("order", list(permutations(("c8", BF16, "i2"))), ids=str)
def test_the_order_of_dtypes_does_not_decide_whether_they_have_a_common_one(order):
    image = numbers((3, 5, 4), "f4")
    factors = [np.array([2], dtype) for dtype in order]
    got = separable_filter(image, factors)
    assert got.dtype == "c8"
    np.testing.assert_array_equal(got, 8 * image)
    factors = [np.array([2], dtype) for dtype in ("u1", BF16, "i1")]
    if have_common_dtype(factors[1], np.array([2], "i2")):  # that of uint8 and int8
        np.testing.assert_array_equal(separable_filter(image, factors), 8 * image)
        return
    with pytest.raises(TypeError, match="kernels_1d have dtypes uint8, bfloat16, int8, but"):
        separable_filter(image, factors)


def test_large_integers_wrap_in_the_sums_and_not_between():
    x = np.full((3, 3), 2**31 - 1, np.int32)
    big = np.array([2**15, 2**15, 2**15])
    said = {"padding": 0, "dtype": "i8", "overflow": "wrap"}
    got = separable_filter(x, [big, big], **said)
    assert got.item() == ((2**31 - 1) * (3 * 2**15) ** 2 + 2**63) % 2**64 - 2**63
    x = np.full((9, 9), 255, np.uint8)
    ones = np.full(9, 127, np.int8)
    assert separable_filter(x, [ones] * 2, padding=0, dtype="i8").item() == 255 * (9 * 127) ** 2
    for dtype in ("i8", "i4", "i2", "u1"):  # one pass, whose sums are int32
        for residual in (None, np.ones((9, 9), dtype)):
            got = separable_filter(x, [None, ones], residual=residual, dtype=dtype)
            most = min(255 * 9 * 127 + (residual is not None), np.iinfo(dtype).max)
            np.testing.assert_array_equal(got, np.full((9, 9), most, dtype))


@pytest.mark.parametrize("channels", CHANNELS)
def test_bits_depend_on_neither_channels_nor_threads(channels):
    x, factors = numbers((31, 29, *channels)), [numbers((n,), seed=n) for n in (5, 3)]
    got = separable_filter(x, factors, threads=1)
    for at in np.ndindex(channels):
        assert_same_bits(got[(..., *at)], separable_filter(x[(..., *at)], factors, threads=3))
