# SPDX-License-Identifier: BSD-3-Clause
"""New arrays: where they begin, and that they are arrays like others."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastconv._core.arrays import empty

import fastconv

LINE, SMALL, F4 = 64, 1 << 15, np.dtype("f4")


@pytest.mark.parametrize("size", [SMALL, SMALL + 4, 1 << 20, (1 << 22) + 12, 5 << 22])
@pytest.mark.parametrize("dtype", ["u1", "f4", "c16"])
def test_they_begin_a_line_of_the_cache(size, dtype):
    dtype = np.dtype(dtype)
    for _ in range(5):
        made = empty((size // dtype.itemsize,), dtype)
        assert made.ctypes.data % LINE == 0
        assert made.dtype == dtype
        assert made.flags.owndata
        assert made.flags.c_contiguous
        made[:] = 3
        assert (made == 3).all()


def test_small_ones_are_those_of_numpy():
    name = np._core.multiarray.get_handler_name
    assert name(empty((3, 5), np.dtype("f4"))) == name(np.empty(3))
    assert empty((), np.dtype("f8")).shape == ()
    assert empty((0, 1 << 40), np.dtype("f8")).shape == (0, 1 << 40)


def test_other_arrays_stay_those_of_numpy():
    before = np._core.multiarray.get_handler_name()
    made = empty((SMALL,), np.dtype("f4"))
    assert np._core.multiarray.get_handler_name() == before
    with pytest.raises(MemoryError):
        empty((1 << 62,), np.dtype("u1"))
    assert np._core.multiarray.get_handler_name() == before
    assert np._core.multiarray.get_handler_name(np.empty(SMALL)) == before
    assert np._core.multiarray.get_handler_name(made) != before


def test_they_are_resized_copied_and_pickled():
    made = empty((SMALL,), np.dtype("f4"))
    made[:] = np.arange(SMALL)
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again, made)
    np.testing.assert_array_equal(made.copy(), made)
    for size in (3 * SMALL, 7, 0, SMALL):
        made.resize(size, refcheck=False)
        assert made.shape == (size,)
    assert (made == 0).all()


def test_results_begin_a_line():
    x, w = np.ones((1, 8, 47, 53), np.float32), np.ones((8, 1, 3, 3), np.float32)
    layer, pair = fastconv.prepare(w, groups=8), np.ones((9, 8), np.float32)
    for result in (
        fastconv.conv2d(x, w, groups=8),
        layer(x),
        fastconv.depthwise_separable_conv2d(x, w, pair),
        fastconv.filter2d(np.ones((97, 101), np.float32), np.ones((3, 3), np.float32)),
    ):
        assert result.nbytes >= SMALL
        assert result.ctypes.data % LINE == 0


def test_what_was_freed_is_used_again():
    """Of about the same size; a few of them, none of which is large."""
    sizes = [70_000, 90_000, 120_000, 160_000]
    arrays = [empty((size,), F4) for size in sizes]
    places = [array.ctypes.data for array in arrays]
    del arrays
    assert empty((30_000,), F4).ctypes.data not in places
    again = [empty((size - 5000,), F4) for size in sizes]
    assert [array.ctypes.data for array in again] == places
    assert empty((70_000,), F4).ctypes.data not in places  # these have an owner


def test_threads_own_what_they_get():
    def work(number):
        for _ in range(300):
            array = empty((9_000 + number % 3,), F4)
            array[:] = number
            assert (array == number).all()
            del array

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
