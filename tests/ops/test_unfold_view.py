# SPDX-License-Identifier: BSD-3-Clause
"""unfold_view: windows as a view of an array."""

import re

import numpy as np
import pytest
from arrays import EVERY, READABLE, numbers

from fastconv import unfold, unfold_view


def assert_same_windows(x, kernel, **said):
    """The view has the elements of the columns of `unfold`."""
    got = unfold_view(x, kernel, **said)
    rank = len(kernel)
    columns = unfold(x, kernel, **said)
    first = x.ndim - rank
    channels = got.shape[first - 1]
    parts = columns.reshape(*got.shape[: first - 1], channels, *kernel, *got.shape[first:-rank])
    np.testing.assert_array_equal(np.moveaxis(got, range(-rank, 0), range(first, x.ndim)), parts)
    return got


@pytest.mark.parametrize("layout", sorted(READABLE))
@pytest.mark.parametrize("dtype", ["f4", ">c16", "u1", "?"])
def test_any_layout(layout, dtype):
    x = READABLE[layout](numbers((2, 3, 7, 11), "i4").astype(dtype))
    got = assert_same_windows(x, (3, 2), dilation=(1, 3), stride=(2, 1))
    assert np.shares_memory(got, x)
    assert not got.flags.writeable
    assert got.dtype == x.dtype


@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_any_rank_and_dtype(dtype):
    for sizes, kernel in (((7,), (3,)), ((7, 5), (1, 5)), ((5, 4, 3), (2, 1, 3))):
        x = numbers((2, 3, *sizes), dtype)
        assert_same_windows(x, kernel)
        assert_same_windows(x[1], kernel, stride=2)
        last = np.moveaxis(x, 1, -1)
        got = unfold_view(last, kernel, channels_last=True)
        np.testing.assert_array_equal(got, unfold_view(x, kernel))
        assert np.shares_memory(got, x)


def test_it_is_that_of_numpy():
    x = numbers((2, 3, 7, 11))
    expected = np.lib.stride_tricks.sliding_window_view(x, (3, 4), (2, 3))
    got = unfold_view(x, (3, 4))
    assert got.strides == expected.strides
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(unfold_view(x, 3), unfold_view(x, (3, 3)))


def test_lists_and_empty_arrays():
    assert unfold_view([[1, 2, 3]], (2,)).tolist() == [[[1, 2], [2, 3]]]
    assert unfold_view(np.ones((0, 3, 5, 4)), 2).shape == (0, 3, 4, 3, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((5, 4)), 2), "unfold_view: input has shape (5, 4), but it must be (N, C, H, W) "),
        ((np.ones((1, 5, 4)), 5), "unfold_view: input has size 4 on axis W, but a window of size "),
        ((np.ones((1, 5, 4)), 0), "unfold_view: kernel_size is 0, but it must be "),
        ((np.ones((1, 5, 4)), 1, 1, 0), "unfold_view: stride is 0, but it must be "),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        unfold_view(*arguments)
