# SPDX-License-Identifier: BSD-3-Clause
"""The C kernels on their own, called in the built extension, and the object code of tiles."""

import ctypes
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support import ISAS

from fastconv.kernels import table as extension

SOURCE = Path(__file__).resolve().parent.parent / "src_c"
SIZE, POINTER = ctypes.c_ssize_t, ctypes.c_void_p
ADD, BIAS_ROWS, BIAS_COLS = 1, 2, 4
STORAGES = {0: "=", 1: "S"}  # of the compute dtype; 2 and 3: of float32 for float64

# Symbols of the kernels are hidden, so objdump tells where they are.
pytestmark = pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
X86_64 = platform.machine().lower() in ("x86_64", "amd64")


def objdump(*words):
    words = ["objdump", *words, extension.__file__]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def find_kernels():
    """fc_find_kernels(isa, dtype) of the extension that `table` is."""
    lines = objdump("-t").splitlines()
    places = {line.split()[-1]: int(line.split()[0], 16) for line in lines if " .text" in line}
    assert {"fc_find_kernels", "PyInit_table"} <= set(places), "the extension is stripped"
    known = ctypes.cast(ctypes.CDLL(extension.__file__).PyInit_table, POINTER).value
    address = known + places["fc_find_kernels"] - places["PyInit_table"]
    prototype = ctypes.CFUNCTYPE(ctypes.POINTER(Table), ctypes.c_char_p, ctypes.c_char)
    return lambda isa, dtype: prototype(address)(isa.encode(), dtype.encode())


def listed_kernels():
    header = (SOURCE / "fc_kernels.h").read_text(encoding="utf-8")
    return re.findall(r"KERNEL\((\w+), (\w+),", header)


RESULTS = {"void": None, "int": ctypes.c_int, "double": ctypes.c_double}


class Runs(ctypes.Structure):
    """fc_runs: the address of (a, b, cut), and how far its steps go."""

    _fields_ = [
        ("run", POINTER),
        *((name, SIZE) for name in ("runs", "length", "a_step", "b_step", "a_row", "cuts")),
        ("fetch", POINTER),
        *((name, SIZE) for name in ("a_ahead", "b_ahead")),
    ]


class Table(ctypes.Structure):
    """fc_kernels, its functions named by the list in the header."""

    _fields_ = [
        ("isa", ctypes.c_char_p),
        ("dtype", ctypes.c_char_p),
        ("itemsize", ctypes.c_int),
        ("lanes", ctypes.c_int),
        ("max_rows", ctypes.c_int * 3),
        ("tile", (POINTER * 15) * 3),
        *((name, POINTER) for name, _ in listed_kernels()),
    ]

    def call(self, name, *arguments, function=None):
        """Call a kernel with ints, and arrays for pointers."""
        result = RESULTS[dict(listed_kernels()).get(name, "void")]
        kinds, values = [], []
        for value in arguments:
            if isinstance(value, Runs):
                value = ctypes.addressof(value)
                kinds.append(POINTER)
            else:
                kinds.append(POINTER if value is None or isinstance(value, np.ndarray) else SIZE)
            values.append(value.ctypes.data if isinstance(value, np.ndarray) else value)
        address = getattr(self, name) if function is None else function
        return ctypes.CFUNCTYPE(result, *kinds)(address)(*values)


@pytest.fixture(params=ISAS)
def isa(request):
    return request.param


@pytest.fixture(params=["f4", "f8"])
def table(find_kernels, isa, request):
    found = find_kernels(isa, np.dtype(request.param).char)
    assert found, "no kernels"
    return found.contents


@pytest.fixture
def dtype(table):
    return np.dtype(f"f{table.itemsize}")


def whole(rng, shape, dtype):
    """Small integers: every sum is exact, whatever its order."""
    return rng.integers(-9, 10, shape).astype(dtype)


def indices(*values):
    return np.array(values, np.intp)


def test_the_table_is_the_one_that_plans_ask(find_kernels, isa):
    for dtype in "fd":
        table = find_kernels(isa, dtype).contents
        assert (table.lanes, table.max_rows[1]) == extension.tile_rows(isa, dtype)
        assert (table.isa.decode(), table.dtype.decode()) == (isa, {"f": "f32", "d": "f64"}[dtype])
    assert not find_kernels("sse9", "f")
    assert not find_kernels(isa, "e")


def test_tiles(table, dtype):
    """Every tile, every number of columns, with and without what was there and a bias."""
    rng, length = np.random.default_rng(0), 3
    for log, rows in [(v, r) for v in range(3) for r in range(1, table.max_rows[v] + 1)]:
        width = table.lanes << log
        a, b = whole(rng, 220, dtype), whole(rng, 200 + width, dtype)
        cuts = [cut for cut in range(-3, 4) if abs(cut) < rows]
        run = np.array([[*rng.integers(0, 170, 2), cut] for cut in cuts], np.intp)
        second = 1 + (rows + log) % 2 * (log < 2)  # every number, or every second one
        runs = Runs(run.ctypes.data, len(run), length, 5, 3, second, 1, None, 7, 9)
        bias = whole(rng, max(width, rows), dtype)
        product = np.zeros((rows, width), dtype)
        for i, j, cut in run:
            for s in range(length):
                outer = np.outer(a[i + 5 * s :: second][:rows], b[j + 3 * s :][:width])
                part = slice(cut, None) if cut > 0 else slice(0, rows + cut)
                product[part] += outer[part]
        for cols in range(1, width + 1):
            before = whole(rng, (rows + 1, width + 3), dtype)
            for flags in (0, ADD, BIAS_ROWS, ADD | BIAS_ROWS, ADD | BIAS_COLS, BIAS_COLS):
                c, expected = before.copy(), before.copy()
                part = product[:, :cols] + (before[:rows, :cols] if flags & ADD else 0)
                part = part + (bias[:rows, None] if flags & BIAS_ROWS else 0)
                expected[:rows, :cols] = part + (bias[:cols] if flags & BIAS_COLS else 0)
                table.call("tile", runs, a, b, c, width + 3, cols, flags, bias,
                           function=table.tile[log][rows])  # fmt: skip
                np.testing.assert_array_equal(c, expected)


def test_tiles_of_single_steps(table, dtype):
    rng = np.random.default_rng(1)
    for log, rows in [(v, r) for v in range(3) for r in range(1, table.max_rows[v] + 1)]:
        width = table.lanes << log
        a, b = whole(rng, 200, dtype), whole(rng, 200 + width, dtype)
        run = np.array([[*rng.integers(0, 180, 2), 0] for _ in range(11)], np.intp)
        c = np.empty((rows, width), dtype)
        runs = Runs(run.ctypes.data, len(run), 1, 5, 3, 1, 0, None, 0, 0)
        table.call("tile", runs, a, b, c, width, width, 0, None, function=table.tile[log][rows])
        expected = sum(np.outer(a[i : i + rows], b[j : j + width]) for i, j, _ in run)
        np.testing.assert_array_equal(c, expected)


def test_stencil(table, dtype):
    """Rows of the source, each shared by the output rows from low to high, of one channel."""
    rng, steps = np.random.default_rng(5), 5
    rows_of = [(low, high) for low in range(4) for high in range(low + 1, 5)]
    groups = indices(*((3 * i, *rows, *rng.integers(0, 40, 4)) for i, rows in enumerate(rows_of)))
    pairs = rng.integers(0, 30, (steps, 2)).astype(np.intp)
    bias = whole(rng, 1, dtype)
    for cols in range(1, 9 * table.lanes):
        a, b = whole(rng, 80, dtype), whole(rng, 80 + cols + table.lanes, dtype)
        sums = np.zeros((4, cols), dtype)
        for at, low, high, *weights in groups:
            for r in range(low, high):
                for i, j in pairs:
                    sums[r] += a[weights[r] + i] * b[at + j : at + j + cols]
        before = whole(rng, (5, cols + 3), dtype)
        rows = 1 + cols % 4
        for flags in (0, ADD, BIAS_ROWS, ADD | BIAS_ROWS):
            c, expected = before.copy(), before.copy()
            expected[:rows, :cols] = sums[:rows] + (before[:rows, :cols] if flags & ADD else 0)
            expected[:rows, :cols] += bias if flags & BIAS_ROWS else 0
            table.call("stencil", groups, len(groups), pairs, steps, a, b, c, cols + 3, rows, cols,
                       flags, bias)  # fmt: skip
            np.testing.assert_array_equal(c, expected)


def test_fill(table, dtype):
    source = whole(np.random.default_rng(1), 400, "f4")
    for storage in range(4 if dtype == "f8" else 2):
        kind = (dtype if storage < 2 else np.dtype("f4")).newbyteorder("S" if storage & 1 else "=")
        stored = source.astype(kind)
        for step in (1, 2, 3):
            for valid in range(70):
                before, after = valid % 3, valid % 5
                got = np.full(before + valid + after + 2, 7, dtype)
                table.call("fill", got, before, valid, after, stored, step * kind.itemsize, storage)
                middle = source[: valid * step : step]
                np.testing.assert_array_equal(got, [*[0] * before, *middle, *[0] * after, 7, 7])


def test_gather(table, dtype):
    """Segments side by side in panels: what one spills, the next overwrites."""
    rng, width = np.random.default_rng(2), 2 * table.lanes + 3
    source = whole(rng, 300, dtype)
    offsets = indices(5, 0, 90, 41)
    segments, at = [], 0
    while at < width:
        count = min(int(rng.integers(1, 9)), width - at)
        segments.append((int(rng.integers(0, 100)), at, count))
        at += count
    got = np.full(len(offsets) * width + table.lanes, 7, dtype)
    table.call("gather", got, width, source, offsets, len(offsets),
               indices(*segments), len(segments))  # fmt: skip
    expected = [source[o + s : o + s + n] for o in offsets for s, _, n in segments]
    np.testing.assert_array_equal(got[: len(offsets) * width], np.concatenate(expected))


def test_transpose(table, dtype):
    rng = np.random.default_rng(3)
    for rows in range(1, 20):
        for cols in range(1, 20):
            source = whole(rng, (rows, cols + 2), dtype)
            got = np.full((cols + 1, rows + 3), 7, dtype)
            table.call("transpose", got, rows + 3, source, cols + 2, rows, cols)
            expected = np.full_like(got, 7)
            expected[:cols, :rows] = source[:, :cols].T
            np.testing.assert_array_equal(got, expected)


SIZES = [(1, 1, 1), (3, 5, 7), (8, 3, 4), (13, 7, 9), (17, 9, 1), (14, 1, 11)]


def test_deal(table, dtype):
    """Weights of (channel, tap) become (tap, channel)."""
    rng = np.random.default_rng(4)
    for rows, groups, members in SIZES:
        source = whole(rng, (rows, groups * members + 2), dtype)
        got = np.full((groups * members + 1, rows + 3), 7, dtype)
        table.call("deal", got, rows + 3, source, groups * members + 2, rows, groups, members)
        expected = np.full_like(got, 7)
        dealt = source[:, :-2].reshape(rows, groups, members).transpose(2, 1, 0)
        expected[:-1, :rows] = dealt.reshape(-1, rows)
        np.testing.assert_array_equal(got, expected)


def test_collect_and_store(table, dtype):
    source = whole(np.random.default_rng(4), (7, 50), "f4")
    offsets = np.array([3, 0, 49, 20], np.intp)
    for storage in range(4 if dtype == "f8" else 2):
        kind = (dtype if storage < 2 else np.dtype("f4")).newbyteorder("S" if storage & 1 else "=")
        got, stored = np.full((4, 9), 7, dtype), source.astype(kind)
        row, places = 50 * kind.itemsize, offsets * kind.itemsize
        table.call("collect", got, 9, stored, row, 7, places, 4, storage)
        np.testing.assert_array_equal(got[:, :7], source[:, offsets].T)
        assert (got[:, 7:] == 7).all()
    for storage, order in STORAGES.items():
        got = np.full(30, 7, dtype.newbyteorder(order))
        table.call("store", got, 3 * dtype.itemsize, source.astype(dtype), 2, 9, storage)
        np.testing.assert_array_equal(got[:27:3], source.flat[:18:2])
        assert (np.delete(got, np.arange(0, 27, 3)) == 7).all()


def test_finite(table, dtype):
    for count in range(1, 70):
        numbers = np.full(count + 1, np.finfo(dtype).max)
        numbers[-1] = np.nan
        assert table.call("finite", numbers, count) == 1
        for at in range(count):
            for bad in (np.inf, -np.inf, np.nan):
                worse = numbers.copy()
                worse[at] = bad
                assert table.call("finite", worse, count) == 0
    assert table.call("finite", numbers, 0) == 1


# ---- object code -------------------------------------------------------------------------------


def innermost_loops(code):
    """The instructions of each loop around multiply-adds that holds no smaller one."""
    lines = re.findall(r"^\s*([0-9a-f]+):\s*(.*)$", code, flags=re.MULTILINE)
    at = {int(address, 16): i for i, (address, _) in enumerate(lines)}
    loops = []
    for i, (_, words) in enumerate(lines):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", words)
        first = at.get(int(jump[1], 16)) if jump else None
        if first is not None and first <= i:
            body = [words for _, words in lines[first : i + 1]]
            if any("vfmadd" in words for words in body):
                loops.append((first, i, body))
    return [
        body
        for a, b, body in loops
        if not any(a <= c and d <= b and (a, b) != (c, d) for c, d, _ in loops)
    ]


@pytest.mark.skipif(not X86_64, reason="the tiles of x86-64")
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize(
    ("isa", "rows", "width"),
    [("avx512", 14, 2), ("avx512", 6, 4), ("avx512", 14, 1), ("avx2", 6, 2), ("avx2", 2, 4)],
)
def test_sums_stay_in_registers(isa, rows, width, dtype):
    code = objdump("-d", "--no-show-raw-insn")
    name = f"tile_{rows}x{width}_{dtype}_{isa}"
    found = re.search(rf"^[0-9a-f]+ <{name}>:\n(.*?)(?:\n\n|\Z)", code, re.MULTILINE | re.DOTALL)
    assert found, f"{name} is not in {extension.__file__}"
    loops = innermost_loops(found[1])
    # Loops of all rows, and for each cut.
    sums = {sum("vfmadd" in line for line in loop) for loop in loops}
    assert sums == {width * (rows - cut) for cut in range(4) if cut < rows}
    for loop in loops:
        stack = [line for line in loop if re.search(r"\(%r[sb]p\b", line)]
        assert not stack, stack
