# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels that copy elements of any kind, byte order and step into strips and panels."""

import shutil

import numpy as np
import pytest
from ctables import numbers_of, storages, stored

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")


COUNTS = (*range(20), 31, 32, 33, 63, 64, 65, 127, 128, 129, 300)


def test_copy_row(table, dtype):
    """Numbers of every kind, byte order and step between copies of a value."""
    rng = np.random.default_rng(1)
    for kind, storage in storages(dtype):
        source = numbers_of(kind, 1500, rng)
        array = stored(source, kind, storage)
        for step in (1, 2, 3, 4, 5, -1, 0):
            for valid in COUNTS:
                before, after, value = valid % 3, valid % 5, valid % 2 * 11
                first = 1499 if step < 0 else 0
                got = np.full(before + valid + after + 2, 7, dtype)
                table.call("copy_row", got, before, valid, after, array[first:],
                           step * array.itemsize, storage, np.array(value, dtype))  # fmt: skip
                middle = source[first + step * np.arange(valid)]
                np.testing.assert_array_equal(got[:before], value)
                np.testing.assert_array_equal(got[before : before + valid], middle)
                np.testing.assert_array_equal(got[before + valid :], [*[value] * after, 7, 7])


def test_copy_rows(table, dtype):
    """Rows of an array, with gaps and upside down, each between copies of a value."""
    rng = np.random.default_rng(5)
    for kind, storage in storages(dtype):
        source = numbers_of(kind, 1500, rng)
        array = stored(source, kind, storage)
        for rows, apart, step in ((3, 131, 1), (2, -131, 1), (3, 131, 2), (1, 0, -1), (0, 131, 1)):
            for valid in COUNTS[:30]:
                before, after = valid % 3, valid // 3 % 3
                first = 400 if apart <= 0 else 0
                row = [9] * before, [9] * after
                middle = [source[first + r * apart + step * np.arange(valid)] for r in range(rows)]
                expected = [x for m in middle for x in (*row[0], *m, *row[1])] + [7, 7]
                got = np.full(rows * (before + valid + after) + 2, 7, dtype)
                table.call("copy_rows", got, rows, before, valid, after, array[first:],
                           apart * array.itemsize, step * array.itemsize, storage,
                           np.array(9, dtype))  # fmt: skip
                np.testing.assert_array_equal(got, np.array(expected, dtype))


def test_gather(table, dtype):
    """Numbers of every kind and byte order from anywhere, also from odd addresses."""
    rng = np.random.default_rng(4)
    for kind, storage in storages(dtype):
        source = numbers_of(kind, 400, rng)
        array = stored(source, kind, storage)
        odd = np.frombuffer(b"." + array.tobytes(), np.uint8)
        for count in COUNTS:
            places = rng.integers(0, 400, count)
            offsets = (places * array.itemsize).astype(np.intp)
            for memory, shift in ((array, 0), (odd, 1)):
                got = np.full(count + 1, 7, dtype)
                table.call("gather", got, memory, offsets + shift, count, storage)
                np.testing.assert_array_equal(got, [*source[places], 7])


def test_copy_row_border(table, dtype):
    """A row, and around it numbers from anywhere."""
    rng = np.random.default_rng(5)
    for kind, storage in storages(dtype):
        source = numbers_of(kind, 400, rng)
        array = stored(source, kind, storage)
        size = array.itemsize
        for before, valid, after, step in (
            (0, 5, 0, 1),
            (3, 37, 2, 1),
            (1, 19, 7, 3),
            (4, 0, 3, 2),
        ):
            places = rng.integers(0, 400, before + valid + after)
            expected = source[places]
            expected[before : before + valid] = source[11:][: valid * step : step]
            got = np.full(len(places) + 1, 7, dtype)
            table.call("copy_row_border", got, before, valid, after, array, 11 * size, step * size,
                       storage, (places * size).astype(np.intp))  # fmt: skip
            np.testing.assert_array_equal(got, [*expected, 7])
