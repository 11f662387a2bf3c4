# SPDX-License-Identifier: BSD-3-Clause
"""The kernels that move and add rows on their own, called in the built extension."""

import shutil

import numpy as np
import pytest
from ctables import NOWHERE, Moved, Run, find, small_integers

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")

COUNTS = (*range(20), 31, 32, 33, 63, 64, 65, 127, 129, 300)
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)


def bytes_of(rng, *shape):
    return rng.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_move_rows(table, size):
    """Rows of elements of any size, with any steps on both sides, and the constant."""
    rng = np.random.default_rng(size)
    value, rows = bytes_of(rng, size), 3
    for count in (*range(10), 15, 16, 17, 33, 64, 129):
        for step, to_step in ((1, 1), (2, 1), (3, 1), (0, 1), (-1, 1), (1, 2), (2, 2), (-3, 5)):
            src = bytes_of(rng, rows, max(1, abs(step)) * count + 1, size)
            dst = np.full((rows, to_step * count + 3, size), 7, np.uint8)
            expected = dst.copy()
            first = src.shape[1] - 2 if step < 0 else 0
            places = first + step * np.arange(count)
            to = 2 + to_step * np.arange(count)
            expected[:, to] = src[:, places]
            expected[:, 0] = value
            runs = (Run * 2)(
                Run(0, NOWHERE, 1, 0), Run(2 * size, max(0, first) * size, count, step * size)
            )
            moved = Moved(size, 0, to_step * size, value.ctypes.data)
            pitch = (dst[0].nbytes, src, src[0].nbytes, rows)
            table.call("move_rows", moved, np.frombuffer(runs, np.intp), 2, dst, *pitch)
            np.testing.assert_array_equal(dst, expected)
            table.call("move_rows", moved, np.frombuffer(runs, np.intp)[4:], 1, dst,
                       dst[0].nbytes, None, src[0].nbytes, rows)  # fmt: skip
            expected[:, to] = value
            np.testing.assert_array_equal(dst, expected)


def test_rows_that_follow_one_another(isa):
    table, rng = find(isa, "f4"), np.random.default_rng(0)
    src, dst = bytes_of(rng, 5, 12), np.zeros((6, 12), np.uint8)
    run = np.array([0, 0, 3, 4], np.intp)
    table.call("move_rows", Moved(4, 0, 4, None), run, 1, dst, 12, src, 12, 5)
    np.testing.assert_array_equal(dst, np.pad(src, ((0, 1), (0, 0))))


@pytest.mark.parametrize(
    ("dtype", "turned"), [("u2", 2), ("f4", 4), ("f8", 8), ("c8", 4), ("c16", 8)]
)
def test_bytes_are_turned_around(isa, dtype, turned):
    table, rng = find(isa, "f4"), np.random.default_rng(0)
    size = np.dtype(dtype).itemsize
    for count in COUNTS:
        for step in (1, 2):
            src = bytes_of(rng, 2, count + 1, size).view(dtype)[..., 0]
            dst = np.zeros((2, step * count + 1), dtype)
            run = np.array([0, size, count, size], np.intp)
            moved = Moved(size, turned, step * size, None)
            table.call("move_rows", moved, run, 1, dst, dst[0].nbytes, src, src[0].nbytes, 2)
            got = dst[:, : step * count : step].tobytes()
            assert got == src[:, 1:].byteswap().tobytes()


def test_add_rows(table, dtype):
    rng = np.random.default_rng(0)
    for rows in (1, 2, 3):
        for count in COUNTS:
            src = small_integers(rng, (rows, count + 2), dtype)
            dst = small_integers(rng, (rows, count + 3), dtype)
            expected = dst.copy()
            expected[:, 1 : 1 + count] += src[:, 1 : 1 + count]
            pitch = dst.shape[1], src[0, 1:], src.shape[1]
            table.call("add_rows", dst[0, 1:], *pitch, rows, count)
            np.testing.assert_array_equal(dst, expected)


def test_integers_wrap(table, dtype):
    if dtype.kind != "i":
        return  # numbers of floating point do not
    most = np.iinfo(dtype).max
    dst, src = np.full(37, most, dtype), np.full(37, 2, dtype)
    table.call("add_rows", dst, 0, src, 0, 1, 37)
    assert (dst == np.iinfo(dtype).min + 1).all()
