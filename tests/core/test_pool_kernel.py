# SPDX-License-Identifier: BSD-3-Clause
"""The kernels of pooling and unpooling on their own, called in the built extension."""

import ctypes
import shutil

import numpy as np
import pytest
from ctables import NOWHERE, Across, Columns, Places, Pool, fields, small_integers

pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")

MAX, ARGMAX, SUM = range(3)
LAST, LARGEST, TOTAL = range(3)
COUNTS = (1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 70)


def addresses(held, **arrays):
    """The addresses of arrays, which are held."""
    held += arrays.values()
    return {name: array.ctypes.data for name, array in arrays.items()}


def lowest(dtype):
    return np.array([-np.inf if dtype.kind == "f" else np.iinfo(dtype).min], dtype)


def test_structures_have_the_fields_of_the_header():
    for name, structure in (("fc_pool", Pool), ("fc_across", Across), ("fc_places", Places)):
        assert [field for field, *_ in structure._fields_] == fields(name)


def windows(rows, k, stride, count):
    """(line, lane, row of the window, tap) of a plane."""
    view = np.lib.stride_tricks.sliding_window_view(rows, (k, k))[::stride, ::stride]
    return view[:, :count]


@pytest.mark.parametrize(
    ("k", "stride"),
    [(2, 2), (3, 1), (3, 2), (4, 1), (5, 2), (1, 4), (3, 4), (4, 4), (11, 4)],
)
@pytest.mark.parametrize("order", ["vectors", "plane", "rows"])
def test_pool(table, dtype, k, stride, order):
    """Lines of a plane: all taps of some vectors, down the plane, and row by row."""
    if stride > 1 and dtype.kind != "f":
        return  # lanes are apart of real numbers
    rng = np.random.default_rng(k)
    for what in (MAX, ARGMAX, SUM) if dtype.kind == "f" else (MAX, ARGMAX):
        for count in COUNTS:
            lines, width = 5, (count - 1) * stride + k + 3 * 64 * stride
            rows = small_integers(rng, ((lines - 1) * stride + k, width), dtype)
            if dtype.kind == "f" and what != SUM:
                rows[rng.random(rows.shape) < 0.05] = np.nan
            seen = windows(rows, k, stride, count).reshape(lines, count, -1)
            held, dst = [], np.full((lines, count + 1), 7, dtype)
            index = np.full((lines, count + 1), 7, np.int64)
            first = np.arange(lines)[:, None] * stride + np.arange(k)
            column = Columns(0, count, 1, None)
            end = ctypes.addressof(column) + ctypes.sizeof(column)
            pool = Pool(
                what=what, shift=stride.bit_length() - 1, shared=1, index_bytes=8, lines=lines,
                dst_line=count + 1, index_line=8 * (count + 1), begin_step=1, taps=k,
                lane_index=stride, walk_rows=k, walk_stride=stride,
                by_rows=order == "rows" and stride == 1,
                columns=ctypes.addressof(column), columns_end=end,
                **addresses(
                    held, begin=np.arange(lines + 1) * k, place=first.ravel() * width,
                    row_index=first.ravel() * width, step=np.arange(k), tap_index=np.arange(k),
                    low=lowest(dtype), line_divisors=np.full(lines, 2.0),
                ),
            )  # fmt: skip
            if order == "plane":
                walk = np.arange(len(rows)) * width
                pool.walk = pool.walk_index = addresses(held, walk=walk)["walk"]
            assert table.call("pool", pool, rows, dst, index) == 0
            assert (dst[:, -1] == 7).all()
            assert (index[:, -1] == 7).all()
            if what == SUM:
                np.testing.assert_array_equal(dst[:, :-1], seen.sum(-1) / 2)
                continue
            np.testing.assert_array_equal(dst[:, :-1], seen.max(-1))
            if what == ARGMAX:
                missing = np.isnan(seen) if dtype.kind == "f" else seen != seen
                last = k * k - 1 - missing[..., ::-1].argmax(-1)
                found = np.where(missing.any(-1), last, np.where(missing, -99, seen).argmax(-1))
                y, x = np.indices(found.shape)
                wanted = (y * stride + found // k) * width + x * stride + found % k
                np.testing.assert_array_equal(index[:, :-1], wanted)


def test_a_masked_vector_and_rows_on_padding(table, dtype):
    """Lanes that a mask leaves out hold what is lowest; a window of them has no index."""
    src, held = small_integers(np.random.default_rng(0), 16, dtype), []
    mask = np.array([0b0110], np.uint32)
    column = Columns(0, 4, 1, addresses(held, mask=mask)["mask"])
    end = ctypes.addressof(column) + ctypes.sizeof(column)
    pool = Pool(
        what=ARGMAX, shared=1, index_bytes=8, lines=1, taps=1, lane_index=1, first_index=5,
        columns=ctypes.addressof(column), columns_end=end,
        **addresses(
            held, begin=np.array([0, 1]), place=np.zeros(1, np.intp),
            row_index=np.zeros(1, np.intp), step=np.zeros(1, np.intp),
            tap_index=np.zeros(1, np.intp), low=lowest(dtype),
        ),
    )  # fmt: skip
    count = min(4, table.lanes)
    column.cols = count
    dst, index = np.zeros(4, dtype), np.zeros(4, np.int64)
    assert table.call("pool", pool, src, dst, index) == 1
    wanted = [-1, 6, 7, -1][:count]
    np.testing.assert_array_equal(index[:count], wanted)
    np.testing.assert_array_equal(dst[1:3][: count - 1], src[1:3][: count - 1])
    walk = addresses(held, walk=np.array([NOWHERE], np.intp))["walk"]
    assert walk


@pytest.mark.parametrize("what", [MAX, SUM])
def test_row_by_row_with_a_mask_and_without_rows(table, dtype, what):
    """What hangs over the last vector is neither read nor written; a window may have no rows."""
    if dtype.kind != "f":
        return
    lanes, held = table.lanes, []
    whole, rest = 5 * lanes, lanes // 2
    src = small_integers(np.random.default_rng(0), (2, 3, whole + rest), dtype)
    masks = np.full(3, (1 << rest) - 1, np.uint32)
    columns = (Columns * 2)(
        Columns(0, whole, 5, None), Columns(whole, rest, 1, addresses(held, mask=masks)["mask"])
    )
    pool = Pool(
        what=what, by_rows=1, lines=2, dst_line=whole + rest + 1, begin_step=1, taps=3,
        columns=ctypes.addressof(columns),
        columns_end=ctypes.addressof(columns) + ctypes.sizeof(columns),
        **addresses(
            held, begin=np.array([0, 0, 2]), place=np.array([0, src[0].size]),
            step=np.arange(3) * (whole + rest), low=lowest(dtype), line_divisors=np.full(2, 4.0),
        ),
    )  # fmt: skip
    dst = np.full((2, whole + rest + 1), 7, dtype)
    table.call("pool", pool, src, dst, None)
    assert (dst[:, -1] == 7).all()
    np.testing.assert_array_equal(dst[0, :-1], 0 if what == SUM else lowest(dtype)[0])
    wanted = src.sum((0, 1)) / 4 if what == SUM else src.max((0, 1))
    np.testing.assert_array_equal(dst[1, :-1], wanted)


@pytest.mark.parametrize("what", [MAX, ARGMAX, SUM])
@pytest.mark.parametrize("width", [1, 3, 7, 16, 29, 70, 4700])
def test_pool_across(table, dtype, what, width):
    """Lines of one row, and of several runs of rows; more outputs than a vector has lanes."""
    if what == SUM and dtype.kind != "f":
        return
    rng = np.random.default_rng(width)
    planes = small_integers(rng, (2, 300, width), dtype)
    if dtype.kind == "f" and what != SUM:
        planes[rng.random(planes.shape) < 0.01] = np.nan
    first = rng.integers(0, width, 11)
    end = np.array([rng.integers(at + 1, width + 1) for at in first])
    first[-1], end[-1] = 0, width
    # Runs of each line: (plane, first row, rows).
    lines = [[(1, 0, 1)], [(0, 2, 1)], [(0, 0, 2), (1, 3, 2)], [(0, 0, 300), (1, 7, 9)]]
    if what == ARGMAX:
        lines = lines[:2]
    runs = np.array([run for line in lines for run in line])
    where = planes.ctypes.data + (runs[:, 0] * 300 + runs[:, 1]) * planes.strides[1]
    held, place = [], np.arange(2 * width) * 3
    across = Across(
        what=what, lines=len(lines), outputs=11, width=width, step=width, block=8, place_line=width,
        **addresses(
            held, begin=np.cumsum([0, *map(len, lines)]), run=np.stack([where, runs[:, 2]], 1),
            room=np.empty(width, dtype), place=place, first=first, end=end, low=lowest(dtype),
            divisors=np.array([2.0, 3, 4, 5]),
        ),
    )  # fmt: skip
    dst, index = np.full(45, 7, dtype), np.full(45, 7, np.int64)
    table.call("pool_across", across, dst, index)
    outputs = 11 * len(lines)
    assert (dst[outputs:] == 7).all()
    for at in range(outputs):
        line, o = divmod(at, 11)
        rows = [planes[plane, row : row + count] for plane, row, count in lines[line]]
        cells = np.concatenate(rows)[:, first[o] : end[o]]
        if what == SUM:
            wanted = cells.sum(dtype="f8") / ((line + 2) * cells.shape[1])
            np.testing.assert_allclose(dst[at], wanted, rtol=1e-5, atol=1e-6)
            continue
        missing = np.flatnonzero(cells != cells)
        best = missing[-1] if missing.size else cells.argmax()
        np.testing.assert_array_equal(dst[at], cells.flat[best])
        assert what == MAX or index[at] == 3 * (line * width + first[o] + best)


def test_pool_across_leaves_out_nan(table, dtype):
    if dtype.kind != "f":
        return
    row, held = np.array([np.nan, 2, np.nan, 1, np.nan], dtype), []
    across = Across(
        what=MAX, omit=1, lines=1, outputs=3, width=5,
        **addresses(
            held, begin=np.array([0, 1]), run=np.array([row.ctypes.data, 1]),
            first=np.array([0, 2, 4]), end=np.array([5, 4, 5]), low=np.array([-9], dtype),
        ),
    )  # fmt: skip
    dst = np.zeros(3, dtype)
    table.call("pool_across", across, dst, None)
    np.testing.assert_array_equal(dst, [2, 1, -9])


@pytest.mark.parametrize("cells", [(300, 1), (1, 30_000)])
def test_chains_of_additions_are_short(table, dtype, cells):
    """Sums of rows, and of a row, are as exact as blocks of them."""
    if dtype != np.float32:
        return
    rows, width = cells[0] * 100, cells[1]
    values, held = np.full((rows, width), 0.1, dtype), []
    across = Across(
        what=SUM, lines=1, outputs=1, width=width, step=width, block=256,
        **addresses(
            held, begin=np.array([0, 1]), run=np.array([values.ctypes.data, rows]),
            room=np.empty(width, dtype), first=np.array([0]), end=np.array([width]),
            divisors=np.array([rows], float), low=lowest(dtype),
        ),
    )  # fmt: skip
    dst = np.zeros(1, dtype)
    table.call("pool_across", across, dst, None)
    np.testing.assert_allclose(dst, dtype.type(0.1), rtol=2e-5)


@pytest.mark.parametrize("what", [MAX, SUM])
def test_pool_two(table, dtype, what):
    rng = np.random.default_rng(0)
    for count in COUNTS:
        for away in (1, 3, 100):
            rows = small_integers(rng, (3, count + away + 5), dtype)
            wanted, line = rows.copy(), rows.shape[1]
            both = wanted[:, :count], rows[:, away : away + count].copy()
            wanted[:, :count] = np.maximum(*both) if what == MAX else sum(both)
            table.call("pool_two", what, rows, away, 3, line, count)
            np.testing.assert_array_equal(rows, wanted)


def test_scatter(table, dtype):
    value = np.array([[3, 5, 2, 9], [7, 4, 6, 9]], dtype)  # of which three a row are scattered
    place, flip = np.array([11, 11, -1, 13, 13, 14]), np.zeros(8, np.uint8)
    for how, wanted in ((LAST, [0, 5, 0, 4]), (LARGEST, [0, 5, 0, 7]), (TOTAL, [0, 8, 0, 11])):
        plane = np.array([0, 0, 0, 0, 1], dtype)
        table.call("scatter", plane, value, 4, place, 2, 3, 10, 4, how, flip)
        np.testing.assert_array_equal(plane, [*wanted, 1])


@pytest.mark.parametrize("step", [1, 2, 3, 12, 2**20 + 2])
@pytest.mark.parametrize("cols", [1, 3, 8, 37])
def test_find_places(table, dtype, step, cols):
    """Rows that are read together, and apart, in as few steps as may be, and in others."""
    rng, limit, rows, gap = np.random.default_rng(cols), 1000, 5, 2
    odd = step
    while odd % 2 == 0:
        odd //= 2
    for lanes in (0, 1):
        lane = np.tile(np.arange(cols) * lanes, 3)
        held, place_step = [], cols if lanes else 1
        how = Places(
            first=77, inverse=pow(odd, -1, 1 << 64), limit=limit, place_step=place_step,
            period=lane.size, twos=(step // odd).bit_length() - 1,
            simple=step == 1 and not lanes, **addresses(held, lane_index=lane * 5, lane_at=lane),
        )  # fmt: skip
        there = rng.integers(0, limit, (rows, cols))
        index = 77 + lane[:cols] * 5 + there * step
        wanted = there * place_step + lane[:cols]
        index[0, 0], wanted[0, 0] = -1, -1
        for apart in (0, gap):
            memory = np.full((rows, cols + apart), -9)
            memory[:, :cols] = index
            place, ends = np.full(wanted.size + 1, 7), np.zeros(2, np.int64)
            say = (place, memory, cols + apart, rows, cols, how, ends)
            assert table.call("find_places", *say) == 1
            np.testing.assert_array_equal(place, [*wanted.ravel(), 7])
            np.testing.assert_array_equal(ends, [wanted[wanted >= 0].min(), wanted.max()])
            for bad in (76, 77 + limit * step, -2, 78 if step > 1 else -3):
                memory[-1, 0] = bad
                assert table.call("find_places", *say) == 0


def test_flip_bits(table, dtype):
    row, bits = small_integers(np.random.default_rng(0), 37, dtype), np.zeros(8, np.uint8)
    bits.view(f"u{dtype.itemsize}")[0] = 1 << (8 * dtype.itemsize - 1)
    wanted = -row if dtype.kind == "f" else row ^ np.iinfo(dtype).min
    table.call("flip_bits", row, 37, bits)
    np.testing.assert_array_equal(row, wanted)


def test_power(table, dtype):
    if dtype.kind != "f":
        return
    for power in (1.0, 2.0, 3.0, 2.5, np.inf):
        row = np.linspace(-3, 3, 37).astype(dtype)
        wanted = abs(row) if power == np.inf else abs(row.astype("f8")) ** power
        table.call("power", row, 37, float(power))
        np.testing.assert_allclose(row, wanted, rtol=4 * np.finfo(dtype).eps)


def test_root(table, dtype):
    if dtype.kind != "f":
        return
    for power in (1.0, 2.0, 3.0, np.inf):
        row = np.linspace(0, 3, 37).astype(dtype)
        wanted = row.copy() if power == np.inf else row.astype("f8") ** (1 / power)
        table.call("root", row, 37, float(power))
        np.testing.assert_allclose(row, wanted, rtol=4 * np.finfo(dtype).eps)


def test_leave_out(table, dtype):
    if dtype.kind != "f":
        return
    for omit, counted in ((0, 1), (1, 0)):
        row, mask = np.array([1, np.nan, 3], dtype), np.array([2, 1, 0], dtype)
        table.call("leave_out", row, mask, 3, omit)
        np.testing.assert_array_equal(mask, [1, counted, 0])
        np.testing.assert_array_equal(row, [1, np.nan if counted else 0, 0])


def test_divide(table, dtype):
    if dtype.kind == "f":
        row = np.array([1, 0, 6], dtype)
        table.call("divide", row, np.array([2, 0, 3], dtype), 3)
        np.testing.assert_array_equal(row, np.array([0.5, np.nan, 2]))
