# SPDX-License-Identifier: BSD-3-Clause
"""The kernel tables of the built extension through ctypes, and elements as arrays store them."""

import ctypes
import math
import re
import subprocess
from functools import cache
from pathlib import Path

import numpy as np

from fastconv._core import table as extension

SOURCE = Path(__file__).resolve().parents[2] / "src_c"
NOWHERE = -(2 ** (8 * ctypes.sizeof(ctypes.c_ssize_t) - 1))
SIZE, POINTER = ctypes.c_ssize_t, ctypes.c_void_p
INTEGER, ADD, BIAS_ROWS, BIAS_COLS, RESIDUAL, CLAMP = 1, 2, 4, 8, 16, 32


def listed(row, columns):
    """The first columns of the rows of a list in fc_kernels.h."""
    header = (SOURCE / "fc_kernels.h").read_text(encoding="utf-8")
    return re.findall(rf"^    {row}\({columns}", header, re.MULTILINE)


# The letter by which a table is asked for, by its dtype; "l8" is int64 of integers that int32
# would hold.
LETTERS = {
    f"{name[0]}{int(name[1:]) // 8}": letter for name, letter in listed("DTYPE", r"(\w+), '(\w)'")
}


def objdump(*words):
    words = ["objdump", *words, extension.__file__]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@cache
def kernel_finder():
    """fc_find_kernels(isa, dtype) of the extension that `table` is."""
    # Symbols of the kernels are hidden, so objdump tells where they are.
    lines = objdump("-t").splitlines()
    places = {line.split()[-1]: int(line.split()[0], 16) for line in lines if " .text" in line}
    assert {"fc_find_kernels", "PyInit_table"} <= set(places), "the extension is stripped"
    known = ctypes.cast(ctypes.CDLL(extension.__file__).PyInit_table, POINTER).value
    address = known + places["fc_find_kernels"] - places["PyInit_table"]
    prototype = ctypes.CFUNCTYPE(ctypes.POINTER(Table), ctypes.c_char_p, ctypes.c_char)
    return lambda isa, dtype: prototype(address)(isa.encode(), dtype.encode())


def find(isa, dtype):
    """The table for a dtype of NumPy."""
    found = kernel_finder()(isa, LETTERS[dtype])
    assert found, "no kernels"
    assert found.contents.dtype == dtype.replace("l", "i")
    return found.contents


def listed_kernels():
    """(name, type of the result) of each kernel."""
    return listed("KERNEL", r"(\w+), (\w+),")


def fields(name):
    """The names of the fields of a structure of fc_kernels.h, or of what it includes."""
    files = (SOURCE / name for name in ("fc_kernels.h", "fc_tables.h"))
    header = "".join(path.read_text(encoding="utf-8") for path in files)
    found = re.search(rf"typedef struct \{{([^{{}}]*)\}} {name};", header)
    text = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
    return re.findall(r"(\w+)(?:\[\w+\])?\s*[,;]", text)


RESULTS = {"void": None, "int": ctypes.c_int, "double": ctypes.c_double}


class Taps(ctypes.Structure):
    """fc_taps: the address of (a, b, trim), and how far its steps go."""

    _fields_ = [
        ("tap", POINTER),
        *((name, SIZE) for name in ("count", "length", "a_step", "b_step", "a_row", "trims")),
        ("prefetch", POINTER),
        ("a_ahead", SIZE),
    ]


class Store(ctypes.Structure):
    """fc_store, for sums that go to an array `c`."""

    _fields_ = [
        ("flags", ctypes.c_int),
        ("bias", POINTER),
        ("residual_bytes", SIZE),
        ("low", ctypes.c_double),
        ("high", ctypes.c_double),
    ]

    def __init__(self, flags, c=None, bias=None, residual=None, low=0, high=0):
        bias = None if bias is None else bias.ctypes.data
        away = 0 if residual is None else residual.ctypes.data - c.ctypes.data
        super().__init__(flags, bias, away, low, high)


class Reads(ctypes.Structure):
    """fc_reads: where what the outputs of an axis read lies, NOWHERE on padding."""

    _fields_ = [
        ("place", POINTER),
        *((name, SIZE) for name in ("outputs", "taps", "stride", "dilation")),
        *((name, SIZE) for name in ("together", "apart")),
    ]

    def __init__(self, n, step, outputs, taps, stride, dilation, before):
        at = np.arange((outputs - 1) * stride + (taps - 1) * dilation + 1) - before
        self.held = np.where((at >= 0) & (at < n), at * step, NOWHERE).astype(np.intp)
        common = math.gcd(stride, dilation)
        place = self.held.ctypes.data
        super().__init__(place, outputs, taps, stride, dilation, dilation // common,
                         stride // common)  # fmt: skip


class Columns(ctypes.Structure):
    """fc_columns."""

    _fields_ = [("at", SIZE), ("cols", SIZE), ("vectors", ctypes.c_int), ("mask", POINTER)]


class Plane(ctypes.Structure):
    """fc_plane."""

    _fields_ = [
        ("depth", Reads),
        ("row", Reads),
        ("step", POINTER),
        ("steps", SIZE),
        ("pairs", ctypes.c_int),
        ("bytes", ctypes.c_int),
        ("columns", POINTER),
        ("columns_end", POINTER),
        *((name, SIZE) for name in ("a_row", "c_row", "b_plane", "c_plane")),
        *((name, SIZE) for name in ("a_channel", "b_channel", "c_channel")),
        *((name, SIZE) for name in ("b_ahead", "c_ahead")),
        ("columns_ahead", ctypes.c_int),
    ]


class Pixels(ctypes.Structure):
    """fc_pixels."""

    _fields_ = [
        *((name, Reads) for name in ("depth", "row", "column")),
        *((name, SIZE) for name in ("c_row", "c_column")),
        ("lanes", ctypes.c_uint32),
        ("ahead", ctypes.c_int),
    ]


class Groups(ctypes.Structure):
    """fc_groups."""

    _fields_ = [
        *((name, SIZE) for name in ("channels", "first", "width")),
        ("lanes", ctypes.c_uint32),
        *((name, POINTER) for name in ("index", "room", "step")),
    ]


class Pool(ctypes.Structure):
    """fc_pool."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("what", "omit", "shift", "shared", "by_rows")),
        ("index_bytes", ctypes.c_int),
        *((name, SIZE) for name in ("lines", "src_line", "dst_line", "line_index", "index_line")),
        ("begin", POINTER),
        ("begin_step", SIZE),
        *((name, POINTER) for name in ("place", "row_index", "step", "tap_index")),
        ("taps", SIZE),
        *((name, POINTER) for name in ("walk", "walk_index")),
        *((name, SIZE) for name in ("walk_rows", "walk_stride", "ahead")),
        ("lane_index", SIZE),
        ("first_index", ctypes.c_int64),
        *((name, POINTER) for name in ("columns", "columns_end", "low", "line_divisors")),
        ("divisors", POINTER),
    ]


class Across(ctypes.Structure):
    """fc_across."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("what", "omit")),
        *((name, SIZE) for name in ("lines", "outputs", "width")),
        *((name, POINTER) for name in ("begin", "run")),
        *((name, SIZE) for name in ("step", "block")),
        *((name, POINTER) for name in ("room", "place")),
        ("place_line", SIZE),
        *((name, POINTER) for name in ("first", "end", "low", "divisors")),
    ]


class Places(ctypes.Structure):
    """fc_places."""

    _fields_ = [
        ("first", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("inverse", "limit")),
        ("place_step", SIZE),
        *((name, POINTER) for name in ("lane_index", "lane_at")),
        ("period", SIZE),
        *((name, ctypes.c_int) for name in ("twos", "simple")),
    ]


class Moved(ctypes.Structure):
    """fc_moved."""

    _fields_ = [*((name, SIZE) for name in ("size", "turned", "dst_step")), ("value", POINTER)]


class Run(ctypes.Structure):
    """fc_run."""

    _fields_ = [(name, SIZE) for name in ("dst", "src", "count", "step")]


PARAMETERS = ("alpha", "beta", "low", "high")


class Epilogue(ctypes.Structure):
    """fc_epilogue."""

    _fields_ = [
        *(
            (name, ctypes.c_int)
            for name in (
                "activation", "saturate", "sum_storage", "dst_storage", "residual_storage",
            )
        ),
        *((f"real_{name}", ctypes.c_double) for name in PARAMETERS),
        *((f"integer_{name}", ctypes.c_longlong) for name in PARAMETERS),
    ]  # fmt: skip


class Table(ctypes.Structure):
    """fc_kernels, its functions named by the list in the header."""

    _fields_ = [
        ("isa", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("itemsize", ctypes.c_int),
        ("lanes", ctypes.c_int),
        ("max_rows", ctypes.c_int * 3),
        ("plane_vectors", ctypes.c_int),
        ("grouped_pixels", ctypes.c_int),
        ("tile", (POINTER * 15) * 3),
        ("tile_strided", (POINTER * 15) * 2),
        *((name, POINTER) for name, _ in listed_kernels()),
    ]

    @property
    def dtype(self):
        name = self.name.decode()
        return np.dtype(f"{name[0].replace('l', 'i')}{int(name[1:]) // 8}")

    def tile_of(self, log, rows, a_row):
        """The tile of 2**log vectors for rows of A that are so far apart."""
        return (self.tile if a_row == 1 else self.tile_strided)[log][rows]

    def call(self, name, *arguments, function=None):
        """Call a kernel with ints and floats, and arrays or structures for pointers."""
        result = RESULTS[dict(listed_kernels()).get(name, "void")]
        kinds, values = [], []
        for value in arguments:
            pointer = value is None or isinstance(value, (np.ndarray, ctypes.Structure, POINTER))
            if isinstance(value, np.ndarray):
                value = value.ctypes.data
            elif isinstance(value, ctypes.Structure):
                value = ctypes.addressof(value)
            real = ctypes.c_double if isinstance(value, float) else SIZE
            kinds.append(POINTER if pointer else real)
            values.append(value)
        address = getattr(self, name) if function is None else function
        return ctypes.CFUNCTYPE(result, *kinds)(address)(*values)


# ---- elements as arrays store them -------------------------------------------------------------

SWAPPED = extension.KINDS["SWAPPED"]
BYTES = {"F16": "f2", "BF16": "u2"} | {
    name: f"{name[0].lower()}{int(name[1:]) // 8}"
    for name in extension.KINDS
    if name not in ("F16", "BF16", "SWAPPED")
}  # the dtype of NumPy that holds a kind; of bfloat16 its bits


def storages(dtype):
    """(kind, storage) that a table of `dtype` reads and writes, in both byte orders."""
    names = [name for name in BYTES if dtype.kind == "f" or name[0] in "UI"]
    return [(name, extension.KINDS[name] | order) for name in names for order in (0, SWAPPED)]


def stored(numbers, kind, storage):
    """Integers, small enough for it, as an array of that kind holds them."""
    if kind == "BF16":
        numbers = np.asarray(numbers, "f4").view("u4") >> 16
    dtype = np.dtype(BYTES[kind])
    return np.asarray(numbers).astype(dtype.newbyteorder("S") if storage & SWAPPED else dtype)


def loaded(array, kind):
    """What an array of that kind holds."""
    if kind != "BF16":
        return array.astype(array.dtype.newbyteorder("="))
    return (array.astype("u4") << 16).view("f4")


def small_integers(rng, shape, dtype):
    """Small integers: every sum is exact, whatever its order."""
    return rng.integers(-9, 10, shape).astype(dtype)


def numbers_of(kind, count, rng):
    """Integers that a kind holds exactly."""
    return rng.integers(0 if kind[0] == "U" else -100, 101, count)
