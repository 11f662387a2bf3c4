# SPDX-License-Identifier: BSD-3-Clause
"""The kernel of dot products on its own, called in the built extension."""

import shutil

import numpy as np
import pytest
from ctables import ADD, INTEGER, find, small_integers

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")


@pytest.mark.parametrize("table", ["f4", "f8", "i8", "l8"], indirect=True)
def test_dot(table, isa):
    lanes, dtype, rng = table.lanes, table.dtype, np.random.default_rng(0)
    for rows in (1, 2, 3, 4, 5, 7, 11):
        for windows in (1, 2, 3, 4, 5, 6, 9):
            for count in (0, 1, lanes - 1, lanes, lanes + 1, 5 * lanes + 3):
                a, x = (
                    small_integers(rng, (rows, count + 2), dtype),
                    small_integers(rng, (windows, count), dtype),
                )
                x = np.pad(x, ((0, 0), (0, -count % lanes + lanes))).astype(dtype)
                inner = np.full_like(x, -3)  # what is behind the last vector is not read
                inner[:, : count + -count % lanes] = x[:, : count + -count % lanes]
                c = small_integers(rng, (rows, 2, windows), dtype)
                expected = c.copy()
                product = a[:, :count].astype(int) @ x[:, :count].T.astype(int)
                steps = (2 * windows, 1)
                arguments = (*steps, a, a.shape[1], rows, inner, x.shape[1], windows, count)
                for flags in (0, ADD):
                    expected[:, 0] = product + (expected[:, 0] if flags else 0)
                    table.call("dot", c, *arguments, flags)
                    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sums_become_integers(isa, dtype):
    table, rng = find(isa, dtype), np.random.default_rng(0)
    a, x = small_integers(rng, (3, 37), dtype), np.zeros((2, 48), dtype)
    x[:, :37] = small_integers(rng, (2, 37), dtype)
    c = np.zeros((3, 2), f"i{table.itemsize}")
    for times, flags in ((1, INTEGER), (2, INTEGER | ADD)):
        table.call("dot", c, 2, 1, a, 37, 3, x, 48, 2, 37, flags)
        np.testing.assert_array_equal(c, times * (a @ x[:, :37].T))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_bits_do_not_depend_on_rows_and_windows(isa, dtype):
    table, rng = find(isa, dtype), np.random.default_rng(0)
    a, x = rng.standard_normal((9, 61)).astype(dtype), np.zeros((9, 64), dtype)
    x[:, :61] = rng.standard_normal((9, 61))
    whole = np.zeros((9, 9), dtype)
    table.call("dot", whole, 9, 1, a, 61, 9, x, 64, 9, 61, 0)
    for rows in range(1, 10):
        for windows in range(1, 10):
            part = np.zeros((rows, windows), dtype)
            table.call("dot", part, windows, 1, a, 61, rows, x, 64, windows, 61, 0)
            assert part.tobytes() == whole[:rows, :windows].tobytes()
