# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels on their own, called in the built extension."""

import itertools
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from ctables import (
    ADD,
    BIAS_COLS,
    BIAS_ROWS,
    CLAMP,
    INTEGER,
    LETTERS,
    RESIDUAL,
    Store,
    Taps,
    kernel_finder,
    listed,
    listed_kernels,
    small_integers,
)

from fastconv._core import table as extension

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")


tiled = pytest.mark.parametrize("table", ["f4", "f8", "i8", "l8"], indirect=True)
real = pytest.mark.parametrize("table", ["f4", "f8"], indirect=True)


def indices(*values):
    return np.array(values, np.intp)


def test_the_table_is_the_one_that_plans_ask(isa):
    find_kernels = kernel_finder()
    assert len(LETTERS) >= 5
    for name, dtype in LETTERS.items():
        table = find_kernels(isa, dtype).contents
        assert (table.lanes, table.max_rows[1]) == extension.tile_rows(isa, dtype)
        assert (table.isa.decode(), table.name.decode()) == (isa, f"{name[0]}{8 * int(name[1])}")
        assert table.itemsize == table.dtype.itemsize
        assert (table.max_rows[1] > 0) == (dtype != "i")
    assert not find_kernels("sse9", "f")
    assert not find_kernels(isa, "e")


def test_lists_of_names_are_those_of_the_header():
    """Which storage kinds and activations there are stands once, in C."""
    kinds = listed("STORAGE", r"(\w+)")
    assert {name: i for i, name in enumerate(kinds)} | {"SWAPPED": 16} == extension.KINDS
    names = listed("ACTIVATION", r"(\w+)")
    assert {name: i for i, name in enumerate(names)} == extension.ACTIVATIONS
    assert min(len(kinds), len(names)) >= 9


def test_every_kernel_has_its_check():
    names = [name for name, _ in listed_kernels()]
    assert len(names) >= 10
    files = Path(__file__).parent.glob("test_*kernel*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    checked = re.findall(r"^def test_(\w+)\(table,", text, flags=re.MULTILINE)
    assert {"tiles", *names} <= set(checked)


# ---- products ----------------------------------------------------------------------------------


def tiles(table):
    for log in range(3):
        for rows in range(1, table.max_rows[log] + 1):
            yield log, rows, table.lanes << log


def cells(dtype, flags):
    """What C holds: sums that are integers become integers of the same size."""
    return np.dtype(f"i{dtype.itemsize}") if flags & INTEGER else dtype


LAST = (0, BIAS_ROWS, BIAS_COLS, RESIDUAL, CLAMP, BIAS_ROWS | RESIDUAL | CLAMP)
FLAGS = (INTEGER, ADD | INTEGER, *LAST, *(ADD | flags for flags in LAST))
LOW, HIGH = -20, 30


def stored_sums(product, there, residual, bias, flags):
    """What becomes of a product on its way to C, with its bias in the shape that adds it."""
    sums = product + (there if flags & ADD else 0)
    sums = sums + (bias if flags & (BIAS_ROWS | BIAS_COLS) else 0)
    sums = sums + (residual if flags & RESIDUAL else 0)
    return np.clip(sums, LOW, HIGH) if flags & CLAMP else sums


@tiled
def test_tiles(table, dtype):
    """Every tile and number of columns, with and without what was there and what is added."""
    rng, length = np.random.default_rng(0), 3
    assert table.max_rows[0] >= 4
    for log, rows, width in tiles(table):
        a, b = small_integers(rng, 400, dtype), small_integers(rng, 200 + width, dtype)
        trims = [trim for trim in range(-3, 4) if abs(trim) < rows]
        run = np.array([[*rng.integers(0, 170, 2), trim] for trim in trims], np.intp)
        a_row = (1, 2, 3, 14)[(rows + log) % 4] if log < 2 else 1
        taps = Taps(run.ctypes.data, len(run), length, 5, 3, a_row, 1, None, 7)
        bias = small_integers(rng, max(width, rows), dtype)
        product = np.zeros((rows, width), dtype)
        for i, j, trim in run:
            for s in range(length):
                outer = np.outer(a[i + 5 * s :: a_row][:rows], b[j + 3 * s :][:width])
                part = slice(trim, None) if trim > 0 else slice(0, rows + trim)
                product[part] += outer[part]
        for cols in range(1, width + 1):
            there, residual = small_integers(rng, (2, rows + 1, width + 3), dtype)
            at = (slice(rows), slice(cols))
            for flags in FLAGS:
                c = there.astype(cells(dtype, flags))
                expected = c.copy()
                added = bias[:rows, None] if flags & BIAS_ROWS else bias[:cols]
                expected[at] = stored_sums(product[at], there[at], residual[at], added, flags)
                how = Store(flags, c, bias, residual, LOW, HIGH)
                table.call("tile", taps, a, b, c, width + 3, cols, how,
                           function=table.tile_of(log, rows, a_row))  # fmt: skip
                np.testing.assert_array_equal(c, expected)


@tiled
def test_tiles_of_single_steps(table, dtype):
    """Rows of A any number of numbers apart."""
    rng = np.random.default_rng(1)
    for log, rows, width in tiles(table):
        a, b = small_integers(rng, 600, dtype), small_integers(rng, 200 + width, dtype)
        run = np.array([[*rng.integers(200, 380, 2), 0] for _ in range(11)], np.intp)
        run[:, 1] -= 200
        for a_row in (1, 2, 3, 4, 8, 15, 0, -1, -13) if log < 2 else (1,):
            places = a_row * np.arange(rows)
            for flags in (0, INTEGER):
                c = np.empty((rows, width), cells(dtype, flags))
                taps = Taps(run.ctypes.data, len(run), 1, 5, 3, a_row, 0, None, 0)
                table.call("tile", taps, a, b, c, width, width, Store(flags),
                           function=table.tile_of(log, rows, a_row))  # fmt: skip
                expected = sum(np.outer(a[i + places], b[j : j + width]) for i, j, _ in run)
                np.testing.assert_array_equal(c, expected)


@tiled
def test_the_largest_integer_sums(table, dtype):
    """As large as the exact ones may be, from products to integers, to the last digit."""
    most = {"f32": 2**24, "f64": 2**51 - 1, "i64": 2**62, "l64": 2**31 - 1}[table.name.decode()]
    run, lanes = indices(0, 0, 0), table.lanes
    for sign in (1, -1):
        for near in range(4):
            a = np.array([sign * (most - near)], dtype)
            b, c = np.zeros(lanes, dtype), np.full(lanes, 7, cells(dtype, INTEGER))
            b[0] = 1
            taps = Taps(run.ctypes.data, 1, 1, 0, 0, 1, 0, None, 0)
            for cols in (1, lanes):
                table.call("tile", taps, a, b, c, lanes, cols, Store(INTEGER),
                           function=table.tile[0][1])  # fmt: skip
                assert c[0] == sign * (most - near)


@tiled
def test_stencil(table, dtype):
    """Rows of the source, each shared by the output rows from low to high, of one channel."""
    rng, steps = np.random.default_rng(5), 5
    rows_of = [(low, high) for low in range(4) for high in range(low + 1, 5)]
    groups = indices(*((3 * i, *rows, *rng.integers(0, 40, 4)) for i, rows in enumerate(rows_of)))
    pairs = rng.integers(0, 30, (steps, 2)).astype(np.intp)
    bias = small_integers(rng, 1, dtype)
    for cols in range(1, 9 * table.lanes):
        a, b = small_integers(rng, 80, dtype), small_integers(rng, 80 + cols + table.lanes, dtype)
        sums = np.zeros((4, cols), dtype)
        for at, low, high, *weights in groups:
            for r in range(low, high):
                for i, j in pairs:
                    sums[r] += a[weights[r] + i] * b[at + j : at + j + cols]
        before, residual = small_integers(rng, (2, 5, cols + 3), dtype)
        rows = 1 + cols % 4
        at = (slice(rows), slice(cols))
        for flags in (flags for flags in FLAGS if not flags & BIAS_COLS):
            c = before.astype(cells(dtype, flags))
            expected = c.copy()
            expected[at] = stored_sums(sums[at], before[at], residual[at], bias, flags)
            table.call("stencil", groups, len(groups), pairs, steps, a, b, c, cols + 3, rows, cols,
                       Store(flags, c, bias, residual, LOW, HIGH))  # fmt: skip
            np.testing.assert_array_equal(c, expected)


def test_peak(table, dtype):
    operations = 2 * 12 * table.lanes
    assert [table.call("peak", rounds) for rounds in (0, 1, 1000)] == [
        0, operations, 1000 * operations
    ]  # fmt: skip


# ---- packing -----------------------------------------------------------------------------------


def test_pack_panel(table, dtype):
    """Segments side by side in panels: what one spills, the next overwrites."""
    rng, width = np.random.default_rng(2), 2 * table.lanes + 3
    source = small_integers(rng, 300, dtype)
    offsets = indices(5, 0, 90, 41)
    segments, at = [], 0
    while at < width:
        count = min(int(rng.integers(1, 9)), width - at)
        segments.append((int(rng.integers(0, 100)), at, count))
        at += count
    got = np.full(len(offsets) * width + table.lanes, 7, dtype)
    table.call("pack_panel", got, width, source, offsets, len(offsets),
               indices(*segments), len(segments))  # fmt: skip
    expected = [source[o + s : o + s + n] for o in offsets for s, _, n in segments]
    np.testing.assert_array_equal(got[: len(offsets) * width], np.concatenate(expected))


def test_transpose(table, dtype):
    """Also with what is added to sums on their way, and a clamp."""
    rng = np.random.default_rng(3)
    for rows in (*range(1, 20), 33):
        for cols in (*range(1, 20), 49):
            source = small_integers(rng, (rows, cols + 2), dtype)
            residual = small_integers(rng, (cols + 1, rows + 3), dtype)
            at = (slice(cols), slice(rows))
            for flags in (None, 0, RESIDUAL, CLAMP, RESIDUAL | CLAMP):
                got = np.full((cols + 1, rows + 3), 7, dtype)
                how = None if flags is None else Store(flags, got, None, residual, -3, 5)
                table.call("transpose", got, rows + 3, source, cols + 2, rows, cols, how)
                sums = source[:, :cols].T + (residual[at] if (flags or 0) & RESIDUAL else 0)
                expected = np.full_like(got, 7)
                expected[at] = np.clip(sums, -3, 5) if (flags or 0) & CLAMP else sums
                np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("step", [2, 3, 5, -2])
def test_transpose_steps(table, dtype, step):
    """Rows whose elements are a step apart: what lies between stays."""
    rng = np.random.default_rng(5)
    for rows, cols in itertools.product((1, 3, 4, 7, 8, 9, 17, 24), (1, 5, 8, 13, 19)):
        source = small_integers(rng, (rows, cols + 2), dtype)
        residual = small_integers(rng, (cols + 1, abs(step) * rows + 3), dtype)
        first = 0 if step > 0 else -step * (rows - 1)
        at = (slice(cols), first + np.arange(rows) * step)
        for flags in (0, RESIDUAL, CLAMP, RESIDUAL | CLAMP):
            got = np.full(residual.shape, 7, dtype)
            how = Store(flags, got, None, residual, -3, 5)
            table.call("transpose_steps", got[0, first:], got.shape[1], step, source, cols + 2,
                       rows, cols, how)  # fmt: skip
            sums = source[:, :cols].T + (residual[at] if flags & RESIDUAL else 0)
            expected = np.full_like(got, 7)
            expected[at] = np.clip(sums, -3, 5) if flags & CLAMP else sums
            np.testing.assert_array_equal(got, expected)


SIZES = [(1, 1, 1), (3, 5, 7), (8, 3, 4), (13, 7, 9), (17, 9, 1), (14, 1, 11)]


def test_pack(table, dtype):
    """Weights of (channel, tap) become (tap, channel)."""
    rng = np.random.default_rng(4)
    for rows, groups, members in SIZES:
        source = small_integers(rng, (rows, groups * members + 2), dtype)
        got = np.full((groups * members + 1, rows + 3), 7, dtype)
        table.call("pack", got, rows + 3, source, groups * members + 2, rows, groups, members)
        expected = np.full_like(got, 7)
        packed = source[:, :-2].reshape(rows, groups, members).transpose(2, 1, 0)
        expected[:-1, :rows] = packed.reshape(-1, rows)
        np.testing.assert_array_equal(got, expected)


def test_multiply_i(table, dtype):
    """Pairs (real, imaginary) times i, apart and in place."""
    rng = np.random.default_rng(6)
    for rows in range(5):
        for width in (2, 4, 6, 14, 32, 34):
            source = small_integers(rng, (rows + 1, width + 3), dtype)
            expected = np.full_like(source, 7)
            expected[:rows, 0:width:2] = -source[:rows, 1:width:2]
            expected[:rows, 1:width:2] = source[:rows, 0:width:2]
            got = np.full_like(source, 7)
            table.call("multiply_i", got, source, width + 3, width, rows)
            np.testing.assert_array_equal(got, expected)
            there = source.copy()
            table.call("multiply_i", there, there, width + 3, width, rows)
            np.testing.assert_array_equal(there[:rows, :width], expected[:rows, :width])
            np.testing.assert_array_equal(there[:, width:], source[:, width:])
            np.testing.assert_array_equal(there[rows], source[rows])


@real
def test_finite(table, dtype):
    for count in range(1, 70):
        numbers = np.full(count + 1, np.finfo(dtype).max, dtype)
        numbers[-1] = np.nan
        assert table.call("finite", numbers, count) == 1
        for at in range(count):
            for bad in (np.inf, -np.inf, np.nan):
                worse = numbers.copy()
                worse[at] = bad
                assert table.call("finite", worse, count) == 0
    assert table.call("finite", numbers, 0) == 1


@pytest.mark.parametrize("table", ["i4", "i8"], indirect=True)
def test_integers_are_finite(table, dtype):
    assert table.call("finite", np.full(70, np.iinfo(dtype).min, dtype), 70) == 1
